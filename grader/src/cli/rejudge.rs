//! `grader rejudge`: judges recorded evidence again, without touching the world.

use std::path::Path;

use grader_core::{
    Attempt, ExerciseId, Verdict,
    bundle::{self, Received},
    card::Card,
    document::{Document, FORMAT, ResultOf},
    evidence::Evidence,
    judge::{Held, judge},
    since::{Since, first_failed},
    workbook::{Check, lint::Recorded},
};
use jiff::Timestamp;

use super::{CliError, Exit, Face, args::RejudgeArgs, cards::beside_of};
use crate::{
    course::Course,
    run::Session,
    term::{self, card::Beside, clean_line, layout::labelled},
    workspace::read_inside,
};

/// The largest file of recorded evidence that is read, in bytes.
const LARGEST: u64 = 5_000_000;

pub(super) fn run(face: &Face, args: &RejudgeArgs) -> Result<Exit, CliError> {
    match args.attempt.parse::<u64>() {
        Ok(number) => recorded_attempt(face, number),
        Err(_) => evidence_file(face, Path::new(&args.attempt)),
    }
}

fn recorded_attempt(face: &Face, number: u64) -> Result<Exit, CliError> {
    let session = face.session_to_read()?;
    let Some(before) = session.progress.attempt(number)? else {
        let what = format!("there is no attempt {number}, or it is no longer kept");
        return Err(CliError::usage(what, "grader list --json names the last attempt of each exercise"));
    };
    let check = check_of(&session.course, before.exercise)?;
    let held = session.progress.held(check)?;
    let again = before.rejudged(check, &held);
    let beside = beside_of(&session, &again, Some(check), None)?;
    tell(face, session_root(&session), &again, check, &beside, None)?;
    let (was, is) = (before.verdict.word(), again.verdict.word());
    let same_check = before.check_hash == check.hash;
    let words = match (was == is, same_check) {
        (true, true) => format!("as before: {}", is.as_str()),
        (true, false) => format!("by a newer check, as before: {}", is.as_str()),
        (false, true) => format!("was {}, is {}", was.as_str(), is.as_str()),
        (false, false) => format!("was {}, is {} by a newer check", was.as_str(), is.as_str()),
    };
    if !face.global.json {
        face.term.result(&labelled("rejudged", &words, face.look()));
    }
    Ok(Exit::of([is]))
}

fn evidence_file(face: &Face, path: &Path) -> Result<Exit, CliError> {
    let shown = path.display();
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bytes = read_inside(folder, name, LARGEST).map_err(|error| {
        CliError::usage(
            format!("`{shown}` is neither the number of an attempt nor a file that can be read: {error}"),
            "grader rejudge 17, or grader rejudge PATH/evidence.json",
        )
    })?;
    if let Some(received) = bundle(&bytes, &shown.to_string())? {
        return bundled(face, received);
    }
    let recorded: Recorded = serde_json::from_slice(&bytes).map_err(|error| {
        CliError::usage(
            format!("`{shown}` is neither a bundle nor recorded evidence: {error}"),
            "see grader schema bundle, grader schema evidence",
        )
    })?;
    let course = face.course()?;
    let check = check_of(&course, recorded.exercise)?;
    let attempt = judged(check, recorded.evidence, &Held::new());
    let beside = Beside { book: course.has_page_for(&attempt), ..Beside::default() };
    tell(face, String::new(), &attempt, check, &beside, None)?;
    Ok(Exit::of([attempt.verdict.word()]))
}

