//! Services that run beside the learner's app, as the learner's Compose file describes them.
//!
//! Only what an app needs to start is taken over: image, variables, command, health test. Ports are not
//! published and nothing of the learner's is mounted: the check has a network and data of its own.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use grader_core::{Missing, evidence::ToolSeen};
use grader_engine::{ContainerPlan, HealthStatus, NetworkPlan};
use serde::Deserialize;
use tokio::{process::Command, time::Instant, time::sleep, time::timeout};

use super::{EngineAccess, Place, Stop};

/// How long Compose may take to normalise a file.
const CONFIG_WITHIN: Duration = Duration::from_secs(20);

/// How long a service may take until it is healthy.
const HEALTHY_WITHIN: Duration = Duration::from_secs(60);

/// The most that Compose may print, in bytes.
const MOST_CONFIG: usize = 2_000_000;

/// Services that run.
pub(super) struct Services {
    /// The network on which they are reached by their names.
    pub network: String,
}

#[derive(Deserialize)]
struct Config {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    image: Option<String>,
    #[serde(default)]
    environment: BTreeMap<String, Option<String>>,
    command: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    healthcheck: Option<ServiceHealth>,
}

#[derive(Deserialize)]
struct ServiceHealth {
    test: Option<Vec<String>>,
}

/// Starts the services and waits until those with a health test are healthy.
pub(super) async fn start(
    names: &[String],
    access: &EngineAccess,
    place: &Place<'_>,
) -> Result<Services, Stop> {
    place.doing(format!("starting {} beside it", names.join(", ")));
    let config = config(place).await?;
    let network = access.scope.create_network(false).await?;
    let mut started = Vec::new();
    for name in names {
        let service = config.services.get(name).ok_or_else(|| {
            let known = config.services.keys().cloned().collect::<Vec<_>>().join(", ");
            Stop::blocked(
                format!("{} has no service `{name}`; it has: {known}", place.names().compose.file),
                "edit `with` in workspace.toml",
            )
        })?;
        started.push((name, service_container(name, service, network.name(), access).await?));
    }
    let end = Instant::now() + HEALTHY_WITHIN;
    for (name, container) in started {
        loop {
            let state = container.inspect().await?;
            match state.health.map(|health| health.status) {
                None if state.running => break,
                Some(HealthStatus::Healthy) => break,
                _ if !state.running || Instant::now() >= end => {
                    return Err(Stop::blocked(
                        format!("service `{name}` beside the app did not become healthy"),
                        format!("docker compose -f {} up {name}", place.names().compose.file),
                    ));
                }
                None | Some(HealthStatus::Starting | HealthStatus::Unhealthy) => {
                    sleep(Duration::from_millis(100)).await
                }
            }
        }
    }
    Ok(Services { network: network.name().to_owned() })
}

async fn service_container(
    name: &str,
    service: &Service,
    network: &str,
    access: &EngineAccess,
) -> Result<grader_engine::Container, Stop> {
    let reference = service.image.as_ref().ok_or_else(|| {
        Stop::blocked(format!("service `{name}` names no image"), "give it an `image:` in the Compose file")
    })?;
    let image = access.engine().image(reference).await.map_err(|error| {
        if error.is_not_found() {
            Stop::blocked(
                format!("the engine has no image `{reference}` for service `{name}`"),
                format!("docker pull {reference}"),
            )
        } else {
            error.into()
        }
    })?;
    let mut plan = ContainerPlan::of(image.id);
    plan.network = NetworkPlan::Of { name: network.to_owned(), aliases: vec![name.to_owned()] };
    plan.env = service.environment.iter().filter_map(|(k, v)| Some((k.clone(), v.clone()?))).collect();
    plan.command.clone_from(&service.command);
    plan.entrypoint.clone_from(&service.entrypoint);
    plan.health_test = service.healthcheck.as_ref().and_then(|health| health.test.clone());
    let container = access.scope.create(&plan).await?;
    container.start().await?;
    Ok(container)
}

/// The Compose file as Compose itself normalises it.
async fn config(place: &Place<'_>) -> Result<Config, Stop> {
    let file = &place.names().compose.file;
    let root = place.workspace.root();
    let blocked =
        |what: String| Stop::Blocked(Missing { what, fix: format!("docker compose -f {file} config") });
    let docker = in_path("docker").ok_or_else(|| blocked("`docker` is not in PATH".into()))?;
    let compose = async |arguments: &[&str]| {
        let child = Command::new(&docker)
            .arg("compose")
            .args(arguments)
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .output();
        timeout(CONFIG_WITHIN, child)
            .await
            .map_err(|_| blocked(format!("`docker compose {}` did not end", arguments.join(" "))))?
            .map_err(|error| blocked(format!("`docker compose` cannot be run: {error}")))
    };
    let version = compose(&["version", "--short"]).await?;
    place.asked(ToolSeen {
        name: "docker compose".into(),
        path: docker.display().to_string(),
        version: String::from_utf8_lossy(&version.stdout).trim().chars().take(100).collect(),
    });
    let output = compose(&["-f", file, "config", "--format", "json"]).await?;
    if !output.status.success() || output.stdout.len() > MOST_CONFIG {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.lines().last().unwrap_or("").chars().take(200).collect();
        return Err(blocked(format!("Compose cannot read {file}: {said}")));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| blocked(format!("Compose's configuration: {error}")))
}

/// The first program of this name in PATH, as a shell would find it: evidence says which one answered.
fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|program| rustix::fs::access(program, rustix::fs::Access::EXEC_OK).is_ok() && program.is_file())
}
