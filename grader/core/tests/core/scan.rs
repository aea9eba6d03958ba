//! What 4.1 says of a scan.

use grader_core::{
    Verdict,
    evidence::{Evidence, VulnerabilitiesEvidence},
    judge::{Held, Outcome, judge, looked_at},
};
use serde_json::{Value, json};

use crate::support::{our_check, set};

/// A scan of a Debian image with one finding without a fix.
fn scan() -> Value {
    let none = json!({ "with_fix": 0, "without_fix": 0 });
    let seen = json!({
        "reference": "myapp",
        "id": format!("sha256:{}", "a".repeat(64)),
        "scanner": { "name": "trivy", "path": "/usr/bin/trivy", "sha256": "0", "version": "0.74.0",
                     "found_first": "CVE-2023-30861" },
        "database": { "schema": 2, "updated_at": "2026-11-24T06:00:00Z", "updated_on": "2026-11-24",
                      "age_hours": 20, "size_bytes": 900_000_000, "stand_in": false },
        "os": { "family": "debian", "version": "13.8", "end_of_life": false, "release_of_packages": "13" },
        "os_recognised": true,
        "packages": 113,
        "os_packages": 98,
        "targets": [],
        "findings": [finding("HIGH", None)],
        "findings_not_told": 0,
        "without_fix": ["CVE-1 p"],
        "counts": { "critical": none, "high": none, "medium": none, "low": none, "unknown": none },
        "missed": [],
        "altered": [],
        "unrecorded": [],
    });
    let typed: VulnerabilitiesEvidence = serde_json::from_value(seen.clone()).unwrap();
    assert_eq!(serde_json::to_value(typed).unwrap(), seen);
    seen
}

fn finding(severity: &str, fixed: Option<&str>) -> Value {
    json!({ "id": "CVE-1", "severity": severity, "package": "p", "installed": "1", "fixed": fixed,
            "has_fix": fixed.is_some(), "status": "affected", "class": "os-pkgs", "path": null, "title": null,
            "url": null })
}

/// The ids that failed, and what the first of them says.
fn judged(changes: &[(&str, Value)]) -> (Vec<String>, String) {
    let mut evidence = Evidence::empty();
    evidence.seen.insert("scan".into(), scan());
    for (pointer, value) in changes {
        set(&mut evidence, pointer, value.clone());
    }
    let judgement = judge(our_check("4.1"), &evidence, &Held::new());
    let mut ids = Vec::new();
    let mut said = String::new();
    for (id, outcome) in &judgement.outcomes {
        match outcome {
            Outcome::Failed { failures, .. } => {
                if ids.is_empty() {
                    said.clone_from(&failures[0].actual);
                }
                ids.push(id.clone());
            }
            Outcome::Holds | Outcome::HeldBefore { .. } => {}
            Outcome::NotEvaluated(why) => panic!("{id}: {why:?}"),
        }
    }
    assert_eq!(ids.is_empty(), judgement.verdict() == Verdict::Passed);
    (ids, said)
}

#[track_caller]
fn fails(changes: &[(&str, Value)], id: &str, actual: &str) {
    assert_eq!(judged(changes), (vec![id.to_owned()], actual.to_owned()));
}

#[track_caller]
fn passes(changes: &[(&str, Value)]) {
    assert_eq!(judged(changes), (Vec::new(), String::new()));
}

#[test]
fn the_card_names_the_database_and_what_has_no_fix() {
    let mut evidence = Evidence::empty();
    evidence.seen.insert("scan".into(), scan());
    let looked = |evidence: &Evidence| looked_at(our_check("4.1"), evidence);
    assert_eq!(
        looked(&evidence),
        "myapp  sha256:aaaaaaaa  113 packages, database of 2026-11-24, without a fix: CVE-1 p"
    );
    set(&mut evidence, "scan/without_fix", json!(["a", "b", "c", "d", "e"]));
    set(&mut evidence, "scan/database/stand_in", json!(true));
    assert!(looked(&evidence).ends_with("(a stand-in), without a fix: a, b, c and 2 more"));
    set(&mut evidence, "scan/without_fix", json!([]));
    assert!(looked(&evidence).ends_with("(a stand-in)"));
}

#[test]
fn what_can_be_mended_fails_and_what_cannot_does_not() {
    let id = "none-that-could-be-mended";
    passes(&[]);
    passes(&[("scan/findings", json!([]))]);
    passes(&[("scan/findings", json!([finding("MEDIUM", Some("2")), finding("CRITICAL", None)]))]);
    let found = [finding("HIGH", None), finding("CRITICAL", Some("2"))];
    fails(&[("scan/findings", json!(found))], id, "p 1  CVE-1  CRITICAL  fixed in 2");
    fails(&[("scan/findings", json!([finding("HIGH", Some("2"))]))], id, "p 1  CVE-1  HIGH  fixed in 2");
}

#[test]
fn an_image_in_which_nothing_can_be_found() {
    let id = "something-was-scanned";
    let bare =
        [("scan/os", Value::Null), ("scan/os_recognised", json!(false)), ("scan/os_packages", json!(0))];
    passes(&bare);
    let empty = [bare.to_vec(), vec![("scan/packages", json!(0)), ("scan/findings", json!([]))]].concat();
    fails(&empty, id, "Trivy saw no package at all");
    fails(
        &[("scan/os_packages", json!(0)), ("scan/os/release_of_packages", Value::Null)],
        id,
        "113 packages, but none of the operating system",
    );
}

#[test]
fn a_release_under_another_name() {
    let id = "system-is-what-it-says";
    let said = |version: &str| format!("it says debian {version}, its packages are of Debian 13");
    fails(&[("scan/os/version", json!("130.1"))], id, &said("130.1"));
    fails(&[("scan/os/version", json!("forky/sid"))], id, &said("forky/sid"));
    passes(&[("scan/os/version", json!("13"))]);
    passes(&[("scan/os/release_of_packages", Value::Null), ("scan/os/version", json!("3.22.1"))]);
}

#[test]
fn records_that_do_not_tell() {
    let package = json!([{ "package": "werkzeug", "path": "/x/METADATA" }]);
    fails(&[("scan/missed", package.clone())], "every-package-was-seen", "not in the report: werkzeug");
    fails(&[("scan/altered", package)], "records-are-the-installed-ones", "edited: werkzeug");
    let code =
        json!([{ "path": "/x/werkzeug", "lacks": "a record" }, { "path": "/x/y", "lacks": "a record" }]);
    fails(&[("scan/unrecorded", code)], "no-code-without-record", "/x/werkzeug lacks a record and 1 more");
}
