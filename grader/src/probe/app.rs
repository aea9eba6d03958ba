//! A container of the grader's own, started as a check asks, with the learner's variables and
//! services beside it.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use grader_core::{
    evidence::{ContainerState, Output, RunOptions, Secrets, Text},
    workbook::{RunSpec, Setting},
};
use grader_engine::{
    Captured, Container, ContainerPlan, EngineError, HealthOverride, ImageFacts, Kernel, NetworkPlan,
    OutputBounds, Restart,
};

use super::{EngineAccess, Place, Stop, beside};
use crate::workspace::{Workspace, read_inside};

/// Memory that a container may use if the check does not say, in mebibytes.
const MEMORY_MIB: u32 = 1024;

/// Processes that a container may have if the check does not say.
const PIDS: u32 = 512;

/// How much of each stream of what it prints becomes evidence, in bytes.
const PRINTED: OutputBounds = OutputBounds { first: 2048, last: 4096 };

/// A container that was made and started, or could not be started.
pub(super) struct App {
    pub container: Container,
    pub image: ImageFacts,
    pub reference: String,
    pub options: RunOptions,
    /// When the engine said that it is started.
    pub started: Instant,
    /// The engine's words, if it could not start it.
    pub not_started: Option<String>,
    pub kernel: Kernel,
    access: EngineAccess,
    secrets: Secrets,
}

/// What else a probe asks of the container.
#[derive(Default)]
pub(super) struct Extras {
    /// A port to be reached from outside.
    pub port: Option<u16>,
    /// Other times for the image's own health test.
    pub health: Option<HealthOverride>,
}

