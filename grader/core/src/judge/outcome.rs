//! What became of each assertion, and the verdict that follows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verdict::{Fault, Verdict};

/// What became of one assertion.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not hold now, but it is a `once` assertion and held in an earlier attempt.
    HeldBefore {
        /// The attempt's number.
        attempt: u64,
    },
    /// It does not hold.
    Failed {
        /// The elements that failed, at most 20. Never empty.
        failures: Vec<Failure>,
        /// How many failed.
        failed: usize,
        /// Of how many.
        of: usize,
    },
    /// Its rule could not be evaluated: a fault of the workbook.
    NotEvaluated(String),
}

impl Outcome {
    /// The word in `--json`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HeldBefore { .. } => "held-before",
            Self::Failed { .. } => "failed",
            Self::NotEvaluated(_) => "not-evaluated",
        }
    }
}

/// One element that an assertion failed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The assertion's id.
    pub assertion: String,
    /// Where in the evidence, as a JSONPath: `$.app.processes[0]`; `null` for an assertion over the whole.
    pub path: Option<String>,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub actual: String,
    /// Why it matters.
    pub because: String,
    /// What to do.
    pub fix: String,
    /// Where the book says more.
    pub guide: Option<String>,
}

/// An outcome for every assertion of a check, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// The outcomes by the assertions' ids.
    pub outcomes: Vec<(String, Outcome)>,
}

impl Judgement {
    /// The verdict that follows: an assertion that could not be evaluated is an error before all else.
    pub fn verdict(&self) -> Verdict {
        let unevaluated: Vec<String> = self
            .outcomes
            .iter()
            .filter_map(|(id, outcome)| match outcome {
                Outcome::NotEvaluated(why) => Some(format!("{id}: {why}")),
                Outcome::Holds | Outcome::HeldBefore { .. } | Outcome::Failed { .. } => None,
            })
            .collect();
        if !unevaluated.is_empty() {
            return Verdict::Error(Fault {
                what: "a rule of the workbook could not be evaluated".into(),
                detail: unevaluated.join("; "),
            });
        }
        let failures: Vec<Failure> = self
            .outcomes
            .iter()
            .filter_map(|(_, outcome)| match outcome {
                Outcome::Failed { failures, .. } => Some(failures.clone()),
                Outcome::Holds | Outcome::HeldBefore { .. } | Outcome::NotEvaluated(_) => None,
            })
            .flatten()
            .collect();
        if self.outcomes.is_empty() {
            return Verdict::Error(Fault {
                what: "the check asserts nothing".into(),
                detail: "a check without assertions proves nothing".into(),
            });
        }
        if failures.is_empty() { Verdict::Passed } else { Verdict::Failed(failures) }
    }
}
