//! What a check asks of a probe: one type for each kind, as written in a check file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    span::Span,
    workspace_file::{Names, UnknownName},
};

/// What one probe shall look at. Strings may hold names of `workspace.toml`, as `{app.image}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProbeSpec {
    /// An image: configuration, layers, size, kind.
    Image(ImageSpec),
    /// A container that is started and watched.
    Container(ContainerSpec),
    /// An HTTP endpoint of a container, over time and across a restart.
    Endpoint(EndpointSpec),
    /// The image's own health check.
    Health(HealthSpec),
    /// The repository that holds the learner's app.
    Git(GitSpec),
    /// A file that the learner wrote.
    Answers(AnswersSpec),
    /// The containers that the engine knows of an image.
    Containers(ContainersSpec),
    /// A text that the learner wrote: its length, what it speaks of, what of it is in the book.
    Prose(ProseSpec),
    /// A container of the learner that runs, as the kernel has it, beside what the learner wrote down.
    Running(RunningSpec),
    /// A build of the app's folder, and what is in its result.
    Build(BuildSpec),
    /// The learner's Compose file, brought up on a copy.
    Compose(ComposeSpec),
    /// What a scanner knows of an image.
    Vulnerabilities(VulnerabilitiesSpec),
}

/// The kinds of probe, as check files name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// See [`ProbeSpec::Image`].
    Image,
    /// See [`ProbeSpec::Container`].
    Container,
    /// See [`ProbeSpec::Endpoint`].
    Endpoint,
    /// See [`ProbeSpec::Health`].
    Health,
    /// See [`ProbeSpec::Git`].
    Git,
    /// See [`ProbeSpec::Answers`].
    Answers,
    /// See [`ProbeSpec::Containers`].
    Containers,
    /// See [`ProbeSpec::Prose`].
    Prose,
    /// See [`ProbeSpec::Running`].
    Running,
    /// See [`ProbeSpec::Build`].
    Build,
    /// See [`ProbeSpec::Compose`].
    Compose,
    /// See [`ProbeSpec::Vulnerabilities`].
    Vulnerabilities,
}

impl ProbeKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Image,
        Self::Container,
        Self::Endpoint,
        Self::Health,
        Self::Git,
        Self::Answers,
        Self::Containers,
        Self::Prose,
        Self::Running,
        Self::Build,
        Self::Compose,
        Self::Vulnerabilities,
    ];

    /// The word in a check file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Container => "container",
            Self::Endpoint => "endpoint",
            Self::Health => "health",
            Self::Git => "git",
            Self::Answers => "answers",
            Self::Containers => "containers",
            Self::Prose => "prose",
            Self::Running => "running",
            Self::Build => "build",
            Self::Compose => "compose",
            Self::Vulnerabilities => "vulnerabilities",
        }
    }
}

/// A value, or the name of one in `workspace.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting<T> {
    /// The value itself.
    Given(T),
    /// A name in braces, as `{app.port}`.
    Named(String),
}

impl<T: Clone> Setting<T> {
    /// The value; `None` while it is still a name.
    pub fn get(&self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value.clone()),
            Self::Named(_) => None,
        }
    }
}

/// Asks for facts about an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// The image.
    #[serde(default = "app_image")]
    pub image: String,
    /// Whether to read the layers: needed for `size_bytes`, `layers` and `kind`; takes seconds.
    #[serde(default)]
    pub layers: bool,
}

/// How a container is started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunSpec {
    /// The image.
    pub image: String,
    /// Entry point in place of the image's own.
    pub entrypoint: Option<Vec<String>>,
    /// Command in place of the image's own.
    pub command: Option<Vec<String>>,
    /// Whether the root file system is read-only.
    pub read_only: bool,
    /// Paths that get a temporary file system.
    pub tmpfs: Vec<String>,
    /// Capabilities to drop, as `ALL`.
    pub cap_drop: Vec<String>,
    /// Security options, as `no-new-privileges`.
    pub security_opt: Vec<String>,
    /// Memory limit in mebibytes, as `--memory 512m`; 1024 if not given.
    pub memory_mib: Option<u32>,
    /// Processor limit in cores, as `--cpus 1.5`.
    pub cpus: Option<f64>,
    /// Limit on the number of processes; 512 if not given.
    pub pids_limit: Option<u32>,
    /// How often the engine starts it again after a failure.
    pub restarts: u32,
    /// Whether the learner's variables (`app.env`, `app.env_file`) and services (`app.with`) are given to it.
    pub app_environment: bool,
}

