//! Judging recorded evidence again when a check has changed, without touching the attempt.
//!
//! A new judgement stands beside the attempt. Summaries show the newest one; the attempt itself
//! stays what it was, so that anyone can see what was said when, and by which check.

use std::collections::BTreeMap;

use grader_core::{Attempt, ExerciseId, workbook::Check};
use rusqlite::{OptionalExtension, params};

use super::{
    AttemptSummary, ExerciseSummary, Progress,
    attempts::{note_held, whole},
    error::{Inside, ProgressError},
    form::{Judged, milliseconds, now},
};

/// Returns the last attempts that another check has judged than is there now.
pub fn judged_by_another<'a>(
    summaries: &'a BTreeMap<ExerciseId, ExerciseSummary>,
    checks: &BTreeMap<ExerciseId, Check>,
) -> Vec<&'a AttemptSummary> {
    let another =
        |last: &AttemptSummary| checks.get(&last.exercise).is_some_and(|check| check.hash != last.check_hash);
    summaries.values().map(|summary| &summary.last).filter(|last| another(last)).collect()
}

impl Progress {
    /// Records what [`Attempt::rejudged`] made of an attempt, beside it; summaries show it from now on.
    ///
    /// # Errors
    /// The attempt has no number or is not there, or nothing can be written.
    pub fn record_rejudgement(&self, again: &Attempt) -> Result<(), ProgressError> {
        let unnumbered = || Inside::unreadable("the judgement", "it belongs to no recorded attempt");
        self.write("record the new judgement", |transaction| {
            let number = again.number.ok_or_else(unnumbered)?;
            let exercise: Option<String> = transaction
                .prepare_cached("SELECT exercise FROM attempts WHERE number = ?1")?
                .query_row([milliseconds(number)], |row| row.get(0))
                .optional()?;
            if exercise.is_none_or(|exercise| exercise != again.exercise.to_string()) {
                return Err(Inside::NoAttempt(number));
            }
            let judged = Judged::of(&again.verdict, &again.outcomes)?;
            let word = again.verdict.word();
            transaction
                .prepare_cached(
                    "INSERT INTO rejudgements (attempt, title, check_hash, at, word, format, verdict, outcomes)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    milliseconds(number),
                    again.title,
                    again.check_hash,
                    now(),
                    word.as_str(),
                    judged.format,
                    judged.verdict,
                    judged.outcomes,
                ])?;
            let exercise = again.exercise.to_string();
            note_held(transaction, milliseconds(number), &again.outcomes)?;
            transaction
                .prepare_cached(
                    "UPDATE exercises SET first_pass = ?2
                     WHERE exercise = ?1 AND first_pass IS NULL AND ?3 = 'passed'",
                )?
                .execute(params![exercise, milliseconds(number), word.as_str()])?;
            Ok(())
        })
    }

    /// Returns an attempt by its newest judgement; `None` if there is none of that number (any more).
    ///
    /// # Errors
    /// It cannot be read, or was recorded by a newer grader.
    pub fn attempt_as_judged(&self, number: u64) -> Result<Option<Attempt>, ProgressError> {
        self.read("read an attempt", |connection| {
            let Some(mut attempt) = whole(connection, number)? else {
                return Ok(None);
            };
            let newest = connection
                .prepare_cached(
                    "SELECT title, check_hash, format, verdict, outcomes FROM rejudgements
                     WHERE attempt = ?1 ORDER BY id DESC LIMIT 1",
                )?
                .query_row([milliseconds(number)], |row| {
                    Ok((row.get(0)?, row.get(1)?, Judged::from_row(row, 2)?))
                })
                .optional()?;
            if let Some((title, check_hash, judged)) = newest {
                (attempt.verdict, attempt.outcomes) = judged.read(&format!("attempt {number}"))?;
                (attempt.title, attempt.check_hash) = (title, check_hash);
            }
            Ok(Some(attempt))
        })
    }
}
