//! What the engine has on record of containers that others ran. Start at [`Engine::runs_of`].

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bollard::{
    models::EventMessage,
    query_parameters::{EventsOptions, InspectContainerOptions, ListContainersOptions},
};

use crate::{Container, ContainerState, Engine, EngineError};

/// Containers that were run from an image of one name.
#[derive(Debug, Clone)]
pub struct Runs {
    /// Those that still exist, the newest first.
    pub there: Vec<RunThere>,
    /// Those that only events tell of, the newest first.
    pub gone: Vec<RunGone>,
    /// How many of either kind there are in all.
    pub count: u64,
    /// From when on events were asked for, in seconds since 1970.
    pub events_since_unix: u64,
}

/// A container that still exists.
#[derive(Debug, Clone)]
pub struct RunThere {
    /// The container.
    pub container: Container,
    /// What the engine says of it.
    pub state: ContainerState,
}

/// A container that was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunGone {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was started, in nanoseconds since 1970; null if no event says so.
    pub started_unix_ns: Option<u64>,
    /// When it ended, in nanoseconds since 1970; null if no event says so.
    pub finished_unix_ns: Option<u64>,
    /// How its first process ended; null if no event says so.
    pub exit_code: Option<i64>,
    /// The kernel killed a process of it for want of memory.
    pub oom_killed: bool,
}

