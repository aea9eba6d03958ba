//! Attempts are kept as long as something rests on them, and no longer.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Record {
        passes: bool,
        swapped: bool,
        small: bool,
    },
    /// Keeps one of those that are there.
    Keep(prop::sample::Index),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop::bool::weighted(0.05))
            .prop_map(|(passes, swapped, small)| Act::Record { passes, swapped, small }),
        1 => any::<prop::sample::Index>().prop_map(Act::Keep),
    ]
}

fn attempt(exercise: &str, passes: bool, swapped: bool, small: bool) -> Attempt {
    let outcome = |holds: bool, name: &str| if holds { Outcome::Holds } else { failed(name) };
    Attempt {
        exercise: id(exercise),
        outcomes: vec![
            ("swapped".into(), outcome(swapped, "swapped")),
            ("small".into(), outcome(small, "small")),
        ],
        verdict: if passes { Verdict::Passed } else { Verdict::Failed(vec![failure("small")]) },
        ..passed()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn kept_are_the_last_20_the_first_pass_the_reported_and_what_holds(acts in prop::collection::vec(act(), 25..60)) {
        let (_root, progress) = workspace();
        // Another exercise's attempts lie between and are never counted.
        let mut all: Vec<(u64, bool, bool, bool)> = Vec::new();
        let mut reported = BTreeSet::new();
        let mut there: BTreeSet<u64> = BTreeSet::new();
        for act in acts {
            match act {
                Act::Record { passes, swapped, small } => {
                    let number = progress.record(&attempt("4.2", passes, swapped, small)).unwrap();
                    prop_assert!(all.iter().all(|(earlier, ..)| *earlier < number));
                    all.push((number, passes, swapped, small));
                    progress.record(&attempt("1.1", false, false, false)).unwrap();
                }
                Act::Keep(which) => {
                    if !there.is_empty() {
                        let number = *which.get(&there.iter().copied().collect::<Vec<_>>());
                        progress.keep(&[number]).unwrap();
                        reported.insert(number);
                    }
                }
            }
            let newest = |held: fn(&(u64, bool, bool, bool)) -> bool| all.iter().rev().find(|it| held(it)).map(|it| it.0);
            let mut expected: BTreeSet<u64> = all.iter().rev().take(20).map(|it| it.0).collect();
            expected.extend(all.iter().find(|it| it.1).map(|it| it.0));
            expected.extend(newest(|it| it.2));
            expected.extend(newest(|it| it.3));
            expected.extend(&reported);
            there = progress.attempts(id("4.2")).unwrap().into_iter().map(|it| it.number).collect();
            prop_assert_eq!(&there, &expected);
        }
        let summaries = progress.summaries().unwrap();
        prop_assert_eq!(summaries.get(&id("4.2")).map_or(0, |it| it.attempts), all.len() as u64);
        prop_assert_eq!(
            summaries.get(&id("4.2")).and_then(|it| it.first_pass.as_ref()).map(|it| it.number),
            all.iter().find(|it| it.1).map(|it| it.0)
        );
        prop_assert!(progress.integrity_check().unwrap().is_empty());
    }
}

#[test]
fn what_is_dropped_leaves_nothing_behind() {
    let (root, progress) = workspace();
    for _ in 0..50 {
        progress.record(&nothing_held()).unwrap();
    }
    let by_hand = by_hand(root.path());
    for table in ["attempts", "judgements", "evidence"] {
        let count: u32 =
            by_hand.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(count, 20, "{table}");
    }
}

#[test]
fn a_report_keeps_all_of_its_attempts_or_none() {
    let (_root, progress) = workspace();
    progress.record(&nothing_held()).unwrap();
    assert!(progress.keep(&[1, 2]).is_err());
    for _ in 0..20 {
        progress.record(&nothing_held()).unwrap();
    }
    assert_eq!(progress.attempt(1).unwrap(), None);
}
