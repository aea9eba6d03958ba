//! What a container did while it was watched from outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Output, Series};

/// Facts about one container that the grader started and watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerEvidence {
    /// Image id that it was started from.
    pub image: String,
    /// The name by which the learner calls the image.
    pub image_reference: String,
    /// Container id.
    pub container: String,
    /// When its main process began, RFC 3339, as the engine says; `null` if it never did.
    pub started_at: Option<String>,
    /// With which options it was started.
    pub options: RunOptions,
    /// How long and how often it was looked at.
    pub watched: Watched,
    /// Every process that was seen, by process and user ids; one that changes its user appears again.
    pub processes: Vec<ProcessSeen>,
    /// How it stood at the end of the watch.
    pub state: ContainerState,
    /// Mounts as its main process sees them; empty if they were not asked for or it had ended.
    pub mounts: Vec<MountSeen>,
    /// Attempts to create a file in it, from outside; empty if they were not asked for.
    pub writes: Vec<WriteAttempt>,
    /// Answers over time; `null` if they were not asked for.
    pub http: Option<Series>,
    /// What it printed: the learner's words, not facts.
    pub output: Output,
}

/// How a container was started. Source: the grader's own request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunOptions {
    /// Entry point in place of the image's; `null` if the image's own was used.
    pub entrypoint: Option<Vec<String>>,
    /// Command in place of the image's; `null` if the image's own was used.
    pub command: Option<Vec<String>>,
    /// Names of the variables that were set.
    pub env_names: Vec<String>,
    /// Whether the root file system was mounted read-only.
    pub read_only: bool,
    /// Paths with a temporary file system.
    pub tmpfs: Vec<String>,
    /// Capabilities that were dropped.
    pub cap_drop: Vec<String>,
    /// Security options.
    pub security_opt: Vec<String>,
    /// Memory limit in bytes.
    pub memory_bytes: u64,
    /// Processor limit in thousandths of a core; `null` if none was set.
    pub milli_cpus: Option<u64>,
    /// Limit on the number of processes.
    pub pids_limit: u64,
    /// How often the engine was told to start it again after a failure.
    pub restarts_allowed: u64,
    /// Compose services that ran beside it.
    pub beside: Vec<String>,
}

/// How long and how often a container was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watched {
    /// Milliseconds that were asked for.
    pub asked_ms: u64,
    /// Milliseconds from the container's start to the last look.
    pub lasted_ms: u64,
    /// Looks at its processes.
    pub looks: u64,
    /// The longest time between two looks, in milliseconds. What lives shorter can be missed.
    pub longest_gap_ms: u64,
    /// Sightings of processes beyond the first 500, which are not told one by one: each acts as the same
    /// users and group as one that is.
    pub left_out: u64,
    /// How details were read: `proc` (this machine's kernel) or `helper` (a container on the engine's kernel).
    pub via: String,
}

/// One process of a container. Source: the engine's `top`, and `/proc/PID` of the engine's kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessSeen {
    /// Process id on the engine's machine.
    pub pid: u64,
    /// Its name, as the kernel has it.
    pub command: String,
    /// Effective user id inside the container's user namespace.
    pub uid: u64,
    /// Real user id inside the container's user namespace.
    pub real_uid: u64,
    /// Saved user id inside the container's user namespace: a process may go back to it.
    pub saved_uid: u64,
    /// Effective group id inside the container's user namespace.
    pub gid: u64,
    /// Effective user id on the engine's machine.
    pub host_uid: u64,
    /// Effective group id on the engine's machine.
    pub host_gid: u64,
    /// Effective capabilities, as `CAP_NET_BIND_SERVICE`.
    pub capabilities: Vec<String>,
    /// Whether it can no longer gain rights by an executable's set-user-id bit.
    pub no_new_privileges: bool,
    /// Milliseconds from the container's start to the first look that saw it.
    pub first_seen_ms: u64,
    /// Milliseconds from the container's start to the last look that saw it.
    pub last_seen_ms: u64,
}

/// How a container stands. Source: `GET /containers/{id}/json`, `State`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerState {
    /// The engine's word, as `running` or `exited`.
    pub status: String,
    /// Whether its main process runs.
    pub running: bool,
    /// Exit code of its main process; `null` while it runs or if it never began.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed one of its processes for want of memory.
    pub oom_killed: bool,
    /// How often the engine started it again.
    pub restarts: u64,
    /// Why the engine could not start it; `null` if it could.
    pub error: Option<String>,
}

/// One mount. Source: `/proc/PID/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MountSeen {
    /// Where it is mounted, inside the container.
    pub path: String,
    /// Kind of file system, as `overlay` or `tmpfs`.
    pub file_system: String,
    /// Whether it is read-only.
    pub read_only: bool,
}

/// One attempt to create a file in a running container, made from outside with all rights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WriteAttempt {
    /// Folder inside the container.
    pub path: String,
    /// Kind of file system that the folder is on; `null` if it is not known.
    pub file_system: Option<String>,
    /// What the kernel did.
    pub outcome: WriteOutcome,
    /// The kernel's error, as `EROFS`; `null` if it was written.
    pub error: Option<String>,
}

/// What the kernel did with an attempt to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WriteOutcome {
    /// The file was created (and removed again).
    Written,
    /// The kernel refused.
    Refused,
    /// There is no such folder.
    Absent,
}
