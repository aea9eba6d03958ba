//! Attempts come back as they went in, under one number for ever.

use grader_core::{Fault, Missing, VerdictWord};
use proptest::prelude::*;

use super::*;
use crate::progress::{ProgressError, judged_by_another};

#[test]
fn an_attempt_comes_back_as_it_was() {
    let (_root, progress) = workspace();
    let mut odd = nothing_held();
    odd.outcomes.push(("before".into(), Outcome::HeldBefore { attempt: 3 }));
    odd.outcomes.push(("broken".into(), Outcome::NotEvaluated("no such key".into())));
    odd.evidence.seen.insert(
        "odd".into(),
        json!({ "float": 0.1 + 0.2, "big": u64::MAX, "low": i64::MIN, "null": null, "text": "\u{0}\u{7f}é🦀" }),
    );
    let blocked = Attempt {
        verdict: Verdict::Blocked(Missing { what: "no engine".into(), fix: "start one".into() }),
        outcomes: Vec::new(),
        ..passed()
    };
    let error = Attempt {
        verdict: Verdict::Error(Fault { what: "time-out".into(), detail: "after 60 s".into() }),
        outcomes: Vec::new(),
        ..passed()
    };
    for (at, attempt) in [passed(), odd, blocked, error].into_iter().enumerate() {
        let number = progress.record(&attempt).unwrap();
        assert_eq!(number, at as u64 + 1);
        let expected = Attempt { number: Some(number), ..attempt };
        assert_eq!(progress.attempt(number).unwrap(), Some(expected));
    }
    assert_eq!(progress.attempt(99).unwrap(), None);
    assert_eq!(progress.attempt(u64::MAX).unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_number_and_text_comes_back(
        float in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
        whole in any::<i64>(),
        text in any::<String>(),
        nanosecond in any::<i64>(),
        duration_ms in 0..=i64::MAX as u64,
    ) {
        let (_root, progress) = workspace();
        let mut attempt = passed();
        attempt.evidence.seen.insert("any".into(), json!({ "float": float, "whole": whole, "text": text }));
        attempt.evidence.subject.files.insert(text.clone(), text.clone());
        attempt.title = text;
        attempt.started = jiff::Timestamp::from_nanosecond(nanosecond.into()).unwrap();
        attempt.duration_ms = duration_ms;
        attempt.number = Some(progress.record(&attempt).unwrap());
        prop_assert_eq!(progress.attempt(1).unwrap(), Some(attempt));
    }
}

#[test]
fn a_summary_shows_the_last_attempt_and_the_first_pass() {
    let (_root, progress) = workspace();
    assert!(progress.summaries().unwrap().is_empty());
    for attempt in [nothing_held(), passed(), not_small(), passed(), nothing_held()] {
        progress.record(&attempt).unwrap();
    }
    progress.take_hint(id("4.2")).unwrap();
    let other = Attempt { exercise: id("2.10"), ..passed() };
    progress.record(&other).unwrap();

    let summaries = progress.summaries().unwrap();
    assert_eq!(summaries.keys().map(ToString::to_string).collect::<Vec<_>>(), ["2.10", "4.2"]);
    let summary = &summaries[&id("4.2")];
    assert_eq!((summary.last.number, summary.last.verdict), (5, VerdictWord::Failed));
    assert_eq!(
        summary.first_pass.as_ref().map(|pass| (pass.number, pass.verdict)),
        Some((2, VerdictWord::Passed))
    );
    assert_eq!((summary.attempts, summary.hints), (5, 1));
    assert_eq!(summary.last.subject, passed().evidence.subject);
    assert_eq!(progress.last(id("4.2")).unwrap().as_ref(), Some(&summary.last));
    assert_eq!(progress.last(id("9.9")).unwrap(), None);
    let numbers: Vec<u64> = progress.attempts(id("4.2")).unwrap().iter().map(|it| it.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[test]
fn order_is_that_of_numbers_whatever_the_clock_says() {
    let (_root, progress) = workspace();
    progress.record(&passed()).unwrap();
    let a_day_before = "2026-11-23T23:10:00Z".parse().unwrap();
    progress.record(&Attempt { started: a_day_before, ..nothing_held() }).unwrap();
    assert_eq!(progress.last(id("4.2")).unwrap().unwrap().started, a_day_before);
    assert_eq!(progress.summaries().unwrap()[&id("4.2")].last.verdict, VerdictWord::Failed);
}

#[test]
fn a_once_assertion_is_held_by_the_latest_attempt_in_which_it_held() {
    let (_root, progress) = workspace();
    let check = check(true, false);
    assert!(progress.held(&check).unwrap().is_empty());
    for attempt in [passed(), not_small(), nothing_held()] {
        progress.record(&attempt).unwrap();
    }
    // `small` held in attempt 1, but it must hold still.
    assert_eq!(progress.held(&check).unwrap().into_iter().collect::<Vec<_>>(), [("swapped".to_owned(), 2)]);
}

#[test]
fn a_new_judgement_stands_beside_the_attempt() {
    let (_root, progress) = workspace();
    let check = check(true, false);
    // Another check judged it; by the present one, 99 bytes are small enough.
    let number = progress.record(&nothing_held()).unwrap();
    let checks = [(check.id, check)].into();
    let summaries = progress.summaries().unwrap();
    let due: Vec<u64> = judged_by_another(&summaries, &checks).iter().map(|it| it.number).collect();
    assert_eq!(due, [number]);

    let check = &checks[&id("4.2")];
    let recorded = progress.attempt(number).unwrap().unwrap();
    let again = recorded.rejudged(check, &progress.held(check).unwrap());
    progress.record_rejudgement(&again).unwrap();

    assert_eq!(progress.attempt(number).unwrap(), Some(recorded));
    assert_eq!(progress.attempt_as_judged(number).unwrap(), Some(again));
    let summaries = progress.summaries().unwrap();
    let summary = &summaries[&id("4.2")];
    assert!(judged_by_another(&summaries, &checks).is_empty());
    assert_eq!((summary.last.verdict, &*summary.last.title), (VerdictWord::Passed, "The newer title"));
    assert_eq!(summary.first_pass, Some(summary.last.clone()));
    assert_eq!(progress.held(check).unwrap()["swapped"], number);
}

#[test]
fn a_first_pass_is_shown_as_it_was_judged_then() {
    let (_root, progress) = workspace();
    let number = progress.record(&passed()).unwrap();
    let stricter = Attempt { number: Some(number), check_hash: "stricter".into(), ..nothing_held() };
    progress.record_rejudgement(&stricter).unwrap();
    let summary = progress.summaries().unwrap().remove(&id("4.2")).unwrap();
    assert_eq!((summary.last.verdict, &*summary.last.check_hash), (VerdictWord::Failed, "stricter"));
    let first_pass = summary.first_pass.unwrap();
    assert_eq!((first_pass.verdict, &*first_pass.check_hash), (VerdictWord::Passed, "older"));
    assert!(progress.held(&check(true, false)).unwrap().is_empty());
}

#[test]
fn a_judgement_of_no_recorded_attempt_is_refused() {
    let (_root, progress) = workspace();
    assert!(progress.record_rejudgement(&passed()).is_err());
    let unknown = Attempt { number: Some(7), ..passed() };
    assert!(matches!(progress.record_rejudgement(&unknown), Err(ProgressError::NoAttempt { number: 7, .. })));
}

#[test]
fn what_was_recorded_is_never_edited() {
    let (root, progress) = workspace();
    progress.record(&nothing_held()).unwrap();
    let by_hand = by_hand(root.path());
    for edit in [
        "UPDATE attempts SET verdict = 'passed'",
        "UPDATE judgements SET verdict = '{\"verdict\":\"passed\"}'",
        "UPDATE evidence SET json = '{}'",
    ] {
        assert!(by_hand.execute(edit, []).unwrap_err().to_string().contains("never edited"), "{edit}");
    }
}

#[test]
fn what_was_edited_by_hand_all_the_same_is_named() {
    let (root, progress) = workspace();
    for _ in 0..4 {
        progress.record(&nothing_held()).unwrap();
    }
    by_hand(root.path())
        .execute_batch(
            "DROP TRIGGER attempts_are_never_edited;
             DROP TRIGGER judgements_are_never_edited;
             DROP TRIGGER evidence_is_never_edited;
             UPDATE attempts SET verdict = 'passed' WHERE number = 1;
             UPDATE evidence SET json = '{' WHERE attempt = 2;
             UPDATE evidence SET format = 7 WHERE attempt = 3;
             DELETE FROM evidence WHERE attempt = 4",
        )
        .unwrap();
    let said = |number| progress.attempt(number).unwrap_err().to_string();
    assert!(said(1).contains("the verdict of attempt 1"), "{}", said(1));
    assert!(said(2).contains("the evidence of attempt 2"), "{}", said(2));
    assert!(said(3).contains("the evidence of attempt 3 has format 7"), "{}", said(3));
    assert!(said(4).contains("attempt 4"), "{}", said(4));
}
