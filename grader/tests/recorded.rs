//! Recorded evidence, judged in milliseconds: what the specimens showed on a real engine must still come out.

#[path = "specimens/matrix.rs"]
mod matrix;
#[path = "specimens/specimen.rs"]
#[expect(dead_code, reason = "shared with the run that needs an engine")]
mod specimen;

use std::path::PathBuf;

use grader::course::{Course, Origin};
use grader_core::{
    Attempt, Missing, Verdict,
    evidence::{Evidence, LARGEST},
    judge::{Held, judge},
    workbook::{Workbook, lint::Recorded},
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

/// Every specimen that is judged, as its evidence is judged now.
fn judged(course: &Course) -> Vec<(Specimen, Attempt)> {
    let attempts = recorded().into_iter().map(|(specimen, evidence)| {
        let attempt = attempt(course, &specimen, &evidence);
        (specimen, attempt)
    });
    attempts.collect()
}

/// Those that are not judged, since something is missing: what they show is their verdict alone.
fn blocked(course: &Course) -> Vec<(Specimen, Attempt)> {
    let specimens = specimen::all(&root().join("checks/specimens")).expect("every expect.toml can be read");
    let blocked = specimens.into_iter().filter(|specimen| specimen.expect.verdict == "blocked");
    let attempts = blocked.map(|specimen| {
        let verdict = Verdict::Blocked(Missing { what: specimen.expect.about.clone(), fix: String::new() });
        let nothing = attempt(course, &specimen, &Evidence::empty());
        (specimen, Attempt { verdict, outcomes: Vec::new(), ..nothing })
    });
    attempts.collect()
}

/// The page that is kept of the matrix.
fn page(attempts: &[(Specimen, Attempt)], workbook: &Workbook) -> String {
    let of = |verdict: &str| attempts.iter().filter(|(s, _)| s.expect.verdict == verdict).count();
    format!(
        "# The matrix\n\n\
         {} checks, {} specimens: {} must pass, {} must fail on the assertion that they were made for, {} are blocked.\n\
         A row is a specimen, a column an assertion. For each column there is a row in which it alone has failed.\n\n\
         Written from the recorded evidence by `GRADER_UPDATE=1 cargo test -p grader --test recorded`, and held current\n\
         by that test. The run on a real engine holds the evidence, and prints the same.\n\n\
         ```text{}```\n",
        workbook.checks.len(),
        attempts.len(),
        of("passed"),
        of("failed"),
        of("blocked"),
        matrix::drawn(attempts, workbook),
    )
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
    let unneeded = matrix::unneeded(&judged(&course), &course.workbook);
    assert!(unneeded.is_empty(), "{}", unneeded.join("\n"));
}

#[test]
fn the_kept_matrix_is_that_of_the_recorded_evidence() {
    let course = course();
    let mut attempts = judged(&course);
    attempts.extend(blocked(&course));
    attempts.sort_by_key(|(specimen, _)| specimen.name());
    let page = page(&attempts, &course.workbook);
    let path = root().join("checks/MATRIX.md");
    if std::env::var_os("GRADER_UPDATE").is_some_and(|update| !update.is_empty()) {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "checks/MATRIX.md is not current: GRADER_UPDATE=1 cargo test -p grader --test recorded"
    );
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
