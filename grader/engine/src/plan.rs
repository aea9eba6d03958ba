//! What a container is to be, before it is made. Start at [`ContainerPlan`].

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum,
    HostConfigLogConfig, NetworkingConfig, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};

use crate::Labels;

const DEFAULT_MEMORY: u64 = 1 << 30;
const DEFAULT_PIDS: u32 = 512;

/// What a container is to be. Every container gets limits, since what runs in it is a stranger's:
/// 512 processes, 1 GiB without swap, 20 MB of kept output, unless the plan gives its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerPlan {
    /// The image's id (`sha256:…`); a name would be resolved anew by the engine.
    pub image: String,
    /// Replaces the image's ENTRYPOINT.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's CMD.
    pub command: Option<Vec<String>>,
    /// Added to the image's ENV.
    pub env: BTreeMap<String, String>,
    /// Replaces the image's USER.
    pub user: Option<String>,
    /// Replaces the image's WORKDIR.
    pub working_dir: Option<String>,
    /// The root file system is mounted read-only.
    pub read_only: bool,
    /// Paths where a tmpfs is mounted, with its options as `size=64m,mode=1777`.
    pub tmpfs: BTreeMap<String, String>,
    /// Capabilities taken away, as `ALL`, `NET_RAW`.
    pub cap_drop: Vec<String>,
    /// Capabilities given.
    pub cap_add: Vec<String>,
    /// As `no-new-privileges`.
    pub security_opt: Vec<String>,
    /// Memory in bytes; 1 GiB by default.
    pub memory_bytes: Option<u64>,
    /// Memory and swap together, in bytes; by default as much as memory, so no swap.
    pub memory_swap_bytes: Option<u64>,
    /// Processor time in 10⁻⁹ processors; unbounded by default.
    pub nano_cpus: Option<u64>,
    /// Processes and threads at once; 512 by default.
    pub pids_limit: Option<u32>,
    /// The network that it is on.
    pub network: NetworkPlan,
    /// TCP ports, each published on 127.0.0.1 at a port of the host's choice.
    pub publish: Vec<u16>,
    /// What the engine does when it ends.
    pub restart: Restart,
    /// Other times for the image's own health test.
    pub health: Option<HealthOverride>,
    /// A health test in place of the image's own, as `["CMD", …]`.
    pub health_test: Option<Vec<String>>,
    /// A small init process is PID 1 and reaps.
    pub init: bool,
    /// As `host`; the container's own by default.
    pub pid_mode: Option<String>,
    /// As `host`; the engine's default otherwise.
    pub userns_mode: Option<String>,
    /// Seconds between SIGTERM and SIGKILL when the engine stops it.
    pub stop_timeout_seconds: Option<u32>,
    /// Who keeps what it prints.
    pub output: KeepOutput,
    /// Labels beside ours.
    pub labels: BTreeMap<String, String>,
}

/// The network that a container is on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NetworkPlan {
    /// The engine's default bridge.
    #[default]
    Default,
    /// Loopback only.
    None,
    /// A network by its name, where the container has other names too.
    Of {
        /// The network's name.
        name: String,
        /// Names by which others on it find the container.
        aliases: Vec<String>,
    },
}

/// Who keeps what a container prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeepOutput {
    /// The engine, the last 10 to 20 MB, for [`Container::logs`](crate::Container::logs). A flood of
    /// short lines is slow to write down: removing its container may then take seconds.
    #[default]
    Engine,
    /// Nobody: only [`Container::follow`](crate::Container::follow) sees it, and a flood costs little.
    Nobody,
}

/// What the engine does when a container ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Nothing.
    #[default]
    Never,
    /// Starts it again when it failed, so many times at most.
    OnFailure {
        /// How many times.
        at_most: u32,
    },
}

/// Other times for the image's own health test; the test itself is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthOverride {
    /// Between the end of one test and the start of the next. At least 1 ms, for the engine.
    pub interval: std::time::Duration,
    /// After which a test has failed. At least 1 ms.
    pub timeout: std::time::Duration,
    /// In which failures do not count. At least 1 ms; zero keeps the image's.
    pub start_period: std::time::Duration,
    /// Failures in a row until it is unhealthy; zero keeps the image's.
    pub retries: u32,
}

impl ContainerPlan {
    /// Begins a plan with nothing but an image's id.
    #[must_use]
    pub fn of(image: impl Into<String>) -> Self {
        Self { image: image.into(), ..Self::default() }
    }

    /// Writes the plan as the body of `POST /containers/create`.
    pub(crate) fn to_body(&self, labels: &Labels, base: ContainerCreateBody) -> ContainerCreateBody {
        let mut all_labels: HashMap<_, _> = self.labels.clone().into_iter().collect();
        all_labels.extend(labels.to_map());
        ContainerCreateBody {
            image: Some(self.image.clone()),
            entrypoint: self.entrypoint.clone(),
            cmd: self.command.clone(),
            env: Some(pairs(&self.env)),
            user: self.user.clone(),
            working_dir: self.working_dir.clone(),
            labels: Some(all_labels),
            stop_timeout: self.stop_timeout_seconds.map(i64::from),
            exposed_ports: Some(self.publish.iter().map(|port| tcp(*port)).collect()),
            healthcheck: self.healthcheck(),
            host_config: Some(self.host_config()),
            networking_config: self.networking(),
            ..base
        }
    }

    fn healthcheck(&self) -> Option<HealthConfig> {
        if self.health.is_none() && self.health_test.is_none() {
            return None;
        }
        let times = self.health.map(health_config).unwrap_or_default();
        Some(HealthConfig { test: self.health_test.clone(), ..times })
    }

