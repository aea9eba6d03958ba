//! `workspace.toml`: the learner's names. Everything but `format` has a default; unknown keys are errors.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::workbook::{Diagnostic, SourceFile, parse_toml};

/// The newest format of `workspace.toml` that this crate reads.
pub const FORMAT: u32 = 1;

/// The largest `workspace.toml` that is read, in bytes.
pub const LARGEST: u64 = 256 * 1024;

/// The learner's names and settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceFile {
    /// Version of this format: 1.
    pub format: u32,
    /// Who the learner is; appears in reports only.
    #[serde(default)]
    pub learner: Learner,
    /// The learner's application.
    #[serde(default)]
    pub app: App,
    /// The learner's Compose file.
    #[serde(default)]
    pub compose: Compose,
    /// The learner's names in Azure; nothing is assumed.
    #[serde(default)]
    pub azure: Azure,
}

/// Who the learner is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Learner {
    /// Name, as it shall stand in a report.
    pub name: String,
    /// Id by which the instructor knows the learner, as an e-mail address.
    pub id: String,
}

/// The learner's application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct App {
    /// Folder with the Dockerfile, relative to `workspace.toml`.
    pub path: String,
    /// The image that the learner's own `docker build -t` makes.
    pub image: String,
    /// The image before the multi-stage build.
    pub before: String,
    /// The port on which the app listens inside its container.
    pub port: u16,
    /// Path of the health endpoint.
    pub health: String,
    /// Key of the git SHA in the JSON of `health`.
    pub sha_key: String,
    /// Key of the uptime, a number of seconds, in the JSON of `health`.
    pub uptime_key: String,
    /// Build argument and variable by which the SHA comes in.
    pub sha_arg: String,
    /// Variables that the app needs to start.
    pub env: BTreeMap<String, String>,
    /// File with such variables, `NAME=value` a line, relative to `workspace.toml`; empty for none.
    pub env_file: String,
    /// Compose services to be started beside the app, on a network of the check's own.
    pub with: Vec<String>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            path: "app".into(),
            image: "myapp".into(),
            before: "myapp:before".into(),
            port: 8000,
            health: "/healthz".into(),
            sha_key: "git_sha".into(),
            uptime_key: "uptime_seconds".into(),
            sha_arg: "GIT_SHA".into(),
            env: BTreeMap::new(),
            env_file: String::new(),
            with: Vec::new(),
        }
    }
}

/// The learner's Compose file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Compose {
    /// The file, relative to `workspace.toml`.
    pub file: String,
    /// The service that is the app.
    pub service: String,
    /// A request that makes the app use database and cache.
    pub probe: String,
}

impl Default for Compose {
    fn default() -> Self {
        Self { file: "app/compose.yaml".into(), service: "web".into(), probe: "/".into() }
    }
}

/// The learner's names in Azure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Azure {
    /// Resource group.
    pub resource_group: String,
    /// Container registry.
    pub registry: String,
    /// App Service plan.
    pub plan: String,
    /// Web app.
    pub webapp: String,
    /// Deployment slot.
    pub slot: String,
    /// Container Apps environment.
    pub environment: String,
    /// Container app.
    pub containerapp: String,
    /// Log Analytics workspace.
    pub workspace: String,
    /// Application Insights resource.
    pub insights: String,
}

impl WorkspaceFile {
    /// A workspace where nothing but the format is set.
    pub fn default_names() -> Self {
        Self {
            format: FORMAT,
            learner: Learner::default(),
            app: App::default(),
            compose: Compose::default(),
            azure: Azure::default(),
        }
    }

    /// Reads a file's text; every fault is reported, with its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = SourceFile::new(path, text);
        parse_toml(&source, &schema(), FORMAT)
    }

    /// The names that a check may use as `{app.image}`, with their values.
    pub fn names(&self) -> Names {
        let mut names = BTreeMap::new();
        if let Ok(Value::Object(tables)) = serde_json::to_value(self) {
            for (table, keys) in tables {
                if let Value::Object(keys) = keys {
                    for (key, value) in keys {
                        names.insert(format!("{table}.{key}"), value);
                    }
                }
            }
        }
        Names(names)
    }
}

/// The JSON Schema of `workspace.toml`.
pub fn schema() -> Value {
    schemars::schema_for!(WorkspaceFile).to_value()
}

/// Values by `table.key`, for filling a check's placeholders.
#[derive(Clone, Debug, PartialEq)]
pub struct Names(BTreeMap<String, Value>);

/// A placeholder that names nothing in `workspace.toml`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{{{name}}}` names nothing in workspace.toml")]
pub struct UnknownName {
    /// The name inside the braces.
    pub name: String,
}

impl Names {
    /// All names, in order.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value of one name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Fills the placeholders of every string below `value`. A string that is one placeholder and
    /// nothing else takes the value with its type.
    pub fn fill(&self, value: &Value) -> Result<Value, UnknownName> {
        Ok(match value {
            Value::String(text) => self.fill_text(text)?,
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, item)| Ok((key.clone(), self.fill(item)?)))
                    .collect::<Result<_, UnknownName>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    fn fill_text(&self, text: &str) -> Result<Value, UnknownName> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_placeholder(rest) {
            let value = self.get(name).ok_or_else(|| UnknownName { name: name.to_owned() })?;
            if before.is_empty() && after.is_empty() && filled.is_empty() {
                return Ok(value.clone());
            }
            filled.push_str(before);
            match value {
                Value::String(text) => filled.push_str(text),
                other => filled.push_str(&other.to_string()),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(Value::String(filled))
    }
}

/// The placeholders in a text, as `app.image`.
pub fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, name, after)) = next_placeholder(rest) {
        found.push(name);
        rest = after;
    }
    found
}

/// Splits at the next `{table.key}`. Other braces are text.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let close = open + text[open..].find('}')?;
        let name = &text[open + 1..close];
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if name.split_once('.').is_some_and(|(table, key)| plain(table) && plain(key)) {
            return Some((&text[..open], name, &text[close + 1..]));
        }
        from = open + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_its_format_alone_has_every_default() {
        assert_eq!(
            WorkspaceFile::parse("workspace.toml", "format = 1").unwrap(),
            WorkspaceFile::default_names()
        );
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_place_and_the_nearest_name() {
        let faults =
            WorkspaceFile::parse("workspace.toml", "format = 1\n[app]\nimagee = \"x\"\n").unwrap_err();
        assert_eq!(
            faults[0].headline(),
            "workspace.toml:3:1: error: unknown key `imagee`; did you mean `image`?"
        );
    }

    #[test]
    fn a_placeholder_alone_keeps_its_type_and_within_text_becomes_text() {
        let names = WorkspaceFile::default_names().names();
        let filled =
            names.fill(&serde_json::json!(["{app.port}", "http://x:{app.port}{app.health}", "{not one}"]));
        assert_eq!(filled, Ok(serde_json::json!([8000, "http://x:8000/healthz", "{not one}"])));
        assert!(names.fill(&serde_json::json!("{app.imgae}")).is_err());
    }
}
