//! Attempts: recorded once, never edited, and kept as long as something rests on them.
//!
//! Lists read one short row for each exercise ([`Progress::summaries`]); evidence stands in a table
//! of its own and is read with a whole [`Attempt`] alone. Order is the order of numbers: clocks jump.

use std::collections::BTreeMap;

use grader_core::{
    Attempt, ExerciseId, VerdictWord,
    evidence::{self, Evidence},
    judge::{Held, Outcome},
    workbook::{Check, Holds},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    Progress,
    error::{Inside, ProgressError},
    form::{Judged, from_json, known, milliseconds, to_json},
    retention,
    summary::{AttemptSummary, ExerciseSummary, NEWEST, SUMMARY, SUMMARY_COLUMNS, SummaryRow},
};

impl Progress {
    /// Records an attempt and returns its number; it is on the disk then. The number that it bears is not read.
    ///
    /// What nothing rests on any more is dropped in the same transaction: of each exercise the last
    /// 20 attempts are kept, the first pass, those in a report ([`Progress::keep`]), and the newest
    /// attempt in which each assertion held.
    ///
    /// # Errors
    /// It is not recorded, then, and all else is as it was.
    pub fn record(&self, attempt: &Attempt) -> Result<u64, ProgressError> {
        self.write("record the attempt", |transaction| {
            let number = insert(transaction, attempt)?;
            let exercise = attempt.exercise.to_string();
            note_held(transaction, number, &attempt.outcomes)?;
            let first_pass = (attempt.verdict.word() == VerdictWord::Passed).then_some(number);
            transaction
                .prepare_cached(
                    "INSERT INTO exercises (exercise, attempts, last, first_pass) VALUES (?1, 1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET attempts = attempts + 1, last = ?2,
                         first_pass = coalesce(first_pass, ?3)",
                )?
                .execute(params![exercise, number, first_pass])?;
            retention::prune(transaction, &exercise)?;
            u64::try_from(number).map_err(|error| Inside::unreadable("the attempt's number", error))
        })
    }

    /// Returns an attempt as it was recorded; `None` if there is none of that number (any more).
    ///
    /// # Errors
    /// It cannot be read, or was recorded by a newer grader.
    pub fn attempt(&self, number: u64) -> Result<Option<Attempt>, ProgressError> {
        self.read("read an attempt", |connection| whole(connection, number))
    }

    /// Returns the newest attempt of an exercise.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn last(&self, exercise: ExerciseId) -> Result<Option<AttemptSummary>, ProgressError> {
        self.read("read the last attempt", |connection| {
            let sql = format!(
                "SELECT {SUMMARY} FROM exercises e JOIN attempts a ON a.number = e.last {NEWEST}
                 WHERE e.exercise = ?1"
            );
            let mut query = connection.prepare_cached(&sql)?;
            let row =
                query.query_row([exercise.to_string()], |row| SummaryRow::from_row(row, 0)).optional()?;
            row.map(SummaryRow::read).transpose()
        })
    }

    /// Returns all kept attempts of an exercise, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn attempts(&self, exercise: ExerciseId) -> Result<Vec<AttemptSummary>, ProgressError> {
        self.read("read the attempts", |connection| {
            let sql =
                format!("SELECT {SUMMARY} FROM attempts a {NEWEST} WHERE a.exercise = ?1 ORDER BY a.number");
            let mut query = connection.prepare_cached(&sql)?;
            let rows = query.query_map([exercise.to_string()], |row| SummaryRow::from_row(row, 0))?;
            rows.map(|row| row?.read()).collect()
        })
    }

    /// Returns what lists need to know of every exercise that has been attempted.
    ///
    /// The cost is that of the number of exercises, however many attempts there were.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn summaries(&self) -> Result<BTreeMap<ExerciseId, ExerciseSummary>, ProgressError> {
        self.read("read the progress", |connection| {
            // A first pass is shown by the judgement that let it pass, whatever it is judged now.
            let sql = format!(
                "SELECT e.attempts, coalesce(h.taken, 0), {SUMMARY},
                     p.number, p.exercise,
                     CASE p.verdict WHEN 'passed' THEN p.title ELSE q.title END,
                     CASE p.verdict WHEN 'passed' THEN p.check_hash ELSE q.check_hash END,
                     p.started, p.duration_ms, 'passed', p.subject
                 FROM exercises e
                 JOIN attempts a ON a.number = e.last {NEWEST}
                 LEFT JOIN attempts p ON p.number = e.first_pass
                 LEFT JOIN rejudgements q ON q.id = (
                     SELECT min(id) FROM rejudgements WHERE attempt = p.number AND word = 'passed')
                 LEFT JOIN hints h ON h.exercise = e.exercise"
            );
            let mut query = connection.prepare_cached(&sql)?;
            let rows = query.query_map([], |row| {
                let first_pass = 2 + SUMMARY_COLUMNS;
                let passed = row.get::<_, Option<u64>>(first_pass)?;
                Ok((
                    row.get::<_, u64>(0)?,
                    row.get::<_, u8>(1)?,
                    SummaryRow::from_row(row, 2)?,
                    passed.map(|_| SummaryRow::from_row(row, first_pass)).transpose()?,
                ))
            })?;
            rows.map(|row| {
                let (attempts, hints, last, first_pass) = row?;
                let last = last.read()?;
                let first_pass = first_pass.map(SummaryRow::read).transpose()?;
                Ok((last.exercise, ExerciseSummary { last, first_pass, attempts, hints }))
            })
            .collect()
        })
    }

    /// Keeps attempts for ever, because a report holds them.
    ///
    /// # Errors
    /// One of them is not there (then none is marked), or nothing can be written.
    pub fn keep(&self, numbers: &[u64]) -> Result<(), ProgressError> {
        self.write("keep the attempts of a report", |transaction| {
            let mut mark = transaction.prepare_cached("UPDATE attempts SET kept = 1 WHERE number = ?1")?;
            for number in numbers {
                if mark.execute([milliseconds(*number)])? == 0 {
                    return Err(Inside::NoAttempt(*number));
                }
            }
            Ok(())
        })
    }

    /// Returns which `once` assertions of a check held in earlier attempts, each with the latest such attempt.
    ///
    /// What counts is the newest judgement of each attempt, by whichever check it was.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn held(&self, check: &Check) -> Result<Held, ProgressError> {
        let once = |id: &str| check.assertions.iter().any(|it| it.id == id && it.holds == Holds::Once);
        self.read("read what held before", |connection| {
            let mut query = connection.prepare_cached(
                "SELECT h.assertion, max(h.attempt) FROM attempts a JOIN held h ON h.attempt = a.number
                 WHERE a.exercise = ?1 GROUP BY h.assertion",
            )?;
            let rows = query.query_map([check.id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let held = rows.collect::<rusqlite::Result<Vec<(String, u64)>>>()?;
            Ok(held.into_iter().filter(|(assertion, _)| once(assertion)).collect())
        })
    }
}

