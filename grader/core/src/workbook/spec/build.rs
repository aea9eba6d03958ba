//! What a check asks of a build.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Setting, app_health, app_image, app_path, app_port, thirty_seconds};
use crate::span::Span;

/// Asks for the app's folder to be built as it is and after edits, on a copy in which canaries were planted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildSpec {
    /// The folder with the Dockerfile.
    #[serde(default = "app_path")]
    pub path: String,
    /// The image that the learner built, for telling whether it is this folder's.
    #[serde(default = "app_image")]
    pub image: String,
    /// The build argument that takes the commit; the builds get a made-up one.
    #[serde(default = "app_sha_arg")]
    pub sha_arg: String,
    /// Path of the endpoint that tells the commit.
    #[serde(default = "app_health")]
    pub health: String,
    /// The key of the commit in the JSON of that endpoint.
    #[serde(default = "app_sha_key")]
    pub sha_key: String,
    /// Port inside the container.
    #[serde(default = "app_port")]
    pub port: Setting<u16>,
    /// How long one build may take.
    #[serde(default = "five_minutes")]
    pub build_within: Span,
    /// How long to wait for the first answer of the container.
    #[serde(default = "thirty_seconds")]
    pub first_within: Span,
    /// Files that must not reach the image, as `.env`: each is planted at the root of the folder, in folders
    /// with source, and in one that was not there.
    pub canaries: Vec<String>,
    /// Paths of compilers in an image, without their leading slash. `*` is any part of a name, `**` any folders.
    #[serde(default)]
    pub compilers: Vec<String>,
    /// Paths of headers in an image, written like `compilers`.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Paths of what package managers keep for the next install, written like `compilers`.
    #[serde(default)]
    pub package_caches: Vec<String>,
}

fn app_sha_arg() -> String {
    "{app.sha_arg}".into()
}

fn app_sha_key() -> String {
    "{app.sha_key}".into()
}

const fn five_minutes() -> Span {
    Span::seconds(300)
}
