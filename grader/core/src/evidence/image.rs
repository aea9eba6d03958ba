//! What an image is: configuration, layers, size, and what kind of program it holds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about one image. Source: `GET /images/{name}/json` and `GET /images/{name}/get`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageEvidence {
    /// The name by which the learner calls it, as in `workspace.toml`.
    pub reference: String,
    /// Image id as the engine reports it: the configuration's digest, or, with the containerd image
    /// store, the manifest's or index's.
    pub id: String,
    /// Operating system, architecture and variant of the image.
    pub platform: Platform,
    /// When it was built, RFC 3339, as the image says; `null` if it does not.
    pub created: Option<String>,
    /// Sum of the uncompressed layer archives, in bytes; `null` if the layers were not asked for.
    pub size_bytes: Option<u64>,
    /// Size as the engine reports it, in bytes. Differs between image stores.
    pub engine_size_bytes: u64,
    /// Layers from the base upward; empty if they were not asked for.
    pub layers: Vec<LayerSeen>,
    /// What kind of program it holds, found in its contents; `null` if the layers were not asked for.
    pub kind: Option<ImageKind>,
    /// What in the image told the kind.
    pub kind_found: Vec<KindFound>,
    /// The image's configuration.
    pub config: ImageConfig,
}

/// What an image was built for. Source: image configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Platform {
    /// Operating system, as `linux`.
    pub os: String,
    /// Architecture, as `amd64`.
    pub architecture: String,
    /// Variant, as `v8`; `null` if none is given.
    pub variant: Option<String>,
}

/// The kind of program that an image holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// A Python interpreter with its library runs it.
    Python,
    /// An executable built by Go.
    Go,
    /// Node.js runs it.
    Node,
    /// None of these.
    Other,
}

/// One thing in an image that tells its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KindFound {
    /// Path in the image.
    pub path: String,
    /// What it is, in a few words.
    pub what: String,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerSeen {
    /// SHA-256 of the uncompressed archive, found by hashing it.
    pub diff_id: String,
    /// Bytes of the uncompressed archive.
    pub size_bytes: u64,
    /// The instruction that made it, as the image's history says; `null` if it does not.
    pub created_by: Option<String>,
}

/// An image's configuration. Source: OCI image configuration, `config`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageConfig {
    /// `USER`; `null` if the image sets none.
    pub user: Option<String>,
    /// `ENTRYPOINT`; `null` if the image sets none.
    pub entrypoint: Option<Vec<String>>,
    /// `CMD`; `null` if the image sets none.
    pub cmd: Option<Vec<String>>,
    /// `WORKDIR`; `null` if the image sets none.
    pub working_dir: Option<String>,
    /// Names of the variables that `ENV` sets; their values may be secrets.
    pub env_names: Vec<String>,
    /// `EXPOSE`, as `8000/tcp`.
    pub exposed_ports: Vec<String>,
    /// `VOLUME`.
    pub volumes: Vec<String>,
    /// `LABEL`.
    pub labels: BTreeMap<String, String>,
    /// `HEALTHCHECK`'s test; `null` if the image has none.
    pub healthcheck: Option<Vec<String>>,
    /// `STOPSIGNAL`; `null` if the image sets none.
    pub stop_signal: Option<String>,
}
