//! What an exercise is now.

use std::collections::BTreeMap;

use grader_core::{VerdictWord, evidence::Subject, workbook::Check};
use proptest::prelude::*;

use super::{check, id};
use crate::progress::{AttemptSummary, Change, Look, Part, State, SubjectNow, not_looked_at, state_of};

fn last(verdict: VerdictWord) -> AttemptSummary {
    AttemptSummary {
        number: 1,
        exercise: id("4.2"),
        title: String::new(),
        check_hash: "any".into(),
        started: jiff::Timestamp::UNIX_EPOCH,
        duration_ms: 0,
        verdict,
        subject: Subject {
            image: Some("sha256:aa".into()),
            tree: Some("9fceb02".into()),
            files: [("answers/4.2.toml".to_owned(), "abc".to_owned())].into(),
        },
    }
}

fn seen(text: &str) -> Look<Option<String>> {
    Look::Seen(Some(text.into()))
}

fn unchanged() -> SubjectNow {
    SubjectNow {
        image: seen("sha256:aa"),
        tree: seen("9fceb02"),
        files: [("answers/4.2.toml".to_owned(), seen("abc"))].into(),
    }
}

fn words(pending: bool, last: Option<&AttemptSummary>) -> &'static str {
    state_of(pending, last, Some(&check(true, true)), &unchanged()).as_str()
}

#[test]
fn an_exercise_is_pending_open_or_what_its_last_attempt_came_to() {
    assert_eq!(words(true, Some(&last(VerdictWord::Passed))), "pending");
    assert_eq!(words(false, None), "open");
    for verdict in [VerdictWord::Passed, VerdictWord::Failed, VerdictWord::Blocked, VerdictWord::Error] {
        assert_eq!(words(false, Some(&last(verdict))), verdict.as_str());
    }
    assert_eq!(State::TornDown.as_str(), "torn down");
}

#[test]
fn a_pass_goes_stale_by_each_part_that_changed() {
    let now = SubjectNow {
        image: seen("sha256:bb"),
        tree: Look::Seen(None),
        files: [("answers/4.2.toml".to_owned(), seen("other"))].into(),
    };
    let state = state_of(false, Some(&last(VerdictWord::Passed)), Some(&check(true, true)), &now);
    let change =
        |part, was: &str, is: Option<&str>| Change { part, was: Some(was.into()), is: is.map(Into::into) };
    assert_eq!(
        state,
        State::Stale(vec![
            change(Part::Image, "sha256:aa", Some("sha256:bb")),
            change(Part::Tree, "9fceb02", None),
            change(Part::File("answers/4.2.toml".into()), "abc", Some("other")),
        ])
    );
    assert_eq!(state.as_str(), "stale");
}

#[test]
fn only_what_the_check_judges_makes_it_stale() {
    let now = SubjectNow { image: seen("sha256:bb"), tree: seen("other"), ..unchanged() };
    let state =
        |check: Option<Check>| state_of(false, Some(&last(VerdictWord::Passed)), check.as_ref(), &now);
    let parts = |state| match state {
        State::Stale(changes) => changes.into_iter().map(|change| change.part).collect(),
        _ => Vec::new(),
    };
    assert_eq!(parts(state(Some(check(true, false)))), [Part::Image]);
    assert_eq!(parts(state(Some(check(false, true)))), [Part::Tree]);
    assert_eq!(state(Some(check(false, false))), State::Passed);
    assert_eq!(state(None), State::Passed);
}

#[test]
fn what_cannot_be_looked_at_now_is_as_of_the_last_look() {
    let now = SubjectNow { image: Look::NotNow, tree: seen("9fceb02"), files: BTreeMap::new() };
    let (last, check) = (last(VerdictWord::Passed), check(true, true));
    assert_eq!(state_of(false, Some(&last), Some(&check), &now), State::Passed);
    assert_eq!(not_looked_at(&last, &check, &now), [Part::Image, Part::File("answers/4.2.toml".into())]);
}

fn look() -> impl Strategy<Value = Look<Option<String>>> {
    prop_oneof![Just(Look::NotNow), Just(Look::Seen(None)), "[ab]".prop_map(|text| Look::Seen(Some(text))),]
}

fn word() -> impl Strategy<Value = VerdictWord> {
    prop::sample::select(vec![
        VerdictWord::Passed,
        VerdictWord::Failed,
        VerdictWord::Blocked,
        VerdictWord::Error,
    ])
}

proptest! {
    #[test]
    fn stale_is_a_pass_with_a_seen_difference_and_nothing_else(
        verdict in word(),
        image in prop::option::of("[ab]"),
        tree in prop::option::of("[ab]"),
        file in prop::option::of("[ab]"),
        now_image in look(), now_tree in look(), now_file in look(),
        judges_image: bool, judges_tree: bool,
    ) {
        let files = file.iter().map(|hash| ("a".to_owned(), hash.clone())).collect();
        let last = AttemptSummary {
            subject: Subject { image: image.clone(), tree: tree.clone(), files },
            ..last(verdict)
        };
        let now = SubjectNow {
            image: now_image.clone(),
            tree: now_tree.clone(),
            files: [("a".to_owned(), now_file.clone()), ("b".to_owned(), now_tree.clone())].into(),
        };
        let differs = |was: &Option<String>, is: &Look<Option<String>>| matches!(is, Look::Seen(is) if is != was);
        let changed = usize::from(judges_image && differs(&image, &now_image))
            + usize::from(judges_tree && differs(&tree, &now_tree))
            + usize::from(file.is_some() && differs(&file, &now_file));
        match state_of(false, Some(&last), Some(&check(judges_image, judges_tree)), &now) {
            State::Stale(changes) => {
                prop_assert_eq!(verdict, VerdictWord::Passed);
                prop_assert!(changed > 0);
                prop_assert_eq!(changes.len(), changed);
                prop_assert!(changes.iter().all(|change| change.was != change.is));
            }
            other => {
                prop_assert_eq!(other.as_str(), verdict.as_str());
                prop_assert!(verdict != VerdictWord::Passed || changed == 0);
            }
        }
    }
}
