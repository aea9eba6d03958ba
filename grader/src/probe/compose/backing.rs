//! Looks at a service that the app uses: whether it was waited for, whether its health check tells, and
//! whether the app is connected to it.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use grader_core::evidence::{Backing, ComposeService};
use grader_engine::{ContainerPlan, HealthOverride, KernelError, NetworkPlan, ProjectEvent};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    config::environment,
    project::{Project, started_after_healthy},
};
use crate::probe::{Stop, container::kernel_stop};

/// How often the probe request is made while connections are looked at.
const REQUESTS: usize = 6;

/// How long requests are made at most: a slow page is asked for less often.
const REQUESTS_WITHIN: Duration = Duration::from_secs(10);

/// Between two looks at connections: one that lives for a request alone is seen when it is closed, too.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// How long a health test may take to be run once.
const TEST_WITHIN: Duration = Duration::from_secs(15);

/// Looks at services that the app may use, all at once: one series of requests shows their connections.
pub(super) async fn look(
    project: &Project,
    services: &[&ComposeService],
    config: &Value,
    events: &[ProjectEvent],
) -> Result<Vec<Backing>, Stop> {
    let app = project.container(&project.service).await?;
    let on = match &app {
        Some(app) => app.networks().await?,
        None => return Ok(Vec::new()),
    };
    let mut found = Vec::new();
    let mut addresses = Vec::new();
    for service in services {
        let mut backing = Backing {
            service: service.name.clone(),
            condition: condition(config, &project.service, &service.name),
            app_started_after_healthy: started_after_healthy(events, &project.service, &service.name),
            ..Backing::default()
        };
        let mut own = BTreeSet::new();
        if let Some(container) = project.container(&service.name).await? {
            for (network, place) in container.networks().await? {
                own.extend(place.address.parse::<IpAddr>());
                // The engine's own default bridge has no DNS.
                backing.name_known |=
                    network != "bridge" && on.contains_key(&network) && place.names.contains(&service.name);
            }
        }
        addresses.push(own);
        found.push(backing);
    }
    connections(project, &mut found, &addresses).await?;
    for (backing, service) in found.iter_mut().zip(services) {
        backing.health_without_server = without_server(project, service, config).await?;
        backing.health_fails_without_server = backing.health_without_server.is_some_and(|code| code != 0);
    }
    Ok(found)
}

/// Makes the probe request again and again, and looks at the app's connections meanwhile and at the end.
async fn connections(
    project: &Project,
    found: &mut [Backing],
    addresses: &[BTreeSet<IpAddr>],
) -> Result<(), Stop> {
    let Some(app) = project.container(&project.service).await? else { return Ok(()) };
    let requests = async {
        let end = Instant::now() + REQUESTS_WITHIN;
        for _ in 0..REQUESTS {
            if Instant::now() >= end {
                break;
            }
            project.ask().await?.map_or_else(
                |error| tracing::debug!(error, "no answer while connections were looked at"),
                drop,
            );
        }
        Ok::<_, Stop>(())
    };
    let mut requests = std::pin::pin!(requests);
    let mut over = false;
    loop {
        match project.kernel.connections(&app).await {
            Ok(seen) => {
                for (backing, own) in found.iter_mut().zip(addresses) {
                    let to_it = || seen.iter().filter(|one| own.contains(&one.remote.ip()));
                    let established = to_it().filter(|one| one.established).count() as u64;
                    backing.looks += 1;
                    backing.connection_count = backing.connection_count.max(to_it().count() as u64);
                    backing.established_count = backing.established_count.max(established);
                }
            }
            Err(KernelError::NotRunning { .. }) => {}
            Err(error) => return Err(kernel_stop(error)),
        }
        if over {
            return Ok(());
        }
        tokio::select! {
            done = &mut requests => {
                done?;
                over = true;
            }
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// Until when one service waits for another.
fn condition(config: &Value, service: &str, other: &str) -> String {
    let condition = config.get("services").and_then(|services| {
        services.get(service)?.get("depends_on")?.get(other)?.get("condition")?.as_str()
    });
    condition.unwrap_or("none").to_owned()
}

/// Runs a service's health test once in a container of its image in which its server does not run.
async fn without_server(
    project: &Project,
    service: &ComposeService,
    config: &Value,
) -> Result<Option<i64>, Stop> {
    let Some(test) = service.health_test.clone() else { return Ok(None) };
    let Some(listed) = project.listed(&service.name).await? else { return Ok(None) };
    let mut plan = ContainerPlan::of(listed.image);
    plan.entrypoint = Some(vec!["sleep".into(), "60".into()]);
    plan.command = Some(Vec::new());
    plan.network = NetworkPlan::None;
    plan.env = config
        .get("services")
        .and_then(|services| services.get(&service.name))
        .map(environment)
        .unwrap_or_default();
    plan.health_test = Some(test);
    plan.health = Some(HealthOverride {
        interval: Duration::from_millis(500),
        timeout: Duration::from_secs(8),
        start_period: Duration::from_millis(1),
        retries: 1,
    });
    let container = project.scope.create(&plan).await?;
    let code = match container.start().await {
        Ok(()) => first_code(&container).await?,
        // An image without `sleep` cannot be stood in for.
        Err(grader_engine::EngineError::Rejected { message, .. }) => {
            tracing::info!(message, service = service.name, "no container without its server");
            None
        }
        Err(error) => return Err(error.into()),
    };
    project.scope.remove_container(&container).await?;
    Ok(code)
}

async fn first_code(container: &grader_engine::Container) -> Result<Option<i64>, Stop> {
    let end = Instant::now() + TEST_WITHIN;
    while Instant::now() < end {
        let state = container.inspect().await?;
        if let Some(run) = state.health.and_then(|health| health.log.into_iter().next()) {
            return Ok(Some(run.exit_code));
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(None)
}
