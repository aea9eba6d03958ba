//! Run events: the one stream that all who watch a check read.

use grader_core::{ExerciseId, VerdictWord};
use serde::{Deserialize, Serialize};

/// Something that happened in a run. Stored as a row, so that every process sees a check as it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RunEvent {
    /// A run began.
    RunStarted {
        /// The exercises that it will judge, in order.
        exercises: Vec<ExerciseId>,
    },
    /// A check began.
    CheckStarted {
        /// The exercise.
        exercise: ExerciseId,
        /// The check's title.
        title: String,
    },
    /// A probe does something that may take a while.
    Step(Step),
    /// A probe has looked.
    ProbeFinished {
        /// The exercise.
        exercise: ExerciseId,
        /// The probe's name.
        probe: String,
        /// How long it took.
        took_ms: u64,
    },
    /// A check has its verdict.
    CheckFinished {
        /// The exercise.
        exercise: ExerciseId,
        /// The verdict.
        verdict: VerdictWord,
        /// The attempt's number; `None` where nothing could be recorded.
        attempt: Option<u64>,
        /// How long it took.
        took_ms: u64,
    },
    /// A run ended.
    RunFinished {
        /// Whether it was cancelled.
        cancelled: bool,
    },
}

/// What a probe is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The exercise.
    pub exercise: ExerciseId,
    /// The probe's name.
    pub probe: String,
    /// What it does, as `watching its processes for 6 s`.
    pub doing: String,
}
