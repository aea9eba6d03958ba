//! A running container as the kernel has it, beside what the learner wrote down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Taken;

/// A running container as the engine and the kernel have it, beside what the learner wrote down, and a
/// container of the grader's own whose limits are the question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunningEvidence {
    /// The learner's file, by its path in the workspace.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The container that the learner names.
    pub container: RunningContainer,
    /// PID of its first process as the engine's machine counts. Source: `State.Pid` of `GET /containers/{id}/json`.
    pub pid: Compared,
    /// Where its root file system is mounted. Sources: the engine, `/proc/PID/mountinfo`.
    pub mount: Compared,
    /// The path of its control group. Source: `/proc/PID/cgroup`.
    pub cgroup: Compared,
    /// Its namespaces: `mnt`, `pid`, `net`, `uts`, `ipc`. Source: `/proc/PID/ns`, else the engine's `ps`.
    pub namespaces: Vec<NamespaceCompared>,
    /// The grader's own container.
    pub question: QuestionSeen,
}

/// The container that the learner names. Source: `GET /containers/{id}/json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunningContainer {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The image's name, as it was run.
    pub image: String,
    /// When it was last started, RFC 3339.
    pub started_at: Option<String>,
    /// What makes its root file system, as `overlay2`, or `overlayfs` of containerd's store; `null` if the
    /// engine does not say.
    pub storage: Option<String>,
    /// How the kernel was asked: `proc` or `helper`.
    pub via: String,
    /// Which control groups it is in: `1`, `2`, or `hybrid`.
    pub cgroups: String,
}

/// What the learner wrote, beside every form in which it is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// The learner's word, without white space around it and without a slash at its end.
    pub written: Taken,
    /// The forms that are right. Never empty.
    pub accepted: Vec<Form>,
}

/// One form in which an answer is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Form {
    /// The form.
    pub value: String,
    /// Where it was read.
    pub source: String,
}

/// The same for one namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamespaceCompared {
    /// `mnt`, `pid`, `net`, `uts` or `ipc`.
    pub kind: String,
    /// The learner's word.
    pub written: Taken,
    /// The forms that are right: the number, and the link's text.
    pub accepted: Vec<Form>,
}

/// The grader's own container, which the learner has looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionSeen {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// When it was started, RFC 3339.
    pub started_at: Option<String>,
    /// The container that the learner's answer is about, in the learner's words.
    pub written_name: Taken,
    /// The limits that the engine was given.
    pub engine: QuestionEngine,
    /// Memory in bytes, as the kernel enforces it: in whole pages. Source: its control group.
    pub memory_limit_bytes: Compared,
    /// Processor time in a period, in microseconds. Source: its control group.
    pub cpu_quota_us: Compared,
    /// The period, in microseconds. Source: its control group.
    pub cpu_period_us: Compared,
    /// Processes and threads at once. Source: its control group.
    pub pids_max: Compared,
}

/// Limits as the engine was given them. Source: `HostConfig` of `GET /containers/{id}/json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionEngine {
    /// Memory, in bytes; the kernel rounds it.
    pub memory_bytes: u64,
    /// Processor time in 10⁻⁹ processors.
    pub nano_cpus: u64,
    /// Processes and threads at once.
    pub pids_limit: u64,
}
