//! A container that we made, or one that the learner runs: acting on it and looking at it.
//! Start at [`RunScope::create`] or [`Engine::container`].

use std::{collections::BTreeMap, time::Duration};

use bollard::{
    errors::Error as BollardError,
    models::{ContainerCreateBody, ContainerInspectResponse},
    query_parameters::{
        CreateContainerOptions, InspectContainerOptions, KillContainerOptions, LogsOptions,
        RestartContainerOptions, StartContainerOptions, StopContainerOptions, TopOptions,
        WaitContainerOptions,
    },
};
use futures_util::StreamExt as _;

use crate::{
    ContainerPlan, ContainerState, Engine, EngineError, Made, MadeKind, Output, OutputBounds, RunScope,
    connect::within, output::Both,
};

/// A container, by its id. Cheap to clone; dropping it does nothing: its [`RunScope`] removes it.
#[derive(Debug, Clone)]
pub struct Container {
    engine: Engine,
    id: String,
    name: String,
    warnings: Vec<String>,
}

/// How [`Container::wait`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Its first process ended with this code.
    Code(i64),
    /// It had not ended when the limit passed.
    StillRunning,
}

impl RunScope {
    /// Makes a container by this plan, with our labels, and does not start it.
    ///
    /// Source: `POST /containers/create`.
    ///
    /// # Errors
    /// The image is gone, the engine refuses an option, the ledger cannot be written, the run is
    /// ending.
    pub async fn create(&self, plan: &ContainerPlan) -> Result<Container, EngineError> {
        self.create_body(plan, ContainerCreateBody::default()).await
    }

    /// Makes a container whose standard input stays open for as long as we hold on to it, and that
    /// is gone when it ends.
    pub(crate) async fn create_open(&self, plan: &ContainerPlan) -> Result<Container, EngineError> {
        let open = ContainerCreateBody {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            open_stdin: Some(true),
            stdin_once: Some(true),
            ..ContainerCreateBody::default()
        };
        self.create_body(plan, open).await
    }

    async fn create_body(
        &self,
        plan: &ContainerPlan,
        open: ContainerCreateBody,
    ) -> Result<Container, EngineError> {
        let plan = plan.clone();
        self.make(MadeKind::Container, |engine, name, labels| async move {
            let options = CreateContainerOptions { name: Some(name.clone()), ..Default::default() };
            let request = || format!("create container {name} from image {}", plan.image);
            let mut body = plan.to_body(&labels, open);
            if body.open_stdin == Some(true)
                && let Some(host) = &mut body.host_config
            {
                host.auto_remove = Some(true);
            }
            let answer = engine.docker().create_container(Some(options), body);
            let created = engine.ask(request, answer).await?;
            Ok(Container::made(&engine, created.id, name, created.warnings))
        })
        .await
    }

    /// Removes a container of this scope now, by force, with its anonymous volumes.
    ///
    /// # Errors
    /// The engine cannot remove it; the scope keeps it for `remove_all`.
    pub async fn remove_container(&self, container: &Container) -> Result<(), EngineError> {
        self.remove(&Made { kind: MadeKind::Container, name: container.name.clone() }).await
    }
}

impl Engine {
    /// Finds a container by its name or id, to look at only.
    ///
    /// Source: `GET /containers/{id}/json`.
    ///
    /// # Errors
    /// There is none, or the engine cannot be asked.
    pub async fn container(&self, name: &str) -> Result<Container, EngineError> {
        if !is_container_name(name) {
            return Err(EngineError::NotFound {
                request: format!("inspect container {name:?}"),
                message: "no container can have this name".to_owned(),
            });
        }
        let request = || format!("inspect container {name}");
        let answer = self.docker().inspect_container(name, None::<InspectContainerOptions>);
        let found = self.ask(request, answer).await?;
        Ok(Container::found(self, &found))
    }
}

impl Container {
    /// The container that an answer of the engine's is about.
    pub(crate) fn found(engine: &Engine, answer: &ContainerInspectResponse) -> Self {
        let name = answer.name.as_deref().unwrap_or_default();
        Self {
            engine: engine.clone(),
            id: answer.id.clone().unwrap_or_default(),
            name: name.trim_start_matches('/').to_owned(),
            warnings: Vec::new(),
        }
    }

    /// A container that was just made.
    pub(crate) fn made(engine: &Engine, id: String, name: String, warnings: Vec<String>) -> Self {
        Self { engine: engine.clone(), id, name, warnings }
    }

    /// Returns its id, 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the engine warned of when it was made, as limits that it cannot impose.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the engine that it is in.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Starts it; one that runs already is left alone. Source: `POST /containers/{id}/start`.
    ///
    /// # Errors
    /// [`EngineError::Rejected`] when its program cannot be started, with the engine's words.
    pub async fn start(&self) -> Result<(), EngineError> {
        let docker = self.engine.docker();
        let answer = docker.start_container(&self.id, None::<StartContainerOptions>);
        self.engine.ask(|| self.request("start"), answer).await
    }

