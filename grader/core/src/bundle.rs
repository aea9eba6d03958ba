//! A bundle: one file with all that somebody needs who is asked for help with an exercise.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Attempt, ExerciseId,
    document::ResultOf,
    evidence::Evidence,
    judge::{Held, Outcome},
    since::Since,
};

/// The format of a bundle.
pub const FORMAT: u32 = 1;

/// The most bytes of a bundle.
pub const LARGEST: usize = 3_000_000;

/// What `grader bundle` writes. The same state gives the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Bundle {
    /// Version of this format: 1.
    pub format: u32,
    /// The exercise.
    pub exercise: ExerciseId,
    /// What holds when it passes.
    pub title: String,
    /// Version of the grader that wrote this.
    pub grader: String,
    /// The workbook.
    pub workbook: BundledWorkbook,
    /// The check as it is now.
    pub check: BundledCheck,
    /// The last attempt.
    pub attempt: BundledAttempt,
    /// The attempt before; `null` unless both failed on the same assertion.
    pub before: Option<BundledAttempt>,
    /// What changed between the two.
    pub since: Option<Since>,
    /// How the kept attempts of the exercise ended, oldest first.
    pub history: Vec<BundledHistory>,
    /// How many hints were taken.
    pub hints_taken: u8,
    /// `app` and `compose` of workspace.toml; of variables the names alone.
    pub names: Value,
    /// What is not in it that could have been, and why.
    pub left_out: Vec<String>,
}

/// A workbook, for telling it from another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BundledWorkbook {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// SHA-256 over the names and contents of all its check files, in order.
    pub hash: String,
}

/// A check, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BundledCheck {
    /// The file's path in the workbook.
    pub path: String,
    /// SHA-256 of the file.
    pub hash: String,
    /// The file's text.
    pub text: String,
}

/// An attempt, whole.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BundledAttempt {
    /// When it began, RFC 3339.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// SHA-256 of the check file by which it was judged.
    pub check_hash: String,
    /// What it came to, as `check --json` prints it.
    pub result: ResultOf,
    /// Assertions that held in an earlier attempt, with its number.
    pub held_before: BTreeMap<String, u64>,
    /// The card, as a text of 80 columns.
    pub card: String,
    /// What was seen; `null` where it was left out.
    pub evidence: Value,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BundledHistory {
    /// Its number.
    pub attempt: u64,
    /// When it began, RFC 3339.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// How it ended.
    #[schemars(extend("enum" = ["passed", "failed", "blocked", "error"]))]
    pub verdict: &'static str,
}

impl BundledAttempt {
    /// An attempt with its card as a text, and what may be told of its evidence.
    pub fn of(attempt: &Attempt, card: String, evidence: Value) -> Self {
        Self {
            started: attempt.started,
            check_hash: attempt.check_hash.clone(),
            result: ResultOf::from(attempt),
            held_before: held_before(&attempt.outcomes),
            card,
            evidence,
        }
    }
}

/// Which assertions held in earlier attempts, from what became of them in this one.
pub fn held_before(outcomes: &[(String, Outcome)]) -> Held {
    let held = outcomes.iter().filter_map(|(id, outcome)| match outcome {
        Outcome::HeldBefore { attempt } => Some((id.clone(), *attempt)),
        Outcome::Holds | Outcome::Failed { .. } | Outcome::NotEvaluated(_) => None,
    });
    held.collect()
}

/// What is read of a bundle that somebody sent: enough to judge it again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Received {
    /// Version of the format.
    pub format: u32,
    /// The exercise.
    pub exercise: ExerciseId,
    /// The check of whoever sent it.
    pub check: ReceivedCheck,
    /// The last attempt.
    pub attempt: ReceivedAttempt,
    /// What changed since the attempt before.
    #[serde(default)]
    pub since: Option<Since>,
}

/// The check of whoever sent a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReceivedCheck {
    /// SHA-256 of the check file.
    pub hash: String,
}

/// The attempt of whoever sent a bundle.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ReceivedAttempt {
    /// What it came to there.
    pub result: ReceivedResult,
    /// Assertions that held in an earlier attempt.
    #[serde(default)]
    pub held_before: Held,
    /// What was seen.
    pub evidence: Evidence,
}

/// What an attempt came to for whoever sent a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReceivedResult {
    /// How it ended.
    pub verdict: String,
    /// Its number.
    pub attempt: Option<u64>,
    /// What became of each assertion; none where nothing was judged.
    pub assertions: Vec<Value>,
}

/// The JSON Schema of a bundle.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Bundle>().to_value()
}
