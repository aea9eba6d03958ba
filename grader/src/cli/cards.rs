//! What a card says beside its attempt: hints, book, log, and what changed since the failure before.

use grader_core::{Attempt, Verdict, judge::Outcome, workbook::Check};

use super::CliError;
use crate::{run::Session, term::card::Beside};

/// Gathers what the card of an attempt says beside it.
pub(super) fn beside_of(
    session: &Session,
    attempt: &Attempt,
    check: Option<&Check>,
    log: Option<String>,
) -> Result<Beside, CliError> {
    Ok(Beside {
        hints: check.is_some_and(|check| !check.hints.is_empty()),
        to_come: check.is_none() && attempt.number.is_none(),
        book: session.course.has_page_for(attempt),
        log: match attempt.verdict {
            Verdict::Error(_) => log,
            Verdict::Passed | Verdict::Failed(_) | Verdict::Blocked(_) => None,
        },
        since_before: since_before(session, attempt)?,
    })
}

/// After a second failure on the same assertion: what changed between the two.
fn since_before(session: &Session, attempt: &Attempt) -> Result<Option<String>, CliError> {
    let (Some(first), Some(number)) = (first_failed(attempt), attempt.number) else { return Ok(None) };
    let attempts = session.progress.attempts(attempt.exercise)?;
    let Some(before) = attempts.iter().rev().find(|summary| summary.number < number) else { return Ok(None) };
    let Some(before) = session.progress.attempt_as_judged(before.number)? else { return Ok(None) };
    let Some(before_first) = first_failed(&before).filter(|it| it.0 == first.0) else { return Ok(None) };
    let (was, is) = (&before.evidence.subject, &attempt.evidence.subject);
    let mut changed = Vec::new();
    if was.image != is.image {
        changed.push("the image is another one".to_owned());
    }
    if was.tree != is.tree {
        changed.push("the app's folder was committed anew".to_owned());
    }
    changed.extend(
        is.files
            .iter()
            .filter(|(path, hash)| was.files.get(*path) != Some(hash))
            .map(|(path, _)| format!("{path} changed")),
    );
    if before_first.1 != first.1 {
        changed.push(format!("it was: {}", before_first.1));
    }
    let what =
        if changed.is_empty() { "nothing that is judged has changed".to_owned() } else { changed.join("; ") };
    let before =
        before.number.map_or_else(|| "the attempt before".into(), |number| format!("attempt {number}"));
    Ok(Some(format!("{before}: {what}")))
}

/// The first assertion that failed, and what was seen.
fn first_failed(attempt: &Attempt) -> Option<(&str, &str)> {
    attempt.outcomes.iter().find_map(|(id, outcome)| match outcome {
        Outcome::Failed { failures, .. } => {
            failures.first().map(|failure| (id.as_str(), failure.actual.as_str()))
        }
        Outcome::Holds | Outcome::HeldBefore { .. } | Outcome::NotEvaluated(_) => None,
    })
}
