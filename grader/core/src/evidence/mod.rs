//! Evidence: the facts that probes saw, in the one form in which they are stored and judged.
//!
//! Start at [`Evidence`]. Each kind of probe has its own file with the facts that it yields; each
//! field says its unit and its source. Every documented field is always there: what was not seen is
//! `null`, so that a rule never meets a missing key. What a learner's program or file says arrives
//! only in fields that say so ([`Text`], [`Taken`]).

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod answers;
mod build;
mod compose;
mod container;
mod containers;
mod endpoint;
mod git;
mod health;
mod image;
mod prose;
mod redact;
mod running;
mod series;
mod text;
mod vulnerabilities;

pub use answers::AnswersEvidence;
pub use build::{
    BuildEvidence, BuildResult, BuildSeen, Canary, CanaryFound, ContextSeen, LearnersImage, Leftover, Reuse,
    Searched, ServerProcess, ServerSeen, StepSeen,
};
pub use compose::{
    Backing, ComposeEvidence, ComposeMount, ComposeService, ComposeUp, ComposeWatch, DataKept, DependsOn,
    HostNamed, ServiceTimes, WatchEntry, WatchedEdit,
};
pub use container::{
    ContainerEvidence, ContainerState, MountSeen, ProcessSeen, RunOptions, Watched, WriteAttempt,
    WriteOutcome,
};
pub use containers::{ContainersEvidence, ImageOnRecord, RecordSource, RunOnRecord};
pub use endpoint::{EndpointEvidence, Read};
pub use git::{Asked, GitEvidence};
pub use health::{HealthChange, HealthEvidence, HealthMoment, HealthRun, HealthcheckSeen};
pub use image::{ImageConfig, ImageEvidence, ImageKind, KindFound, LayerSeen, Platform};
pub use prose::{ConceptSeen, ProseEvidence, SentenceSeen};
pub use redact::{Secrets, looks_secret};
pub use running::{
    Compared, Form, NamespaceCompared, QuestionEngine, QuestionSeen, RunningContainer, RunningEvidence,
};
pub use series::{AnswerRun, Series, SeriesBuilder};
pub use text::{Output, Taken, Text};
pub use vulnerabilities::{
    Finding, FindingCount, FindingCounts, OsSeen, RecordedPackage, ScanTarget, Scanner, UnrecordedCode,
    VulnerabilitiesEvidence, VulnerabilityDatabase,
};

/// The newest evidence format that this crate writes and reads.
pub const FORMAT: u32 = 1;

/// The most that one attempt's evidence may weigh, in bytes of JSON.
pub const LARGEST: usize = 1_000_000;

/// All that the probes of one attempt saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The version of this form.
    pub format: u32,
    /// What was judged, for telling later whether it has changed.
    pub subject: Subject,
    /// Facts by the probe's name in the check (`as`); `null` for an optional probe that had nothing to look at.
    pub seen: BTreeMap<String, Value>,
    /// Who looked, when, and with what, one for each probe.
    pub looks: Vec<Look>,
}

impl Evidence {
    /// Evidence of nothing yet.
    pub fn empty() -> Self {
        Self { format: FORMAT, subject: Subject::default(), seen: BTreeMap::new(), looks: Vec::new() }
    }

    /// Cuts what a program printed, longest first, until the whole is within [`LARGEST`].
    ///
    /// Facts are never cut: only texts of a learner's program are, and each says how much went.
    pub fn bound(&mut self) {
        for keep in [4096, 1024, 256, 0] {
            if self.size() <= LARGEST {
                return;
            }
            for (name, value) in &mut self.seen {
                if text::shorten_texts(value, keep)
                    && let Some(look) = self.looks.iter_mut().find(|look| look.probe == *name)
                {
                    look.cut = Some(format!("program output cut to {keep} bytes each"));
                }
            }
        }
    }

    fn size(&self) -> usize {
        serde_json::to_vec(&self.seen).map_or(usize::MAX, |bytes| bytes.len())
    }
}

/// The parts of what was judged. Two subjects are compared part by part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Image id that `app.image` resolved to (`sha256:…`).
    pub image: Option<String>,
    /// Git tree of `app.path` as committed at HEAD.
    pub tree: Option<String>,
    /// SHA-256 of each answer file that was read, by its path in the workspace.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// One probe's look: who saw what, when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The probe's name in the check.
    pub probe: String,
    /// The kind of probe, as in the check file.
    pub kind: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took_ms: u64,
    /// The engine that answered, if one was asked.
    pub engine: Option<EngineSeen>,
    /// Other tools that answered.
    pub tools: Vec<ToolSeen>,
    /// Why there was nothing to look at, for an optional probe.
    pub absent: Option<String>,
    /// What was cut to keep the evidence bounded.
    pub cut: Option<String>,
}

/// The engine that reported a fact. Source: `GET /version` and `GET /info` of the Engine API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSeen {
    /// Product name, as "Docker Engine" or "Podman Engine".
    pub product: String,
    /// Version of the engine.
    pub version: String,
    /// Version of the API that was spoken.
    pub api_version: String,
    /// Operating system and architecture of the engine, as `linux/arm64`.
    pub platform: String,
    /// Kernel release of the engine's machine.
    pub kernel: String,
    /// Where it was reached.
    pub endpoint: String,
    /// Docker context, if one was used.
    pub context: Option<String>,
    /// `1`, `2`, or `null` where the engine does not say.
    pub cgroup_version: Option<String>,
    /// `graphdriver` or `containerd`.
    pub image_store: String,
    /// Whether the engine runs without root.
    pub rootless: bool,
    /// Whether containers' users are remapped by the engine.
    pub userns_remap: bool,
}

/// A tool that reported a fact: `PATH` may hold a counterfeit, so its path and version are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSeen {
    /// Name of the tool.
    pub name: String,
    /// Absolute path of what was run, or "built in".
    pub path: String,
    /// Version as the tool reports it.
    pub version: String,
}

/// The JSON Schema of `T` as it is written out, with every reference resolved in place.
pub(crate) fn schema_as_written<T: JsonSchema>() -> Value {
    inline(schemars::generate::SchemaSettings::for_serialize).into_root_schema_for::<T>().to_value()
}

/// The JSON Schema of `T` as it is read in, with every reference resolved in place.
pub(crate) fn schema_as_read<T: JsonSchema>() -> Value {
    inline(schemars::generate::SchemaSettings::for_deserialize).into_root_schema_for::<T>().to_value()
}

fn inline(
    contract: fn(schemars::generate::SchemaSettings) -> schemars::generate::SchemaSettings,
) -> schemars::SchemaGenerator {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    contract(settings).into_generator()
}
