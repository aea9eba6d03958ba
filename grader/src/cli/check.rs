//! `grader check`: judges exercises, shows the run as it goes, then the cards.

use std::path::PathBuf;

use grader_core::{
    Attempt, ExerciseId, Missing, Verdict, VerdictWord,
    document::{Document, FORMAT, ResultOf},
    evidence::Evidence,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    CliError, Exit, Face,
    args::CheckArgs,
    cards::{beside_of, card_of, since},
    ids, log,
    signals::Signals,
    standing::Standing,
};
use crate::{
    progress::RunEvent,
    run::{self, RunReport, Session},
    term::{
        self, RunDisplay, Word, clean_line,
        layout::{count, duration, labelled, paragraph},
    },
};

pub(super) fn run(face: &Face, args: &CheckArgs) -> Result<Exit, CliError> {
    let session = face.session_to_record()?;
    let log = start_log(face, &session);
    let due = match due(&session, args)? {
        Due::These(ids) => ids,
        Due::Nothing(words) => return nothing(face, &session, &words),
    };
    let (to_come, with_check): (Vec<ExerciseId>, Vec<ExerciseId>) =
        due.iter().partition(|id| !session.course.workbook.checks.contains_key(id));
    let (mut report, signal) = match judged(face, &session, &with_check)? {
        Ended::Reported(report, signal) => (report, signal),
        Ended::Left(exit) => return Ok(exit),
    };
    report.attempts.extend(to_come.into_iter().filter_map(|id| still_to_come(&session, id)));
    report.attempts.sort_by_key(|attempt| due.iter().position(|id| *id == attempt.exercise));
    let shown = Shown { several: due.len() > 1, json_lines: false, log: log.map(|path| face.shown(&path)) };
    tell(face, &session, &report, &shown)?;
    let exit = Exit::of(report.attempts.iter().map(|attempt| attempt.verdict.word()));
    Ok(signal.unwrap_or(exit))
}

/// Where nothing can be logged (read-only, full) a check is judged all the same.
pub(super) fn start_log(face: &Face, session: &Session) -> Option<PathBuf> {
    match log::file(&session.workspace.grader_dir()) {
        Ok((path, file)) => {
            log::start(face.global.verbose, Some(file));
            Some(path)
        }
        Err(error) => {
            log::start(face.global.verbose, None);
            tracing::warn!(%error, "no log file");
            None
        }
    }
}

/// What is to be judged.
enum Due {
    These(Vec<ExerciseId>),
    /// Nothing, and why.
    Nothing(String),
}

fn due(session: &Session, args: &CheckArgs) -> Result<Due, CliError> {
    let workbook = &session.course.workbook;
    let has_check = |id: &ExerciseId| workbook.checks.contains_key(id);
    if !args.ids.is_empty() {
        return Ok(Due::These(ids::exercises(&workbook.manifest, &args.ids)?));
    }
    if args.all {
        let ids = workbook.manifest.exercises.iter().map(|exercise| exercise.id).filter(has_check);
        let ids: Vec<ExerciseId> = ids.collect();
        return Ok(if ids.is_empty() {
            Due::Nothing("No exercise has a check yet.".into())
        } else {
            Due::These(ids)
        });
    }
    let standing = Standing::of(session)?;
    if args.failed || args.stale {
        let wanted = |word: Word, asked: bool| if asked { standing.ids(word) } else { Vec::new() };
        let mut ids = wanted(Word::Failed, args.failed);
        ids.extend(wanted(Word::Stale, args.stale));
        ids.retain(has_check);
        ids.sort();
        let words = match (args.failed, args.stale) {
            (true, true) => "No exercise is failed or stale.",
            (true, false) => "No exercise is failed.",
            (false, _) => "No exercise is stale.",
        };
        return Ok(if ids.is_empty() { Due::Nothing(words.into()) } else { Due::These(ids) });
    }
    Ok(match standing.next {
        Some(next) => Due::These(vec![next]),
        None => {
            let mut words = "Nothing is due: every exercise that has a check has passed.".to_owned();
            if let Some(to_come) = standing.to_come() {
                words.push_str(&format!(" {to_come}."));
            }
            Due::Nothing(words)
        }
    })
}

