//! Looks at a file that the learner wrote.

use std::collections::BTreeMap;

use grader_core::{
    digest::sha256,
    evidence::{AnswersEvidence, Taken, Text},
    workbook::AnswersSpec,
};
use serde_json::Value;

use super::{Place, Stop, place::lock};
use crate::workspace::{ReadError, read_inside};

/// The most that an answer may weigh, in bytes.
const LARGEST: u64 = 1_000_000;

/// A file that the learner wrote, as it is.
pub(super) struct Answer {
    /// Its path in the workspace.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Reads the file `name`, at most so many bytes of it; it becomes a part of what is judged.
    pub(super) fn read(name: &str, most: u64, place: &Place<'_>) -> Result<Self, Stop> {
        let file = format!("answers/{name}");
        place.doing(format!("reading {file}"));
        let bytes =
            read_inside(place.workspace.root(), &file, most).map_err(|error| unreadable(&file, &error))?;
        let sha256 = sha256(&bytes);
        lock(place.subject).files.insert(file.clone(), sha256.clone());
        Ok(Self { file, sha256, bytes })
    }
}

pub(super) fn look(spec: &AnswersSpec, place: &Place<'_>) -> Result<AnswersEvidence, Stop> {
    let Answer { file, sha256, bytes } = Answer::read(&spec.file, LARGEST, place)?;
    let (values, problem) = read(&spec.file, &bytes);
    let taken: BTreeMap<String, Taken> =
        spec.keys.iter().map(|key| (key.clone(), Taken::from_json(find(&values, key)))).collect();
    Ok(AnswersEvidence { file, sha256, problem, taken, text: Text::bounded(&bytes, 100_000) })
}

fn unreadable(file: &str, error: &ReadError) -> Stop {
    let fix = match error {
        ReadError::Missing { .. } => format!("write {file}; `grader help ID` says what belongs into it"),
        ReadError::Outside { .. } | ReadError::NotAFile { .. } => {
            format!("rm {file}, and write a file of that name in its place")
        }
        ReadError::TooLarge { .. } => format!("shorten {file}: an answer is a few lines"),
        ReadError::Io { .. } => format!("ls -l {file}"),
    };
    Stop::blocked(error.to_string(), fix)
}

/// Reads the values of a file that has some, or says why it has none.
pub(super) fn read(name: &str, bytes: &[u8]) -> (Value, Option<String>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return (Value::Null, Some("it is not UTF-8 text".into()));
    };
    if text.trim().is_empty() {
        return (Value::Null, Some("it is empty".into()));
    }
    if !name.ends_with(".toml") {
        return (Value::Null, None);
    }
    match toml::from_str::<Value>(text) {
        Ok(values) => (values, None),
        Err(error) => {
            let line =
                error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            (Value::Null, Some(format!("line {line} is no TOML: {message}")))
        }
    }
}

fn find<'a>(values: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(values, |value, part| value.get(part))
}
