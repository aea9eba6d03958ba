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
    /// The oldest version of Trivy that will do, as `0.50.0`; an older one blocks.
    pub trivy_at_least: String,
    /// Versions of Trivy that nobody may run, as one that was published with foreign code in it; they block.
    #[serde(default)]
    pub trivy_not: Vec<String>,
    /// How old the database may be, in days; an older one blocks.
    pub database_at_most_days: u32,
    /// A vulnerability that every database of this kind knows; one that does not know it blocks.
    pub known: KnownVulnerability,
}

/// A vulnerability that scanner and database must find in a folder which has nothing but that package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownVulnerability {
    /// Its id, as `CVE-2023-30861`.
    pub id: String,
    /// A Python package that has it.
    pub package: String,
    /// A version of that package that has it.
    pub version: String,
}
