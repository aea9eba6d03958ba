//! What a check asks of a build.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Setting, app_health, app_image, app_path, app_port};

/// Asks for the app's folder to be built as it is and after edits, on a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildSpec {
    /// The folder with the Dockerfile.
    #[serde(default = "app_path")]
    pub path: String,
    /// The image that the learner built, for telling whether it is this folder's.
    #[serde(default = "app_image")]
    pub image: String,
    /// Path of the endpoint that tells the commit.
    #[serde(default = "app_health")]
    pub health: String,
    /// Port inside the container.
    #[serde(default = "app_port")]
    pub port: Setting<u16>,
}
