//! What the learner's Compose file does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the learner's Compose file does. Source: Compose, the engine and the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComposeEvidence {
    /// What was looked at, by its name.
    pub subject: String,
}