fn insert(transaction: &Transaction<'_>, attempt: &Attempt) -> Result<i64, Inside> {
    transaction
        .prepare_cached(
            "INSERT INTO attempts (exercise, title, check_hash, started, duration_ms, verdict, subject)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            attempt.exercise.to_string(),
            attempt.title,
            attempt.check_hash,
            attempt.started.to_string(),
            milliseconds(attempt.duration_ms),
            attempt.verdict.word().as_str(),
            to_json("the subject", &attempt.evidence.subject)?,
        ])?;
    let number = transaction.last_insert_rowid();
    let judged = Judged::of(&attempt.verdict, &attempt.outcomes)?;
    transaction
        .prepare_cached(
            "INSERT INTO judgements (attempt, format, verdict, outcomes) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![number, judged.format, judged.verdict, judged.outcomes])?;
    transaction
        .prepare_cached("INSERT INTO evidence (attempt, format, json) VALUES (?1, ?2, ?3)")?
        .execute(params![number, attempt.evidence.format, to_json("the evidence", &attempt.evidence)?])?;
    Ok(number)
}

/// Notes which assertions held in an attempt, in place of what an earlier judgement said.
pub(super) fn note_held(
    transaction: &Transaction<'_>,
    attempt: i64,
    outcomes: &[(String, Outcome)],
) -> Result<(), Inside> {
    transaction.prepare_cached("DELETE FROM held WHERE attempt = ?1")?.execute([attempt])?;
    let mut note =
        transaction.prepare_cached("INSERT OR IGNORE INTO held (attempt, assertion) VALUES (?1, ?2)")?;
    for (assertion, outcome) in outcomes {
        match outcome {
            Outcome::Holds => {
                note.execute(params![attempt, assertion])?;
            }
            // Held before: the attempt in which it did is noted by itself.
            Outcome::HeldBefore { .. } | Outcome::Failed { .. } | Outcome::NotEvaluated(_) => {}
        }
    }
    Ok(())
}

/// Reads a whole attempt as it was recorded.
pub(super) fn whole(connection: &Connection, number: u64) -> Result<Option<Attempt>, Inside> {
    let mut query = connection.prepare_cached(
        "SELECT a.number, a.exercise, a.title, a.check_hash, a.started, a.duration_ms, a.verdict, a.subject,
             j.format, j.verdict, j.outcomes, e.format, e.json
         FROM attempts a
         LEFT JOIN judgements j ON j.attempt = a.number
         LEFT JOIN evidence e ON e.attempt = a.number
         WHERE a.number = ?1",
    )?;
    let row = query
        .query_row([milliseconds(number)], |row| {
            let judged = row.get::<_, Option<i64>>(SUMMARY_COLUMNS)?;
            let judged = judged.map(|_| Judged::from_row(row, SUMMARY_COLUMNS)).transpose()?;
            let format: Option<i64> = row.get(SUMMARY_COLUMNS + 3)?;
            let json: Option<String> = row.get(SUMMARY_COLUMNS + 4)?;
            Ok((SummaryRow::from_row(row, 0)?, judged, format.zip(json)))
        })
        .optional()?;
    let Some((summary, judged, evidence)) = row else {
        return Ok(None);
    };
    let whose = format!("attempt {number}");
    let summary = summary.read()?;
    // Written together or not at all: if one is missing, someone took it out.
    let missing = |what: &str| Inside::unreadable(format!("the {what} of {whose}"), "it is not there");
    let judged = judged.ok_or_else(|| missing("judgement"))?;
    let (format, json) = evidence.ok_or_else(|| missing("evidence"))?;
    known(|| format!("the evidence of {whose}"), format, i64::from(evidence::FORMAT))?;
    let evidence: Evidence = from_json(|| format!("the evidence of {whose}"), &json)?;
    let (verdict, outcomes) = judged.read(&whose)?;
    if verdict.word() != summary.verdict {
        let detail =
            format!("its row says {}, its judgement {}", summary.verdict.as_str(), verdict.word().as_str());
        return Err(Inside::unreadable(format!("the verdict of {whose}"), detail));
    }
    Ok(Some(Attempt {
        number: Some(summary.number),
        exercise: summary.exercise,
        title: summary.title,
        check_hash: summary.check_hash,
        started: summary.started,
        duration_ms: summary.duration_ms,
        evidence,
        outcomes,
        verdict,
    }))
}
