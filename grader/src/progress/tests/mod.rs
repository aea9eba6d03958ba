//! What progress promises. The promises that need a kill, a full disk or several processes are in
//! `grader/tests/progress_*.rs`.

mod hints_and_runs;
mod recording;
mod retention;
mod states;

use std::path::Path;

use grader_core::{
    Attempt, ExerciseId, Verdict,
    evidence::Evidence,
    judge::{Failure, Outcome, Rule},
    span::Span,
    workbook::{Absent, Assertion, Check, Holds, ImageSpec, Probe, ProbeSpec},
};
use serde_json::json;

use super::Progress;

fn id(text: &str) -> ExerciseId {
    text.parse().unwrap()
}

fn workspace() -> (tempfile::TempDir, Progress) {
    let root = tempfile::tempdir().unwrap();
    let progress = Progress::open(root.path()).unwrap();
    (root, progress)
}

/// The database through a door of its own, for looking at what is stored or spoiling it.
fn by_hand(root: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(root.join(".grader/progress.db")).unwrap()
}

/// A check of 4.2 that looks at an image and a git tree, or less.
fn check(image: bool, tree: bool) -> Check {
    let rule = |source: &str| Rule::compile(source).unwrap();
    let probe = |name: &str, spec| Probe { name: name.into(), optional: false, during: None, spec };
    let image = image
        .then(|| probe("app", ProbeSpec::Image(ImageSpec { image: "{app.image}".into(), layers: false })));
    let git = json!({ "kind": "git" });
    let tree = tree.then(|| probe("repo", serde_json::from_value(git).unwrap()));
    let assertion = |id: &str, holds| Assertion {
        id: id.into(),
        holds,
        each: None,
        rule: rule("app.size_bytes < 100"),
        absent: Absent::Fails,
        expected: "less than 100 bytes".into(),
        actual: None,
        nothing: None,
        cases: Vec::new(),
        because: "b".into(),
        fix: "f".into(),
        guide: None,
    };
    Check {
        id: id("4.2"),
        title: "The newer title".into(),
        needs: Vec::new(),
        uses: Vec::new(),
        within: Span::seconds(60),
        looked_at: rule("'the image'"),
        proves: String::new(),
        leaves_open: String::new(),
        debrief: String::new(),
        probes: image.into_iter().chain(tree).collect(),
        assertions: vec![assertion("swapped", Holds::Once), assertion("small", Holds::Still)],
        hints: Vec::new(),
        hash: "newer".into(),
    }
}

fn failure(assertion: &str) -> Failure {
    Failure {
        assertion: assertion.into(),
        path: Some("$['app']".into()),
        expected: "e".into(),
        actual: "a\u{0}\n🦀".into(),
        because: "b".into(),
        fix: "f".into(),
        guide: None,
    }
}

fn failed(assertion: &str) -> Outcome {
    Outcome::Failed { failures: vec![failure(assertion)], failed: 30, of: 31 }
}

/// An attempt at 4.2 that passed, with both assertions.
fn passed() -> Attempt {
    let mut evidence = Evidence::empty();
    evidence.subject.image = Some("sha256:aa".into());
    evidence.subject.tree = Some("9fceb02".into());
    evidence.subject.files.insert("answers/4.2.toml".into(), "abc".into());
    evidence.seen.insert("app".into(), json!({ "size_bytes": 99 }));
    Attempt {
        number: None,
        exercise: id("4.2"),
        title: "The container does not run as root".into(),
        check_hash: "older".into(),
        started: "2026-11-24T23:10:00.000000001Z".parse().unwrap(),
        duration_ms: 640,
        evidence,
        outcomes: vec![("swapped".into(), Outcome::Holds), ("small".into(), Outcome::Holds)],
        verdict: Verdict::Passed,
    }
}

/// An attempt at 4.2 that failed on `small`; `swapped` held.
fn not_small() -> Attempt {
    Attempt {
        outcomes: vec![("swapped".into(), Outcome::Holds), ("small".into(), failed("small"))],
        verdict: Verdict::Failed(vec![failure("small")]),
        ..passed()
    }
}

/// An attempt at 4.2 in which nothing held.
fn nothing_held() -> Attempt {
    Attempt {
        outcomes: vec![("swapped".into(), failed("swapped")), ("small".into(), failed("small"))],
        verdict: Verdict::Failed(vec![failure("swapped"), failure("small")]),
        ..passed()
    }
}
