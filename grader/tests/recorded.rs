//! Recorded evidence, judged in milliseconds: what the specimens showed on a real engine must still come out.

#[path = "specimens/specimen.rs"]
#[expect(dead_code, reason = "shared with the run that needs an engine")]
mod specimen;

use std::path::PathBuf;

use grader::course::{Course, Origin};
use grader_core::{
    Attempt,
    evidence::{Evidence, LARGEST},
    judge::{Held, judge},
    workbook::lint::Recorded,
};
use specimen::Specimen;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn course() -> Course {
    Course::open(Origin::Folder(root())).expect("the workbook holds together")
}

/// Every specimen that is judged, with its evidence. One that is blocked has shown nothing.
fn recorded() -> Vec<(Specimen, Evidence)> {
    let specimens = specimen::all(&root().join("checks/specimens")).expect("every expect.toml can be read");
    specimens
        .into_iter()
        .filter(|specimen| specimen.expect.verdict != "blocked")
        .map(|specimen| {
            let path = specimen.folder.join("evidence.json");
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let recorded: Recorded = serde_json::from_str(&text).expect("evidence of this format");
            assert_eq!(recorded.exercise, specimen.exercise, "{}", path.display());
            (specimen, recorded.evidence)
        })
        .collect()
}

fn attempt(course: &Course, specimen: &Specimen, evidence: &Evidence) -> Attempt {
    let check = &course.workbook.checks[&specimen.exercise];
    let judgement = judge(check, evidence, &Held::new());
    Attempt {
        number: None,
        exercise: check.id,
        title: check.title.clone(),
        check_hash: check.hash.clone(),
        started: jiff::Timestamp::UNIX_EPOCH,
        duration_ms: 0,
        evidence: evidence.clone(),
        verdict: judgement.verdict(),
        outcomes: judgement.outcomes,
    }
}

#[test]
fn every_specimen_comes_out_as_it_must() {
    let course = course();
    let wrong: Vec<String> = recorded()
        .iter()
        .filter_map(|(specimen, evidence)| specimen.agrees(&attempt(&course, specimen, evidence)).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_assertion_is_needed_by_a_specimen_that_it_alone_catches() {
    let course = course();
    let recorded = recorded();
    for (id, check) in &course.workbook.checks {
        for assertion in &check.assertions {
            // Without this assertion some specimen that must fail would pass.
            let needed = recorded.iter().filter(|(specimen, _)| specimen.exercise == *id).any(
                |(specimen, evidence)| {
                    let failed = specimen::failed(&attempt(&course, specimen, evidence));
                    failed.len() == 1 && failed.contains(&assertion.id)
                },
            );
            assert!(needed, "{id}: no specimen fails on `{}` alone", assertion.id);
        }
    }
}

#[test]
fn evidence_is_judged_alike_live_and_stored() {
    let course = course();
    for (specimen, evidence) in recorded() {
        let stored = serde_json::to_vec(&evidence).expect("evidence can be written");
        let again: Evidence = serde_json::from_slice(&stored).expect("what was written can be read");
        assert_eq!(again, evidence, "{}", specimen.name());
        let (live, later) = (attempt(&course, &specimen, &evidence), attempt(&course, &specimen, &again));
        assert_eq!(live.outcomes, later.outcomes, "{}", specimen.name());
    }
}

#[test]
fn every_check_has_two_good_specimens_and_bad_ones() {
    let course = course();
    let recorded = recorded();
    for id in course.workbook.checks.keys() {
        let of = |verdict: &str| {
            recorded.iter().filter(|(s, _)| s.exercise == *id && s.expect.verdict == verdict).count()
        };
        assert!(of("passed") >= 2, "{id}: at least two that pass");
        assert!(of("failed") >= 3, "{id}: at least three that fail");
    }
}

#[test]
fn recorded_evidence_is_bounded() {
    for (specimen, evidence) in recorded() {
        let bytes = serde_json::to_vec(&evidence.seen).expect("evidence can be written").len();
        assert!(bytes <= LARGEST, "{}: {bytes} bytes", specimen.name());
    }
}
