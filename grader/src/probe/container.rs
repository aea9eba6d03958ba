//! Starts a container and watches it from outside: processes, state, mounts, refused writes, answers.

use std::time::{Duration, Instant};

use grader_core::{
    evidence::{
        ContainerEvidence, MountSeen, Series, SeriesBuilder, Watched as WatchedFor, WriteAttempt,
        WriteOutcome,
    },
    workbook::{ContainerSpec, ServeSpec},
};
use grader_engine::{Exit, KernelError};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{
    Place, Stop,
    app::{App, Extras, millis, port},
    http,
    processes::Processes,
};

/// Time between two requests of an endpoint.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// How long a container is awaited that shall end by itself.
const END_WITHIN: Duration = Duration::from_secs(10);

/// File systems that the kernel makes, not the image: nothing that a program writes there is kept.
const KERNEL_FILE_SYSTEMS: [&str; 8] =
    ["proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs", "debugfs"];

/// Folders in which programs usually write, tried beside the mounts.
const USUAL_FOLDERS: [&str; 8] = ["/", "/etc", "/home", "/opt", "/run", "/srv", "/tmp", "/var"];

/// What watching came to.
pub(super) enum Watched {
    Seen(Box<ContainerEvidence>),
    /// The entry point that the check names is not in the image.
    NoSuchProgram(String),
}

pub(super) async fn look(spec: &ContainerSpec, place: &Place<'_>) -> Result<Watched, Stop> {
    let published = match &spec.serve {
        None => None,
        Some(serve) => Some(port(&serve.port)?),
    };
    let app = App::start(&spec.run, Extras { port: published, health: None }, place).await?;
    if let Some(why) = &app.not_started
        && spec.run.entrypoint.is_some()
        && (why.contains("executable file not found") || why.contains("no such file or directory"))
    {
        let why =
            format!("the image has no `{}`", spec.run.entrypoint.iter().flatten().next().map_or("", |w| w));
        app.remove().await;
        return Ok(Watched::NoSuchProgram(why));
    }
    let mut evidence = ContainerEvidence {
        image: app.image.id.clone(),
        image_reference: app.reference.clone(),
        container: app.container.id().to_owned(),
        started_at: None,
        options: app.options.clone(),
        watched: WatchedFor::default(),
        processes: Vec::new(),
        state: grader_core::evidence::ContainerState::default(),
        mounts: Vec::new(),
        writes: Vec::new(),
        http: None,
        output: grader_core::evidence::Output::default(),
    };
    if app.not_started.is_none() {
        watch(&app, spec, place, &mut evidence).await?;
    }
    (evidence.state, evidence.started_at) = app.state_with_oom().await?;
    evidence.output = app.output().await?;
    app.fits_the_machine(&evidence.output, &evidence.state)?;
    app.remove().await;
    Ok(Watched::Seen(Box::new(evidence)))
}

async fn watch(
    app: &App,
    spec: &ContainerSpec,
    place: &Place<'_>,
    evidence: &mut ContainerEvidence,
) -> Result<(), Stop> {
    match (spec.watch, &spec.serve) {
        (None, None) => {
            place.doing("waiting for its end");
            evidence.watched.asked_ms = millis(END_WITHIN);
            // One that goes on is a fact as well: its state says that it runs.
            let exit: Exit = app.container.wait(END_WITHIN).await?;
            tracing::debug!(?exit, "container without a watch");
            evidence.watched.lasted_ms = app.age_ms();
        }
        (watch, serve) => {
            place.settled.cancel();
            let mut seen = Processes::default();
            let processes = async {
                match watch {
                    None => Ok(()),
                    Some(span) => {
                        place.doing(format!("watching its processes for {span}"));
                        evidence.watched.asked_ms = millis(span.0);
                        seen.watch(app, span.0).await
                    }
                }
            };
            let answers = async {
                match serve {
                    None => Ok(None),
                    Some(serve) => answers(app, serve, place).await.map(Some),
                }
            };
            let writes = async {
                if !spec.try_writes {
                    return Ok((Vec::new(), Vec::new()));
                }
                sleep(Duration::from_millis(700)).await;
                try_writes(app).await
            };
            let (processes, http, written) = tokio::join!(processes, answers, writes);
            processes?;
            seen.were_enough(watch.map(|span| span.0))?;
            // What a check declares to watch is no work of anybody's: `./bench` takes it off.
            tracing::trace!(took_us = app.age_ms() * 1000, "watched");
            evidence.http = http?;
            (evidence.mounts, evidence.writes) = written?;
            seen.into_evidence(&mut evidence.watched, &mut evidence.processes);
            evidence.watched.lasted_ms = app.age_ms();
        }
    }
    Ok(())
}

