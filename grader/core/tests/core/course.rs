//! This repository's own workbook holds together.

use std::fs;

use grader_core::{
    workbook::{Workbook, lint},
    workspace_file::WorkspaceFile,
};

use crate::support::{our_files, repository, told};

#[test]
fn nothing_is_wrong_with_it() {
    let faults = lint::lint(&our_files());
    assert!(faults.is_empty(), "{}", told(faults));
}

#[test]
fn it_has_the_21_exercises_of_the_guide_in_order() {
    let workbook = Workbook::read(&our_files()).map_err(told).unwrap();
    let counts: Vec<usize> = workbook.manifest.by_chapter().values().map(Vec::len).collect();
    assert_eq!(counts, [2, 3, 1, 3, 2, 4, 3, 3]);
    let ids: Vec<_> = workbook.manifest.exercises.iter().map(|exercise| exercise.id).collect();
    assert!(ids.is_sorted());
    let here: Vec<String> = workbook.checks.keys().map(ToString::to_string).collect();
    assert_eq!(here, ["1.1", "1.2", "2.1", "2.2", "2.3", "3.1", "4.1", "4.2", "4.3"]);
}

#[test]
fn each_task_is_short_and_each_check_file_names_its_schema() {
    let files = our_files();
    let workbook = Workbook::read(&files).map_err(told).unwrap();
    for exercise in &workbook.manifest.exercises {
        let lines = exercise.task.trim().lines().count();
        assert!((1..=6).contains(&lines), "{}: {lines} lines", exercise.id);
        assert!(exercise.task.lines().all(|line| line.chars().count() <= 112), "{}", exercise.id);
    }
    for id in workbook.checks.keys() {
        let text = files.get(&format!("checks/{id}.toml")).unwrap();
        assert!(text.starts_with(b"#:schema ./check.schema.json\n"), "{id}");
    }
}

#[test]
fn the_workspace_that_a_learner_starts_with_says_every_default() {
    let text = fs::read_to_string(repository("exercises/workspace.toml")).unwrap();
    let parsed = WorkspaceFile::parse("workspace.toml", &text).map_err(told).unwrap();
    assert_eq!(parsed, WorkspaceFile::default_names());
    for name in parsed.names().known() {
        let key = name.split_once('.').unwrap().1;
        assert!(text.lines().any(|line| line.starts_with(&format!("{key} = "))), "{name} is not shown");
    }
}
