//! What the engine says about a container at one moment. Start at [`ContainerState`].

use std::collections::BTreeMap;

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, DriverData, Health, HealthStatusEnum, Storage,
};
use serde::{Deserialize, Serialize};

/// A container at one moment. Source: `GET /containers/{id}/json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// The container's id.
    pub id: String,
    /// The id of the image that it was made from.
    pub image: String,
    /// Where it is in its life.
    pub status: Status,
    /// Its first process lives.
    pub running: bool,
    /// The pid of its first process as the engine's host counts; null when none lives.
    pub pid: Option<u32>,
    /// How its first process ended; null while it has not.
    pub exit_code: Option<i64>,
    /// Some process of it was killed for want of memory at some time.
    pub oom_killed: bool,
    /// How often the engine started it again.
    pub restart_count: u64,
    /// Why the engine could not start it; empty when it could.
    pub error: String,
    /// When it was last started, RFC 3339; null when never.
    pub started_at: Option<String>,
    /// When it last ended, RFC 3339; null when never.
    pub finished_at: Option<String>,
    /// What its health test says; null when it has none.
    pub health: Option<HealthState>,
    /// Volumes, binds and the like; not tmpfs, which only the kernel shows.
    pub mounts: Vec<MountSeen>,
    /// Published TCP ports: of the container → of the host.
    pub ports: BTreeMap<u16, u16>,
    /// IPv4 addresses by network; networks without one are left out.
    pub addresses: BTreeMap<String, String>,
    /// The name by which it was run: the image's, as it was given.
    pub image_reference: String,
    /// What its root file system is made by, as `overlay2`, or `overlayfs` of containerd's store.
    pub storage: Option<String>,
    /// Where an engine that keeps images itself mounts its root file system (`GraphDriver.Data.MergedDir`);
    /// null with containerd's store, which does not say.
    pub merged_dir: Option<String>,
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Made, never started.
    Created,
    /// Its first process lives.
    Running,
    /// Frozen by the engine.
    Paused,
    /// Between an end and the next start.
    Restarting,
    /// Being stopped.
    Stopping,
    /// Being removed.
    Removing,
    /// Its first process ended.
    Exited,
    /// Half removed.
    Dead,
    /// The engine does not say.
    Unknown,
}

/// What a container's health test says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthState {
    /// The engine's judgement.
    pub status: HealthStatus,
    /// Failures in a row, up to now.
    pub failing_streak: u64,
    /// The last tests, oldest first; the engine keeps five.
    pub log: Vec<HealthLook>,
}

/// The engine's judgement of a container's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// No test has counted yet.
    Starting,
    /// The last test passed.
    Healthy,
    /// As many tests in a row failed as it takes.
    Unhealthy,
}

/// One run of a health test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthLook {
    /// RFC 3339.
    pub start: String,
    /// RFC 3339.
    pub end: String,
    /// 0 healthy, 1 unhealthy, -1 when it took too long.
    pub exit_code: i64,
    /// What it printed; the engine keeps 4 KB.
    pub output: String,
}

/// A mount as the engine knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountSeen {
    /// `volume`, `bind`, …
    pub kind: String,
    /// The volume's name; null for what is none.
    pub name: Option<String>,
    /// Where it lies on the engine's host.
    pub source: String,
    /// Where it is in the container.
    pub destination: String,
    /// It may be written to.
    pub rw: bool,
}

impl From<ContainerInspectResponse> for ContainerState {
    fn from(response: ContainerInspectResponse) -> Self {
        let (storage, merged_dir) = storage(response.graph_driver, response.storage);
        let state = response.state.unwrap_or_default();
        let running = state.running.unwrap_or(false);
        let started_at = moment(state.started_at);
        let network = response.network_settings.unwrap_or_default();
        Self {
            id: response.id.unwrap_or_default(),
            image: response.image.unwrap_or_default(),
            status: status(state.status),
            running,
            pid: state.pid.and_then(|pid| pid.try_into().ok()).filter(|pid| *pid != 0),
            exit_code: state.exit_code.filter(|_| !running && started_at.is_some()),
            oom_killed: state.oom_killed.unwrap_or(false),
            restart_count: count(response.restart_count),
            error: state.error.unwrap_or_default(),
            started_at,
            finished_at: moment(state.finished_at),
            health: state.health.and_then(health),
            mounts: response
                .mounts
                .into_iter()
                .flatten()
                .map(|mount| MountSeen {
                    kind: mount.typ.unwrap_or_default(),
                    name: mount.name.filter(|name| !name.is_empty()),
                    source: mount.source.unwrap_or_default(),
                    destination: mount.destination.unwrap_or_default(),
                    rw: mount.rw.unwrap_or(false),
                })
                .collect(),
            ports: network
                .ports
                .into_iter()
                .flatten()
                .filter_map(|(port, bindings)| {
                    let inside = port.strip_suffix("/tcp")?.parse().ok()?;
                    let outside = bindings?.into_iter().find_map(|b| b.host_port?.parse().ok())?;
                    Some((inside, outside))
                })
                .collect(),
            addresses: network
                .networks
                .into_iter()
                .flatten()
                .filter_map(|(name, endpoint)| {
                    let address = endpoint.ip_address.filter(|text| !text.is_empty())?;
                    Some((name, address))
                })
                .collect(),
            image_reference: response.config.and_then(|config| config.image).unwrap_or_default(),
            storage,
            merged_dir,
        }
    }
}

