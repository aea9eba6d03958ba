//! A check file as its author wrote it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ProbeKind, ProbeSpec, Use, check::Absent, check::Holds};
use crate::{ExerciseId, span::Span};

/// The newest format of a check file that this crate reads.
pub(super) const FORMAT: u32 = 1;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckFile {
    /// Version of this format: 1.
    #[expect(dead_code, reason = "looked at before all else, since a newer format has other keys")]
    pub format: u32,
    /// What holds when the check passes, in one line.
    pub title: String,
    /// Exercises to do before; order only.
    #[serde(default)]
    pub needs: Vec<ExerciseId>,
    /// What must be there, or the check is blocked.
    #[serde(default)]
    pub uses: Vec<Use>,
    /// How long the whole check may take.
    pub within: Span,
    /// What was looked at, for the card: a rule that yields a text.
    pub looked_at: String,
    /// What a pass proves, in one sentence.
    pub proves: String,
    /// What a pass does not prove, in one sentence.
    pub leaves_open: String,
    /// Why it matters in production; shown after a pass.
    pub debrief: String,
    /// The probes, in order; one may use what an earlier one saw.
    pub probe: Vec<ProbeEntry>,
    /// The assertions, in the order in which a card shows them.
    pub assert: Vec<AssertFile>,
    /// Three hints: what to look at, which way, nearly there; further ones for single assertions.
    pub hint: Vec<HintFile>,
}

/// One probe: `kind`, `as`, `optional`, `during`, and the keys of its kind.
#[derive(Debug)]
pub(super) struct ProbeEntry {
    pub kind: ProbeKind,
    pub name: String,
    pub optional: bool,
    pub during: Option<String>,
    pub keys: Map<String, Value>,
}

impl<'de> Deserialize<'de> for ProbeEntry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut keys = Map::deserialize(deserializer)?;
        let mut take = |key: &'static str| keys.remove(key);
        let kind = take("kind").ok_or_else(|| serde::de::Error::missing_field("kind"))?;
        let name = take("as").ok_or_else(|| serde::de::Error::missing_field("as"))?;
        let optional = take("optional").unwrap_or(Value::Bool(false));
        let during = take("during").unwrap_or(Value::Null);
        let read = |error: serde_json::Error| serde::de::Error::custom(error);
        Ok(Self {
            kind: serde_json::from_value(kind).map_err(read)?,
            name: serde_json::from_value(name).map_err(read)?,
            optional: serde_json::from_value(optional).map_err(read)?,
            during: serde_json::from_value(during).map_err(read)?,
            keys,
        })
    }
}

impl JsonSchema for ProbeEntry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Probe".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let kinds: Vec<Value> = ProbeKind::ALL.into_iter().map(probe_schema).collect();
        schemars::json_schema!({ "oneOf": kinds })
    }
}

fn probe_schema(kind: ProbeKind) -> Value {
    let mut schema = ProbeSpec::schema(kind);
    if let Some(map) = schema.as_object_mut() {
        map.remove("title");
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        properties["kind"] =
            json!({ "type": "string", "const": kind.as_str(), "description": "The kind of probe" });
        properties["as"] = json!({
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]*$",
            "description": "The name by which rules read what it saw",
        });
        properties["optional"] = json!({
            "type": "boolean",
            "description": "Whether having nothing to look at is a fact (null) and not a fault",
        });
        properties["during"] = json!({
            "type": "string",
            "description": "An earlier probe: this one looks while that one does, so that the check takes no longer",
        });
        let required = map.entry("required").or_insert_with(|| json!([]));
        if let Some(required) = required.as_array_mut() {
            required.extend([json!("kind"), json!("as")]);
        }
    }
    schema
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AssertFile {
    /// Its name within the check, in lower case with hyphens.
    pub id: String,
    /// `still`: must hold now; `once`: must have been seen to hold.
    pub holds: Holds,
    /// Which elements the rule is tried on, each as `self`: a JSONPath (RFC 9535).
    pub each: Option<String>,
    /// What must be true, in CEL.
    pub rule: String,
    /// `holds` where having nothing to look at is as it should be.
    #[serde(default)]
    pub absent: Absent,
    /// What was expected, at most 100 characters.
    pub expected: String,
    /// How to say what was seen: CEL that yields a text.
    pub actual: Option<String>,
    /// What to say where there was nothing to look at.
    pub nothing: Option<NothingFile>,
    /// What to say in a case of its own, whether the rule failed or there was nothing to look at: the
    /// first whose `when` is true.
    #[serde(default)]
    pub case: Vec<CaseFile>,
    /// Why it matters.
    pub because: String,
    /// What to do, with a command or a line to write.
    pub fix: String,
    /// Where the book says more: a page and anchor.
    pub guide: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NothingFile {
    /// How to say what was seen instead: CEL that yields a text.
    pub actual: String,
    /// What to do, if something else than otherwise.
    pub fix: Option<String>,
}

/// A case in which a failure is told in other words.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    /// When it is this case: CEL that yields true or false.
    pub when: String,
    /// How to say what was seen: CEL that yields a text.
    pub actual: String,
    /// What to do, if something else than otherwise.
    pub fix: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HintFile {
    /// The assertion for which it is meant; without it, for all.
    #[serde(rename = "for")]
    pub assertion: Option<String>,
    /// The hint.
    pub text: String,
}

/// The JSON Schema of a check file.
pub fn check_schema() -> Value {
    let mut schema = schemars::schema_for!(CheckFile).to_value();
    schema["title"] = json!("Check");
    schema["description"] = json!("One check of a workbook; see README.md beside this file");
    schema
}
