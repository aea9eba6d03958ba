//! A running container as the kernel has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A running container as the kernel has it. Source: the engine and `/proc`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunningEvidence {
    /// What was looked at, by its name.
    pub subject: String,
}
