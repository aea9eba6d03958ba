//! Verdicts and outcomes in the form in which they are stored.
//!
//! The form has a number of its own and types of its own, so that the judge's types can change and
//! old attempts stay readable. Start at [`Judged`].

use grader_core::{
    Fault, Missing, Verdict,
    judge::{Failure, Outcome},
};
use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::error::Inside;

/// The newest form of a judgement that is written and read.
const FORMAT: i64 = 1;

/// A judgement as three columns hold it.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) format: i64,
    pub(super) verdict: String,
    pub(super) outcomes: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", deny_unknown_fields)]
enum StoredVerdict {
    Passed,
    Failed { failures: Vec<Failure> },
    Blocked { what: String, fix: String },
    Error { what: String, detail: String },
}

/// One entry of a list of outcomes: the assertion's id and this.
#[derive(Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
enum StoredOutcome {
    Holds,
    HeldBefore { attempt: u64 },
    Failed { failures: Vec<Failure>, failed: usize, of: usize },
    NotEvaluated { why: String },
}

impl Judged {
    /// Brings a judgement into its stored form.
    pub(super) fn of(verdict: &Verdict, outcomes: &[(String, Outcome)]) -> Result<Self, Inside> {
        let verdict = match verdict.clone() {
            Verdict::Passed => StoredVerdict::Passed,
            Verdict::Failed(failures) => StoredVerdict::Failed { failures },
            Verdict::Blocked(Missing { what, fix }) => StoredVerdict::Blocked { what, fix },
            Verdict::Error(Fault { what, detail }) => StoredVerdict::Error { what, detail },
        };
        let outcomes: Vec<(String, StoredOutcome)> = outcomes
            .iter()
            .map(|(id, outcome)| {
                let outcome = match outcome.clone() {
                    Outcome::Holds => StoredOutcome::Holds,
                    Outcome::HeldBefore { attempt } => StoredOutcome::HeldBefore { attempt },
                    Outcome::Failed { failures, failed, of } => {
                        StoredOutcome::Failed { failures, failed, of }
                    }
                    Outcome::NotEvaluated(why) => StoredOutcome::NotEvaluated { why },
                };
                (id.clone(), outcome)
            })
            .collect();
        Ok(Self {
            format: FORMAT,
            verdict: to_json("the verdict", &verdict)?,
            outcomes: to_json("the outcomes", &outcomes)?,
        })
    }

    /// Reads the three columns from `first` on.
    pub(super) fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self { format: row.get(first)?, verdict: row.get(first + 1)?, outcomes: row.get(first + 2)? })
    }

    /// Reads a judgement back; `whose` names the attempt for messages.
    pub(super) fn read(&self, whose: &str) -> Result<(Verdict, Vec<(String, Outcome)>), Inside> {
        known(|| format!("the judgement of {whose}"), self.format, FORMAT)?;
        let verdict = match from_json(|| format!("the verdict of {whose}"), &self.verdict)? {
            StoredVerdict::Passed => Verdict::Passed,
            StoredVerdict::Failed { failures } => Verdict::Failed(failures),
            StoredVerdict::Blocked { what, fix } => Verdict::Blocked(Missing { what, fix }),
            StoredVerdict::Error { what, detail } => Verdict::Error(Fault { what, detail }),
        };
        let outcomes: Vec<(String, StoredOutcome)> =
            from_json(|| format!("the outcomes of {whose}"), &self.outcomes)?;
        let outcomes = outcomes
            .into_iter()
            .map(|(id, outcome)| {
                let outcome = match outcome {
                    StoredOutcome::Holds => Outcome::Holds,
                    StoredOutcome::HeldBefore { attempt } => Outcome::HeldBefore { attempt },
                    StoredOutcome::Failed { failures, failed, of } => {
                        Outcome::Failed { failures, failed, of }
                    }
                    StoredOutcome::NotEvaluated { why } => Outcome::NotEvaluated(why),
                };
                (id, outcome)
            })
            .collect();
        Ok((verdict, outcomes))
    }
}

/// Refuses a form that is newer than what we know.
pub(super) fn known(what: impl FnOnce() -> String, found: i64, known: i64) -> Result<(), Inside> {
    if found > known { Err(Inside::Newer { what: what(), found, known }) } else { Ok(()) }
}

pub(super) fn to_json<T: Serialize>(what: &str, value: &T) -> Result<String, Inside> {
    serde_json::to_string(value).map_err(|error| Inside::unreadable(what, error))
}

pub(super) fn from_json<T: DeserializeOwned>(what: impl FnOnce() -> String, json: &str) -> Result<T, Inside> {
    serde_json::from_str(json).map_err(|error| Inside::unreadable(what(), error))
}

/// Reads one value that is stored as text.
pub(super) fn parsed<T: std::str::FromStr>(what: impl FnOnce() -> String, text: &str) -> Result<T, Inside>
where
    T::Err: ToString,
{
    text.parse().map_err(|error: T::Err| Inside::unreadable(what(), error.to_string()))
}

/// Milliseconds as SQLite keeps them; more than it can keep (292 million years) is the most.
pub(super) fn milliseconds(span: u64) -> i64 {
    i64::try_from(span).unwrap_or(i64::MAX)
}

/// This instant by the machine's clock, which may jump: it is shown, and nothing is ordered by it.
pub(super) fn now() -> String {
    Timestamp::now().to_string()
}
