//! The arrows that must never exist, and the names that the grader must not know. See ARCHITECTURE.md.

use std::path::{Path, PathBuf};

use grader::course::{Course, Origin};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.expect("a folder can be listed").path();
            if path.file_name().is_some_and(|name| name == "tests" || name == "tests.rs") {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source can be read");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has sources");
    found
}

/// Code as it ships: without comments and without the tests at a file's end.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or("");
    shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn assert_absent(folder: &str, words: &[&str], why: &str) {
    for (path, text) in sources(folder) {
        let code = code(&text);
        for word in words {
            assert!(!code.contains(word), "{}: `{word}`: {why}", path.display());
        }
    }
}

#[test]
fn a_probe_judges_nothing() {
    assert_absent("src/probe", &["core::judge", "judge::", "Judgement"], "probes return evidence");
}

#[test]
fn nothing_depends_on_the_command_line() {
    for room in ["src/probe", "src/progress", "src/run", "src/watch", "src/workspace", "src/term"] {
        assert_absent(room, &["crate::cli", "super::cli"], "cli is the last layer");
    }
}

#[test]
fn layers_use_only_those_above_them() {
    let faces = ["crate::term", "crate::cli"];
    assert_absent(
        "src/workspace",
        &["crate::probe", "crate::progress", "crate::run"],
        "workspace is the first",
    );
    assert_absent(
        "src/probe",
        &["crate::progress", "crate::run", "crate::term", "crate::cli"],
        "probes only look",
    );
    assert_absent(
        "src/progress",
        &["crate::probe", "crate::run", "crate::term", "crate::cli"],
        "progress only keeps",
    );
    assert_absent("src/watch", &faces, "watching only tells of changes");
    assert_absent("src/run", &faces, "runs tell events, faces show them");
}

#[test]
fn the_engine_knows_nothing_of_checks() {
    assert_absent("engine/src", &["grader_core", "rusqlite"], "the engine's crate only looks and makes");
}

/// Whoever takes another workbook must find nothing of ours in the way.
#[test]
fn the_grader_knows_no_exercise_and_no_guide() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let course = Course::open(Origin::Folder(root)).expect("the workbook holds together");
    let manifest = &course.workbook.manifest;
    let mut words = vec![manifest.title.clone(), manifest.id.clone()];
    words.extend(manifest.exercises.iter().map(|exercise| format!("\"{}\"", exercise.id)));
    words.extend(manifest.chapters.iter().map(|chapter| format!("\"{}\"", chapter.title)));
    words.extend(
        course
            .workbook
            .checks
            .values()
            .flat_map(|check| check.assertions.iter().map(|assertion| format!("\"{}\"", assertion.id))),
    );
    for folder in ["src", "core/src", "engine/src"] {
        for (path, text) in sources(folder) {
            let code = code(&text);
            for word in &words {
                assert!(!code.contains(word.as_str()), "{}: {word}", path.display());
            }
        }
    }
}
