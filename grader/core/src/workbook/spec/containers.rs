//! What a check asks of the engine's own record of containers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Asks which containers of an image the engine knows, and how they ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainersSpec {
    /// The image, by the name by which the learner runs it.
    pub image: String,
}
