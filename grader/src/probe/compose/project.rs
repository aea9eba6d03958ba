//! A project of the check's own while it is there: its containers, what they answer, what they print.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use grader_core::evidence::{Secrets, ServiceTimes, Text};
use grader_engine::{
    Container, Engine, EngineError, Kernel, OutputBounds, ProjectContainer, ProjectEvent, RunScope,
};
use tokio::time::{Instant, sleep};

use super::command::SAID;
use crate::probe::{Stop, http};

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Between two tries for an answer.
const TRY_EVERY: Duration = Duration::from_millis(150);

/// A project of the check's own.
pub(super) struct Project {
    pub engine: Engine,
    pub kernel: Kernel,
    pub scope: RunScope,
    pub name: String,
    /// The app's service.
    pub service: String,
    /// The port on which the app listens.
    pub port: u16,
    /// The request that makes it use database and cache.
    pub probe: String,
    pub secrets: Secrets,
}

impl Project {
    /// The container of a service that runs, or else the one that does not.
    pub(super) async fn listed(&self, service: &str) -> Result<Option<ProjectContainer>, Stop> {
        let all = self.engine.project_containers(&self.name).await?;
        let of_service: Vec<_> = all.into_iter().filter(|container| container.service == service).collect();
        let running = of_service.iter().find(|container| container.running).cloned();
        Ok(running.or_else(|| of_service.into_iter().next()))
    }

    /// The same, to be looked at.
    pub(super) async fn container(&self, service: &str) -> Result<Option<Container>, Stop> {
        let Some(listed) = self.listed(service).await? else { return Ok(None) };
        match self.engine.container(&listed.id).await {
            Ok(container) => Ok(Some(container)),
            Err(EngineError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the app is reached now: a restart changes it.
    async fn address(&self) -> Result<Option<SocketAddr>, Stop> {
        let Some(container) = self.container(&self.service).await? else { return Ok(None) };
        let state = match container.inspect().await {
            Ok(state) => state,
            Err(EngineError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(state.ports.get(&self.port).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, *port))))
    }

    /// Makes the probe request once.
    pub(super) async fn ask(&self) -> Result<Result<http::Answer, String>, Stop> {
        match self.address().await? {
            None => Ok(Err("the app's container does not run".to_owned())),
            Some(address) => Ok(http::get(address, &self.probe, ANSWER_WITHIN).await),
        }
    }

    /// Makes the probe request until an answer fits, `within` at most; returns the last one.
    pub(super) async fn ask_until(
        &self,
        within: Duration,
        fits: impl Fn(&http::Answer) -> bool,
    ) -> Result<Result<http::Answer, String>, Stop> {
        let end = Instant::now() + within;
        loop {
            let answer = self.ask().await?;
            if answer.as_ref().is_ok_and(&fits) || Instant::now() >= end {
                return Ok(answer);
            }
            sleep(TRY_EVERY).await;
        }
    }

    /// What a service printed last.
    pub(super) async fn printed(&self, service: &str) -> Result<Text, Stop> {
        let Some(container) = self.container(service).await? else { return Ok(Text::default()) };
        let output = container.logs(OutputBounds { first: 0, last: SAID }).await?;
        let shown = if output.stderr.total_bytes > 0 { output.stderr } else { output.stdout };
        Ok(self.without_secrets(Text::cut(&shown.first, &shown.last, shown.total_bytes)))
    }

    /// Words without the values that the learner's variables hold.
    pub(super) fn without_secrets(&self, mut text: Text) -> Text {
        self.secrets.redact_cut(&mut text);
        text
    }
}

/// What happened first to each service, in milliseconds from the first event.
pub(super) fn times(events: &[ProjectEvent]) -> Vec<ServiceTimes> {
    let Some(began) = events.first().map(|event| event.at_unix_ns) else { return Vec::new() };
    let mut services: Vec<&String> = events.iter().map(|event| &event.service).collect();
    services.sort();
    services.dedup();
    let first = |service: &String, action: &str| {
        let event = events.iter().find(|event| event.service == *service && event.action == action)?;
        u64::try_from((event.at_unix_ns - began) / 1_000_000).ok()
    };
    services
        .into_iter()
        .map(|service| ServiceTimes {
            service: service.clone(),
            started_ms: first(service, "start"),
            healthy_ms: first(service, "health_status: healthy"),
        })
        .collect()
}

/// Whether one service's container was started after another's first `healthy`, by the engine's order.
pub(super) fn started_after_healthy(events: &[ProjectEvent], service: &str, other: &str) -> bool {
    let at = |service: &str, action: &str| {
        events.iter().position(|event| event.service == service && event.action == action)
    };
    match (at(service, "start"), at(other, "health_status: healthy")) {
        (Some(started), Some(healthy)) => started > healthy,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at_ms: i64, service: &str, action: &str) -> ProjectEvent {
        ProjectEvent { at_unix_ns: at_ms * 1_000_000, service: service.into(), action: action.into() }
    }

    #[test]
    fn the_first_of_each_counts() {
        let mut events = vec![
            event(5, "db", "create"),
            event(10, "db", "start"),
            event(900, "db", "health_status: healthy"),
            event(910, "web", "start"),
        ];
        assert!(started_after_healthy(&events, "web", "db"));
        assert_eq!(times(&events)[0].healthy_ms, Some(895));
        events.insert(2, event(20, "web", "start"));
        assert!(!started_after_healthy(&events, "web", "db"));
        assert!(!started_after_healthy(&events, "web", "cache"));
    }
}
