//! Evidence of engines that no test machine has, written from documentation: the rules must judge it rightly.
//!
//! It is no record. Each file says so, and names its sources with the day on which the claim was noted, and how.

use std::path::PathBuf;

use grader::course::{Course, Origin};
use grader_core::{
    evidence::{Evidence, RunningEvidence},
    judge::{Held, Outcome, judge},
    workbook::lint::Recorded,
};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn documents() -> Vec<(String, Value)> {
    let entries = std::fs::read_dir(root().join("checks/from-documentation")).expect("it can be listed");
    let folders = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let mut documents: Vec<(String, Value)> = folders
        .map(|folder| {
            let text =
                std::fs::read_to_string(folder.join("evidence.json")).expect("its evidence can be read");
            let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
            (name, serde_json::from_str(&text).expect("JSON"))
        })
        .collect();
    documents.sort_by(|one, other| one.0.cmp(&other.0));
    documents
}

/// The assertions that fail.
fn failed(document: &Value) -> Vec<String> {
    let course = Course::open(Origin::Folder(root())).expect("the workbook holds together");
    let recorded: Recorded = serde_json::from_value(document.clone()).expect("evidence of this format");
    let check = &course.workbook.checks[&recorded.exercise];
    let evidence: Evidence = recorded.evidence;
    let judgement = judge(check, &evidence, &Held::new());
    let outcomes = judgement.outcomes.iter();
    outcomes.filter(|(_, outcome)| !matches!(outcome, Outcome::Holds)).map(|(id, _)| id.clone()).collect()
}

#[test]
fn each_says_that_it_is_no_record_and_where_it_is_from() {
    let documents = documents();
    assert!(documents.len() >= 3);
    for (name, document) in documents {
        let about = &document["written_from_documentation"];
        assert_eq!(about["nobody_ran_it"], true, "{name}");
        let sources = about["sources"].as_array().unwrap_or_else(|| panic!("{name} names no source"));
        assert!(!sources.is_empty(), "{name}");
        for source in sources {
            assert!(
                source["url"].as_str().is_some_and(|url| url.starts_with("https://")),
                "{name}: {source}"
            );
            assert!(source["noted"].as_str().is_some_and(|day| day.len() == 10), "{name}: {source}");
            assert!(source["how"].as_str().is_some_and(|how| !how.is_empty()), "{name}: {source}");
        }
    }
}

#[test]
fn each_has_the_form_of_what_a_probe_yields() {
    for (name, document) in documents() {
        let found = &document["evidence"]["seen"]["found"];
        let read: RunningEvidence =
            serde_json::from_value(found.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(read).expect("it can be written"), *found, "{name}");
    }
}

#[test]
fn what_is_right_there_passes() {
    for (name, document) in documents() {
        assert_eq!(failed(&document), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_is_wrong_there_fails_on_its_own_assertion() {
    let wrong = [
        ("first-pid", "/pid/written/text", json!("1")),
        ("root-mount", "/mount/written/text", json!("/var/lib/docker")),
        ("cgroup-path", "/cgroup/written/text", json!("/")),
        ("namespace-links", "/namespaces/2/written/text", json!("4026531840")),
        // What the engine was asked for, and the kernel has rounded.
        ("question-memory", "/question/memory_limit_bytes/written/text", json!("67112961")),
        ("question-cpu", "/question/cpu_quota_us/written/text", json!("max")),
        ("question-pids", "/question/pids_max/written/text", Value::Null),
    ];
    for (name, document) in documents() {
        for (assertion, place, value) in &wrong {
            let mut document = document.clone();
            let place = format!("/evidence/seen/found{place}");
            *document.pointer_mut(&place).unwrap_or_else(|| panic!("{name}: no {place}")) = value.clone();
            assert_eq!(failed(&document), [*assertion], "{name}");
        }
    }
}
