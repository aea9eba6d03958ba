//! `grader watch`: judges again whatever a change can affect, until it is told to end.
//!
//! One run at a time. A change during a run is remembered and leads to one more run after it; the run that
//! goes on is not cancelled for it. Whoever saves every few seconds would otherwise never see a verdict, and
//! the verdict that comes says what it looked at.

mod pending;
mod sources;

use std::collections::BTreeSet;

use grader_core::ExerciseId;
use tokio_util::sync::CancellationToken;

use self::{
    pending::Pending,
    sources::{Heard, Sources},
};
use super::{
    CliError, Exit, Face,
    args::{ShowArgs, WatchArgs},
    check::{self, Shown},
    help, hint, ids, show,
    standing::Standing,
};
use crate::{
    progress::{RunEvent, State},
    run::{self, RunReport, Session},
    term::{RunDisplay, clean_line, layout::count},
    watch::Plan,
    workspace::Workspace,
};

/// How many exercises are named one by one in a line.
const MOST_NAMED: usize = 6;

pub(super) fn run(face: &Face, args: &WatchArgs) -> Result<Exit, CliError> {
    let session = face.session_to_record()?;
    let log = check::start_log(face, &session).map(|path| face.shown(&path));
    let chosen = chosen(&session, args)?;
    let system = |source| CliError::System { what: "cannot start to watch".into(), source };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(system)?;
    let ended = runtime.block_on(async {
        let plan = plan(&session, chosen.as_ref());
        let sources = Sources::open(&session, &plan, args).map_err(system)?;
        let mut watch = Watch { face, session, chosen, plan, sources, log, last: Vec::new(), shown: None };
        watch.begin(args.once).await
    });
    // What still runs after a second signal is not waited for.
    runtime.shutdown_background();
    ended
}

/// The exercises that were named, as far as they have a check; `None` for all.
fn chosen(session: &Session, args: &WatchArgs) -> Result<Option<BTreeSet<ExerciseId>>, CliError> {
    let workbook = &session.course.workbook;
    if args.ids.is_empty() {
        return Ok(None);
    }
    let named = ids::exercises(&workbook.manifest, &args.ids)?;
    let with_check: BTreeSet<ExerciseId> =
        named.iter().copied().filter(|id| workbook.checks.contains_key(id)).collect();
    if with_check.is_empty() {
        let names = listed(&named);
        let what = format!("there is nothing to watch yet: the check of {names} is still to come");
        return Err(CliError::NotReady { what, fix: "grader watch".into() });
    }
    Ok(Some(with_check))
}

fn plan(session: &Session, chosen: Option<&BTreeSet<ExerciseId>>) -> Plan {
    let workspace = &session.workspace;
    Plan::of(&session.course.workbook, workspace.root(), workspace.file(), chosen)
}

/// `1.1, 1.2` or `14 exercises`.
fn listed(ids: &[ExerciseId]) -> String {
    if ids.len() > MOST_NAMED {
        return count(ids.len(), "exercise");
    }
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What goes on from one change to the next.
struct Watch<'a> {
    face: &'a Face,
    session: Session,
    chosen: Option<BTreeSet<ExerciseId>>,
    plan: Plan,
    sources: Sources,
    log: Option<String>,
    /// What the last run judged.
    last: Vec<ExerciseId>,
    /// The exercise whose card was shown last.
    shown: Option<ExerciseId>,
}

/// What comes after waiting, or after a run.
enum Next {
    /// A run: of what, and why.
    Run(Vec<ExerciseId>, String),
    /// The end.
    Leave(Exit),
}

