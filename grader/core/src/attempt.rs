//! One recorded run of a check.

use jiff::Timestamp;

use crate::{
    ExerciseId, Verdict,
    evidence::Evidence,
    judge::{Held, Judgement, Outcome, judge},
    workbook::{Check, Holds},
};

/// One run of a check: what was seen, an outcome for every assertion, and the verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Its number in the workspace; `None` where nothing could be recorded.
    pub number: Option<u64>,
    /// The exercise.
    pub exercise: ExerciseId,
    /// The check's title at the time.
    pub title: String,
    /// SHA-256 of the check file by which it was judged.
    pub check_hash: String,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, by a clock that never jumps.
    pub duration_ms: u64,
    /// What was seen; empty where the check was blocked or broke before any probe had looked.
    pub evidence: Evidence,
    /// What became of each assertion, in order; empty where it was not judged.
    pub outcomes: Vec<(String, Outcome)>,
    /// How it ended.
    pub verdict: Verdict,
}

impl Attempt {
    /// Judges the same evidence by a check again, without touching the world.
    #[must_use]
    pub fn rejudged(&self, check: &Check, held: &Held) -> Self {
        let mut again = Self { title: check.title.clone(), check_hash: check.hash.clone(), ..self.clone() };
        match self.verdict {
            // Nothing was seen that could be judged: it stays as it was.
            Verdict::Blocked(_) => {}
            Verdict::Error(_) if self.outcomes.is_empty() => {}
            Verdict::Passed | Verdict::Failed(_) | Verdict::Error(_) => {
                let judgement = judge(check, &self.evidence, held);
                again.verdict = judgement.verdict();
                again.outcomes = judgement.outcomes;
            }
        }
        again
    }

    /// The judgement on which the verdict rests.
    pub fn judgement(&self) -> Judgement {
        Judgement { outcomes: self.outcomes.clone() }
    }

    /// The `once` assertions of `check` that held in this attempt.
    pub fn held_once<'a>(&'a self, check: &'a Check) -> impl Iterator<Item = &'a str> {
        self.outcomes.iter().filter_map(|(id, outcome)| {
            let once = check.assertions.iter().any(|a| a.id == *id && a.holds == Holds::Once);
            (once && matches!(outcome, Outcome::Holds)).then_some(id.as_str())
        })
    }
}