/// An exercise that was asked for by name and has no check yet: blocked, and recorded nowhere.
fn still_to_come(session: &Session, id: ExerciseId) -> Option<Attempt> {
    let exercise = session.course.workbook.manifest.exercise(id)?;
    let missing = Missing { what: "its check is still to come".into(), fix: "grader next".into() };
    Some(Attempt {
        number: None,
        exercise: id,
        title: exercise.todo.clone(),
        check_hash: String::new(),
        started: Timestamp::now(),
        duration_ms: 0,
        evidence: Evidence::empty(),
        outcomes: Vec::new(),
        verdict: Verdict::Blocked(missing),
    })
}

fn nothing(face: &Face, session: &Session, words: &str) -> Result<Exit, CliError> {
    if face.global.json {
        let started = Timestamp::now();
        face.term.json(&document(session, started, 0, &[])?)?;
    } else {
        face.term.result(&paragraph(words, face.look()));
    }
    Ok(Exit::Done)
}

/// How a run ended.
enum Ended {
    /// It came to its end, perhaps early for a signal.
    Reported(RunReport, Option<Exit>),
    /// A second signal: it was left where it was.
    Left(Exit),
}

fn judged(face: &Face, session: &Session, due: &[ExerciseId]) -> Result<Ended, CliError> {
    if due.is_empty() {
        return Ok(Ended::Reported(nothing_run(), None));
    }
    let title = |id: &ExerciseId| {
        session.course.workbook.checks.get(id).map_or_else(String::new, |it| it.title.clone())
    };
    let titled: Vec<(ExerciseId, String)> = due.iter().map(|id| (*id, title(id))).collect();
    let display = RunDisplay::start(&face.term, &titled);
    let system = |source| CliError::System { what: "cannot start to run checks".into(), source };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(system)?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::listen().map_err(system)?;
        let cancel = CancellationToken::new();
        let watcher = |event: &RunEvent| {
            tracing::debug!(?event);
            display.on(event);
        };
        let mut running = std::pin::pin!(run::check(session, due, &watcher, cancel.clone()));
        let mut first = None;
        loop {
            tokio::select! {
                report = &mut running => return Ok(Ended::Reported(report?, first)),
                exit = signals.next() => match first {
                    None => {
                        first = Some(exit);
                        cancel.cancel();
                        let words = "stopping, removing containers… press Ctrl-C again to leave at once\n";
                        display.say(&face.term, words);
                    }
                    Some(_) => return Ok(Ended::Left(exit)),
                },
            }
        }
    });
    display.finish();
    // What still runs after a second signal is not waited for.
    runtime.shutdown_background();
    if let Ok(Ended::Left(_)) = ended {
        face.term.say("left at once; what a check made is removed at the next check\n");
    }
    ended
}

/// The report of a run that had nothing to run.
fn nothing_run() -> RunReport {
    RunReport {
        started: Timestamp::now(),
        duration_ms: 0,
        attempts: Vec::new(),
        not_recorded: None,
        cancelled: false,
        left: Vec::new(),
    }
}

fn document(
    session: &Session,
    started: Timestamp,
    duration_ms: u64,
    attempts: &[Attempt],
) -> Result<Document, CliError> {
    let result = |attempt: &Attempt| {
        let check = session.course.workbook.checks.get(&attempt.exercise);
        Ok(ResultOf::from(attempt).with_since(since(session, attempt, check)?))
    };
    Ok(Document {
        format: FORMAT,
        workspace: session.workspace.root().display().to_string(),
        started,
        duration_ms,
        results: attempts.iter().map(result).collect::<Result<_, CliError>>()?,
    })
}

/// How a report is told.
pub(super) struct Shown {
    /// Whether several exercises were asked for: then a list stands before the cards.
    pub several: bool,
    /// Whether documents follow each other, one a line.
    pub json_lines: bool,
    /// Where the log is.
    pub log: Option<String>,
}