impl Watch<'_> {
    async fn begin(&mut self, once: bool) -> Result<Exit, CliError> {
        let watched: Vec<ExerciseId> = self.plan.exercises().collect();
        if !once {
            self.say(&format!("watching {}\n", listed(&watched)));
            self.name_polling(None);
        }
        let due = self.due().await?;
        let mut pending = Pending::default();
        let mut next = if due.is_empty() {
            self.say("done: nothing is due\n");
            None
        } else {
            Some((due, "at the start".to_owned()))
        };
        loop {
            if let Some((due, why)) = next.take() {
                let (exit, leave) = self.judge(&due, &why, &mut pending).await?;
                if leave || once {
                    return Ok(exit);
                }
            } else if once {
                return Ok(Exit::Done);
            }
            self.name_keys();
            match self.wait(&mut pending).await? {
                Next::Run(due, why) => next = Some((due, why)),
                Next::Leave(exit) => return Ok(exit),
            }
        }
    }

    /// What is judged at the start.
    async fn due(&self) -> Result<Vec<ExerciseId>, CliError> {
        let states = run::states(&self.session).await?;
        let next = run::plan::next_due(&self.session.course.workbook.manifest, &states);
        let is_due = |id: &ExerciseId| match states.get(id) {
            None | Some(State::Open) => self.chosen.is_some() || next == Some(*id),
            Some(State::Failed | State::Blocked | State::Error | State::Stale(_)) => true,
            Some(State::Passed | State::TornDown | State::Pending) => false,
        };
        Ok(self.plan.exercises().filter(is_due).collect())
    }

    /// One run: its exit code, and whether the watch ends with it.
    async fn judge(
        &mut self,
        due: &[ExerciseId],
        why: &str,
        pending: &mut Pending,
    ) -> Result<(Exit, bool), CliError> {
        self.say(&format!("watching: {}, checking {}\n", clean_line(why), listed(due)));
        let title = |id: &ExerciseId| {
            self.session.course.workbook.checks.get(id).map_or_else(String::new, |it| it.title.clone())
        };
        let titled: Vec<(ExerciseId, String)> = due.iter().map(|id| (*id, title(id))).collect();
        let display = RunDisplay::start(&self.face.term, &titled);
        let cancel = CancellationToken::new();
        let on_event = |event: &RunEvent| {
            tracing::debug!(?event);
            display.on(event);
        };
        let mut running = std::pin::pin!(run::check(&self.session, due, &on_event, cancel.clone()));
        let mut leaving = None;
        let report: RunReport = loop {
            let heard = tokio::select! {
                report = &mut running => break report?,
                heard = self.sources.heard() => heard,
            };
            let exit = match heard {
                Heard::Stirred(it) => {
                    pending.stirred(it);
                    continue;
                }
                Heard::Engine(it) => {
                    pending.noticed(it);
                    continue;
                }
                Heard::Key('c') => {
                    pending.again(due);
                    display.say(&self.face.term, "it is checked again after this run\n");
                    continue;
                }
                Heard::Key('q') => Exit::Done,
                Heard::Key(_) => {
                    display.say(&self.face.term, "a check runs; q stops it and quits\n");
                    continue;
                }
                Heard::Signal(exit) => exit,
            };
            if let Some(first) = leaving {
                display.finish();
                self.face.term.say("left at once; what a check made is removed at the next check\n");
                return Ok((if exit == Exit::Done { first } else { exit }, true));
            }
            leaving = Some(exit);
            cancel.cancel();
            display.say(&self.face.term, "stopping, removing containers… once more to leave at once\n");
        };
        display.finish();
        let log = self.log.clone();
        let shown = Shown { several: due.len() > 1, json_lines: true, log };
        check::tell(self.face, &self.session, &report, &shown)?;
        self.last = due.to_vec();
        let failed = report.attempts.iter().find(|it| it.verdict != grader_core::Verdict::Passed);
        self.shown = failed.or(report.attempts.first()).map(|attempt| attempt.exercise).or(self.shown);
        self.say(&format!("done: {}\n", check::counted(&report)));
        let exit = Exit::of(report.attempts.iter().map(|attempt| attempt.verdict.word()));
        Ok((leaving.unwrap_or(exit), leaving.is_some()))
    }

    /// Waits until something is to be judged or it shall end.
    async fn wait(&mut self, pending: &mut Pending) -> Result<Next, CliError> {
        loop {
            let heard = tokio::select! {
                heard = self.sources.heard() => heard,
                () = pending.quiet() => {
                    if let Some((due, why)) = self.settle(pending) {
                        return Ok(Next::Run(due, why));
                    }
                    continue;
                }
            };
            match heard {
                Heard::Stirred(it) => pending.stirred(it),
                Heard::Engine(it) => pending.noticed(it),
                Heard::Signal(exit) => return Ok(Next::Leave(exit)),
                Heard::Key(key) => {
                    if let Some(next) = self.pressed(key).await? {
                        return Ok(next);
                    }
                }
            }
        }
    }

    /// What is to be judged after all that came together, and why.
    fn settle(&mut self, pending: &mut Pending) -> Option<(Vec<ExerciseId>, String)> {
        let batch = pending.take();
        batch.said.iter().for_each(|line| self.say(&format!("note: {line}\n")));
        let polled = self.sources.polls();
        let changes = self.sources.changes(&batch, &self.plan);
        self.name_polling(polled);
        let mut due: BTreeSet<ExerciseId> = batch.again.iter().copied().collect();
        let mut why = (!due.is_empty()).then(|| "asked for".to_owned());
        for (change, words) in &changes {
            let affected = self.plan.affected(change);
            if !affected.is_empty() && why.is_none() {
                why = Some(words.clone());
            }
            due.extend(affected);
        }
        let names = self.session.workspace.root().join(crate::workspace::FILE);
        if changes.iter().any(|(change, _)| pending::touches(change, &names)) {
            let asked = self.names_again();
            if !asked.is_empty() && why.is_none() {
                why = Some("workspace.toml changed".into());
            }
            due.extend(asked);
        }
        Some((due.into_iter().collect::<Vec<_>>(), why?)).filter(|(due, _)| !due.is_empty())
    }

    /// Reads workspace.toml again; the exercises that are asked otherwise by it.
    fn names_again(&mut self) -> BTreeSet<ExerciseId> {
        match Workspace::open(self.session.workspace.root()) {
            Ok(workspace) => {
                self.session.workspace = workspace;
                let before = std::mem::replace(&mut self.plan, plan(&self.session, self.chosen.as_ref()));
                if before != self.plan {
                    self.sources.watch_other(&self.session, &self.plan);
                }
                self.plan.asked_otherwise(&before)
            }
            Err(error) => {
                // It goes on with the names as they were: the next save may mend it.
                self.face.term.complain(&CliError::from(error).laid_out(self.face.look()));
                BTreeSet::new()
            }
        }
    }

    async fn pressed(&mut self, key: char) -> Result<Option<Next>, CliError> {
        let next = match key {
            'q' => return Ok(Some(Next::Leave(Exit::Done))),
            'c' => {
                let due = if self.last.is_empty() { self.due().await? } else { self.last.clone() };
                if !due.is_empty() {
                    return Ok(Some(Next::Run(due, "asked for".into())));
                }
                self.say("nothing is due\n");
                return Ok(None);
            }
            'n' | 'h' | 'o' => {
                let states = run::states(&self.session).await?;
                let standing = Standing::in_states(&self.session, &states)?;
                standing.next.map(|next| (next, standing.row(next).map(|row| row.state)))
            }
            '?' => {
                self.name_keys();
                return Ok(None);
            }
            _ => return Ok(None),
        };
        let told = match (key, self.shown, next) {
            ('n', _, Some((id, state))) => {
                let task = help::task(&self.session.course, id, state, self.face.look());
                self.face.term.result(&task);
                Ok(())
            }
            ('h', Some(id), _) | ('h', None, Some((id, _))) => hint::tell(self.face, &self.session, id),
            ('o', Some(id), _) | ('o', None, Some((id, _))) => {
                let args = ShowArgs { id: id.to_string(), evidence: false };
                tokio::task::block_in_place(|| show::run(self.face, &args)).map(drop)
            }
            _ => {
                self.say("nothing is due\n");
                Ok(())
            }
        };
        if let Err(error) = told {
            self.face.term.complain(&error.laid_out(self.face.look()));
        }
        Ok(None)
    }

    /// Says that files are looked at again and again, unless that was so before.
    fn name_polling(&self, before: Option<String>) {
        if let Some(why) = self.sources.polls().filter(|_| before.is_none()) {
            self.say(&format!("note: the files are looked at again and again: {}\n", clean_line(&why)));
        }
    }

    fn name_keys(&self) {
        if self.sources.reads_keys() {
            self.say("keys: n next · h hint · c check again · o last card · q quit · ? these keys\n");
        }
    }

    fn say(&self, text: &str) {
        self.face.term.say(text);
    }
}
