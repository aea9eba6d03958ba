//! How one attempt ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::Failure;

/// Something that a check needs and that is not there, with the command that mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// What is missing, in one line.
    pub what: String,
    /// What to do, with a command to type.
    pub fix: String,
}

/// A fault of the grader, the engine or a time-out: never the learner's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What broke, in one line.
    pub what: String,
    /// The causes, for whoever mends it.
    pub detail: String,
}

/// How one attempt ended, with what belongs to it and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every assertion holds, now or in an earlier attempt where that counts.
    Passed,
    /// At least one assertion does not hold. Never empty.
    Failed(Vec<Failure>),
    /// It cannot be judged: something is missing.
    Blocked(Missing),
    /// The grader could not do its work.
    Error(Fault),
}

/// The four words of a verdict, for storing and showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictWord {
    /// See [`Verdict::Passed`].
    Passed,
    /// See [`Verdict::Failed`].
    Failed,
    /// See [`Verdict::Blocked`].
    Blocked,
    /// See [`Verdict::Error`].
    Error,
}

impl VerdictWord {
    /// The word as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Error => "error",
        }
    }

    /// Reads the word back; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Passed, Self::Failed, Self::Blocked, Self::Error]
            .into_iter()
            .find(|word| word.as_str() == text)
    }
}

impl Verdict {
    /// The elements that failed; none unless it failed.
    pub fn failures(&self) -> &[Failure] {
        match self {
            Self::Failed(failures) => failures,
            Self::Passed | Self::Blocked(_) | Self::Error(_) => &[],
        }
    }

    /// What is missing, if it is blocked.
    pub const fn blocked(&self) -> Option<&Missing> {
        match self {
            Self::Blocked(missing) => Some(missing),
            Self::Passed | Self::Failed(_) | Self::Error(_) => None,
        }
    }

    /// What broke, if it is an error.
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Error(fault) => Some(fault),
            Self::Passed | Self::Failed(_) | Self::Blocked(_) => None,
        }
    }

    /// The word for this verdict.
    pub const fn word(&self) -> VerdictWord {
        match self {
            Self::Passed => VerdictWord::Passed,
            Self::Failed(_) => VerdictWord::Failed,
            Self::Blocked(_) => VerdictWord::Blocked,
            Self::Error(_) => VerdictWord::Error,
        }
    }
}