/// What makes a container's root file system, and where it is mounted, if the engine says so. From API 1.52
/// on an engine with containerd's store has `Storage` in place of `GraphDriver` (moby #50857).
fn storage(driver: Option<DriverData>, storage: Option<Storage>) -> (Option<String>, Option<String>) {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let snapshotter = storage.and_then(|storage| storage.root_fs?.snapshot?.name).and_then(some);
    match driver {
        Some(driver) => {
            let merged = driver.data.get("MergedDir").cloned().and_then(some);
            (some(driver.name).or(snapshotter), merged)
        }
        None => (snapshotter, None),
    }
}

fn status(status: Option<ContainerStateStatusEnum>) -> Status {
    use ContainerStateStatusEnum as S;
    match status {
        Some(S::CREATED) => Status::Created,
        Some(S::RUNNING) => Status::Running,
        Some(S::PAUSED) => Status::Paused,
        Some(S::RESTARTING) => Status::Restarting,
        Some(S::STOPPING) => Status::Stopping,
        Some(S::REMOVING) => Status::Removing,
        Some(S::EXITED) => Status::Exited,
        Some(S::DEAD) => Status::Dead,
        Some(S::EMPTY) | None => Status::Unknown,
    }
}

fn health(health: Health) -> Option<HealthState> {
    let status = match health.status? {
        HealthStatusEnum::STARTING => HealthStatus::Starting,
        HealthStatusEnum::HEALTHY => HealthStatus::Healthy,
        HealthStatusEnum::UNHEALTHY => HealthStatus::Unhealthy,
        HealthStatusEnum::NONE | HealthStatusEnum::EMPTY => return None,
    };
    Some(HealthState {
        status,
        failing_streak: count(health.failing_streak),
        log: health
            .log
            .into_iter()
            .flatten()
            .map(|look| HealthLook {
                start: look.start.unwrap_or_default(),
                end: look.end.unwrap_or_default(),
                exit_code: look.exit_code.unwrap_or(-1),
                output: look.output.unwrap_or_default(),
            })
            .collect(),
    })
}

/// Go's zero time means never.
fn moment(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty() && !text.starts_with("0001-01-01"))
}

fn count(value: Option<i64>) -> u64 {
    value.and_then(|value| value.try_into().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Shapes as https://docs.docker.com/reference/api/engine/version/v1.52/ and moby #50857 are said to have them.
    #[test]
    fn each_store_says_in_its_own_way_what_makes_the_root() {
        let of = |answer: serde_json::Value| {
            let response: ContainerInspectResponse = serde_json::from_value(answer).unwrap();
            let state = ContainerState::from(response);
            (state.storage, state.merged_dir)
        };
        let classic =
            serde_json::json!({ "GraphDriver": { "Name": "overlay2", "Data": { "MergedDir": "/m" } } });
        assert_eq!(of(classic), (Some("overlay2".into()), Some("/m".into())));
        let new = serde_json::json!({ "Storage": { "RootFS": { "Snapshot": { "Name": "overlayfs" } } } });
        assert_eq!(of(new), (Some("overlayfs".into()), None));
        assert_eq!(of(serde_json::json!({})), (None, None));
    }

    fn state(json: serde_json::Value) -> ContainerState {
        let response: ContainerInspectResponse = serde_json::from_value(json).unwrap();
        response.into()
    }

    #[test]
    fn a_container_that_never_ran_has_no_exit_code() {
        let seen = state(serde_json::json!({
            "Id": "c", "State": {"Status": "created", "Running": false, "Pid": 0, "ExitCode": 0,
            "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"}}));
        assert_eq!(seen.status, Status::Created);
        assert_eq!((seen.exit_code, seen.pid, seen.started_at), (None, None, None));
    }

    #[test]
    fn ports_and_addresses_are_found() {
        let seen = state(serde_json::json!({
            "State": {"Status": "running", "Running": true, "Pid": 7, "ExitCode": 0,
                      "StartedAt": "2026-11-24T23:10:00Z",
                      "Health": {"Status": "starting", "FailingStreak": 0, "Log": null}},
            "NetworkSettings": {
                "Ports": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32768"}], "9/tcp": null, "53/udp": null},
                "Networks": {"bridge": {"IPAddress": "172.17.0.2"}, "none": {"IPAddress": ""}}}}));
        assert_eq!(seen.ports, BTreeMap::from([(8000, 32768)]));
        assert_eq!(seen.addresses.len(), 1);
        assert_eq!((seen.pid, seen.exit_code), (Some(7), None));
        assert_eq!(seen.health.unwrap().status, HealthStatus::Starting);
    }
}
