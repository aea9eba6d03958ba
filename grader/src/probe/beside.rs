//! Services that run beside the learner's app, as the learner's Compose file describes them.
//!
//! Only what an app needs to start is taken over: image, variables, command, health test. Ports are not
//! published and nothing of the learner's is mounted: the check has a network and data of its own.

use std::{collections::BTreeMap, time::Duration};

use grader_engine::{ContainerPlan, Engine, HealthStatus, ImageFacts, NetworkPlan};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{
    EngineAccess, Place, Stop,
    compose::command::{self, Compose},
};

/// How long a service may take until it is healthy.
const HEALTHY_WITHIN: Duration = Duration::from_secs(60);

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
    let image = image_of_service(name, reference, access.engine()).await?;
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

/// The image that a service names. Nothing is pulled: that is the learner's to do.
pub(super) async fn image_of_service(
    service: &str,
    reference: &str,
    engine: &Engine,
) -> Result<ImageFacts, Stop> {
    engine.image(reference).await.map_err(|error| {
        if error.is_not_found() {
            Stop::blocked(
                format!("the engine has no image `{reference}` for service `{service}`"),
                format!("docker pull {reference}"),
            )
        } else {
            error.into()
        }
    })
}

/// The Compose file as Compose itself normalises it.
async fn config(place: &Place<'_>) -> Result<Config, Stop> {
    let file = &place.names().compose.file;
    let blocked = |what: String| Stop::blocked(what, format!("docker compose -f {file} config"));
    let docker = command::installed(place).await?.0.docker;
    let path = place.workspace.root().join(file);
    let folder = path.parent().unwrap_or(place.workspace.root()).to_owned();
    // Nothing is made: the name of the project is in the answer alone.
    let compose = Compose { docker, project: "grader-beside".into(), folder, files: vec![path] };
    match compose.config().await? {
        Ok(config) => serde_json::from_value(config)
            .map_err(|error| blocked(format!("Compose's configuration of {file} cannot be used: {error}"))),
        Err(refused) => {
            let said = refused.head.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
            Err(blocked(format!("Compose cannot read {file}: {}", said.trim())))
        }
    }
}
