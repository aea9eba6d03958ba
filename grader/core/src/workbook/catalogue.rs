//! The catalogue: every path that a probe declares, from the schema of its evidence.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Probe, ProbeKind, ProbeSpec};
use crate::{evidence, judge::PathSegment};

/// What the probes of one check yield, by name.
#[derive(Debug)]
pub struct Catalogue(BTreeMap<String, Value>);

/// A path that no probe declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPath {
    /// The segment that is not there.
    pub segment: String,
    /// What could stand in its place.
    pub known: Vec<String>,
}

/// What a declared path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// A field that is always there, if only as `null`.
    Field,
    /// An entry of a map: it is there or not.
    Entry,
}

impl Catalogue {
    /// The catalogue of these probes.
    pub fn of(probes: &[Probe]) -> Self {
        Self(probes.iter().map(|probe| (probe.name.clone(), schema_for(&probe.spec))).collect())
    }

    /// Says whether a path is declared, and what it leads to.
    pub fn find(&self, path: &[PathSegment]) -> Result<Declared, UnknownPath> {
        let mut segments = path.iter();
        let mut declared = Declared::Field;
        let Some(PathSegment::Field(root)) = segments.next() else { return Ok(declared) };
        let Some(mut schema) = self.0.get(root) else {
            return Err(UnknownPath { segment: root.clone(), known: self.0.keys().cloned().collect() });
        };
        for segment in segments {
            match segment {
                PathSegment::Field(name) => match field(schema, name) {
                    Some((next, what)) => (schema, declared) = (next, what),
                    None => return Err(UnknownPath { segment: name.clone(), known: fields(schema) }),
                },
                PathSegment::Each | PathSegment::Index => match array(schema) {
                    Some(items) => schema = items,
                    // A map's values may be walked as well; what they are is not declared.
                    None if any_of(schema).any(|choice| choice.get("additionalProperties").is_some()) => {
                        return Ok(Declared::Entry);
                    }
                    None => return Err(UnknownPath { segment: "[…]".into(), known: fields(schema) }),
                },
            }
        }
        Ok(declared)
    }
}

/// A schema's choices: itself, or each of its `anyOf`.
fn any_of(schema: &Value) -> impl Iterator<Item = &Value> {
    let choices = schema.get("anyOf").and_then(Value::as_array);
    choices.into_iter().flatten().chain(choices.is_none().then_some(schema))
}

fn field<'a>(schema: &'a Value, name: &str) -> Option<(&'a Value, Declared)> {
    any_of(schema).find_map(|choice| {
        let field = choice.get("properties").and_then(|properties| properties.get(name));
        let entry = choice.get("additionalProperties").filter(|more| more.is_object());
        field.map(|field| (field, Declared::Field)).or(entry.map(|entry| (entry, Declared::Entry)))
    })
}

fn fields(schema: &Value) -> Vec<String> {
    any_of(schema)
        .filter_map(|choice| choice.get("properties").and_then(Value::as_object))
        .flat_map(|properties| properties.keys().cloned())
        .collect()
}

fn array(schema: &Value) -> Option<&Value> {
    any_of(schema).find_map(|choice| choice.get("items"))
}

/// The JSON Schema of what one kind of probe yields.
pub fn evidence_schema(kind: ProbeKind) -> Value {
    use evidence::schema_as_written;
    match kind {
        ProbeKind::Image => schema_as_written::<evidence::ImageEvidence>(),
        ProbeKind::Container => schema_as_written::<evidence::ContainerEvidence>(),
        ProbeKind::Endpoint => schema_as_written::<evidence::EndpointEvidence>(),
        ProbeKind::Health => schema_as_written::<evidence::HealthEvidence>(),
        ProbeKind::Git => schema_as_written::<evidence::GitEvidence>(),
        ProbeKind::Answers => schema_as_written::<evidence::AnswersEvidence>(),
        ProbeKind::Containers => schema_as_written::<evidence::ContainersEvidence>(),
        ProbeKind::Prose => schema_as_written::<evidence::ProseEvidence>(),
        ProbeKind::Running => schema_as_written::<evidence::RunningEvidence>(),
        ProbeKind::Build => schema_as_written::<evidence::BuildEvidence>(),
        ProbeKind::Compose => schema_as_written::<evidence::ComposeEvidence>(),
        ProbeKind::Vulnerabilities => schema_as_written::<evidence::VulnerabilitiesEvidence>(),
    }
}

/// The JSON Schema of what every kind of probe yields, a definition for each.
pub fn evidence_schemas() -> Value {
    let kinds = || ProbeKind::ALL.into_iter();
    let definitions: serde_json::Map<String, Value> =
        kinds().map(|kind| (kind.as_str().to_owned(), evidence_schema(kind))).collect();
    let choices: Vec<Value> =
        kinds().map(|kind| json!({ "$ref": format!("#/$defs/{}", kind.as_str()) })).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Evidence",
        "description": "What one probe saw: one definition for each kind. Every field is always there.",
        "anyOf": choices,
        "$defs": definitions,
    })
}

/// The same for one probe: values that the check names itself are declared by their names.
fn schema_for(spec: &ProbeSpec) -> Value {
    let mut schema = evidence_schema(spec.kind());
    let (places, names): (&[&str], Vec<&String>) = match spec {
        ProbeSpec::Endpoint(spec) => (
            &["/properties/first", "/properties/second", "/properties/after_restart"],
            spec.take.keys().collect(),
        ),
        ProbeSpec::Answers(spec) => (&[""], spec.keys.iter().collect()),
        ProbeSpec::Image(_)
        | ProbeSpec::Container(_)
        | ProbeSpec::Health(_)
        | ProbeSpec::Git(_)
        | ProbeSpec::Containers(_)
        | ProbeSpec::Prose(_)
        | ProbeSpec::Running(_)
        | ProbeSpec::Build(_)
        | ProbeSpec::Compose(_)
        | ProbeSpec::Vulnerabilities(_) => (&[], Vec::new()),
    };
    for place in places {
        if let Some(taken) = schema.pointer_mut(&format!("{place}/properties/taken"))
            && let Some(value) = taken.get("additionalProperties").cloned()
        {
            let properties: serde_json::Map<String, Value> =
                names.iter().map(|name| ((*name).clone(), value.clone())).collect();
            *taken = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        }
    }
    schema
}
