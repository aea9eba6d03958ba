//! What builds of the app's folder did, and what their result holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContainerState, Output, Read, Text};

/// What builds of a copy of the app's folder did, and what their result holds. Source: BuildKit's own record
/// of what it did, the image's layers, and a container of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildEvidence {
    /// The folder that was copied and built, as the learner names it.
    pub path: String,
    /// What was copied.
    pub context: ContextSeen,
    /// The build argument that took the made-up commit; empty if the learner names none.
    pub sha_arg: String,
    /// The made-up commit: 40 hexadecimal digits, known to nobody before.
    pub nonce: String,
    /// The builds, in order: as it is, after an edit of source, after one of the manifest. None comes after one
    /// that failed.
    pub builds: Vec<BuildSeen>,
    /// What the first build came to; `null` if it failed.
    pub result: Option<BuildResult>,
}

/// The copy that was built.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContextSeen {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of files, without holes.
    pub bytes: u64,
    /// What is neither file, folder nor link and so was not copied; at most 20.
    pub left_out: Vec<String>,
    /// Names of folders that were not copied since the whole was too large: what tools made, and `.git`.
    pub without: Vec<String>,
    /// Whether there is a `.dockerignore`.
    pub ignore_file: bool,
}

/// One build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildSeen {
    /// Of what: `as-it-is`, `source-edited` or `manifest-edited`.
    pub of: String,
    /// Exit code of the builder; `null` if it was ended since its time was over.
    pub exit_code: Option<i32>,
    /// Whether it was ended since its time was over.
    pub timed_out: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The step that failed, or that ran when the time was over; `null` if there was none.
    pub failed_step: Option<Text>,
    /// Why it failed, in the builder's words; `null` if it did not.
    pub error: Option<Text>,
    /// The last that this step printed: the learner's programs' words, not facts.
    pub last_words: Text,
    /// Bytes that all steps printed, as far as the builder handed them on.
    pub log_bytes: u64,
    /// Id of the image that it made; `null` if it made none.
    pub image: Option<String>,
}

/// What the first build came to, and what the later ones did differently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildResult {
    /// Id of the image.
    pub image: String,
    /// Steps that were built, as BuildKit tells them: those of a stage that nothing needs are not.
    pub steps: Vec<StepSeen>,
    /// Steps beyond the first 200, which are not told.
    pub steps_left_out: u64,
    /// What the edits did; `null` if a build after an edit failed.
    pub reuse: Option<Reuse>,
    /// What was searched for canaries.
    pub searched: Searched,
    /// The canaries, and where they were found.
    pub canaries: Vec<Canary>,
    /// Compilers in the image, as a container sees it.
    pub compilers: Leftover,
    /// Headers in the image, as a container sees it.
    pub headers: Leftover,
    /// What package managers keep for the next install, in the image as a container sees it.
    pub package_caches: Leftover,
    /// The learner's own image beside this one; `null` if the engine has none by that name.
    pub learners: Option<LearnersImage>,
    /// The container that was started from it.
    pub server: ServerSeen,
}

/// A step of the Dockerfile that was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepSeen {
    /// The stage that it belongs to; empty if BuildKit names none. BuildKit tells a step that two builds have at
    /// the same time, or two stages, by the name of one of them: no rule can rest on it.
    pub stage: String,
    /// Its number in the stage.
    pub number: u64,
    /// Its instruction, as `RUN`.
    pub instruction: String,
    /// The step, as the Dockerfile has it.
    pub text: Text,
    /// Whether it was done apart: what it wrote is in the image only as far as a later step copied it.
    pub apart: bool,
    /// What became of it in the first build: `ran`, `cached`, or `unneeded`.
    pub first: String,
    /// The same after an edit of source; `null` if that build was not made or failed.
    pub source_edited: Option<String>,
    /// The same after an edit of the manifest; `null` if that build was not made or failed.
    pub manifest_edited: Option<String>,
}

/// What the edits did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reuse {
    /// Source files that were edited: a comment was added to each.
    pub source_files: u64,
    /// Some of them, at most 20.
    pub sources: Vec<String>,
    /// Manifests that were edited, so that they mean the same and are not the same.
    pub manifest_files: u64,
    /// Some of them, at most 20.
    pub manifests: Vec<String>,
    /// Steps that ran after the edit of source, of any instruction.
    pub ran_after_source: u64,
    /// `RUN` steps that ran after the edit of the manifest.
    pub runs_after_manifest: u64,
    /// Of those, steps that were reused after the edit of source.
    pub reused_after_source: u64,
    /// Of those that ran after the edit of the manifest, steps that were done apart.
    pub runs_apart: u64,
}

/// What was searched, in one pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Searched {
    /// Layers, those of the base image among them.
    pub layers: u64,
    /// Files of all layers, later deleted ones among them.
    pub files: u64,
    /// Bytes of all layers, unpacked.
    pub size_bytes: u64,
}

/// A file that was planted in the copy, with content that is nowhere else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Canary {
    /// Its path in the folder.
    pub path: String,
    /// What it stands for: its path as the check names it.
    pub what: String,
    /// Whether it lay at the root of the folder.
    pub at_root: bool,
    /// How many files of the image's layers hold its content, deleted ones and other names among them.
    pub copies: u64,
    /// Some of them, at most 5.
    pub found: Vec<CanaryFound>,
}

/// A file that holds a canary's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryFound {
    /// Its path in the image.
    pub path: String,
    /// The layer that brings it: SHA-256 of its uncompressed archive.
    pub layer: String,
    /// Whether a later layer deletes it: no container sees it then, but whoever has the image does.
    pub deleted_later: bool,
}

/// Files that nothing needs when the image runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leftover {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub size_bytes: u64,
    /// Some of them, at most 5, the largest first.
    pub examples: Vec<String>,
}

/// The learner's own image beside the one that was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LearnersImage {
    /// The name by which the learner calls it.
    pub reference: String,
    /// Its id.
    pub id: String,
    /// Layers that both have, from the base upward.
    pub shared_layers: u64,
    /// Layers of the built image below the first that an edit of source changes; `null` if no layer changed or
    /// there was no such edit.
    pub below_source: Option<u64>,
}

/// A container of the image that was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerSeen {
    /// Path that was asked for.
    pub path: String,
    /// Port inside the container.
    pub port: u16,
    /// The first answer that came, or the last attempt; `taken.sha` is what it says of its commit.
    pub first: Read,
    /// Whether that is the made-up commit.
    pub sha_is_nonce: bool,
    /// What its `Server` header says; empty if there is none.
    pub server_header: Text,
    /// Its answer to a request that is no HTTP, whatever its framework adds to good ones; empty if none came.
    pub malformed: Text,
    /// Its processes when it had answered.
    pub processes: Vec<ServerProcess>,
    /// How it stood.
    pub state: ContainerState,
    /// What it printed: the learner's words, not facts.
    pub output: Output,
}

/// A process of that container. Source: the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerProcess {
    /// Process id on the engine's machine.
    pub pid: u64,
    /// The file that it runs, inside the container; `null` if the kernel does not tell.
    pub exe: Option<String>,
    /// Its arguments, with a space between two: what the process says of itself.
    pub command_line: Text,
}