/// Mounts, and attempts to write at each of them and in usual folders.
async fn try_writes(app: &App) -> Result<(Vec<MountSeen>, Vec<WriteAttempt>), Stop> {
    let mounts = match app.kernel.mounts(&app.container).await {
        Ok(mounts) => mounts.mounts,
        Err(KernelError::NotRunning { .. }) => return Ok((Vec::new(), Vec::new())),
        Err(error) => return Err(kernel_stop(error)),
    };
    let seen: Vec<MountSeen> = mounts
        .iter()
        .map(|mount| MountSeen {
            path: mount.mount_point.clone(),
            file_system: mount.fs_type.clone(),
            read_only: mount.read_only,
        })
        .collect();
    let mut folders: Vec<String> = USUAL_FOLDERS.iter().map(|folder| (*folder).to_owned()).collect();
    folders.extend(app.image.config.working_dir.clone());
    folders.extend(seen.iter().filter(|mount| !is_kernels(mount)).map(|mount| mount.path.clone()));
    folders.sort();
    folders.dedup();
    let asked: Vec<&str> = folders.iter().map(String::as_str).collect();
    let writes = match app.kernel.try_write(&app.container, &asked).await {
        Ok(writes) => writes,
        Err(KernelError::NotRunning { .. }) => return Ok((seen, Vec::new())),
        Err(error) => return Err(kernel_stop(error)),
    };
    let attempts = writes
        .tries
        .into_iter()
        .map(|attempt| {
            let (outcome, error) = match attempt.outcome {
                grader_engine::WriteOutcome::Written => (WriteOutcome::Written, None),
                grader_engine::WriteOutcome::Refused { errno } => (WriteOutcome::Refused, Some(errno)),
                grader_engine::WriteOutcome::Absent => (WriteOutcome::Absent, None),
            };
            WriteAttempt {
                file_system: file_system(&seen, &attempt.path),
                path: attempt.path,
                outcome,
                error,
            }
        })
        .collect();
    Ok((seen, attempts))
}

fn is_kernels(mount: &MountSeen) -> bool {
    let below = |folder: &str| mount.path == folder || mount.path.starts_with(&format!("{folder}/"));
    KERNEL_FILE_SYSTEMS.contains(&mount.file_system.as_str())
        || below("/proc")
        || below("/sys")
        || below("/dev")
}

/// The file system that a folder is on: that of the longest mount point above it, the last one where it repeats.
fn file_system(mounts: &[MountSeen], folder: &str) -> Option<String> {
    mounts
        .iter()
        .filter(|mount| {
            mount.path == "/" || folder == mount.path || folder.starts_with(&format!("{}/", mount.path))
        })
        .max_by_key(|mount| mount.path.len())
        .map(|mount| mount.file_system.clone())
}

/// Asks an endpoint again and again, until it has held for as long as the check asks.
async fn answers(app: &App, serve: &ServeSpec, place: &Place<'_>) -> Result<Series, Stop> {
    let port = port(&serve.port)?;
    let asked = serve.lasting.0;
    let mut series = SeriesBuilder::new(&serve.path, millis(asked));
    place.doing(format!("asking {} again and again, for {} after its first 200", serve.path, serve.lasting));
    let address = address_within(app, port, serve.first_within.0).await?;
    let mut ticks = interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let at_ms = app.age_ms();
        let began = Instant::now();
        let answer = match address {
            None => Err("its port is not open".to_owned()),
            Some(address) => {
                http::get(address, &serve.path, http::ANSWER_WITHIN).await.map(|answer| answer.status)
            }
        };
        series.look(at_ms, millis(began.elapsed()), answer);
        let over = match series.first_ok_ms() {
            None => app.started.elapsed() > serve.first_within.0,
            // By the last look, not by the clock: one that began too early does not show the end.
            Some(first) => at_ms >= first + millis(asked),
        };
        if over {
            return Ok(series.finish());
        }
        // One that has ended for good will not answer any more.
        if series.first_ok_ms().is_none() && app.options.restarts_allowed == 0 {
            let (state, _) = app.state().await?;
            if !state.running {
                return Ok(series.finish());
            }
        }
    }
}

async fn address_within(app: &App, port: u16, limit: Duration) -> Result<Option<std::net::SocketAddr>, Stop> {
    let found = timeout(limit, app.address(port)).await;
    match found {
        Ok(address) => address,
        Err(_) => Ok(None),
    }
}

/// The kernel cannot be asked: for want of a way (blocked), or by a fault.
pub(super) fn kernel_stop(error: KernelError) -> Stop {
    match error {
        KernelError::Engine(error) => error.into(),
        error if error.is_missing() => Stop::blocked(super::chain(&error), error.mend()),
        error => Stop::fault("the engine's kernel could not be asked", &error),
    }
}
