//! The card and the document: what a person and a program are told of one attempt.

use grader_core::{
    Attempt, Fault, Missing, Verdict, VerdictWord,
    card::{Card, Proven},
    document::ResultOf,
    evidence::Evidence,
    judge::{Held, Outcome, judge},
    workbook::Check,
};
use serde_json::json;

use crate::support::{check_of, digest, good, our_check, seen, set};

fn attempt(check: &Check, evidence: Evidence, held: &Held) -> Attempt {
    let judgement = judge(check, &evidence, held);
    Attempt {
        number: Some(17),
        exercise: check.id,
        title: check.title.clone(),
        check_hash: check.hash.clone(),
        started: "2026-11-24T23:10:00Z".parse().unwrap(),
        duration_ms: 1840,
        verdict: judgement.verdict(),
        outcomes: judgement.outcomes,
        evidence,
    }
}

fn unjudged(check: &Check, verdict: Verdict) -> Attempt {
    Attempt { outcomes: Vec::new(), verdict, ..attempt(check, Evidence::empty(), &Held::new()) }
}

/// Two of three processes are root, and the app has printed something.
fn rooted() -> Evidence {
    let mut evidence = good("4.2");
    set(&mut evidence, "app/processes/0/uid", json!(0));
    set(&mut evidence, "app/processes/1/real_uid", json!(0));
    set(
        &mut evidence,
        "app/output/stderr",
        json!({ "head": "listening\n", "tail": "", "bytes": 10, "cut_bytes": 0 }),
    );
    evidence
}

#[test]
fn a_pass_says_what_was_looked_at_what_it_proves_and_what_it_leaves_open() {
    let check = our_check("4.2");
    let card = Card::of(&attempt(check, good("4.2"), &Held::new()), Some(check));
    assert_eq!(card.verdict, VerdictWord::Passed);
    assert_eq!(card.looked_at, "myapp  sha256:aaaaaaaa  2 processes, 6 s, 24 looks");
    assert_eq!(
        card.proven,
        Some(Proven {
            proves: check.proves.clone(),
            leaves_open: check.leaves_open.clone(),
            debrief: check.debrief.clone(),
        })
    );
    assert!(card.findings.is_empty() && card.printed.is_empty());
    assert_eq!((card.blocked, card.error), (None, None));
    assert_eq!((card.attempt, card.duration_ms), (Some(17), 1840));
}

#[test]
fn a_failure_says_of_each_assertion_what_was_expected_seen_and_to_be_done() {
    let check = our_check("4.2");
    let mut evidence = rooted();
    set(&mut evidence, "image/config/user", json!(null));
    let card = Card::of(&attempt(check, evidence, &Held::new()), Some(check));
    assert_eq!(card.verdict, VerdictWord::Failed);
    let assertions: Vec<&str> = card.findings.iter().map(|finding| finding.assertion.as_str()).collect();
    assert_eq!(assertions, ["no-root-process", "user-declared"]);
    let finding = &card.findings[0];
    assert_eq!(finding.expected, "no process with uid 0: effective, real or saved");
    assert_eq!(finding.actual, ["gunicorn  pid 4711  uid 0", "gunicorn  pid 4712  real uid 0"]);
    assert_eq!(finding.paths, ["$.app.processes[0]", "$.app.processes[1]"]);
    assert_eq!((finding.failed, finding.of), (2, 2));
    assert!(finding.because.starts_with("Root in a container is root to the kernel"));
    assert!(finding.fix.contains("`USER` before `CMD`"));
    assert_eq!(finding.guide.as_deref(), Some("04-hardening.html#ex-4.2"));
    assert_eq!(card.findings[1].actual, ["the image sets no USER"]);
    assert_eq!(card.proven, None);
}

#[test]
fn what_the_program_printed_stands_apart_and_comes_from_the_container_that_failed() {
    let check = our_check("4.2");
    let card = Card::of(&attempt(check, rooted(), &Held::new()), Some(check));
    assert_eq!(card.printed.len(), 1);
    assert_eq!((card.printed[0].probe.as_str(), card.printed[0].text.head.as_str()), ("app", "listening\n"));
    assert!(!serde_json::to_string(&card.findings).unwrap().contains("listening"));

    // Standard output where nothing went to standard error.
    let mut evidence = good("4.2");
    set(&mut evidence, "whoami/output/stdout/head", json!("root\n"));
    let card = Card::of(&attempt(check, evidence, &Held::new()), Some(check));
    assert_eq!((card.printed[0].probe.as_str(), card.printed[0].text.head.as_str()), ("whoami", "root\n"));

    // A program that printed nothing has no box.
    let mut evidence = good("4.2");
    set(&mut evidence, "app/processes/0/uid", json!(0));
    assert!(Card::of(&attempt(check, evidence, &Held::new()), Some(check)).printed.is_empty());
}

#[test]
fn blocked_and_error_say_what_is_missing_and_what_broke() {
    let check = our_check("4.2");
    let missing = Missing { what: "no engine answers".into(), fix: "colima start".into() };
    let card = Card::of(&unjudged(check, Verdict::Blocked(missing.clone())), Some(check));
    assert_eq!((card.verdict, card.blocked), (VerdictWord::Blocked, Some(missing)));
    assert_eq!((card.looked_at.as_str(), card.findings.len(), card.proven), ("", 0, None));
    let fault = Fault { what: "the engine died".into(), detail: "connection reset".into() };
    let card = Card::of(&unjudged(check, Verdict::Error(fault.clone())), Some(check));
    assert_eq!((card.verdict, card.error), (VerdictWord::Error, Some(fault)));
    assert_eq!((card.blocked, card.proven), (None, None));
}