impl App {
    /// Makes and starts a container.
    pub(super) async fn start(spec: &RunSpec, extras: Extras, place: &Place<'_>) -> Result<Self, Stop> {
        let access = place.engine()?.clone();
        let image = place.image(&spec.image).await?;
        let mut env = BTreeMap::new();
        let mut network = NetworkPlan::Default;
        let mut beside = Vec::new();
        if spec.app_environment {
            env = app_environment(place.workspace)?;
            let with = &place.names().app.with;
            if !with.is_empty() {
                let services = beside::start(with, &access, place).await?;
                network = NetworkPlan::Of { name: services.network, aliases: vec!["app".into()] };
                beside.clone_from(with);
            }
        }
        let secrets = Secrets::of_env(env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let options = options(spec, &env, beside);
        let mut plan = plan(spec, &image, env, network);
        plan.publish = extras.port.into_iter().collect();
        plan.health = extras.health;
        place.doing(format!("starting {}", spec.image));
        let container = access.scope.create(&plan).await?;
        let not_started = match container.start().await {
            Ok(()) => None,
            // The engine is well; what it was told to start cannot be started.
            Err(EngineError::Rejected { message, .. }) => Some(message),
            Err(error) => return Err(error.into()),
        };
        // Only now: a busy engine may take seconds, and a watch that began with the request would be short.
        let started = Instant::now();
        Ok(Self {
            kernel: access.kernel.clone(),
            container,
            image,
            reference: spec.image.clone(),
            options,
            started,
            not_started,
            access,
            secrets,
        })
    }

    /// Milliseconds since its start.
    pub(super) fn age_ms(&self) -> u64 {
        millis(self.started.elapsed())
    }

    /// Where a port of it is reached; `None` if it is not, since it does not run.
    pub(super) async fn address(&self, port: u16) -> Result<Option<SocketAddr>, Stop> {
        let state = self.container.inspect().await?;
        Ok(state.ports.get(&port).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, *port))))
    }

    /// How it stands, and when it was started.
    pub(super) async fn state(&self) -> Result<(ContainerState, Option<String>), Stop> {
        let state = self.container.inspect().await?;
        let error = self.not_started.clone().or_else(|| Some(state.error).filter(|error| !error.is_empty()));
        let seen = ContainerState {
            status: status_word(state.status).to_owned(),
            running: state.running,
            exit_code: state.exit_code,
            oom_killed: state.oom_killed,
            restarts: state.restart_count,
            error,
        };
        Ok((seen, state.started_at))
    }

    /// The same at the end of a watch. A container that runs is killed then: older engines (20.10) tell
    /// of a process that was killed for want of memory only once the container has ended.
    pub(super) async fn state_with_oom(&self) -> Result<(ContainerState, Option<String>), Stop> {
        let (mut state, started_at) = self.state().await?;
        if state.running && !state.oom_killed {
            match self.container.kill("SIGKILL").await {
                Ok(()) => {
                    self.container.wait(Duration::from_secs(10)).await?;
                    state.oom_killed = self.container.inspect().await?.oom_killed;
                }
                // It has ended by itself between the two requests: what the first one saw stands.
                Err(EngineError::Rejected { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok((state, started_at))
    }

    /// What it printed, within bounds and without the learner's secrets.
    pub(super) async fn output(&self) -> Result<Output, Stop> {
        let output = self.container.logs(PRINTED).await?;
        Ok(Output { stdout: self.text(&output.stdout), stderr: self.text(&output.stderr) })
    }

    /// Something that it said, within bounds and without the learner's secrets.
    pub(super) fn text_of(&self, raw: &[u8], bound: usize) -> Text {
        self.redacted(Text::bounded(raw, bound))
    }

    fn text(&self, captured: &Captured) -> Text {
        self.redacted(Text::cut(&captured.first, &captured.last, captured.total_bytes))
    }

    fn redacted(&self, mut text: Text) -> Text {
        self.secrets.redact_cut(&mut text);
        text
    }

    /// Removes it now; what cannot be removed now is removed with the run.
    pub(super) async fn remove(self) {
        if let Err(error) = self.access.scope.remove_container(&self.container).await {
            tracing::warn!(%error, container = self.container.name(), "not removed yet");
        }
    }

    /// Blocks where the image is for another machine, since then its end says nothing about the app.
    pub(super) fn fits_the_machine(&self, output: &Output, state: &ContainerState) -> Result<(), Stop> {
        let facts = self.access.engine().facts();
        let other = self.image.architecture != facts.architecture || self.image.os != facts.os;
        let said = |text: &str| text.contains("exec format error");
        let refused = said(&output.stderr.head)
            || said(&output.stdout.head)
            || state.error.as_deref().is_some_and(said);
        if other && !state.running && refused {
            return Err(Stop::blocked(
                format!(
                    "`{}` is for {}/{}, the engine runs {}/{}",
                    self.reference, self.image.os, self.image.architecture, facts.os, facts.architecture
                ),
                format!(
                    "docker build --platform {}/{} -t {} .",
                    facts.os, facts.architecture, self.reference
                ),
            ));
        }
        Ok(())
    }
}

/// The port that a check asks for, by the learner's name or its own.
pub(super) fn port(setting: &Setting<u16>) -> Result<u16, Stop> {
    setting.get().ok_or_else(|| Stop::blocked("the port is no number", "grader config set app.port=8000"))
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn status_word(status: grader_engine::Status) -> &'static str {
    use grader_engine::Status;
    match status {
        Status::Created => "created",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Restarting => "restarting",
        Status::Stopping => "stopping",
        Status::Removing => "removing",
        Status::Exited => "exited",
        Status::Dead => "dead",
        Status::Unknown => "unknown",
    }
}

fn plan(
    spec: &RunSpec,
    image: &ImageFacts,
    env: BTreeMap<String, String>,
    network: NetworkPlan,
) -> ContainerPlan {
    let mut plan = ContainerPlan::of(&image.id);
    plan.entrypoint.clone_from(&spec.entrypoint);
    plan.command.clone_from(&spec.command);
    plan.env = env;
    plan.network = network;
    plan.read_only = spec.read_only;
    plan.tmpfs = spec.tmpfs.iter().map(|path| (path.clone(), String::new())).collect();
    plan.cap_drop.clone_from(&spec.cap_drop);
    plan.security_opt.clone_from(&spec.security_opt);
    plan.memory_bytes = Some(memory_bytes(spec));
    plan.nano_cpus = spec.cpus.map(|cpus| (cpus.max(0.01) * 1e9) as u64);
    plan.pids_limit = Some(spec.pids_limit.unwrap_or(PIDS));
    if spec.restarts > 0 {
        plan.restart = Restart::OnFailure { at_most: spec.restarts };
    }
    plan
}

fn memory_bytes(spec: &RunSpec) -> u64 {
    u64::from(spec.memory_mib.unwrap_or(MEMORY_MIB)) << 20
}

fn options(spec: &RunSpec, env: &BTreeMap<String, String>, beside: Vec<String>) -> RunOptions {
    RunOptions {
        entrypoint: spec.entrypoint.clone(),
        command: spec.command.clone(),
        env_names: env.keys().cloned().collect(),
        read_only: spec.read_only,
        tmpfs: spec.tmpfs.clone(),
        cap_drop: spec.cap_drop.clone(),
        security_opt: spec.security_opt.clone(),
        memory_bytes: memory_bytes(spec),
        milli_cpus: spec.cpus.map(|cpus| (cpus * 1000.0) as u64),
        pids_limit: spec.pids_limit.unwrap_or(PIDS).into(),
        restarts_allowed: spec.restarts.into(),
        beside,
    }
}

/// The learner's variables: `app.env_file`, and `app.env` over it.
pub(crate) fn app_environment(workspace: &Workspace) -> Result<BTreeMap<String, String>, Stop> {
    let app = &workspace.file().app;
    let mut env = BTreeMap::new();
    if !app.env_file.is_empty() {
        let bytes = read_inside(workspace.root(), &app.env_file, 256 * 1024).map_err(|error| {
            Stop::blocked(
                error.to_string(),
                format!("write {}, or: grader config set app.env_file=", app.env_file),
            )
        })?;
        env.extend(parse_env_file(&String::from_utf8_lossy(&bytes)));
    }
    env.extend(app.env.clone());
    Ok(env)
}

/// `NAME=value` a line; empty lines and lines that begin with `#` are skipped, as `docker run --env-file` does.
fn parse_env_file(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim_end_matches('\r').to_owned()))
}
