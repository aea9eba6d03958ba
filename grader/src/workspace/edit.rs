//! Edits `workspace.toml` as a person would: one value, everything else by the byte.
//!
//! Start at [`set`]. Nothing is written that could not be read again.

use std::{io::Write, path::Path};

use grader_core::{
    ExerciseId,
    workbook::{Diagnostic, ProbeSpec, SourceFile, Workbook, nearest},
    workspace_file::{LARGEST, WorkspaceFile, placeholders},
};
use serde_json::Value as Json;
use toml_edit::{DocumentMut, Item, Table, Value};

use super::{FILE, ReadError, form, read_inside};

/// Why a value could not be set.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is not of the form `KEY=VALUE`.
    #[error("`{text}` is not KEY=VALUE")]
    NoAssignment {
        /// As given.
        text: String,
    },
    /// No key of `workspace.toml` is called that.
    #[error("workspace.toml has no key `{key}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownKey {
        /// As given.
        key: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// The value is not of the form that the key needs.
    #[error("`{key}` cannot be that: {reason}")]
    Form {
        /// The key in full.
        key: String,
        /// Why.
        reason: String,
    },
    /// The file is not as it must be, before or after.
    #[error("`{FILE}` cannot be used")]
    Broken {
        /// Its text.
        text: String,
        /// Every fault.
        faults: Vec<Diagnostic>,
    },
    /// The file cannot be read.
    #[error("cannot read `{FILE}`")]
    Read(#[source] ReadError),
    /// The file cannot be written.
    #[error("cannot write `{FILE}`")]
    Write(#[source] std::io::Error),
}

/// One value that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The key in full, as `app.image`.
    pub key: String,
    /// The value as it was given.
    pub value: String,
}

impl Assignment {
    /// Reads `KEY=VALUE`. A key without its table is taken where only one table has it.
    pub fn parse(text: &str) -> Result<Self, EditError> {
        let (key, value) =
            text.split_once('=').ok_or_else(|| EditError::NoAssignment { text: text.to_owned() })?;
        Ok(Self { key: full_key(key.trim())?, value: value.to_owned() })
    }
}

/// Sets values in the `workspace.toml` below `root`: all of them or, on any fault, none.
pub fn set(root: &Path, assignments: &[Assignment]) -> Result<(), EditError> {
    let bytes = read_inside(root, FILE, LARGEST).map_err(EditError::Read)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let edited = edited(&text, assignments)?;
    let path = root.join(FILE).canonicalize().map_err(EditError::Write)?;
    write_whole(&path, edited.as_bytes()).map_err(EditError::Write)
}

/// The text with values set, which reads as a `workspace.toml` again.
pub(super) fn edited(text: &str, assignments: &[Assignment]) -> Result<String, EditError> {
    let broken = |text: &str, faults| EditError::Broken { text: text.to_owned(), faults };
    WorkspaceFile::parse(FILE, text).map_err(|faults| broken(text, faults))?;
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let at = error.span().unwrap_or(0..0);
        broken(text, vec![Diagnostic::error(&SourceFile::new(FILE, text), at, error.message())])
    })?;
    for assignment in assignments {
        let Assignment { key, value } = assignment;
        let reason = |reason: String| EditError::Form { key: key.clone(), reason };
        form::check(key, value).map_err(|error| reason(error.to_string()))?;
        let value = typed(key, value).map_err(reason)?;
        put(&mut document, key, value);
    }
    let edited = document.to_string();
    match WorkspaceFile::parse(FILE, &edited) {
        Ok(_) => Ok(edited),
        Err(faults) => Err(broken(&edited, faults)),
    }
}

/// Writes a file whole or not at all: whoever reads meanwhile sees the old or the new one.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".grader-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    let permissions = match path.metadata() {
        Ok(metadata) => metadata.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o644),
    };
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The exercises whose checks read a key of `workspace.toml`.
pub fn users_of(key: &str, workbook: &Workbook) -> Vec<ExerciseId> {
    let reads = |spec: &ProbeSpec| {
        let named = spec.strings().iter().any(|text| placeholders(text).contains(&key));
        let environment = key == "app.env_file" || key == "app.with" || key.starts_with("app.env.");
        named || ((environment || key == "app.env") && uses_environment(spec))
    };
    workbook
        .checks
        .values()
        .filter(|check| check.probes.iter().any(|probe| reads(&probe.spec)))
        .map(|check| check.id)
        .collect()
}

/// Whether it starts the app with the learner's variables and services.
fn uses_environment(spec: &ProbeSpec) -> bool {
    match spec {
        ProbeSpec::Container(spec) => spec.run.app_environment,
        ProbeSpec::Endpoint(spec) => spec.run.app_environment,
        ProbeSpec::Health(spec) => spec.run.app_environment,
        ProbeSpec::Build(_) => true,
        ProbeSpec::Image(_)
        | ProbeSpec::Git(_)
        | ProbeSpec::Answers(_)
        | ProbeSpec::Containers(_)
        | ProbeSpec::Prose(_)
        | ProbeSpec::Running(_)
        | ProbeSpec::Compose(_)
        | ProbeSpec::Vulnerabilities(_) => false,
    }
}

