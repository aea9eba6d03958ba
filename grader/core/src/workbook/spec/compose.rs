//! What a check asks of a Compose file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Setting, app_port};
use crate::span::Span;

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
    /// Port on which the app listens inside its container.
    #[serde(default = "app_port")]
    pub port: Setting<u16>,
    /// How long to wait for an edit of a source file to be served.
    #[serde(default = "edit_within")]
    pub edit_within: Span,
    /// How long to wait for a rebuild to begin after an edit of the manifest.
    #[serde(default = "rebuild_begins_within")]
    pub rebuild_begins_within: Span,
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

const fn edit_within() -> Span {
    Span::seconds(12)
}

const fn rebuild_begins_within() -> Span {
    Span::seconds(20)
}