/// Reads a bundle; `None` if the file is something else.
fn bundle(bytes: &[u8], shown: &str) -> Result<Option<Received>, CliError> {
    /// What tells a bundle from recorded evidence, of whatever format it is.
    #[derive(serde::Deserialize)]
    struct Kind {
        format: u32,
        #[serde(rename = "attempt")]
        _attempt: serde::de::IgnoredAny,
        #[serde(rename = "check")]
        _check: serde::de::IgnoredAny,
    }
    let Ok(kind) = serde_json::from_slice::<Kind>(bytes) else { return Ok(None) };
    if kind.format > bundle::FORMAT {
        let what = format!(
            "`{shown}` is a bundle of format {}; this grader reads up to {}",
            kind.format,
            bundle::FORMAT
        );
        return Err(CliError::usage(what, "update the grader"));
    }
    let received = serde_json::from_slice(bytes).map_err(|error| {
        CliError::usage(
            format!("`{shown}` is no bundle that can be judged: {error}"),
            "see grader schema bundle",
        )
    })?;
    Ok(Some(received))
}

/// Somebody else's attempt, judged by the check that is here.
fn bundled(face: &Face, received: Received) -> Result<Exit, CliError> {
    let course = face.course()?;
    let check = check_of(&course, received.exercise)?;
    let look = face.look();
    let result = &received.attempt.result;
    let there = match result.attempt {
        Some(number) => format!("attempt {number} of somebody's {}", received.exercise),
        None => format!("an attempt of somebody's {}", received.exercise),
    };
    let same = received.check.hash == check.hash;
    let words =
        if same { "the same as here" } else { "another one than here; judged by the one that is here" };
    let intro = labelled("bundle", &there, look) + &labelled("its check", words, look);
    if result.assertions.is_empty() {
        face.term.say(&intro);
        let what = format!("nothing was judged in this attempt: it was {}", clean_line(&result.verdict));
        return Err(CliError::NotReady { what, fix: "read its card in the bundle".into() });
    }
    let was = clean_line(&result.verdict);
    let attempt = judged(check, received.attempt.evidence, &received.attempt.held_before);
    let beside = Beside { book: course.has_page_for(&attempt), ..Beside::default() };
    if !face.global.json {
        face.term.result(&intro);
    }
    // What changed there belongs to the assertion that failed there.
    let since = received.since.filter(|since| first_failed(&attempt) == Some(&since.assertion));
    tell(face, String::new(), &attempt, check, &beside, since)?;
    let is = attempt.verdict.word();
    if !face.global.json {
        let words = if was == is.as_str() {
            format!("as there: {was}")
        } else {
            format!("was {was} there, is {} here", is.as_str())
        };
        face.term.result(&labelled("rejudged", &words, look));
    }
    Ok(Exit::of([is]))
}

/// An attempt made of evidence alone: no run, no number.
fn judged(check: &Check, evidence: Evidence, held: &Held) -> Attempt {
    let judgement = judge(check, &evidence, held);
    let verdict: Verdict = judgement.verdict();
    Attempt {
        number: None,
        exercise: check.id,
        title: check.title.clone(),
        check_hash: check.hash.clone(),
        started: evidence.looks.first().map_or_else(Timestamp::now, |look| look.at),
        duration_ms: evidence.looks.iter().map(|look| look.took_ms).sum(),
        evidence,
        outcomes: judgement.outcomes,
        verdict,
    }
}

fn tell(
    face: &Face,
    workspace: String,
    attempt: &Attempt,
    check: &Check,
    beside: &Beside,
    since: Option<Since>,
) -> Result<(), CliError> {
    if face.global.json {
        return Ok(face.term.json(&Document {
            format: FORMAT,
            workspace,
            started: attempt.started,
            duration_ms: attempt.duration_ms,
            results: vec![ResultOf::from(attempt).with_since(since)],
        })?);
    }
    face.term.result(&term::card::card(
        &Card::of(attempt, Some(check)).with_since(since),
        beside,
        face.look(),
    ));
    Ok(())
}

fn check_of(course: &Course, exercise: ExerciseId) -> Result<&Check, CliError> {
    course.workbook.checks.get(&exercise).ok_or_else(|| {
        CliError::usage(
            format!("this workbook has no check for {exercise}"),
            "--workbook DIR names another one",
        )
    })
}

fn session_root(session: &Session) -> String {
    session.workspace.root().display().to_string()
}