/// The key with its table.
fn full_key(key: &str) -> Result<String, EditError> {
    let names = WorkspaceFile::default_names().names();
    let known: Vec<&str> = names.known().collect();
    if known.contains(&key) || key.strip_prefix("app.env.").is_some_and(|name| !name.is_empty()) {
        return Ok(key.to_owned());
    }
    let last = |full: &str| full.rsplit_once('.').is_some_and(|(_, last)| last == key);
    let matching: Vec<&&str> = known.iter().filter(|full| last(full)).collect();
    match matching.as_slice() {
        [only] => Ok((**only).to_owned()),
        _ => {
            let short = || known.iter().filter_map(|full| full.rsplit_once('.').map(|(_, last)| last));
            let near = nearest(key, known.iter().copied()).or_else(|| nearest(key, short()));
            Err(EditError::UnknownKey { key: key.to_owned(), nearest: near.map(str::to_owned) })
        }
    }
}

/// The value with the type that the key has in `workspace.toml`.
fn typed(key: &str, value: &str) -> Result<Value, String> {
    let names = WorkspaceFile::default_names().names();
    match names.get(key) {
        Some(Json::Number(_)) => match value.trim().parse::<u16>() {
            Ok(number) if number > 0 => Ok(i64::from(number).into()),
            _ => Err(format!("`{value}` is no port: expected a number from 1 to 65535")),
        },
        Some(Json::Array(_)) => {
            let words = value.trim().trim_start_matches('[').trim_end_matches(']').split(',');
            let words = words.map(|word| word.trim().trim_matches('"')).filter(|word| !word.is_empty());
            Ok(Value::Array(words.collect()))
        }
        Some(Json::Object(_)) => {
            value.parse::<Value>().ok().filter(Value::is_inline_table).ok_or_else(|| {
                "expected a table, as { NAME = \"value\" }, or set one: app.env.NAME=value".into()
            })
        }
        Some(Json::String(_) | Json::Bool(_) | Json::Null) | None => Ok(value.into()),
    }
}

/// Puts a value in its place; the comment behind the old one stays.
fn put(document: &mut DocumentMut, key: &str, mut value: Value) {
    let mut parts: Vec<&str> = key.splitn(3, '.').collect();
    let Some(last) = parts.pop() else { return };
    let mut item: &mut Item = document.as_item_mut();
    for part in parts {
        let table = item.as_table_like_mut().map(|table| table.entry(part));
        let Some(entry) = table else { return };
        let is_env = part == "env";
        item = entry.or_insert_with(|| {
            if is_env {
                Item::Value(Value::InlineTable(toml_edit::InlineTable::new()))
            } else {
                Item::Table(Table::new())
            }
        });
    }
    let Some(table) = item.as_table_like_mut() else { return };
    match table.get_mut(last).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(last, Item::Value(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str, assignment: &str) -> Result<String, EditError> {
        edited(text, &[Assignment::parse(assignment)?])
    }

    const TEXT: &str = "# mine\nformat = 1\n\n[app]\nimage = \"a\" # its name\nwith = []\n";

    #[test]
    fn a_value_changes_and_every_comment_stays() {
        assert_eq!(
            edit(TEXT, "app.image=b:v1").unwrap(),
            "# mine\nformat = 1\n\n[app]\nimage = \"b:v1\" # its name\nwith = []\n"
        );
        assert_eq!(
            edit(TEXT, "registry=myacr").unwrap(),
            TEXT.to_owned() + "\n[azure]\nregistry = \"myacr\"\n"
        );
        assert!(edit(TEXT, "with=db, cache").unwrap().contains(r#"with = ["db", "cache"]"#));
        assert!(edit(TEXT, "port=8080").unwrap().contains("port = 8080"));
        assert!(edit(TEXT, "app.env.TOKEN=a=b").unwrap().contains(r#"env = { TOKEN = "a=b" }"#));
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest() {
        let error = edit(TEXT, "app.imgae=b").unwrap_err();
        assert_eq!(error.to_string(), "workspace.toml has no key `app.imgae`; did you mean `app.image`?");
        assert!(matches!(edit(TEXT, "format=2"), Err(EditError::UnknownKey { .. })));
        assert!(matches!(edit(TEXT, "nonsense"), Err(EditError::NoAssignment { .. })));
    }

    #[test]
    fn a_value_of_the_wrong_form_is_refused() {
        for bad in
            ["port=0", "port=eighty", "app.image=My App", "app.path=../x", "health=healthz", "app.env.A B=1"]
        {
            assert!(matches!(edit(TEXT, bad), Err(EditError::Form { .. })), "{bad}");
        }
    }

    #[test]
    fn a_broken_file_is_not_edited() {
        assert!(matches!(edit("format = ", "port=1"), Err(EditError::Broken { .. })));
        assert!(matches!(edit("format = 1\n[ap]\n", "port=1"), Err(EditError::Broken { .. })));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_set_can_be_read_again(value in proptest::prelude::any::<String>()) {
            let assignment = Assignment { key: "learner.name".into(), value: value.clone() };
            let text = edited(TEXT, &[assignment]).unwrap();
            proptest::prop_assert_eq!(WorkspaceFile::parse(FILE, &text).unwrap().learner.name, value);
        }
    }
}
