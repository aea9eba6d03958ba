//! What the learner's Compose file does when it is brought up on a copy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;

/// What the learner's Compose file does. Source: Compose, the engine and the kernel. A stage that was not
/// reached, since an earlier one did not come to its end, is `null`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComposeEvidence {
    /// The Compose files, by their paths in the workspace: the named one, and its override if there is one.
    pub files: Vec<String>,
    /// The service that is the app.
    pub service: String,
    /// The request that makes the app use database and cache.
    pub probe: String,
    /// Compose's words where it does not accept the file; `null` if it does.
    pub refused: Option<Text>,
    /// Services as Compose normalises them; empty if it does not accept the file.
    pub services: Vec<ComposeService>,
    /// What is another in the check's copy, so that nothing of the learner's is touched.
    pub changed: Vec<String>,
    /// How it came up; `null` if Compose does not accept the file.
    pub up: Option<ComposeUp>,
    /// The first service that is Postgres; `null` if there is none or it did not come up.
    pub database: Option<Backing>,
    /// The first service that is Redis or speaks as it does; `null` if there is none or it did not come up.
    pub cache: Option<Backing>,
    /// What became of the database's data across `down` and `up`; `null` if there is none or it did not come up.
    pub data: Option<DataKept>,
    /// What `up --watch` did; `null` if it did not come up.
    pub watch: Option<ComposeWatch>,
}

/// One service. Source: `docker compose config`, and the engine for what its image is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComposeService {
    /// Its name.
    pub name: String,
    /// What it is by its image's name and the port that the image exposes: `postgres`, `redis` or `other`.
    pub kind: String,
    /// The image that it names; `null` if it names none.
    pub image: Option<String>,
    /// Whether it is built from a folder.
    pub built: bool,
    /// What it waits for before it starts.
    pub depends_on: Vec<DependsOn>,
    /// Its health check, or its image's; `null` if there is none.
    pub health_test: Option<Vec<String>>,
    /// What is mounted in it, the volumes that its image declares included.
    pub mounts: Vec<ComposeMount>,
    /// Published ports, as `127.0.0.1:8000:8000/tcp`.
    pub ports: Vec<String>,
    /// The user that it runs as; `null` if that is left to the image.
    pub user: Option<String>,
    /// Names of its variables; their values may be secrets.
    pub env_names: Vec<String>,
    /// Hosts that its variables name, in URLs or in variables whose names end in `HOST`.
    pub hosts: Vec<HostNamed>,
    /// What `watch` does at which change.
    pub watch: Vec<WatchEntry>,
}

/// What a service waits for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DependsOn {
    /// The other service.
    pub service: String,
    /// Until when, as `service_healthy`.
    pub condition: String,
}

/// Something that is mounted in a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComposeMount {
    /// `volume` (a named one), `anonymous`, `bind` or `tmpfs`.
    pub kind: String,
    /// The volume's name in the file, or the path on the host; `null` if it has none.
    pub source: Option<String>,
    /// Where it is mounted.
    pub target: String,
    /// Whether the file says that the volume is not its own.
    pub external: bool,
}

/// A host that a variable names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostNamed {
    /// The variable.
    pub variable: String,
    /// The host, as `db`, `localhost` or an address.
    pub host: String,
}

/// What `watch` does at a change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WatchEntry {
    /// The watched file or folder, relative to the app's build context.
    pub path: String,
    /// As `sync`, `sync+restart` or `rebuild`.
    pub action: String,
    /// Where it is copied to in the container; `null` if it is not.
    pub target: Option<String>,
}

/// How a project came up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComposeUp {
    /// Whether `docker compose build` came to a good end; true if nothing is built.
    pub built: bool,
    /// Whether `docker compose up` came to a good end.
    pub started: bool,
    /// Whether the app answered the probe request, with whatever status.
    pub answered: bool,
    /// The status of the answer; `null` if none came.
    pub status: Option<u64>,
    /// Why no answer came; `null` if one did, or nothing was started.
    pub error: Option<String>,
    /// Milliseconds that building took.
    pub build_ms: u64,
    /// Milliseconds from `up` to its end.
    pub up_ms: u64,
    /// What Compose said last, of the step that failed or else of `up`.
    pub said: Text,
    /// What the app printed last, where it did not answer.
    pub app_said: Text,
    /// What happened first to each service, in the engine's order.
    pub order: Vec<ServiceTimes>,
}

/// What happened to a service's container. Source: the engine's events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceTimes {
    /// The service.
    pub service: String,
    /// Milliseconds from the project's first event to its container's start; `null` if it was not started.
    pub started_ms: Option<u64>,
    /// Milliseconds from the project's first event until it was first healthy; `null` if it never was.
    pub healthy_ms: Option<u64>,
}

/// A service that the app uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backing {
    /// The service.
    pub service: String,
    /// Until when the app waits for it, as `service_healthy`; `none` if it does not.
    pub condition: String,
    /// Whether the engine started the app's container after this one's first `healthy`.
    pub app_started_after_healthy: bool,
    /// Whether its health check fails where its server does not run: the same test in a container of the
    /// same image without the server. False too if it has none.
    pub health_fails_without_server: bool,
    /// Exit code of the test there; `null` if it has none or it did not end.
    pub health_without_server: Option<i64>,
    /// Whether the engine's DNS knows its name on a network that the app is on too.
    pub name_known: bool,
    /// Connections from the app to one of its addresses, established or just closed: the most at one look.
    /// Source: the kernel, in the app's network namespace.
    pub connection_count: u64,
    /// Of those, the most that were established at one look.
    pub established_count: u64,
    /// Looks at the app's connections while the probe request was made again and again.
    pub looks: u64,
}

/// What became of a database's data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataKept {
    /// The service.
    pub service: String,
    /// Where the database keeps its data, in its own words; `null` if it did not say.
    pub directory: Option<String>,
    /// What is mounted there: `volume`, `anonymous`, `bind`, `tmpfs`, or `none` for the container's own layer.
    pub mount: String,
    /// Whether a table could be made before `down`.
    pub written: bool,
    /// Whether it was there after `up`.
    pub kept: bool,
    /// What the database's client said last.
    pub said: Text,
}

/// What `docker compose up --watch` did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComposeWatch {
    /// Whether the app's service says what to watch.
    pub asked_for: bool,
    /// What Compose said last.
    pub said: Text,
    /// An edit of a source file.
    pub edit: WatchedEdit,
    /// An edit of the manifest, the file that names what the app needs.
    pub manifest: WatchedEdit,
}

/// An edit of a file while it was watched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WatchedEdit {
    /// The file, relative to the app's build context; `null` if none was found that would do.
    pub path: Option<String>,
    /// What the file says that `watch` does at a change of it.
    pub actions: Vec<String>,
    /// Whether the edit showed in the answer to the probe request. The manifest's does not.
    pub served: bool,
    /// Milliseconds from the edit until it was served, or until a new container ran, or until nobody waited on.
    pub waited_ms: u64,
    /// Whether the app then ran from the same image id as before.
    pub same_image: bool,
    /// Whether it was the same container.
    pub same_container: bool,
}
