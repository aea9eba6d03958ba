//! Rules against recorded evidence: one that holds for all of it proves nothing.

use serde::{Deserialize, Serialize};

use crate::{
    ExerciseId,
    evidence::Evidence,
    judge::{Held, Outcome, judge, untold},
    workbook::{Assertion, Check, Diagnostic, Files, SourceFile, places::Places},
};

/// The evidence of one specimen, recorded by a run on a real engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The exercise.
    pub exercise: ExerciseId,
    /// What was seen.
    pub evidence: Evidence,
}

/// All recorded evidence for one exercise, by the specimen's name. Unreadable files are returned as their paths.
pub fn recorded_evidence(files: &Files, exercise: ExerciseId) -> (Vec<(String, Evidence)>, Vec<String>) {
    let folder = format!("checks/specimens/{exercise}");
    let mut evidence = Vec::new();
    let mut unreadable = Vec::new();
    for (path, bytes) in files.below(&folder) {
        if let Some(name) = path.strip_suffix("/evidence.json") {
            match serde_json::from_slice::<Recorded>(bytes) {
                Ok(recorded) => evidence.push((name.to_owned(), recorded.evidence)),
                Err(_) => unreadable.push(format!("{folder}/{path}")),
            }
        }
    }
    (evidence, unreadable)
}

/// Whether each failure is told in the author's words, where the author has given some.
fn has_words(assertion: &Assertion, outcome: &Outcome) -> bool {
    let Outcome::Failed { failures, .. } = outcome else { return true };
    failures.iter().all(|failure| {
        let rule_itself = failure.actual == untold(&assertion.rule);
        !(rule_itself && assertion.actual.is_some())
    })
}

pub(super) fn lint(check: &Check, source: &SourceFile, files: &Files) -> Vec<Diagnostic> {
    let (recorded, unreadable) = recorded_evidence(files, check.id);
    let mut faults: Vec<Diagnostic> = unreadable
        .iter()
        .map(|path| {
            Diagnostic::error(&SourceFile::new(path, ""), 0..0, "not recorded evidence of this format")
        })
        .collect();
    if recorded.is_empty() {
        return faults;
    }
    let places = Places::of(source);
    let judgements: Vec<_> =
        recorded.iter().map(|(_, evidence)| judge(check, evidence, &Held::new())).collect();
    for (at, assertion) in check.assertions.iter().enumerate() {
        let outcomes = || judgements.iter().map(|judgement| &judgement.outcomes[at].1);
        let place = places.value(&format!("assert/{at}/rule"));
        if outcomes().all(|outcome| matches!(outcome, Outcome::Holds)) {
            let message = format!(
                "`{}` holds for all recorded evidence ({} specimens): it proves nothing",
                assertion.id,
                recorded.len()
            );
            let suggestion = format!("add a specimen that it catches, below checks/specimens/{}/", check.id);
            faults.push(Diagnostic::error(source, place.clone(), message).suggest(suggestion));
        }
        for ((specimen, _), outcome) in recorded.iter().zip(outcomes()) {
            if !has_words(assertion, outcome) {
                let message =
                    format!("`{}` has no words for what the specimen `{specimen}` shows", assertion.id);
                let place = places.value(&format!("assert/{at}/id"));
                let fault = Diagnostic::error(source, place, message);
                faults.push(fault.suggest("write an `actual` that yields a text for it"));
            }
        }
        if let Some(why) = outcomes().find_map(|outcome| match outcome {
            Outcome::NotEvaluated(why) => Some(why),
            Outcome::Holds | Outcome::HeldBefore { .. } | Outcome::Failed { .. } => None,
        }) {
            faults.push(Diagnostic::error(
                source,
                place,
                format!("cannot be evaluated on recorded evidence: {why}"),
            ));
        }
    }
    faults
}
