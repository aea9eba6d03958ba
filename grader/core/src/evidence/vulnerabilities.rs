//! What the scanner found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the scanner found. Source: Trivy's JSON report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VulnerabilitiesEvidence {
    /// What was looked at, by its name.
    pub subject: String,
}