impl Default for RunSpec {
    fn default() -> Self {
        Self {
            image: app_image(),
            entrypoint: None,
            command: None,
            read_only: false,
            tmpfs: Vec::new(),
            cap_drop: Vec::new(),
            security_opt: Vec::new(),
            memory_mib: None,
            cpus: None,
            pids_limit: None,
            restarts: 0,
            app_environment: true,
        }
    }
}

/// Asks for a container to be started and watched from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerSpec {
    /// How it is started.
    #[serde(default)]
    pub run: RunSpec,
    /// How long its processes are watched. Without it, it is watched until it ends, at most 10 s.
    pub watch: Option<Span>,
    /// Whether to try, from outside, to create a file at `/`, in its working folder, in usual
    /// folders and at each of its mounts.
    #[serde(default)]
    pub try_writes: bool,
    /// Asks an endpoint of it again and again.
    pub serve: Option<ServeSpec>,
}

/// Asks for an endpoint to be read again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServeSpec {
    /// Path, with its leading slash.
    #[serde(default = "app_health")]
    pub path: String,
    /// Port inside the container.
    #[serde(default = "app_port")]
    pub port: Setting<u16>,
    /// How long to go on after the first answer of 200.
    #[serde(rename = "for")]
    pub lasting: Span,
    /// How long to wait for the first answer of 200.
    #[serde(default = "thirty_seconds")]
    pub first_within: Span,
}

/// Asks for an endpoint to be read twice, and once more after a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    /// How the container is started.
    #[serde(default)]
    pub run: RunSpec,
    /// Path, with its leading slash.
    #[serde(default = "app_health")]
    pub path: String,
    /// Port inside the container.
    #[serde(default = "app_port")]
    pub port: Setting<u16>,
    /// How long to wait for the first answer.
    #[serde(default = "thirty_seconds")]
    pub first_within: Span,
    /// Time between the two reads.
    #[serde(default = "four_seconds")]
    pub gap: Span,
    /// Values to take from the JSON body: the name for rules, and the key in the body.
    #[serde(default)]
    pub take: std::collections::BTreeMap<String, String>,
}

/// Asks how the image's own health check behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthSpec {
    /// How the container is started.
    #[serde(default)]
    pub run: RunSpec,
    /// How long to wait for `healthy`.
    #[serde(default = "thirty_seconds")]
    pub healthy_within: Span,
    /// How long to wait for `unhealthy` after the server was stopped.
    #[serde(default = "thirty_seconds")]
    pub unhealthy_within: Span,
}

/// Asks what a text is to the repository that holds the learner's app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitSpec {
    /// A folder of the repository.
    #[serde(default = "app_path")]
    pub path: String,
    /// Where an earlier probe's evidence holds the text to ask for, as `app.first.taken.sha.text`.
    pub ask: Option<String>,
}

/// Asks for a file that the learner wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswersSpec {
    /// The file, below `answers/`. `.toml` is read as TOML, all else as text.
    pub file: String,
    /// Keys whose values rules may read; dotted keys reach into tables.
    #[serde(default)]
    pub keys: Vec<String>,
}

mod build;
mod compose;
mod containers;
mod prose;
mod running;
mod vulnerabilities;

pub use build::BuildSpec;
pub use compose::ComposeSpec;
pub use containers::ContainersSpec;
pub use prose::{Concept, ProseSpec};
pub use running::RunningSpec;
pub use vulnerabilities::VulnerabilitiesSpec;

fn app_image() -> String {
    "{app.image}".into()
}

fn app_health() -> String {
    "{app.health}".into()
}

fn app_path() -> String {
    "{app.path}".into()
}

fn app_port() -> Setting<u16> {
    Setting::Named("{app.port}".into())
}

const fn thirty_seconds() -> Span {
    Span::seconds(30)
}

const fn four_seconds() -> Span {
    Span::seconds(4)
}

/// Why a probe cannot be asked with the learner's names.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// A placeholder names nothing.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// A name's value does not fit where it is used.
    #[error("a name's value does not fit where the check uses it")]
    Unfit(#[from] serde_json::Error),
}