impl Engine {
    /// Lists the containers that were run by this name of an image: those that exist, and those of the
    /// last `back` that the engine's events still tell of; of each kind `most` at most.
    ///
    /// Sources: `GET /containers/json`, `GET /containers/{id}/json`, `GET /events`.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn runs_of(&self, image: &str, back: Duration, most: usize) -> Result<Runs, EngineError> {
        let (there, count) = self.runs_there(image, most).await?;
        let since = now().saturating_sub(back).as_secs();
        let mut gone = self.runs_gone(image, since).await?;
        gone.retain(|run| there.iter().all(|other| other.container.id() != run.id));
        let count = count + gone.len() as u64;
        gone.truncate(most);
        Ok(Runs { there, gone, count, events_since_unix: since })
    }

    async fn runs_there(&self, image: &str, most: usize) -> Result<(Vec<RunThere>, u64), EngineError> {
        let options = ListContainersOptions { all: true, ..Default::default() };
        let request = || "list containers".to_owned();
        let listed = self.ask(request, self.docker().list_containers(Some(options))).await?;
        // The engine lists the newest first. Of an image whose name was given to another one it shows the
        // id instead; then the container itself still knows by which name it was run.
        let ours: Vec<(String, bool)> = listed
            .into_iter()
            .filter_map(|summary| {
                let shown = summary.image.unwrap_or_default();
                let sure = same_image(&shown, image);
                let perhaps =
                    summary.image_id.is_some_and(|id| id.contains(&shown)) || shown.starts_with("sha256:");
                (sure || perhaps).then_some((summary.id?, sure))
            })
            .collect();
        let (mut found, mut count) = (Vec::new(), 0);
        for (id, sure) in ours {
            if sure {
                count += 1;
            }
            if found.len() >= most {
                continue;
            }
            let answer = self.docker().inspect_container(&id, None::<InspectContainerOptions>);
            let response = match self.ask(|| format!("inspect container {id}"), answer).await {
                Ok(response) => response,
                // It went meanwhile: its events tell of it.
                Err(error) if error.is_not_found() => {
                    count -= u64::from(sure);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let named = response.config.as_ref().and_then(|config| config.image.clone()).unwrap_or_default();
            if !same_image(&named, image) {
                count -= u64::from(sure);
                continue;
            }
            count += u64::from(!sure);
            let container = Container::found(self, &response);
            found.push(RunThere { container, state: response.into() });
        }
        Ok((found, count))
    }

    async fn runs_gone(&self, image: &str, since: u64) -> Result<Vec<RunGone>, EngineError> {
        let filter = |key: &str, values: &[&str]| {
            (key.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        };
        let filters = HashMap::from([
            filter("type", &["container"]),
            filter("event", &["create", "start", "die", "oom"]),
        ]);
        let until = now();
        let options = EventsOptions {
            since: Some(since.to_string()),
            // To the nanosecond: whole seconds would leave out what has just ended.
            until: Some(format!("{}.{:09}", until.as_secs(), until.subsec_nanos())),
            filters: Some(filters),
        };
        let mut events = Box::pin(self.docker().events(Some(options)));
        let mut told = Vec::new();
        while let Some(event) = self.next(|| "tell its events".to_owned(), &mut events).await? {
            told.push(event);
        }
        Ok(runs_told(told, image))
    }
}

/// Makes runs of events, the newest first.
fn runs_told(events: Vec<EventMessage>, image: &str) -> Vec<RunGone> {
    let mut order = Vec::new();
    let mut runs: BTreeMap<String, RunGone> = BTreeMap::new();
    for event in events {
        let Some(actor) = event.actor else { continue };
        let (Some(id), attributes) = (actor.id, actor.attributes.unwrap_or_default()) else { continue };
        if !attributes.get("image").is_some_and(|named| same_image(named, image)) {
            continue;
        }
        let at = event.time_nano.and_then(|at| u64::try_from(at).ok());
        let run = runs.entry(id.clone()).or_insert_with(|| {
            order.push(id.clone());
            RunGone { id, name: attributes.get("name").cloned().unwrap_or_default(), ..RunGone::default() }
        });
        match event.action.as_deref() {
            Some("start") => {
                // Started once more, it has not ended yet.
                (run.started_unix_ns, run.finished_unix_ns, run.exit_code) = (at, None, None);
            }
            Some("die") => {
                run.finished_unix_ns = at;
                run.exit_code = attributes.get("exitCode").and_then(|code| code.parse().ok());
            }
            Some("oom") => run.oom_killed = true,
            Some(_) | None => {}
        }
    }
    order.into_iter().rev().filter_map(|id| runs.remove(&id)).collect()
}

/// Whether two texts name the same image: `hello-world` is `docker.io/library/hello-world:latest`.
#[must_use]
pub fn same_image(given: &str, image: &str) -> bool {
    fn whole(name: &str) -> String {
        let name = name.strip_prefix("docker.io/").or(name.strip_prefix("index.docker.io/")).unwrap_or(name);
        let name = name.strip_prefix("library/").unwrap_or(name);
        // A digest in the name says more than the tag.
        let name = match name.split_once('@') {
            Some((name, _)) => name.to_owned(),
            None => name.to_owned(),
        };
        let tagged = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
        if tagged { name } else { format!("{name}:latest") }
    }
    !given.is_empty() && whole(given) == whole(image)
}

fn now() -> Duration {
    // A clock before 1970 has no past to ask for.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, id: &str, image: &str, at: i64, code: Option<&str>) -> EventMessage {
        let mut attributes = serde_json::json!({ "image": image, "name": format!("n-{id}") });
        if let Some(code) = code {
            attributes["exitCode"] = code.into();
        }
        serde_json::from_value(serde_json::json!({
            "Type": "container", "Action": action, "timeNano": at,
            "Actor": { "ID": id, "Attributes": attributes },
        }))
        .unwrap()
    }

    #[test]
    fn one_image_has_many_names() {
        for name in
            ["hello-world", "hello-world:latest", "library/hello-world", "docker.io/library/hello-world"]
        {
            assert!(same_image(name, "hello-world"), "{name}");
        }
        assert!(same_image("hello-world@sha256:0", "hello-world"));
        for name in ["", "hello", "hello-world:linux", "me/hello-world", "localhost:5000/hello-world"] {
            assert!(!same_image(name, "hello-world"), "{name}");
        }
    }

    #[test]
    fn events_tell_how_a_removed_container_ended() {
        let told = runs_told(
            vec![
                event("create", "a", "hello-world", 1, None),
                event("start", "a", "hello-world", 2, None),
                event("create", "b", "alpine", 3, None),
                event("die", "a", "hello-world", 4, Some("0")),
                event("create", "c", "hello-world:latest", 5, None),
                event("start", "c", "hello-world:latest", 6, None),
            ],
            "hello-world",
        );
        assert_eq!(told.len(), 2);
        assert_eq!((told[0].id.as_str(), told[0].exit_code), ("c", None));
        assert_eq!(
            (told[1].id.as_str(), told[1].exit_code, told[1].finished_unix_ns),
            ("a", Some(0), Some(4))
        );
    }
}
