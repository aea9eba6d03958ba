//! What a check asks of a vulnerability scanner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::app_image;

/// Asks for an image to be scanned by Trivy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VulnerabilitiesSpec {
    /// The image.
    #[serde(default = "app_image")]
    pub image: String,
}
