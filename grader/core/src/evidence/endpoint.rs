//! What an HTTP endpoint of a container said, before and after a restart.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContainerState, Output, Taken, Text};

/// Answers of one endpoint. Every read is there even if no answer came; then it says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointEvidence {
    /// Image id that the container was started from.
    pub image: String,
    /// The name by which the learner calls the image.
    pub image_reference: String,
    /// Container id.
    pub container: String,
    /// When its main process last began, RFC 3339, as the engine says; `null` if it never did.
    pub started_at: Option<String>,
    /// Path that was asked for.
    pub path: String,
    /// Port inside the container.
    pub port: u16,
    /// The first answer that came, or the last attempt.
    pub first: Read,
    /// The answer after the gap that the check asks for.
    pub second: Read,
    /// Seconds between the first and the second read.
    pub apart_s: Option<f64>,
    /// The first answer after a restart of the container.
    pub after_restart: Read,
    /// Seconds from the restart's request to that answer.
    pub since_restart_s: Option<f64>,
    /// How the container stood at the end.
    pub state: ContainerState,
    /// What it printed: the learner's words, not facts.
    pub output: Output,
}

/// One read of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Read {
    /// HTTP status; `null` if no answer came.
    pub status: Option<u16>,
    /// Why no answer came, or why it was not read whole; `null` otherwise.
    pub error: Option<String>,
    /// Milliseconds from the request to the end of the body.
    pub took_ms: Option<u64>,
    /// `Content-Type` without parameters, lower case; `null` if absent.
    pub content_type: Option<String>,
    /// Whether the body is one JSON object.
    pub json_object: Option<bool>,
    /// Redirects that were followed, at most 5.
    pub redirects: u8,
    /// The body: the program's words, not facts. At most 4 kB are kept.
    pub body: Text,
    /// Values from the JSON body, by the names that the check gives them.
    pub taken: BTreeMap<String, Taken>,
}
