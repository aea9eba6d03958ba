//! What a check asks of a container that the learner runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::span::Span;

/// Asks what the engine and the kernel say of a container that the learner names in an answer file,
/// and of one of the grader's own whose limits are the question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunningSpec {
    /// The file with what the learner wrote down, below `answers/`.
    pub file: String,
    /// How long the grader's own container stays, once it was started.
    #[serde(default = "an_hour")]
    pub question_for: Span,
}

const fn an_hour() -> Span {
    Span::LONGEST
}
