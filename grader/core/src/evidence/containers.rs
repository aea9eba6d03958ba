//! What the engine has on record of the containers of an image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the engine has on record of the containers of an image. Source: `GET /containers/json`, `GET /containers/{id}/json` and `GET /events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainersEvidence {
    /// What was looked at, by its name.
    pub subject: String,
}
