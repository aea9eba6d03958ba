//! Where a learner stands: every exercise with its state, and the one that is due.

use std::collections::BTreeMap;

use grader_core::ExerciseId;
use serde::Serialize;

use super::CliError;
use crate::{
    progress::{Change, Part, State},
    run::{self, Session},
    term::{Word, layout::count},
};

/// Every exercise with its state.
#[derive(Debug)]
pub(super) struct Standing {
    /// The exercises, in the workbook's order.
    pub rows: Vec<Row>,
    /// The exercise that is due; `None` where all that can be passed is.
    pub next: Option<ExerciseId>,
}

/// One exercise.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// Its id.
    pub exercise: ExerciseId,
    /// What holds when it passes; the TODO item where its check is still to come.
    pub title: String,
    /// The TODO item.
    pub todo: String,
    /// What it is now.
    #[serde(serialize_with = "word")]
    pub state: Word,
    /// What changed since it passed, if it is stale.
    pub changed: Vec<ChangeOf>,
    /// The last attempt.
    pub attempt: Option<u64>,
}

/// A part of what was judged that has changed since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ChangeOf {
    /// `image`, `tree`, or the path of a file.
    pub part: String,
    /// What was judged.
    pub was: Option<String>,
    /// What is there now.
    pub is: Option<String>,
}

impl Standing {
    /// Looks at where things stand.
    pub(super) fn of(session: &Session) -> Result<Self, CliError> {
        Self::in_states(session, &states(session)?)
    }

    /// The same for states that were looked at already.
    pub(super) fn in_states(
        session: &Session,
        states: &BTreeMap<ExerciseId, State>,
    ) -> Result<Self, CliError> {
        let next = run::plan::next_due(&session.course.workbook.manifest, states);
        let summaries = session.progress.summaries()?;
        let rows = rows(session, states, |id| summaries.get(&id).map(|summary| summary.last.number));
        Ok(Self { rows, next })
    }

    /// One row.
    pub(super) fn row(&self, id: ExerciseId) -> Option<&Row> {
        self.rows.iter().find(|row| row.exercise == id)
    }

    /// How many rows are in a state.
    pub(super) fn count(&self, word: Word) -> usize {
        self.rows.iter().filter(|row| row.state == word).count()
    }

    /// The ids in a state.
    pub(super) fn ids(&self, word: Word) -> Vec<ExerciseId> {
        self.rows.iter().filter(|row| row.state == word).map(|row| row.exercise).collect()
    }

    /// In one line: `9 of 21 · next: 4.2 The container does not run as root · 1 stale: 2.2`.
    pub(super) fn in_a_line(&self) -> String {
        let passed = self.count(Word::Passed) + self.count(Word::TornDown);
        let mut parts = vec![format!("{passed} of {}", self.rows.len())];
        if let Some(row) = self.next.and_then(|next| self.row(next)) {
            parts.push(format!("next: {} {}", row.exercise, row.title));
        }
        for word in [Word::Stale, Word::Failed, Word::Error, Word::Blocked] {
            let ids: Vec<String> = self.ids(word).iter().map(ToString::to_string).collect();
            if !ids.is_empty() {
                parts.push(format!("{} {}: {}", ids.len(), word.as_str(), ids.join(", ")));
            }
        }
        parts.join(" · ")
    }

    /// How many are still to come, as `17 exercises are still to come`; `None` if none is.
    pub(super) fn to_come(&self) -> Option<String> {
        match self.count(Word::Pending) {
            0 => None,
            1 => Some("1 exercise is pending: its check is still to come".into()),
            pending => {
                Some(format!("{} are pending: their checks are still to come", count(pending, "exercise")))
            }
        }
    }
}

/// What each exercise is now.
pub(super) fn states(session: &Session) -> Result<BTreeMap<ExerciseId, State>, CliError> {
    let system = |source| CliError::System { what: "cannot look at what has changed".into(), source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    Ok(runtime.block_on(run::states(session))?)
}

fn rows(
    session: &Session,
    states: &BTreeMap<ExerciseId, State>,
    attempt: impl Fn(ExerciseId) -> Option<u64>,
) -> Vec<Row> {
    let workbook = &session.course.workbook;
    let exercises = workbook.manifest.exercises.iter();
    exercises
        .map(|exercise| {
            let state = states.get(&exercise.id).unwrap_or(&State::Open);
            let title = workbook.checks.get(&exercise.id).map_or(&exercise.todo, |check| &check.title);
            Row {
                exercise: exercise.id,
                title: title.clone(),
                todo: exercise.todo.clone(),
                state: Word::from(state),
                changed: changes_of(state),
                attempt: attempt(exercise.id),
            }
        })
        .collect()
}

/// What changed since an exercise passed; nothing for any other state than stale.
pub(super) fn changes_of(state: &State) -> Vec<ChangeOf> {
    let State::Stale(changes) = state else { return Vec::new() };
    changes
        .iter()
        .map(|Change { part, was, is }| ChangeOf {
            part: match part {
                Part::Image => "image".into(),
                Part::Tree => "tree".into(),
                Part::File(path) => path.clone(),
            },
            was: was.clone(),
            is: is.clone(),
        })
        .collect()
}

fn word<S: serde::Serializer>(word: &Word, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word.as_str())
}