impl ProbeSpec {
    /// The kind.
    pub const fn kind(&self) -> ProbeKind {
        match self {
            Self::Image(_) => ProbeKind::Image,
            Self::Container(_) => ProbeKind::Container,
            Self::Endpoint(_) => ProbeKind::Endpoint,
            Self::Health(_) => ProbeKind::Health,
            Self::Git(_) => ProbeKind::Git,
            Self::Answers(_) => ProbeKind::Answers,
            Self::Containers(_) => ProbeKind::Containers,
            Self::Prose(_) => ProbeKind::Prose,
            Self::Running(_) => ProbeKind::Running,
            Self::Build(_) => ProbeKind::Build,
            Self::Compose(_) => ProbeKind::Compose,
            Self::Vulnerabilities(_) => ProbeKind::Vulnerabilities,
        }
    }

    /// The same with the learner's names in place of placeholders.
    pub fn fill(&self, names: &Names) -> Result<Self, FillError> {
        Ok(serde_json::from_value(names.fill(&serde_json::to_value(self)?)?)?)
    }

    /// The image that it looks at, as written; `None` for a probe that looks at none.
    pub fn image(&self) -> Option<&str> {
        match self {
            Self::Image(spec) => Some(&spec.image),
            Self::Container(spec) => Some(&spec.run.image),
            Self::Endpoint(spec) => Some(&spec.run.image),
            Self::Health(spec) => Some(&spec.run.image),
            Self::Build(spec) => Some(&spec.image),
            Self::Vulnerabilities(spec) => Some(&spec.image),
            Self::Git(_)
            | Self::Answers(_)
            | Self::Containers(_)
            | Self::Prose(_)
            | Self::Running(_)
            | Self::Compose(_) => None,
        }
    }

    /// Whether it asks the container engine itself: who answered is a part of its evidence.
    pub fn asks_engine(&self) -> bool {
        self.image().is_some() || matches!(self, Self::Containers(_) | Self::Running(_))
    }

    /// Every string of it, for finding placeholders.
    pub fn strings(&self) -> Vec<String> {
        fn collect(value: &Value, into: &mut Vec<String>) {
            match value {
                Value::String(text) => into.push(text.clone()),
                Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
                Value::Object(map) => map.values().for_each(|item| collect(item, into)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        let mut strings = Vec::new();
        if let Ok(value) = serde_json::to_value(self) {
            collect(&value, &mut strings);
        }
        strings
    }

    /// Reads the keys of one kind.
    pub(super) fn from_keys(kind: ProbeKind, keys: Value) -> Result<Self, serde_json::Error> {
        fn read<T: DeserializeOwned>(keys: Value) -> Result<T, serde_json::Error> {
            serde_json::from_value(keys)
        }
        Ok(match kind {
            ProbeKind::Image => Self::Image(read(keys)?),
            ProbeKind::Container => Self::Container(read(keys)?),
            ProbeKind::Endpoint => Self::Endpoint(read(keys)?),
            ProbeKind::Health => Self::Health(read(keys)?),
            ProbeKind::Git => Self::Git(read(keys)?),
            ProbeKind::Answers => Self::Answers(read(keys)?),
            ProbeKind::Containers => Self::Containers(read(keys)?),
            ProbeKind::Prose => Self::Prose(read(keys)?),
            ProbeKind::Running => Self::Running(read(keys)?),
            ProbeKind::Build => Self::Build(read(keys)?),
            ProbeKind::Compose => Self::Compose(read(keys)?),
            ProbeKind::Vulnerabilities => Self::Vulnerabilities(read(keys)?),
        })
    }

    /// The schema of the keys of one kind.
    pub(super) fn schema(kind: ProbeKind) -> Value {
        use crate::evidence::schema_as_read;
        match kind {
            ProbeKind::Image => schema_as_read::<ImageSpec>(),
            ProbeKind::Container => schema_as_read::<ContainerSpec>(),
            ProbeKind::Endpoint => schema_as_read::<EndpointSpec>(),
            ProbeKind::Health => schema_as_read::<HealthSpec>(),
            ProbeKind::Git => schema_as_read::<GitSpec>(),
            ProbeKind::Answers => schema_as_read::<AnswersSpec>(),
            ProbeKind::Containers => schema_as_read::<ContainersSpec>(),
            ProbeKind::Prose => schema_as_read::<ProseSpec>(),
            ProbeKind::Running => schema_as_read::<RunningSpec>(),
            ProbeKind::Build => schema_as_read::<BuildSpec>(),
            ProbeKind::Compose => schema_as_read::<ComposeSpec>(),
            ProbeKind::Vulnerabilities => schema_as_read::<VulnerabilitiesSpec>(),
        }
    }
}
