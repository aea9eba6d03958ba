//! How an image's own health check behaves when the server answers, and when it does not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContainerState, Output, Text};

/// Facts about the image's own HEALTHCHECK. Source: `GET /containers/{id}/json`, `State.Health`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealthEvidence {
    /// Image id that the container was started from.
    pub image: String,
    /// The name by which the learner calls the image.
    pub image_reference: String,
    /// Container id.
    pub container: String,
    /// When its main process last began, RFC 3339, as the engine says; `null` if it never did.
    pub started_at: Option<String>,
    /// The health check as the image declares it; `null` if it declares none.
    pub declared: Option<HealthcheckSeen>,
    /// The health check as it was run: the image's test, with shorter intervals.
    pub used: Option<HealthcheckSeen>,
    /// How it stood while the server could answer.
    pub before_stop: HealthMoment,
    /// How it stood after every process of the container had been stopped by SIGSTOP from outside; this is
    /// done even if it was never healthy, so that one fault is not told as two.
    pub after_stop: HealthMoment,
    /// Processes that were stopped; `null` if it did not come to that.
    pub stopped_processes: Option<u64>,
    /// Every change of the status, in order of time.
    pub changes: Vec<HealthChange>,
    /// The last runs of the test, at most 10.
    pub runs: Vec<HealthRun>,
    /// How the container stood at the end.
    pub state: ContainerState,
    /// What it printed: the learner's words, not facts.
    pub output: Output,
}

/// A health check's definition. Spans in milliseconds; 0 means the engine's default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthcheckSeen {
    /// The test, as `["CMD", "curl", …]`.
    pub test: Vec<String>,
    /// Time between two runs.
    pub interval_ms: u64,
    /// Time that one run may take.
    pub timeout_ms: u64,
    /// Time at the start in which a failure does not count.
    pub start_period_ms: u64,
    /// Failures in a row that make it unhealthy; 0 means the engine's default of 3.
    pub retries: u64,
}

/// A health status at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthMoment {
    /// `starting`, `healthy` or `unhealthy`; `null` if there is no health check or no container.
    pub status: Option<String>,
    /// Milliseconds from the container's start, or from the stop, until it stood so.
    pub after_ms: Option<u64>,
}

/// A change of the health status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthChange {
    /// The new status.
    pub status: String,
    /// Milliseconds from the container's start.
    pub at_ms: u64,
}

/// One run of the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthRun {
    /// Exit code of the test; -1 where it ran out of time.
    pub exit_code: i64,
    /// What it printed: the program's words, not facts. At most 500 bytes are kept.
    pub output: Text,
}
