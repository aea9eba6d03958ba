//! Hints: how many a learner has taken for each exercise.

use std::sync::PoisonError;

use grader_core::ExerciseId;
use rusqlite::{Connection, OptionalExtension};

use super::{
    Progress,
    error::{Inside, ProgressError},
    store::Keeping,
};

impl Progress {
    /// Returns how many hints were taken for an exercise.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn hints_taken(&self, exercise: ExerciseId) -> Result<u8, ProgressError> {
        let recorded = self.read("read the hints taken", |connection| taken(connection, exercise))?;
        let remembered = match self.keeping() {
            Keeping::Recorded => 0,
            Keeping::Unrecorded(_, remembered) => {
                let remembered = remembered.lock().unwrap_or_else(PoisonError::into_inner);
                remembered.get(&exercise).copied().unwrap_or(0)
            }
        };
        Ok(recorded.saturating_add(remembered))
    }

    /// Takes one more hint for an exercise, and returns how many are taken now.
    ///
    /// How many hints there are is the caller's to know. Where nothing is recorded, what is taken is
    /// remembered until the process ends.
    ///
    /// # Errors
    /// The database cannot be read or written; no hint is taken then.
    pub fn take_hint(&self, exercise: ExerciseId) -> Result<u8, ProgressError> {
        match self.keeping() {
            Keeping::Recorded => self.write("take note of a hint", |transaction| {
                let now = taken(transaction, exercise)?.saturating_add(1);
                transaction
                    .prepare_cached(
                        "INSERT INTO hints VALUES (?1, ?2) ON CONFLICT DO UPDATE SET taken = excluded.taken",
                    )?
                    .execute((exercise.to_string(), now))?;
                Ok(now)
            }),
            Keeping::Unrecorded(_, remembered) => {
                let mut remembered = remembered.lock().unwrap_or_else(PoisonError::into_inner);
                let hints = remembered.entry(exercise).or_default();
                *hints = hints.saturating_add(1);
                drop(remembered);
                self.hints_taken(exercise)
            }
        }
    }
}

fn taken(connection: &Connection, exercise: ExerciseId) -> Result<u8, Inside> {
    let mut query = connection.prepare_cached("SELECT taken FROM hints WHERE exercise = ?1")?;
    Ok(query.query_row([exercise.to_string()], |row| row.get(0)).optional()?.unwrap_or(0))
}
