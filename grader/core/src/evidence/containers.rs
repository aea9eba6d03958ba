//! What the engine has on record of the containers of an image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Output;

/// What the engine has on record of the containers that were run from an image of one name. Source:
/// `GET /containers/json`, `GET /containers/{id}/json` and, for those that were removed since, `GET /events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainersEvidence {
    /// The name of the image, as the check gives it.
    pub image_reference: String,
    /// What that name stands for now; `null` if the engine has no such image.
    pub image: Option<ImageOnRecord>,
    /// Containers that were run by that name, the newest first; at most 20.
    pub runs: Vec<RunOnRecord>,
    /// How many there are in all.
    pub run_count: u64,
    /// From when on the engine was asked for its events, RFC 3339. It keeps the last few hundred only.
    pub events_since: String,
}

/// A container that was run at some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunOnRecord {
    /// Id of the container.
    pub container: String,
    /// Its name.
    pub name: String,
    /// Where it is known from.
    pub source: RecordSource,
    /// The image that it was run from. Of a container that is known by events alone, it is what the name
    /// stands for now.
    pub image: ImageOnRecord,
    /// When it was started, RFC 3339; `null` if it never was.
    pub started_at: Option<String>,
    /// When it ended, RFC 3339; `null` if it has not, or never began.
    pub finished_at: Option<String>,
    /// Whether its first process ended with exit code 0.
    pub exited_with_zero: bool,
    /// Exit code of its first process; `null` while it runs, or if it never ran.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed a process of it for want of memory; `null` where it is gone.
    pub oom_killed: Option<bool>,
    /// Why the engine could not start it; `null` if it could.
    pub error: Option<String>,
    /// Whether the engine still has what it printed.
    pub output_kept: bool,
    /// What it printed, the first and last bytes; empty where that is not kept.
    pub output: Output,
}

/// Where a container is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordSource {
    /// It still exists.
    Container,
    /// It was removed, as by `docker run --rm`; the engine's events tell of it.
    Events,
}

/// Facts of an image that tell it apart from another that bears its name. Source: `GET /images/{id}/json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageOnRecord {
    /// Whether the engine has it; if not, all else is empty.
    pub there: bool,
    /// Image id as the engine reports it.
    pub id: String,
    /// Its names by digest, as a registry knows it; empty if it was built or loaded here.
    pub repo_digests: Vec<String>,
    /// When it was built, RFC 3339, as the image says; `null` if it does not.
    pub created: Option<String>,
    /// Size as the engine reports it, in bytes. Differs between image stores.
    pub engine_size_bytes: u64,
    /// How many layers it has.
    pub layer_count: u64,
    /// What it runs: entry point and command, with spaces between; empty if it sets neither.
    pub command: String,
    /// Whether it says of itself that it stands in for an official image (label `stand-in=true`).
    pub stand_in: bool,
}
