//! What changed between two failures on the same assertion.

use grader_core::{
    Attempt, Verdict,
    evidence::Evidence,
    judge::{Held, judge},
    since::{Changed, Since},
    workbook::Check,
};
use serde_json::{Value, json};

use crate::support::{check_of, digest, good, our_check, seen, set};

fn attempt(check: &Check, number: u64, evidence: Evidence) -> Attempt {
    let judgement = judge(check, &evidence, &Held::new());
    Attempt {
        number: Some(number),
        exercise: check.id,
        title: check.title.clone(),
        check_hash: check.hash.clone(),
        started: "2026-11-24T23:10:00Z".parse().unwrap(),
        duration_ms: 1,
        verdict: judgement.verdict(),
        outcomes: judgement.outcomes,
        evidence,
    }
}

/// The lines between two pieces of evidence, both of which must fail.
fn lines(check: &Check, was: Evidence, is: Evidence) -> Vec<String> {
    let (before, now) = (attempt(check, 16, was), attempt(check, 17, is));
    Since::of(check, &now, [&before]).expect("both fail on the same").lines()
}

/// A container of these user ids, its processes numbered anew.
fn users(uids: &[u64], first_pid: u64) -> Evidence {
    let mut evidence = good("4.2");
    let mut process = evidence.seen["app"]["processes"][0].clone();
    let processes: Vec<Value> = (first_pid..)
        .zip(uids)
        .map(|(pid, uid)| {
            process["pid"] = json!(pid);
            process["uid"] = json!(uid);
            process.clone()
        })
        .collect();
    set(&mut evidence, "app/processes", json!(processes));
    evidence.subject.image = Some(digest('a'));
    evidence
}

#[test]
fn fewer_elements_are_counted() {
    let lines = lines(our_check("4.2"), users(&[0, 0, 0], 10), users(&[0, 0], 20));
    assert_eq!(lines, ["app.processes: 3 → 2"]);
}

#[test]
fn what_is_another_one_every_time_is_no_change() {
    let lines = lines(our_check("4.2"), users(&[0, 10001], 10), users(&[10001, 0], 90));
    assert_eq!(lines, ["nothing that this looks at: same image"]);
}

#[test]
fn another_image_is_told_with_what_it_came_to_or_without() {
    let mut other = users(&[0, 33], 20);
    other.subject.image = Some(digest('b'));
    other.subject.tree = Some("9fceb02d0ae598e95dc970b74767f19372d61af8".into());
    let told = lines(our_check("4.2"), users(&[0, 10001], 10), other.clone());
    assert_eq!(
        told,
        [
            "app.processes.uid: 0, 10001 → 0, 33",
            "image: aaaaaaaa… → bbbbbbbb…",
            "commit: nothing → 9fceb02d…"
        ]
    );
    other = users(&[0, 10001], 10);
    other.subject.image = Some(digest('b'));
    assert_eq!(lines(our_check("4.2"), users(&[0, 10001], 10), other), ["image: aaaaaaaa… → bbbbbbbb…"]);
}

#[test]
fn measurements_of_a_container_vary_and_bigger_steps_are_told() {
    let check = check_of(&["rule = \"app.watched.lasted_ms < 10\""]);
    let lasted = |ms: u64| seen(json!({ "app": { "watched": { "lasted_ms": ms } } }));
    assert_eq!(lines(&check, lasted(6000), lasted(6100)), ["nothing that this looks at"]);
    assert_eq!(lines(&check, lasted(6000), lasted(3000)), ["app.watched.lasted_ms: 6000 → 3000"]);
}

#[test]
fn it_is_told_only_after_a_failure_on_the_same() {
    let check = our_check("4.2");
    let failed = attempt(check, 17, users(&[0], 1));
    let passed = attempt(check, 16, good("4.2"));
    assert_eq!(passed.verdict, Verdict::Passed);
    assert_eq!(Since::of(check, &failed, []), None);
    assert_eq!(Since::of(check, &failed, [&passed]), None);
    assert_eq!(Since::of(check, &passed, [&failed]), None);
    let mut undeclared = good("4.2");
    set(&mut undeclared, "image/config/user", json!(null));
    assert_eq!(Since::of(check, &failed, [&attempt(check, 16, undeclared)]), None, "another assertion");
}

#[test]
fn failures_in_a_row_are_counted_and_what_was_not_judged_lies_between() {
    let check = our_check("4.2");
    let failed = |number| attempt(check, number, users(&[0], number));
    let broke = Attempt {
        outcomes: Vec::new(),
        verdict: Verdict::Error(grader_core::Fault { what: "w".into(), detail: "d".into() }),
        ..failed(15)
    };
    let passed = attempt(check, 13, good("4.2"));
    let earlier = [failed(16), broke, failed(14), passed, failed(12)];
    let since = Since::of(check, &failed(17), &earlier).unwrap();
    assert_eq!((since.times, since.before), (3, Some(16)));
}

#[test]
fn there_are_three_lines_at_most_and_none_is_long() {
    let names = ["image", "image_reference", "state.status", "state.error", "watched.via"];
    let rule = names.map(|name| format!("app.{name} == 'x'")).join(" && ");
    let check = check_of(&[&format!("rule = \"{rule}\"")]);
    let of = |text: &str| {
        let text = text.repeat(300);
        seen(json!({ "app": {
            "image": text, "image_reference": text, "state": { "status": text, "error": text },
            "watched": { "via": text },
        } }))
    };
    let (before, now) = (attempt(&check, 1, of("é")), attempt(&check, 2, of("ü")));
    let since = Since::of(&check, &now, [&before]).unwrap();
    assert_eq!(since.changes.len(), 3);
    let is_short = |text: &String| text.chars().count() < 50;
    assert!(since.changes.iter().all(|Changed { was, is, .. }| is_short(was) && is_short(is)));
}
