//! `grader show`: the last card of an exercise again, and what was seen.

use grader_core::{Attempt, ExerciseId, document::ResultOf, judge::Outcome, workbook::Check};
use serde_json::json;

use super::{
    CliError, Exit, Face,
    args::ShowArgs,
    cards::{beside_of, card_of, since},
    ids,
    standing::{ChangeOf, changes_of, states},
};
use crate::{
    progress::State,
    run::Session,
    term::{
        self, Look, Word, clean_line, evidence_tree,
        layout::{duration, labelled},
    },
};

pub(super) fn run(face: &Face, args: &ShowArgs) -> Result<Exit, CliError> {
    let session = face.session_to_read()?;
    let workbook = &session.course.workbook;
    let id = ids::exercise(&workbook.manifest, &args.id)?;
    let check = workbook.checks.get(&id);
    let attempt = last_attempt(&session, id)?;
    let state = states(&session)?.remove(&id).unwrap_or(State::Open);
    if face.global.json {
        face.term.json(&json!({
            "format": 1,
            "exercise": id,
            "state": Word::from(&state).as_str(),
            "changed": changes_of(&state),
            "started": attempt.started,
            "result": ResultOf::from(&attempt).with_since(since(&session, &attempt, check)?),
            "card": card_of(&session, &attempt, check)?,
            "evidence": args.evidence.then_some(&attempt.evidence),
        }))?;
        return Ok(Exit::Done);
    }
    let look = face.look();
    let mut out = String::new();
    let changes = changes_of(&state);
    if !changes.is_empty() {
        out.push_str(&stale(&attempt, &changes, look));
    }
    if args.evidence {
        out.push_str(&evidence(&attempt, check, look));
    } else {
        let card = card_of(&session, &attempt, check)?;
        out.push_str(&term::card::card(&card, &beside_of(&session, &attempt, check, None)?, look));
    }
    face.term.result(&out);
    Ok(Exit::Done)
}

/// The last attempt of an exercise, as it is judged now.
pub(super) fn last_attempt(session: &Session, id: ExerciseId) -> Result<Attempt, CliError> {
    let exercise = session.course.workbook.manifest.exercise(id);
    let none = || {
        if exercise.is_some_and(|exercise| exercise.pending) {
            CliError::NotReady {
                what: format!("{id} is pending: its check is still to come"),
                fix: "grader next".into(),
            }
        } else {
            CliError::NotReady {
                what: format!("{id} has not been checked yet"),
                fix: format!("grader check {id}"),
            }
        }
    };
    let last = session.progress.last(id)?.ok_or_else(none)?;
    session.progress.attempt_as_judged(last.number)?.ok_or_else(none)
}

/// What has changed since a pass, part by part, old and new.
fn stale(attempt: &Attempt, changes: &[ChangeOf], look: &Look) -> String {
    let word = Word::Stale;
    let id = attempt.exercise.to_string();
    let mut out = if look.plain {
        format!("exercise: {id}\nstatus: {}\n", word.as_str())
    } else {
        term::card::heading(word, &id, &clean_line(&attempt.title), "", look)
    };
    let number = attempt.number.map(|number| format!("attempt {number}, ")).unwrap_or_default();
    out.push_str(&labelled(
        "passed",
        &format!("{number}{}", attempt.started.strftime("%Y-%m-%d %H:%M UTC")),
        look,
    ));
    for ChangeOf { part, was, is } in changes {
        let shown = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "not there".into());
        out.push_str(&labelled("changed", part, look));
        out.push_str(&labelled("  was", &shown(was), look));
        out.push_str(&labelled("  now", &shown(is), look));
    }
    out.push_str(&labelled("then", &format!("grader check {id}"), look));
    if !look.plain {
        out.push('\n');
    }
    out
}

fn evidence(attempt: &Attempt, check: Option<&Check>, look: &Look) -> String {
    let mut out = String::new();
    let number = attempt.number.map_or_else(|| "an attempt".into(), |number| format!("attempt {number}"));
    let when = attempt.started.strftime("%Y-%m-%d %H:%M UTC");
    out.push_str(&labelled("evidence", &format!("{number} of {}, {when}", attempt.exercise), look));
    for seen in &attempt.evidence.looks {
        let engine = seen.engine.as_ref().map(|engine| format!(", {} {}", engine.product, engine.version));
        let absent = seen.absent.as_ref().map(|why| format!(", nothing to look at: {why}"));
        let cut = seen.cut.as_ref().map(|cut| format!(", {cut}"));
        let text = format!(
            "{} ({}), {}{}{}{}",
            seen.probe,
            seen.kind,
            duration(seen.took_ms),
            engine.unwrap_or_default(),
            absent.unwrap_or_default(),
            cut.unwrap_or_default()
        );
        out.push_str(&labelled("looked", &text, look));
    }
    if attempt.evidence.seen.is_empty() {
        out.push_str(&labelled("seen", "nothing", look));
    }
    out.push_str(&evidence_tree(&attempt.evidence, &judged(attempt, check), look));
    out
}

/// The elements that assertions failed on, each with its assertion.
fn judged(attempt: &Attempt, check: Option<&Check>) -> Vec<(String, String)> {
    let mut marks = Vec::new();
    for (id, outcome) in &attempt.outcomes {
        let Outcome::Failed { failures, .. } = outcome else { continue };
        let elements: Vec<&String> = failures.iter().filter_map(|failure| failure.path.as_ref()).collect();
        marks.extend(elements.iter().map(|path| ((*path).clone(), id.clone())));
        // A rule over the whole has no element: what it read is what was judged.
        if elements.is_empty()
            && let Some(assertion) = check.and_then(|check| check.assertions.iter().find(|it| it.id == *id))
        {
            marks.extend(assertion.rule.paths().iter().map(|path| (path.to_string(), id.clone())));
        }
    }
    marks.sort();
    marks.dedup();
    marks
}
