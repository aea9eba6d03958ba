//! Starts a container and watches it from outside: processes, state, mounts, refused writes, answers.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use grader_core::{
    evidence::{
        ContainerEvidence, MountSeen, ProcessSeen, Series, SeriesBuilder, Watched as WatchedFor,
        WriteAttempt, WriteOutcome,
    },
    workbook::{ContainerSpec, ServeSpec},
};
use grader_engine::{Exit, Id, Ids, KernelError, Process, ProcessLook, Via};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{
    Place, Stop,
    app::{App, Extras, millis, port},
    http,
};

/// Time between two looks at the processes.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// The fewest looks a second that count as watching.
const FEWEST_A_SECOND: u64 = 4;

/// Time between two requests of an endpoint.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// How long a container is awaited that shall end by itself.
const END_WITHIN: Duration = Duration::from_secs(10);

/// The most processes that are told one by one.
const MOST_PROCESSES: usize = 500;

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
            evidence.http = http?;
            (evidence.mounts, evidence.writes) = written?;
            seen.into_evidence(&mut evidence.watched, &mut evidence.processes);
            evidence.watched.lasted_ms = app.age_ms();
        }
    }
    Ok(())
}

/// Who a process is, and as whom it acts: one that changes its user is seen anew.
type Identity = (u32, u32, u64, [u64; 4]);

#[derive(Default)]
struct Processes {
    seen: BTreeMap<Identity, ProcessSeen>,
    looks: u64,
    /// It was found not running: after its end, or between two of its lives.
    has_ended: bool,
    last_look_ms: u64,
    longest_gap_ms: u64,
    via: Option<Via>,
}

impl Processes {
    async fn watch(&mut self, app: &App, span: Duration) -> Result<(), Stop> {
        let end = app.started + span;
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            ticks.tick().await;
            match app.kernel.look(&app.container).await {
                Ok(look) => self.add(&look, app.age_ms()),
                // It may end, and with a restart policy begin again: both are facts, not faults.
                Err(KernelError::NotRunning { .. }) => {
                    self.has_ended = true;
                    if app.options.restarts_allowed == 0 {
                        return Ok(());
                    }
                }
                Err(error) => return Err(kernel_stop(error)),
            }
        }
        Ok(())
    }

    fn add(&mut self, look: &ProcessLook, at_ms: u64) {
        self.looks += 1;
        self.longest_gap_ms = self.longest_gap_ms.max(at_ms.saturating_sub(self.last_look_ms));
        self.last_look_ms = at_ms;
        self.via = Some(look.via);
        for process in &look.processes {
            // What has ended and was not collected yet acts no more.
            if process.state == 'Z' || is_the_runtimes(process, look) {
                continue;
            }
            self.add_one(process, process.pid, &process.uids, at_ms);
            for thread in &process.odd_threads {
                self.add_one(process, thread.tid, &thread.uids, at_ms);
            }
        }
    }

    fn add_one(&mut self, process: &Process, pid: u32, uids: &Ids, at_ms: u64) {
        let users = [uids.effective, uids.real, uids.saved, uids.filesystem].map(inside);
        let identity = (process.pid, pid, process.started_ticks, users);
        if let Some(known) = self.seen.get_mut(&identity) {
            known.last_seen_ms = at_ms;
            return;
        }
        if self.seen.len() >= MOST_PROCESSES {
            return;
        }
        let [uid, real_uid, saved_uid, _] = users;
        self.seen.insert(
            identity,
            ProcessSeen {
                pid: pid.into(),
                command: process.name.chars().filter(|c| !c.is_control()).collect(),
                uid,
                real_uid,
                saved_uid,
                gid: inside(process.gids.effective),
                host_uid: uids.effective.host.into(),
                host_gid: process.gids.effective.host.into(),
                capabilities: process.capabilities.effective.clone(),
                no_new_privileges: process.no_new_privs,
                first_seen_ms: at_ms,
                last_seen_ms: at_ms,
            },
        );
    }

    /// Too few looks at a container that ran all the while prove nothing: the machine was too busy, and that
    /// is nobody's failure.
    fn were_enough(&self, span: Option<Duration>) -> Result<(), Stop> {
        let Some(span) = span else { return Ok(()) };
        let needed = millis(span) * FEWEST_A_SECOND / 1000;
        // That one has ended is a fact, however seldom it was seen before.
        if !self.has_ended && self.looks < needed {
            return Err(Stop::Fault(grader_core::Fault {
                what: "this machine was too busy to watch the container closely enough".into(),
                detail: format!("{} looks in {} s, {needed} are the fewest", self.looks, span.as_secs_f64()),
            }));
        }
        Ok(())
    }

    fn into_evidence(self, watched: &mut WatchedFor, processes: &mut Vec<ProcessSeen>) {
        watched.looks = self.looks;
        watched.longest_gap_ms = self.longest_gap_ms;
        watched.via = match self.via {
            None => "nothing".into(),
            Some(Via::Proc) => "proc".into(),
            Some(Via::Helper) => "helper".into(),
        };
        processes.extend(self.seen.into_values());
        processes.sort_by_key(|process| (process.first_seen_ms, process.pid));
    }
}

/// Whether it is the container runtime itself, on its way in to start a health test or an exec: still root,
/// not yet the program that it will become, whose user is then looked at like every other's.
///
/// A program of the image cannot pass for it: its parent is outside the container, which is so only for
/// what the engine starts, and the file that it runs is none of the image's (runc runs from a file
/// without a name or from a sealed copy in memory).
fn is_the_runtimes(process: &Process, look: &ProcessLook) -> bool {
    let from_outside = !look.processes.iter().any(|other| other.pid == process.ppid);
    let is_first = look.processes.first().is_some_and(|first| first.pid == process.pid);
    let foreign = match process.exe.as_deref() {
        None => process.name.starts_with("runc:["),
        Some(exe) => {
            exe == "/"
                || exe.starts_with("/memfd:")
                || ["/runc", "/crun"].iter().any(|own| exe.ends_with(own))
        }
    };
    from_outside && !is_first && foreign
}

/// The number inside the container's user namespace; what is not mapped is the kernel's overflow id.
fn inside(id: Id) -> u64 {
    id.inside.unwrap_or(65534).into()
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
