//! Exit codes: a contract with scripts. Nothing else in the code knows these numbers.

use std::process::ExitCode;

use grader_core::VerdictWord;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; all passed; clean.
    Done = 0,
    /// Something failed; a finding.
    Failed = 1,
    /// Wrong usage, or a broken workbook.
    Usage = 2,
    /// Something is blocked or not ready.
    Blocked = 3,
    /// The grader, the engine or the system failed.
    Error = 4,
    /// The terminal went away.
    Hangup = 129,
    /// Ctrl-C.
    Interrupted = 130,
    /// Asked to end.
    Terminated = 143,
}

impl Exit {
    /// The exit of several verdicts: the first in the order error, failed, blocked.
    pub fn of(verdicts: impl IntoIterator<Item = VerdictWord>) -> Self {
        let exits = verdicts.into_iter().map(|verdict| match verdict {
            VerdictWord::Passed => Self::Done,
            VerdictWord::Failed => Self::Failed,
            VerdictWord::Blocked => Self::Blocked,
            VerdictWord::Error => Self::Error,
        });
        exits.max_by_key(|exit| exit.rank()).unwrap_or(Self::Done)
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Blocked => 1,
            Self::Failed => 2,
            Self::Usage => 3,
            Self::Error => 4,
            Self::Hangup | Self::Interrupted | Self::Terminated => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_worst_counts() {
        use VerdictWord::{Blocked, Error, Failed, Passed};
        for (verdicts, exit) in [
            (vec![], Exit::Done),
            (vec![Passed, Passed], Exit::Done),
            (vec![Passed, Blocked], Exit::Blocked),
            (vec![Blocked, Failed, Passed], Exit::Failed),
            (vec![Failed, Error, Blocked], Exit::Error),
        ] {
            assert_eq!(Exit::of(verdicts.clone()), exit, "{verdicts:?}");
        }
    }
}
