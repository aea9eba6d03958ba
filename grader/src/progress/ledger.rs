//! What runs have made in an engine, written down before it is made.
//!
//! A killed run leaves its containers behind; the next start finds them here and removes them. Start
//! at [`Progress::ledger`].

use std::{collections::BTreeSet, io, sync::Mutex, sync::PoisonError};

use grader_engine::{Ledger, Made, MadeKind};
use rusqlite::params;

use super::{
    Progress,
    error::{Inside, ProgressError},
    form::now,
    store::Keeping,
};

/// The ledger of one run and one engine.
#[derive(Debug)]
pub struct RunLedger {
    progress: Progress,
    run: String,
    endpoint: String,
    /// What was made where nothing is recorded.
    remembered: Mutex<BTreeSet<Made>>,
}

/// Something that an ended run has left in an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOver {
    /// The run's id.
    pub run: String,
    /// The engine, as it was given to [`Progress::ledger`].
    pub endpoint: String,
    /// What was, or was about to be, made.
    pub made: Made,
}

impl Progress {
    /// Returns the ledger of a run for the engine at `endpoint`; of an ended run too, to note what was removed.
    pub fn ledger(&self, run: &str, endpoint: &str) -> RunLedger {
        RunLedger {
            progress: self.clone(),
            run: run.to_owned(),
            endpoint: endpoint.to_owned(),
            remembered: Mutex::default(),
        }
    }

    /// Returns what runs that are over have left, in the order in which it can be removed.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn left_over(&self) -> Result<Vec<LeftOver>, ProgressError> {
        let mut left = self.read("read what runs have left", |connection| {
            let mut query = connection
                .prepare_cached("SELECT run, endpoint, kind, name FROM made WHERE removed_at IS NULL")?;
            let rows = query
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?)))?;
            rows.map(|row| {
                let (run, endpoint, word, name) = row?;
                let kind = MadeKind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
                    Inside::unreadable("a kind of thing that a run made", format!("`{word}` is none"))
                })?;
                Ok(LeftOver { run, endpoint, made: Made { kind, name } })
            })
            .collect::<Result<Vec<_>, Inside>>()
        })?;
        left.sort_by(|one, other| (&one.run, &one.made).cmp(&(&other.run, &other.made)));
        // The lock of each run is asked once, not for each thing that it made.
        let mut asked: Option<(String, bool)> = None;
        left.retain(|it| match &asked {
            Some((run, free)) if *run == it.run => *free,
            Some(_) | None => {
                let free = self.is_run_free(&it.run);
                asked = Some((it.run.clone(), free));
                free
            }
        });
        Ok(left)
    }
}

impl RunLedger {
    fn remembered(&self) -> std::sync::MutexGuard<'_, BTreeSet<Made>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for RunLedger {
    fn register(&self, made: &Made) -> io::Result<()> {
        match self.progress.keeping() {
            Keeping::Unrecorded(..) => {
                self.remembered().insert(made.clone());
                Ok(())
            }
            Keeping::Recorded => self
                .progress
                .write("write down what is about to be made", |transaction| {
                    transaction
                        .prepare_cached(
                            "INSERT INTO made (run, endpoint, kind, name, made_at) VALUES (?1, ?2, ?3, ?4, ?5)
                             ON CONFLICT DO UPDATE SET made_at = excluded.made_at, removed_at = NULL",
                        )?
                        .execute(params![self.run, self.endpoint, made.kind.word(), made.name, now()])?;
                    Ok(())
                })
                .map_err(io::Error::other),
        }
    }

    fn removed(&self, made: &Made) {
        match self.progress.keeping() {
            Keeping::Unrecorded(..) => {
                self.remembered().remove(made);
            }
            Keeping::Recorded => {
                let noted = self.progress.write("note what was removed", |transaction| {
                    transaction
                        .prepare_cached(
                            "UPDATE made SET removed_at = ?5
                             WHERE run = ?1 AND endpoint = ?2 AND kind = ?3 AND name = ?4",
                        )?
                        .execute(params![self.run, self.endpoint, made.kind.word(), made.name, now()])?;
                    Ok(())
                });
                if let Err(error) = noted {
                    // It is looked for once more at the next start, and not found.
                    tracing::warn!(%made, %error, "cannot note that it was removed");
                }
            }
        }
    }
}