    /// Looks at it as the engine sees it. Source: `GET /containers/{id}/json`.
    ///
    /// # Errors
    /// It is gone, or the engine cannot be asked.
    pub async fn inspect(&self) -> Result<ContainerState, EngineError> {
        let docker = self.engine.docker();
        let answer = docker.inspect_container(&self.id, None::<InspectContainerOptions>);
        let response = self.engine.ask(|| self.request("inspect"), answer).await?;
        Ok(response.into())
    }

    /// Waits until its first process ends, `limit` at most. Source: `POST /containers/{id}/wait`.
    ///
    /// # Errors
    /// It is gone, or the engine cannot be asked. The limit's passing is no error.
    pub async fn wait(&self, limit: Duration) -> Result<Exit, EngineError> {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        let docker = self.engine.docker();
        let mut answers = docker.wait_container(&self.id, Some(options));
        let request = || self.request("wait for");
        let answer = async {
            match answers.next().await {
                Some(Ok(answer)) => Ok(answer.status_code),
                // bollard makes an error of every code but 0.
                Some(Err(BollardError::DockerContainerWaitError { code, .. })) => Ok(code),
                Some(Err(error)) => Err(error),
                None => Err(BollardError::IOError { err: std::io::ErrorKind::UnexpectedEof.into() }),
            }
        };
        match within(limit, request, answer).await {
            Ok(code) => Ok(Exit::Code(code)),
            Err(EngineError::Stalled { .. }) => Ok(Exit::StillRunning),
            Err(error) => Err(error),
        }
    }

    /// Asks its first process to end (SIGTERM, or the image's STOPSIGNAL) and kills it after
    /// `grace`, in whole seconds. Source: `POST /containers/{id}/stop`.
    ///
    /// # Errors
    /// It is gone, or the engine cannot be asked.
    pub async fn stop(&self, grace: Duration) -> Result<(), EngineError> {
        let options = StopContainerOptions { signal: None, t: Some(seconds(grace)) };
        let answer = self.engine.docker().stop_container(&self.id, Some(options));
        let limit = grace + self.engine.limits().request;
        within(limit, || self.request("stop"), answer).await
    }

    /// Sends a signal to its first process, as `SIGKILL`. Source: `POST /containers/{id}/kill`.
    ///
    /// # Errors
    /// It does not run, or the engine cannot be asked.
    pub async fn kill(&self, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptions { signal: signal.to_owned() };
        let answer = self.engine.docker().kill_container(&self.id, Some(options));
        self.engine.ask(|| self.request("kill"), answer).await
    }

    /// Stops and starts it. Source: `POST /containers/{id}/restart`.
    ///
    /// # Errors
    /// It is gone, or the engine cannot be asked.
    pub async fn restart(&self, grace: Duration) -> Result<(), EngineError> {
        let options = RestartContainerOptions { signal: None, t: Some(seconds(grace)) };
        let answer = self.engine.docker().restart_container(&self.id, Some(options));
        let limit = grace + self.engine.limits().request;
        within(limit, || self.request("restart"), answer).await
    }

    /// Lists its processes as `ps` on the engine's host prints them: one map of title → text for
    /// each. Source: `GET /containers/{id}/top`.
    ///
    /// # Errors
    /// It does not run, its host's `ps` does not know the arguments, or the engine cannot be asked.
    pub async fn top(&self, ps_args: &str) -> Result<Vec<BTreeMap<String, String>>, EngineError> {
        let options = TopOptions { ps_args: ps_args.to_owned() };
        let docker = self.engine.docker();
        let answer = docker.top_processes(&self.id, Some(options));
        let request = || self.request("list the processes of");
        let top = self.engine.ask(request, answer).await?;
        let titles = top.titles.unwrap_or_default();
        let rows = top.processes.unwrap_or_default();
        Ok(rows.into_iter().map(|row| titles.iter().cloned().zip(row).collect()).collect())
    }

    /// Reads what it printed and the engine kept (at least the last 10 MB, at most 20), within
    /// bounds. What was printed before that is gone, and what is not UTF-8 has become U+FFFD;
    /// [`Container::follow`] sees it pass as it is.
    /// Source: `GET /containers/{id}/logs`.
    ///
    /// # Errors
    /// It is gone, or the engine cannot be asked.
    pub async fn logs(&self, bounds: OutputBounds) -> Result<Output, EngineError> {
        let options =
            LogsOptions { stdout: true, stderr: true, tail: "all".to_owned(), ..Default::default() };
        let mut pieces = self.engine.docker().logs(&self.id, Some(options));
        let mut both = Both::new(bounds);
        let request = || self.request("read the output of");
        while let Some(piece) = self.engine.next(request, &mut pieces).await? {
            both.push(&piece);
        }
        Ok(both.so_far())
    }

    pub(crate) fn request(&self, verb: &str) -> String {
        format!("{verb} container {}", self.name)
    }
}

fn seconds(time: Duration) -> i32 {
    time.as_secs().try_into().unwrap_or(i32::MAX)
}

/// Docker's own rule for names; ids fit it. It keeps a name from becoming another path.
fn is_container_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_a_path() {
        assert!(is_container_name("web-1"));
        for bad in ["", "../x", "a/b", "a b", "a?x", ".."] {
            assert!(!is_container_name(bad), "{bad:?}");
        }
    }
}
