//! What a build of the app's folder did, and what its result holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a build of the app's folder did, and what its result holds. Source: BuildKit's record and the image's layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildEvidence {
    /// What was looked at, by its name.
    pub subject: String,
}
