//! What a card says beside its attempt: hints, book, log; and what changed since the failure before.

use grader_core::{
    Attempt, Verdict, VerdictWord,
    card::Card,
    since::{Since, first_failed},
    workbook::Check,
};

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
    })
}

/// How many earlier attempts are looked at: whether it is the third failure in a row is all that matters.
const MOST_EARLIER: usize = 6;

/// The card of an attempt, compared with the attempts before it.
pub(super) fn card_of(session: &Session, attempt: &Attempt, check: Option<&Check>) -> Result<Card, CliError> {
    Ok(Card::of(attempt, check).with_since(since(session, attempt, check)?))
}

/// After a second failure on the same assertion: what changed between the two. It follows from what is
/// recorded, so that it does not matter which process ran the check.
pub(super) fn since(
    session: &Session,
    attempt: &Attempt,
    check: Option<&Check>,
) -> Result<Option<Since>, CliError> {
    Ok(earlier(session, attempt, check)?.and_then(|(check, earlier)| Since::of(check, attempt, &earlier)))
}

/// The attempts before this one, newest first, as far as they failed on the same assertion.
pub(super) fn earlier<'a>(
    session: &Session,
    attempt: &Attempt,
    check: Option<&'a Check>,
) -> Result<Option<(&'a Check, Vec<Attempt>)>, CliError> {
    let (Some(check), Some(number), Some(_)) = (check, attempt.number, first_failed(attempt)) else {
        return Ok(None);
    };
    let attempts = session.progress.attempts(attempt.exercise)?;
    let mut earlier = Vec::new();
    for summary in attempts.iter().rev().filter(|it| it.number < number) {
        match summary.verdict {
            VerdictWord::Passed => break,
            VerdictWord::Blocked | VerdictWord::Error => continue,
            VerdictWord::Failed => earlier.extend(session.progress.attempt_as_judged(summary.number)?),
        }
        if earlier.len() == MOST_EARLIER {
            break;
        }
    }
    Ok(Some((check, earlier)))
}
