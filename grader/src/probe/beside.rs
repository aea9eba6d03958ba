//! Services that run beside the learner's app, as the learner's Compose file describes them.
//!
//! Only what an app needs to start is taken over: image, variables, command, health test. Ports are not
//! published and nothing of the learner's is mounted: the check has a network and data of its own.

use std::{collections::BTreeMap, time::Duration};

use grader_core::{Missing, evidence::ToolSeen};
use grader_engine::{ContainerPlan, HealthStatus, NetworkPlan, OutputBounds};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{EngineAccess, Place, Stop};
use crate::program::{Call, Program};

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
    let docker = Program::find("docker").ok_or_else(|| blocked("`docker` is not in PATH".into()))?;
    let compose = async |arguments: &[&str]| {
        let words = ["compose"].iter().chain(arguments);
        let bounds = OutputBounds { first: MOST_CONFIG, last: 4096 };
        let ran = docker
            .run(&Call::new(words, root, CONFIG_WITHIN).keep(bounds))
            .await
            .map_err(|error| blocked(format!("`docker compose` cannot be run: {error}")))?;
        if ran.timed_out {
            return Err(blocked(format!("`docker compose {}` did not end", arguments.join(" "))));
        }
        Ok(ran)
    };
    let version = compose(&["version", "--short"]).await?;
    place.asked(ToolSeen {
        name: "docker compose".into(),
        path: docker.path().display().to_string(),
        version: String::from_utf8_lossy(&version.stdout.first).trim().chars().take(100).collect(),
    });
    let output = compose(&["-f", file, "config", "--format", "json"]).await?;
    if !output.succeeded() || output.stdout.cut_bytes > 0 {
        return Err(blocked(format!("Compose cannot read {file}: {}", output.last_words())));
    }
    serde_json::from_slice(&[output.stdout.first, output.stdout.last].concat())
        .map_err(|error| blocked(format!("Compose's configuration: {error}")))
}