#[test]
fn what_was_held_before_is_named_with_its_attempt() {
    let check = check_of(&[
        "id = \"swap\"\nholds = \"once\"\nrule = \"app.image == 'old'\"",
        "id = \"now\"\nrule = \"app.container == 'c'\"",
    ]);
    let evidence = seen(json!({ "app": { "image": "new", "container": "c" } }));
    let attempt = attempt(&check, evidence, &[("swap".to_owned(), 3)].into());
    let card = Card::of(&attempt, Some(&check));
    assert_eq!(card.verdict, VerdictWord::Passed);
    assert_eq!(card.held_before, [("swap".to_owned(), 3)]);
    // Only what held in this attempt counts for later ones.
    assert_eq!(attempt.held_once(&check).count(), 0);
}

#[test]
fn a_card_of_a_check_that_is_gone_tells_less_and_still_what_failed() {
    let check = our_check("4.2");
    let attempt = attempt(check, rooted(), &Held::new());
    let card = Card::of(&attempt, None);
    assert_eq!((card.looked_at.as_str(), card.findings.len(), card.printed.len()), ("", 1, 0));
    assert_eq!(card.findings, Card::of(&attempt, Some(check)).findings);
}

#[test]
fn a_card_reads_back_as_it_was_written() {
    let check = our_check("4.2");
    let card = Card::of(&attempt(check, rooted(), &Held::new()), Some(check));
    let again: Card = serde_json::from_str(&serde_json::to_string(&card).unwrap()).unwrap();
    assert_eq!(again, card);
}

#[test]
fn the_result_in_json_is_the_contract() {
    let check = our_check("4.2");
    let mut evidence = rooted();
    evidence.subject.image = Some(digest('a'));
    set(&mut evidence, "app/processes/1/real_uid", json!(10001));
    let result = ResultOf::from(&attempt(check, evidence, &Held::new()));
    let assertion = &check.assertions[0];
    assert_eq!(
        serde_json::to_string_pretty(&result).unwrap(),
        serde_json::to_string_pretty(&json!({
            "exercise": "4.2",
            "title": "The container does not run as root",
            "verdict": "failed",
            "attempt": 17,
            "duration_ms": 1840,
            "assertions": [
                { "id": "no-root-process", "outcome": "failed" },
                { "id": "user-declared", "outcome": "holds" },
                { "id": "whoami-not-root", "outcome": "holds" },
                { "id": "kept-running", "outcome": "holds" },
            ],
            "failures": [{
                "assertion": "no-root-process",
                "path": "$.app.processes[0]",
                "expected": "no process with uid 0: effective, real or saved",
                "actual": "gunicorn  pid 4711  uid 0",
                "because": assertion.because,
                "fix": assertion.fix,
                "guide": "04-hardening.html#ex-4.2",
            }],
            "since": null,
            "blocked": null,
            "error": null,
            "subject": { "image": digest('a'), "tree": null },
        }))
        .unwrap()
    );
    let missing = Missing { what: "no engine answers".into(), fix: "colima start".into() };
    let result = ResultOf::from(&unjudged(check, Verdict::Blocked(missing)));
    let result = serde_json::to_value(&result).unwrap();
    assert_eq!(result["blocked"], json!({ "what": "no engine answers", "fix": "colima start" }));
    assert_eq!((&result["assertions"], &result["failures"]), (&json!([]), &json!([])));
}

#[test]
fn an_attempt_judged_again_keeps_what_it_was_and_takes_the_new_verdict() {
    let strict = check_of(&["rule = \"app.watched.looks > 30\""]);
    let lenient = check_of(&["rule = \"app.watched.looks > 20\""]);
    let first = attempt(&strict, seen(json!({ "app": { "watched": { "looks": 24 } } })), &Held::new());
    assert!(matches!(first.verdict, Verdict::Failed(_)));
    let again = first.rejudged(&lenient, &Held::new());
    assert_eq!(again.verdict, Verdict::Passed);
    assert_eq!(again.outcomes, [("it".to_owned(), Outcome::Holds)]);
    assert_eq!(
        (again.number, again.started, &again.evidence),
        (first.number, first.started, &first.evidence)
    );
    assert_eq!(again.check_hash, lenient.hash);
    // What was never judged is not judged now: there is nothing to judge.
    for verdict in [
        Verdict::Blocked(Missing { what: "x".into(), fix: "y".into() }),
        Verdict::Error(Fault { what: "x".into(), detail: "y".into() }),
    ] {
        let unjudged = unjudged(&strict, verdict.clone());
        assert_eq!(unjudged.rejudged(&lenient, &Held::new()).verdict, verdict);
    }
}

#[test]
fn hints_of_an_assertion_stand_in_the_place_of_the_last_general_ones() {
    let check = our_check("4.2");
    let texts =
        |assertion| check.hints_for(assertion).iter().map(|hint| hint.text.as_str()).collect::<Vec<_>>();
    let general = texts(None);
    assert_eq!(general.len(), 3);
    assert_eq!(texts(Some("user-declared")), general);
    let own = texts(Some("kept-running"));
    assert_eq!((own.len(), &own[..2]), (3, &general[..2]));
    assert!(own[2].starts_with("Start it as the check does"));
}
