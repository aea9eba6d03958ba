//! What a check asks of a Compose file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Asks for the learner's Compose file to be brought up on a copy, under a project name of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComposeSpec {
    /// The Compose file.
    #[serde(default = "compose_file")]
    pub file: String,
    /// The service that is the app.
    #[serde(default = "compose_service")]
    pub service: String,
    /// A request that makes the app use database and cache.
    #[serde(default = "compose_probe")]
    pub probe: String,
}

fn compose_file() -> String {
    "{compose.file}".into()
}

fn compose_service() -> String {
    "{compose.service}".into()
}

fn compose_probe() -> String {
    "{compose.probe}".into()
}
