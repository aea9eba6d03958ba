//! `grader hint`: the next of an exercise's hints.

use grader_core::{ExerciseId, judge::Outcome};
use serde_json::json;

use super::{CliError, Exit, Face, args::ExerciseArgs, ids};
use crate::{
    run::Session,
    term::layout::{labelled, paragraphs, title},
};

pub(super) fn run(face: &Face, args: &ExerciseArgs) -> Result<Exit, CliError> {
    let session = face.session_to_record()?;
    let id = ids::exercise(&session.course.workbook.manifest, &args.id)?;
    tell(face, &session, id)?;
    Ok(Exit::Done)
}

/// Takes the next hint for an exercise, and tells it.
pub(super) fn tell(face: &Face, session: &Session, id: ExerciseId) -> Result<(), CliError> {
    let workbook = &session.course.workbook;
    let Some(check) = workbook.checks.get(&id) else {
        let what = format!("{id} is pending: its check and hints are still to come");
        return Err(CliError::NotReady { what, fix: format!("grader help {id} shows the task") });
    };
    let failed = failed_assertion(session, id)?;
    let hints = check.hints_for(failed.as_deref());
    if hints.is_empty() {
        let what = format!("{id} has no hints");
        return Err(CliError::NotReady { what, fix: format!("grader help {id} shows the task") });
    }
    let taken = usize::from(session.progress.hints_taken(id)?);
    // Beyond the last it is shown again, and not counted once more.
    let now = if taken < hints.len() { usize::from(session.progress.take_hint(id)?) } else { hints.len() };
    let now = now.clamp(1, hints.len());
    let hint = hints[now - 1];
    if face.global.json {
        face.term.json(&json!({
            "format": 1, "exercise": id, "hint": now, "of": hints.len(), "for": hint.assertion, "text": hint.text,
        }))?;
        return Ok(());
    }
    let look = face.look();
    let last = now == hints.len();
    let warning = if last { ", it nearly tells" } else { "" };
    let mut out = if look.plain {
        format!("exercise: {id}\nhint: {now} of {}{warning}\n", hints.len())
    } else {
        let title = title(&format!("{id}  {}", check.title), look);
        format!("{title}  hint {now} of {}{warning}\n\n", hints.len())
    };
    out.push_str(&paragraphs(&hint.text, look));
    if !look.plain {
        out.push('\n');
    }
    out.push_str(&labelled("then", &format!("grader check {id}"), look));
    if now + 1 == hints.len() {
        out.push_str(&labelled("more", &format!("grader hint {id} (the last; it nearly tells)"), look));
    } else if !last {
        out.push_str(&labelled("more", &format!("grader hint {id}"), look));
    }
    face.term.result(&out);
    Ok(())
}

/// The first assertion on which the last attempt failed.
fn failed_assertion(session: &Session, id: ExerciseId) -> Result<Option<String>, CliError> {
    let Some(last) = session.progress.last(id)? else { return Ok(None) };
    let Some(attempt) = session.progress.attempt_as_judged(last.number)? else { return Ok(None) };
    Ok(attempt
        .outcomes
        .into_iter()
        .find_map(|(id, outcome)| matches!(outcome, Outcome::Failed { .. }).then_some(id)))
}
