//! What lists and cards need of attempts: short rows, read without their evidence.

use grader_core::{ExerciseId, VerdictWord, evidence::Subject};
use jiff::Timestamp;
use rusqlite::Row;

use super::{
    error::Inside,
    form::{from_json, parsed},
};

/// What lists need to know of an attempt, by its newest judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptSummary {
    /// Its number in the workspace, from 1.
    pub number: u64,
    /// The exercise.
    pub exercise: ExerciseId,
    /// The title of the check by which it was judged.
    pub title: String,
    /// SHA-256 of the check by which it was judged.
    pub check_hash: String,
    /// When it began, by the machine's clock.
    pub started: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// How it ended.
    pub verdict: VerdictWord,
    /// What was judged.
    pub subject: Subject,
}

/// What lists need to know of an exercise that has been attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExerciseSummary {
    /// The newest attempt.
    pub last: AttemptSummary,
    /// The first attempt that passed, as it was judged then.
    pub first_pass: Option<AttemptSummary>,
    /// How many attempts there were, kept or not.
    pub attempts: u64,
    /// How many hints were taken.
    pub hints: u8,
}

/// The columns of a summary, judged newest, of `attempts a` joined with `rejudgements r`.
pub(super) const SUMMARY: &str =
    "a.number, a.exercise, coalesce(r.title, a.title), coalesce(r.check_hash, a.check_hash),
    a.started, a.duration_ms, coalesce(r.word, a.verdict), a.subject";
/// How many columns those are.
pub(super) const SUMMARY_COLUMNS: usize = 8;
/// The newest judgement of `attempts a`, if it was judged again.
pub(super) const NEWEST: &str = "LEFT JOIN rejudgements r
    ON r.id = (SELECT max(id) FROM rejudgements WHERE attempt = a.number)";

/// A summary as its columns hold it.
pub(super) struct SummaryRow {
    pub(super) number: u64,
    exercise: String,
    title: String,
    check_hash: String,
    started: String,
    duration_ms: u64,
    verdict: String,
    subject: String,
}

impl SummaryRow {
    pub(super) fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(first)?,
            exercise: row.get(first + 1)?,
            title: row.get(first + 2)?,
            check_hash: row.get(first + 3)?,
            started: row.get(first + 4)?,
            duration_ms: row.get(first + 5)?,
            verdict: row.get(first + 6)?,
            subject: row.get(first + 7)?,
        })
    }

    pub(super) fn read(self) -> Result<AttemptSummary, Inside> {
        let of = |what: &str| format!("the {what} of attempt {}", self.number);
        Ok(AttemptSummary {
            number: self.number,
            exercise: parsed(|| of("exercise"), &self.exercise)?,
            started: parsed(|| of("time"), &self.started)?,
            verdict: VerdictWord::parse(&self.verdict)
                .ok_or_else(|| Inside::unreadable(of("verdict"), format!("`{}` is none", self.verdict)))?,
            subject: from_json(|| of("subject"), &self.subject)?,
            title: self.title,
            check_hash: self.check_hash,
            duration_ms: self.duration_ms,
        })
    }
}
