//! What Compose has made under a project's name: its containers, where others find them, and what
//! happens to them, in the engine's own order. Start at [`Engine::project_containers`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use bollard::{
    models::{ContainerSummaryStateEnum, EventMessage},
    query_parameters::{EventsOptions, InspectContainerOptions, ListContainersOptions},
};
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;

use crate::{Container, Engine, EngineError};

/// The label that Compose gives to whatever it makes: the project's name.
pub(crate) const PROJECT_LABEL: &str = "com.docker.compose.project";

const SERVICE_LABEL: &str = "com.docker.compose.service";

/// A container that Compose made for a service. Source: `GET /containers/json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectContainer {
    /// Its id.
    pub id: String,
    /// Its service.
    pub service: String,
    /// The id of its image.
    pub image: String,
    /// Whether its first process lives.
    pub running: bool,
}

/// How others on a network find a container. Source: `GET /containers/{id}/json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnNetwork {
    /// Its IPv4 address there; empty if it has none.
    pub address: String,
    /// The names by which the engine's DNS knows it there.
    pub names: Vec<String>,
}

/// Something that happened to a container of a project. Source: `GET /events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectEvent {
    /// When, in nanoseconds since 1970 by the engine's clock.
    pub at_unix_ns: i64,
    /// The service of the container.
    pub service: String,
    /// `create`, `start`, `die`, `health_status: healthy`, …
    pub action: String,
}

/// Follows what happens to a project's containers; dropping it lets go.
#[derive(Debug)]
pub struct ProjectEvents {
    seen: Arc<Mutex<Vec<ProjectEvent>>>,
    reader: JoinHandle<()>,
}

/// The most events that are kept.
const MOST_EVENTS: usize = 1000;

impl Engine {
    /// Lists the containers of a project, by service.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn project_containers(&self, project: &str) -> Result<Vec<ProjectContainer>, EngineError> {
        let filters = Some(HashMap::from([("label".to_owned(), vec![format!("{PROJECT_LABEL}={project}")])]));
        let options = ListContainersOptions { all: true, filters, ..Default::default() };
        let answer = self.docker().list_containers(Some(options));
        let listed = self.ask(|| format!("list the containers of project {project}"), answer).await?;
        let mut containers: Vec<_> = listed
            .into_iter()
            .filter_map(|summary| {
                Some(ProjectContainer {
                    id: summary.id?,
                    service: summary.labels?.remove(SERVICE_LABEL)?,
                    image: summary.image_id.unwrap_or_default(),
                    running: summary.state == Some(ContainerSummaryStateEnum::RUNNING),
                })
            })
            .collect();
        containers.sort_by(|a, b| (&a.service, &a.id).cmp(&(&b.service, &b.id)));
        Ok(containers)
    }

    /// Follows what happens to a project's containers, from the project's beginning on.
    #[must_use]
    pub fn follow_project(&self, project: &str) -> ProjectEvents {
        let of = |name: &str, values: &[&str]| {
            (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        };
        let label = format!("{PROJECT_LABEL}={project}");
        let filters = HashMap::from([
            of("type", &["container"]),
            of("label", &[&label]),
            of("event", &["create", "start", "die", "destroy", "health_status"]),
        ]);
        // Since we know the engine, by its own clock: what happens before it listens to us is told all the
        // same, and what bore the same name in an earlier life is not.
        let known = self.facts().system_time.as_ref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let since = known.map_or_else(|| "1".to_owned(), |time| time.as_second().to_string());
        let options = EventsOptions { since: Some(since), until: None, filters: Some(filters) };
        let seen: Arc<Mutex<Vec<ProjectEvent>>> = Arc::default();
        let (engine, into) = (self.clone(), Arc::clone(&seen));
        let reader = tokio::spawn(async move {
            let mut events = engine.docker().events(Some(options));
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => keep(&into, event),
                    Err(error) => {
                        tracing::warn!(%error, "the engine tells no more events");
                        return;
                    }
                }
            }
        });
        ProjectEvents { seen, reader }
    }
}

fn keep(into: &Mutex<Vec<ProjectEvent>>, event: EventMessage) {
    let service = event.actor.and_then(|actor| actor.attributes?.remove(SERVICE_LABEL));
    if let (Some(at_unix_ns), Some(action), Some(service)) = (event.time_nano, event.action, service) {
        let mut events = lock(into);
        if events.len() < MOST_EVENTS {
            events.push(ProjectEvent { at_unix_ns, service, action });
        }
    }
}

impl ProjectEvents {
    /// Returns what has happened up to now, in the engine's order.
    #[must_use]
    pub fn so_far(&self) -> Vec<ProjectEvent> {
        lock(&self.seen).clone()
    }
}

impl Drop for ProjectEvents {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Container {
    /// Returns how others find it, by network.
    ///
    /// # Errors
    /// It is gone, or the engine cannot be asked.
    pub async fn networks(&self) -> Result<BTreeMap<String, OnNetwork>, EngineError> {
        let docker = self.engine().docker();
        let answer = docker.inspect_container(self.id(), None::<InspectContainerOptions>);
        let response = self.engine().ask(|| self.request("inspect"), answer).await?;
        let networks = response.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        Ok(networks
            .into_iter()
            .map(|(name, endpoint)| {
                // Engines before 25 know aliases alone.
                let names = [endpoint.dns_names, endpoint.aliases].into_iter().flatten().flatten();
                let address = endpoint.ip_address.unwrap_or_default();
                (name, OnNetwork { address, names: names.collect() })
            })
            .collect())
    }
}

/// A list is whole after every push, so a poisoned lock still holds the truth.
fn lock(events: &Mutex<Vec<ProjectEvent>>) -> std::sync::MutexGuard<'_, Vec<ProjectEvent>> {
    events.lock().unwrap_or_else(PoisonError::into_inner)
}
