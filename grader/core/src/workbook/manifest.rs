//! `checks/workbook.toml`: title, chapters and exercises of a workbook.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Diagnostic, SourceFile, check_file::FORMAT, parse_toml};
use crate::ExerciseId;

/// What a workbook is about, and all its exercises, those to come included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub format: u32,
    /// A short name for files and reports, in lower case with hyphens.
    pub id: String,
    /// The title.
    pub title: String,
    /// The chapters, in order.
    #[serde(rename = "chapter")]
    pub chapters: Vec<Chapter>,
    /// The exercises, in order.
    #[serde(rename = "exercise")]
    pub exercises: Vec<Exercise>,
}

/// One chapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chapter {
    /// Its number: the first part of its exercises' ids.
    pub number: u16,
    /// Its title.
    pub title: String,
    /// The folder below `exercises/` that `init` lays out for it; none if a learner starts from nothing.
    pub start: Option<String>,
}

/// One exercise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// Its id.
    pub id: ExerciseId,
    /// The guide's TODO item, as it stands in the checklist.
    pub todo: String,
    /// What to do, in a few lines; shown by `help`.
    #[serde(default)]
    pub task: String,
    /// Whether its check is still to come.
    #[serde(default)]
    pub pending: bool,
    /// The learner's files that belong to it, relative to the workspace: what `reset` lays out again.
    #[serde(default)]
    pub files: Vec<String>,
}

impl Manifest {
    /// Reads a manifest's text; on any fault returns all of them, with their places.
    pub fn parse(source: &SourceFile) -> Result<Self, Vec<Diagnostic>> {
        parse_toml(source, &manifest_schema(), FORMAT)
    }

    /// Exercises by chapter, in order.
    pub fn by_chapter(&self) -> BTreeMap<u16, Vec<&Exercise>> {
        let mut chapters: BTreeMap<u16, Vec<&Exercise>> = BTreeMap::new();
        for exercise in &self.exercises {
            chapters.entry(exercise.id.chapter).or_default().push(exercise);
        }
        chapters
    }

    /// One exercise.
    pub fn exercise(&self, id: ExerciseId) -> Option<&Exercise> {
        self.exercises.iter().find(|exercise| exercise.id == id)
    }
}

/// The JSON Schema of `workbook.toml`.
pub fn manifest_schema() -> Value {
    schemars::schema_for!(Manifest).to_value()
}
