//! Judges exercises: each check runs, is judged and recorded; whatever was made is removed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use grader_core::{
    Attempt, ExerciseId, Fault, Missing, Verdict,
    workbook::{Check, Use},
};
use jiff::Timestamp;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use super::{OneCheck, Session, engine, limits::Limits, plan};
use crate::{
    probe::{EngineAccess, Images, chain, lock, millis},
    progress::{NotRecorded, ProgressError, Run, RunEvent},
};

/// How long removing containers may take at the end of a run that was not cancelled.
const REMOVE_WITHIN: Duration = Duration::from_secs(10);

/// The same for one that was: a person waits.
const REMOVE_CANCELLED_WITHIN: Duration = Duration::from_secs(2);

/// How often a run looks whether another process has asked it to stop.
const LOOK_FOR_CANCEL: Duration = Duration::from_millis(250);

/// What a run came to.
#[derive(Debug)]
pub struct RunReport {
    /// When it began.
    pub started: Timestamp,
    /// How long it took, by a clock that never jumps.
    pub duration_ms: u64,
    /// The attempts that came to an end, in the order in which they were planned.
    pub attempts: Vec<Attempt>,
    /// Why attempts are not recorded, if they are not.
    pub not_recorded: Option<NotRecorded>,
    /// Whether it was cancelled before its end.
    pub cancelled: bool,
    /// What could not be removed from the engine now, in words; the next run removes it.
    pub left: Vec<String>,
}

/// Why a run could not be.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An exercise has no check.
    #[error("{id} has no check yet")]
    NoCheck {
        /// The exercise.
        id: ExerciseId,
    },
    /// The run could not be begun.
    #[error(transparent)]
    Progress(#[from] ProgressError),
}

/// Judges exercises in the order of their needs. Those who watch are told of every event.
///
/// `cancel` ends it at once: containers are removed, and checks that had no verdict yet leave no attempt.
///
/// # Errors
/// An exercise without a check, or progress that cannot take a run. What goes wrong in a check is in its verdict.
pub async fn check(
    session: &Session,
    ids: &[ExerciseId],
    watcher: &(dyn Fn(&RunEvent) + Send + Sync),
    cancel: CancellationToken,
) -> Result<RunReport, RunError> {
    let started = Timestamp::now();
    let clock = Instant::now();
    let checks = &session.course.workbook.checks;
    let order = plan::ordered(&ids.iter().copied().collect::<BTreeSet<_>>(), checks);
    let planned = order
        .iter()
        .map(|id| checks.get(id).ok_or(RunError::NoCheck { id: *id }))
        .collect::<Result<Vec<&Check>, _>>()?;
    let run = session.progress.begin_run(&order)?;
    let tell = |event: &RunEvent| {
        // A full disk must not keep anyone from seeing what happens.
        if let Err(error) = run.event(event) {
            tracing::warn!(error = chain(&error), "an event is not recorded");
        }
        watcher(event);
    };
    tell(&RunEvent::RunStarted { exercises: order.clone() });
    let mut running = Running {
        session,
        run: &run,
        tell: &tell,
        engine: Err(Missing { what: "no engine was asked".into(), fix: String::new() }),
        images: Images::default(),
        limits: Limits::of_this_machine(),
        not_recorded: Mutex::new(session.progress.not_recorded().cloned()),
        attempts: Mutex::default(),
    };
    let cancelled = tokio::select! {
        biased;
        () = asked_to_stop(&run, &cancel) => true,
        () = running.all(&planned) => false,
    };
    let left = running.remove_all(cancelled).await;
    let Running { not_recorded, attempts, .. } = running;
    let mut attempts = into_inner(attempts);
    attempts.sort_by_key(|attempt| order.iter().position(|id| *id == attempt.exercise));
    watcher(&RunEvent::RunFinished { cancelled });
    if let Err(error) = run.finish(cancelled) {
        tracing::warn!(error = chain(&error), "the run's end is not recorded");
    }
    Ok(RunReport {
        started,
        duration_ms: millis(clock.elapsed()),
        attempts,
        not_recorded: into_inner(not_recorded),
        cancelled,
        left,
    })
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Ends when this process or another one asks the run to stop.
async fn asked_to_stop(run: &Run, cancel: &CancellationToken) {
    let mut ticks = interval(LOOK_FOR_CANCEL);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => match run.cancel_requested() {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = chain(&error), "cannot see whether the run shall stop");
                    sleep(Duration::from_secs(5)).await;
                }
            },
        }
    }
}

/// A run that goes on.
struct Running<'a> {
    session: &'a Session,
    run: &'a Run,
    tell: &'a (dyn Fn(&RunEvent) + Send + Sync),
    engine: Result<EngineAccess, Missing>,
    images: Images,
    limits: Limits,
    not_recorded: Mutex<Option<NotRecorded>>,
    attempts: Mutex<Vec<Attempt>>,
}

impl Running<'_> {
    async fn all(&mut self, planned: &[&Check]) {
        if planned.iter().any(|check| check.uses.contains(&Use::Engine)) {
            self.engine = engine::connect(&self.session.progress, self.run).await;
        }
        let this = &*self;
        let mut checks: FuturesUnordered<_> = planned.iter().map(|check| this.one(check)).collect();
        while checks.next().await.is_some() {}
    }

    async fn one(&self, check: &Check) {
        let _turn = if check.uses.contains(&Use::Engine) { self.limits.engine().await } else { None };
        let held = match self.session.progress.held(check) {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(error = chain(&error), "what held earlier cannot be read");
                BTreeMap::new()
            }
        };
        let one = OneCheck {
            check,
            workspace: &self.session.workspace,
            engine: self.engine.clone(),
            images: &self.images,
            texts: &self.session.course.files,
            held,
            watcher: self.tell,
        };
        let mut attempt = one.attempt().await;
        self.record(&mut attempt);
        (self.tell)(&RunEvent::CheckFinished {
            exercise: attempt.exercise,
            verdict: attempt.verdict.word(),
            attempt: attempt.number,
            took_ms: attempt.duration_ms,
        });
        lock(&self.attempts).push(attempt);
    }

    /// Records an attempt. One that should have been recorded and could not be is an error, whatever its
    /// verdict: the learner would otherwise believe in a pass that nobody can show later.
    fn record(&self, attempt: &mut Attempt) {
        match self.session.progress.record(attempt) {
            Ok(number) => attempt.number = Some(number),
            Err(ProgressError::NotRecorded(reason)) if !reason.is_fault => {}
            Err(error) => {
                let was = attempt.verdict.word().as_str();
                attempt.verdict = Verdict::Error(Fault {
                    what: format!("the attempt ({was}) could not be recorded"),
                    detail: chain(&error),
                });
                *lock(&self.not_recorded) = Some(NotRecorded::from(error));
            }
        }
    }

    async fn remove_all(&self, cancelled: bool) -> Vec<String> {
        let Ok(access) = &self.engine else { return Vec::new() };
        let within = if cancelled { REMOVE_CANCELLED_WITHIN } else { REMOVE_WITHIN };
        let removal = access.scope.remove_all(within).await;
        removal.left.iter().map(|left| format!("{}: {}", left.made, chain(&left.error))).collect()
    }
}