    fn host_config(&self) -> HostConfig {
        let memory = self.memory_bytes.unwrap_or(DEFAULT_MEMORY);
        let memory_swap = self.memory_swap_bytes.unwrap_or(memory).max(memory);
        let on_loopback = || {
            Some(vec![PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(String::new()) }])
        };
        HostConfig {
            memory: Some(signed(memory)),
            memory_swap: Some(signed(memory_swap)),
            nano_cpus: self.nano_cpus.map(signed),
            pids_limit: Some(self.pids_limit.unwrap_or(DEFAULT_PIDS).into()),
            log_config: Some(self.output.to_log_config()),
            readonly_rootfs: Some(self.read_only),
            tmpfs: Some(self.tmpfs.clone().into_iter().collect()),
            cap_add: Some(self.cap_add.clone()),
            cap_drop: Some(self.cap_drop.clone()),
            security_opt: Some(self.security_opt.clone()),
            network_mode: match &self.network {
                NetworkPlan::Default => None,
                NetworkPlan::None => Some("none".to_owned()),
                NetworkPlan::Of { name, .. } => Some(name.clone()),
            },
            port_bindings: Some(self.publish.iter().map(|port| (tcp(*port), on_loopback())).collect()),
            restart_policy: match self.restart {
                Restart::Never => None,
                Restart::OnFailure { at_most } => Some(RestartPolicy {
                    name: Some(RestartPolicyNameEnum::ON_FAILURE),
                    maximum_retry_count: Some(at_most.into()),
                }),
            },
            init: self.init.then_some(true),
            pid_mode: self.pid_mode.clone(),
            userns_mode: self.userns_mode.clone(),
            // Who looks from the host's pid namespace reads whole cgroup paths.
            cgroupns_mode: (self.pid_mode.as_deref() == Some("host"))
                .then_some(HostConfigCgroupnsModeEnum::HOST),
            ..HostConfig::default()
        }
    }

    fn networking(&self) -> Option<NetworkingConfig> {
        let NetworkPlan::Of { name, aliases } = &self.network else {
            return None;
        };
        let settings = EndpointSettings { aliases: Some(aliases.clone()), ..EndpointSettings::default() };
        Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(name.clone(), settings)])) })
    }
}

impl KeepOutput {
    fn to_log_config(self) -> HostConfigLogConfig {
        match self {
            Self::Engine => HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                // Two files, so that at least 10 MB of what was printed last are kept.
                config: Some(HashMap::from([
                    ("max-size".to_owned(), "10m".to_owned()),
                    ("max-file".to_owned(), "2".to_owned()),
                ])),
            },
            Self::Nobody => HostConfigLogConfig { typ: Some("none".to_owned()), config: None },
        }
    }
}

fn pairs(env: &BTreeMap<String, String>) -> Vec<String> {
    env.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

fn tcp(port: u16) -> String {
    format!("{port}/tcp")
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// No `test` means that the image's is kept; zero means that the image's time is kept.
fn health_config(health: HealthOverride) -> HealthConfig {
    let nanoseconds = |time: std::time::Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    HealthConfig {
        interval: Some(nanoseconds(health.interval)),
        timeout: Some(nanoseconds(health.timeout)),
        start_period: Some(nanoseconds(health.start_period)),
        retries: Some(health.retries.into()),
        ..HealthConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(plan: &ContainerPlan) -> serde_json::Value {
        let labels = Labels { workspace: "w".into(), run: "r".into() };
        serde_json::to_value(plan.to_body(&labels, ContainerCreateBody::default())).unwrap()
    }

    #[test]
    fn every_container_has_limits_and_labels() {
        let body = body(&ContainerPlan::of("sha256:1"));
        assert_eq!(body["HostConfig"]["Memory"], 1 << 30);
        assert_eq!(body["HostConfig"]["MemorySwap"], 1 << 30);
        assert_eq!(body["HostConfig"]["PidsLimit"], 512);
        assert_eq!(body["HostConfig"]["LogConfig"]["Config"]["max-size"], "10m");
        assert_eq!(body["Labels"]["grader.run"], "r");
        assert_eq!(body.get("Entrypoint"), None);
        assert_eq!(body.get("Healthcheck"), None);
    }

    #[test]
    fn a_plan_cannot_take_our_labels() {
        let mut plan = ContainerPlan::of("sha256:1");
        plan.labels.insert("grader.run".into(), "other".into());
        assert_eq!(body(&plan)["Labels"]["grader.run"], "r");
    }

    #[test]
    fn ports_are_published_on_loopback_alone() {
        let mut plan = ContainerPlan::of("sha256:1");
        plan.publish = vec![8000];
        let body = body(&plan);
        let binding = &body["HostConfig"]["PortBindings"]["8000/tcp"][0];
        assert_eq!(binding["HostIp"], "127.0.0.1");
        assert_eq!(binding["HostPort"], "");
        assert_eq!(body["ExposedPorts"], serde_json::json!({"8000/tcp": {}}));
    }

    #[test]
    fn the_images_health_test_is_kept() {
        let mut plan = ContainerPlan::of("sha256:1");
        plan.health = Some(HealthOverride {
            interval: std::time::Duration::from_secs(1),
            timeout: std::time::Duration::from_secs(1),
            start_period: std::time::Duration::ZERO,
            retries: 2,
        });
        let health = &body(&plan)["Healthcheck"];
        assert_eq!(health.get("Test"), None);
        assert_eq!(health["Interval"], 1_000_000_000);
    }
}