/// Tells what a run came to.
pub(super) fn tell(
    face: &Face,
    session: &Session,
    report: &RunReport,
    shown: &Shown,
) -> Result<(), CliError> {
    let several = shown.several;
    for attempt in &report.attempts {
        if let Verdict::Error(fault) = &attempt.verdict {
            tracing::error!(exercise = %attempt.exercise, what = fault.what, detail = fault.detail, "error");
        }
    }
    if face.global.json {
        let document = document(session, report.started, report.duration_ms, &report.attempts)?;
        if shown.json_lines {
            face.term.json_line(&document)?
        } else {
            face.term.json(&document)?
        }
        return Ok(());
    }
    let look = face.look();
    if several {
        report.attempts.iter().for_each(|attempt| face.term.result(&line(attempt, look)));
    }
    let with_card =
        report.attempts.iter().filter(|attempt| !several || !matches!(attempt.verdict, Verdict::Passed));
    for (nth, attempt) in with_card.enumerate() {
        let check = session.course.workbook.checks.get(&attempt.exercise);
        let card = card_of(session, attempt, check)?;
        let beside = beside_of(session, attempt, check, shown.log.clone())?;
        let gap = if several || nth > 0 { "\n" } else { "" };
        face.term.result(&(gap.to_owned() + &term::card::card(&card, &beside, look)));
    }
    if several {
        let gap = if look.plain { "" } else { "\n" };
        face.term.result(&(gap.to_owned() + &summary(report, look)));
    }
    if report.cancelled {
        let judged = report.attempts.len();
        face.term.say(&format!("stopped; {} had been judged\n", count(judged, "exercise")));
    }
    // That nothing could be recorded was said before the run; here is what went wrong in it.
    if let Some(reason) = &report.not_recorded
        && session.progress.not_recorded().is_none()
    {
        face.term.say(&format!("note: not recorded: {}\n", clean_line(&reason.why)));
    }
    for left in &report.left {
        face.term.say(&format!("note: not removed yet, the next check removes it: {}\n", clean_line(left)));
    }
    Ok(())
}

/// One line of the list that several exercises fill.
fn line(attempt: &Attempt, look: &term::Look) -> String {
    let word = Word::from(attempt.verdict.word());
    let title = clean_line(&attempt.title);
    let took = duration(attempt.duration_ms);
    if look.plain {
        return format!("{}: {}: {title}\n", attempt.exercise, word.as_str());
    }
    term::card::heading(word, &attempt.exercise.to_string(), &title, &took, look)
}

/// `3 passed, 1 failed, 2 blocked`.
pub(super) fn counted(report: &RunReport) -> String {
    let words = [VerdictWord::Passed, VerdictWord::Failed, VerdictWord::Blocked, VerdictWord::Error];
    let counted: Vec<String> = words
        .into_iter()
        .map(|word| (word, report.attempts.iter().filter(|attempt| attempt.verdict.word() == word).count()))
        .filter(|(_, number)| *number > 0)
        .map(|(word, number)| match (word, number) {
            (VerdictWord::Error, 1) => "1 error".into(),
            (VerdictWord::Error, number) => format!("{number} errors"),
            (word, number) => format!("{number} {}", word.as_str()),
        })
        .collect();
    if counted.is_empty() { "nothing was judged".into() } else { counted.join(", ") }
}

/// How many ended how, and the first thing to do.
fn summary(report: &RunReport, look: &term::Look) -> String {
    let mut out = format!("{}\n", counted(report));
    let first_of = |word: VerdictWord| report.attempts.iter().find(|attempt| attempt.verdict.word() == word);
    let first =
        [VerdictWord::Error, VerdictWord::Failed, VerdictWord::Blocked].into_iter().find_map(first_of);
    if let Some(attempt) = first {
        let id = attempt.exercise;
        let text = match &attempt.verdict {
            Verdict::Failed(failures) => {
                failures.first().map(|failure| format!("{id}: {}", failure.fix)).unwrap_or_default()
            }
            Verdict::Blocked(missing) => format!("{id}: {}", missing.fix),
            Verdict::Error(_) => format!("{id}: grader doctor, then grader check {id}"),
            Verdict::Passed => String::new(),
        };
        out.push_str(&labelled("first", &text, look));
    }
    out
}
