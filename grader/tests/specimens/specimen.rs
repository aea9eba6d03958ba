//! A specimen: a submission, and what a check must make of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use grader_core::{Attempt, ExerciseId, Verdict, judge::Outcome};
use serde::Deserialize;

/// A submission kept in the repository.
#[derive(Clone, Debug)]
pub struct Specimen {
    /// The exercise whose check judges it.
    pub exercise: ExerciseId,
    /// Its folder.
    pub folder: PathBuf,
    /// What must come out.
    pub expect: Expect,
}

/// `expect.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Version of this format: 1.
    pub format: u32,
    /// What it shows, in one sentence.
    pub about: String,
    /// The verdict.
    pub verdict: String,
    /// The assertion for which it was made.
    pub assertion: Option<String>,
    /// Other assertions that then fail of necessity.
    #[serde(default)]
    pub also: BTreeSet<String>,
    /// Keys of workspace.toml that differ from the harness's own, as `"app.port" = 8080`.
    #[serde(default)]
    pub workspace: BTreeMap<String, toml::Value>,
    /// Answer files by name, where `{before_mb}` and `{after_mb}` are what was measured.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    /// Keys of the check's probes that differ, as `"hello.image" = "specimen/{specimen}"`: several specimens
    /// that look at one engine need names of their own.
    #[serde(default)]
    pub probes: BTreeMap<String, toml::Value>,
    /// Whether the learner's image is built; exercises that look at none need none.
    #[serde(default = "yes")]
    pub build: bool,
    /// Which image is tagged as the one before: `start`, `same`, or a Dockerfile of the specimen.
    pub before: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Every specimen, by exercise and name.
pub fn all(root: &Path) -> Result<Vec<Specimen>, String> {
    let mut specimens = Vec::new();
    for exercise in folders(root)? {
        let id: ExerciseId = name_of(&exercise).parse().map_err(|error| format!("{error}"))?;
        for folder in folders(&exercise)? {
            let path = folder.join("expect.toml");
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let expect: Expect =
                toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            if expect.format != 1 || (expect.verdict == "failed") != expect.assertion.is_some() {
                return Err(format!("{}: a failed one names its assertion, no other does", path.display()));
            }
            if expect.about.trim().is_empty() {
                return Err(format!("{}: says nothing about what it shows", path.display()));
            }
            specimens.push(Specimen { exercise: id, folder, expect });
        }
    }
    Ok(specimens)
}

fn folders(root: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(root).map_err(|error| format!("{}: {error}", root.display()))?;
    let mut folders: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Specimen {
    /// Exercise and name, as `4.2/fake-whoami`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.exercise, name_of(&self.folder))
    }

    /// The same as a part of an image's name.
    pub fn tag(&self) -> String {
        self.name().replace('/', "-").to_lowercase()
    }

    /// The text of its check, with those keys of its probes that differ.
    pub fn adapted(&self, check: &str) -> Result<String, String> {
        let mut check: toml::Value = toml::from_str(check).map_err(|error| error.to_string())?;
        let mut probes = check.get_mut("probe").and_then(toml::Value::as_array_mut);
        for (key, value) in &self.expect.probes {
            let (name, key) = key.split_once('.').ok_or(format!("`{key}` names no probe and key"))?;
            let named =
                |probe: &&mut toml::Value| probe.get("as").and_then(toml::Value::as_str) == Some(name);
            let probe = probes.iter_mut().flat_map(|probes| probes.iter_mut()).find(named);
            let probe =
                probe.and_then(toml::Value::as_table_mut).ok_or(format!("there is no probe `{name}`"))?;
            let value = match value {
                toml::Value::String(text) => text.replace("{specimen}", &self.tag()).into(),
                other => other.clone(),
            };
            probe.insert(key.to_owned(), value);
        }
        toml::to_string(&check).map_err(|error| error.to_string())
    }

    /// The assertions that must fail.
    pub fn fails(&self) -> BTreeSet<String> {
        self.expect.assertion.iter().chain(&self.expect.also).cloned().collect()
    }

    /// Says how an attempt differs from what must come out.
    pub fn agrees(&self, attempt: &Attempt) -> Result<(), String> {
        let verdict = attempt.verdict.word().as_str();
        if verdict != self.expect.verdict {
            return Err(format!(
                "{}: verdict {verdict}, must be {}: {}",
                self.name(),
                self.expect.verdict,
                why(&attempt.verdict)
            ));
        }
        let failed = failed(attempt);
        if failed != self.fails() {
            return Err(format!(
                "{}: failed on {failed:?}, must be {:?}: {}",
                self.name(),
                self.fails(),
                why(&attempt.verdict)
            ));
        }
        Ok(())
    }
}

/// The assertions that failed.
pub fn failed(attempt: &Attempt) -> BTreeSet<String> {
    attempt
        .outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed { .. }))
        .map(|(id, _)| id.clone())
        .collect()
}

fn why(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => "passed".into(),
        Verdict::Failed(failures) => failures
            .iter()
            .map(|failure| format!("{}: {}", failure.assertion, failure.actual))
            .collect::<Vec<_>>()
            .join("; "),
        Verdict::Blocked(missing) => format!("{} -> {}", missing.what, missing.fix),
        Verdict::Error(fault) => format!("{}: {}", fault.what, fault.detail),
    }
}
