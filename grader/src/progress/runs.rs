//! Runs: who is judging now, told across processes by a lock that dies with its process.
//!
//! A run holds `.grader/run/ID.lock` from before its row is there until after it has ended. The
//! kernel frees the lock when the process goes, however it goes; so a run that has not ended and
//! whose lock is free was killed. Start at [`Progress::begin_run`].

use std::{
    fs::{File, TryLockError},
    io,
    sync::atomic::{AtomicI64, Ordering},
};

use grader_core::ExerciseId;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Progress, RunEvent,
    error::{Inside, ProgressError},
    events,
    folder::Folder,
    form::{from_json, now, parsed, to_json},
    store::{Keeping, random},
};

/// The folder of the locks, in `.grader`.
const FOLDER: &str = "run";

/// How many runs, with their events, are kept.
pub const RUNS_KEPT: u32 = 50;

/// A run of this process. It is over when it is finished or dropped.
#[derive(Debug)]
pub struct Run {
    progress: Progress,
    id: String,
    kept: Kept,
}

/// Where a run is known of.
#[derive(Debug)]
enum Kept {
    /// By its row, for as long as the lock is held.
    Row { number: i64, _lock: File },
    /// Nowhere but here, with the number of its events.
    Nowhere { events: AtomicI64 },
}

/// A run that is going on, in this process or another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The run's id.
    pub id: String,
    /// What it judges.
    pub exercises: Vec<ExerciseId>,
    /// When it began, by the machine's clock.
    pub started: Timestamp,
    /// Whether it was asked to stop.
    pub cancel_requested: bool,
}

impl Progress {
    /// Begins a run. Its lock is held before anyone can know of it.
    ///
    /// Runs that were killed are brought to their end, with an event that says so, and all but the
    /// last [`RUNS_KEPT`] are dropped.
    ///
    /// # Errors
    /// The lock or the row could not be made.
    pub fn begin_run(&self, exercises: &[ExerciseId]) -> Result<Run, ProgressError> {
        let id = self.read("choose an id for the run", |connection| Ok(random(connection, 8)?))?;
        if let Keeping::Unrecorded(..) = self.keeping() {
            let kept = Kept::Nowhere { events: AtomicI64::new(0) };
            return Ok(Run { progress: self.clone(), id, kept });
        }
        let folder = self.run_folder()?;
        let name = lock_name(&id);
        let failed = |source| ProgressError::io("lock the run in", folder.path(), source);
        let lock = folder.make_file(&name).map_err(failed)?;
        lock.try_lock().map_err(|error| failed(error.into()))?;
        let begun = self.write("begin the run", |transaction| {
            transaction
                .prepare_cached("INSERT INTO runs (id, exercises, started) VALUES (?1, ?2, ?3)")?
                .execute(params![id, to_json("the exercises", &exercises)?, now()])?;
            let number = transaction.last_insert_rowid();
            let dead = self.end_killed(transaction)?;
            prune(transaction)?;
            Ok((number, dead))
        });
        match begun {
            Ok((number, dead)) => {
                dead.iter().for_each(|id| forget_lock(&folder, id));
                Ok(Run { progress: self.clone(), id, kept: Kept::Row { number, _lock: lock } })
            }
            Err(error) => {
                forget_lock(&folder, &id);
                Err(error)
            }
        }
    }

    /// Returns the runs that are going on, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn running(&self) -> Result<Vec<Running>, ProgressError> {
        let mut running = self.read("read the runs", |connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, exercises, started, cancel_requested FROM runs
                 WHERE ended IS NULL ORDER BY number",
            )?;
            let rows = query.query_map([], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?))
            })?;
            rows.map(|row| {
                let (id, exercises, started, cancel_requested): (String, _, _, _) = row?;
                Ok(Running {
                    exercises: from_json(|| format!("the exercises of run {id}"), &exercises)?,
                    started: parsed(|| format!("the beginning of run {id}"), &started)?,
                    id,
                    cancel_requested,
                })
            })
            .collect::<Result<Vec<_>, Inside>>()
        })?;
        running.retain(|run| !self.is_run_free(&run.id));
        Ok(running)
    }

    /// Asks a run to stop, whichever process it is in; says whether there is such a run.
    ///
    /// # Errors
    /// Nothing can be written.
    pub fn request_cancel(&self, run: &str) -> Result<bool, ProgressError> {
        let asked = self.write("ask the run to stop", |transaction| {
            let changed = transaction
                .prepare_cached("UPDATE runs SET cancel_requested = 1 WHERE id = ?1 AND ended IS NULL")?
                .execute([run])?;
            Ok(changed > 0)
        })?;
        Ok(asked && !self.is_run_free(run))
    }

    /// Says whether a run's lock is free: it has ended or was killed, and what it left may be removed.
    ///
    /// False where that cannot be known, and for what is no run's id: no living run is robbed.
    pub fn is_run_free(&self, run: &str) -> bool {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let Some(folder) = self.folder() else {
            return false;
        };
        if run.len() < 16 || !run.bytes().all(digits) {
            return false;
        }
        let lock = folder.open_file(&format!("{FOLDER}/{}", lock_name(run)), false);
        match lock.map(|file| file.try_lock_shared()) {
            // Shared, so that two who ask do not take each other for the run; let go at once.
            Ok(Ok(())) => true,
            Ok(Err(TryLockError::WouldBlock)) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Ok(Err(TryLockError::Error(error))) | Err(error) => {
                tracing::warn!(%run, %error, "cannot tell whether the run goes on");
                false
            }
        }
    }

    fn run_folder(&self) -> Result<Folder, ProgressError> {
        match self.folder() {
            Some(folder) => folder.make_inner(FOLDER),
            None => Err(ProgressError::NotWritable { tried: "lock the run", path: self.path().to_owned() }),
        }
    }

    /// Ends what was killed, so that nobody waits for its next event; returns the ids.
    fn end_killed(&self, transaction: &Transaction<'_>) -> Result<Vec<String>, Inside> {
        let mut query = transaction.prepare_cached("SELECT number, id FROM runs WHERE ended IS NULL")?;
        let open = query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<(i64, String)>>>()?;
        let mut dead = Vec::new();
        for (number, id) in open {
            if self.is_run_free(&id) {
                end(transaction, number, "died", true)?;
                dead.push(id);
            }
        }
        Ok(dead)
    }
}

impl Run {
    /// The run's id: 16 random hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Appends an event to the stream and returns its place there, counted across all runs.
    ///
    /// Where nothing is recorded it goes nowhere, and its place is counted within the run.
    ///
    /// # Errors
    /// It could not be written.
    pub fn event(&self, event: &RunEvent) -> Result<i64, ProgressError> {
        match &self.kept {
            Kept::Row { number, .. } => self
                .progress
                .write("record what happens", |transaction| events::append(transaction, *number, event)),
            Kept::Nowhere { events } => Ok(events.fetch_add(1, Ordering::Relaxed) + 1),
        }
    }

    /// Says whether someone has asked the run to stop.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn cancel_requested(&self) -> Result<bool, ProgressError> {
        let Kept::Row { number, .. } = &self.kept else {
            return Ok(false);
        };
        self.progress.read("see whether the run shall stop", |connection| {
            let asked = connection
                .prepare_cached("SELECT cancel_requested FROM runs WHERE number = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()?;
            Ok(asked.unwrap_or(false))
        })
    }

    /// Ends the run. Its stream gets its [`RunEvent::RunFinished`] if it has none yet.
    ///
    /// # Errors
    /// The end could not be written; the run's lock is freed all the same.
    pub fn finish(self, cancelled: bool) -> Result<(), ProgressError> {
        let Kept::Row { number, _lock } = self.kept else {
            return Ok(());
        };
        let how = if cancelled { "cancelled" } else { "finished" };
        self.progress.write("end the run", |transaction| end(transaction, number, how, cancelled))?;
        if let Some(folder) = self.progress.folder() {
            forget_lock(folder, &format!("{FOLDER}/{}", self.id));
        }
        Ok(())
    }
}

fn end(transaction: &Transaction<'_>, number: i64, how: &str, cancelled: bool) -> Result<(), Inside> {
    transaction
        .prepare_cached("UPDATE runs SET ended = ?2, how = ?3 WHERE number = ?1")?
        .execute(params![number, now(), how])?;
    if !events::has_end(transaction, number)? {
        events::append(transaction, number, &RunEvent::RunFinished { cancelled })?;
    }
    Ok(())
}

/// Drops all but the last runs, their events, and what they made and removed.
fn prune(transaction: &Transaction<'_>) -> Result<(), Inside> {
    transaction
        .prepare_cached(
            "DELETE FROM runs WHERE ended IS NOT NULL AND number <=
                 (SELECT number FROM runs ORDER BY number DESC LIMIT 1 OFFSET ?1)",
        )?
        .execute([RUNS_KEPT])?;
    transaction
        .prepare_cached("DELETE FROM made WHERE removed_at IS NOT NULL AND run NOT IN (SELECT id FROM runs)")?
        .execute([])?;
    Ok(())
}

fn lock_name(id: &str) -> String {
    format!("{id}.lock")
}

/// Removes the lock of a run that is over; one that stays is free and does no harm.
fn forget_lock(folder: &Folder, id: &str) {
    if let Err(error) = folder.remove_file(&lock_name(id)) {
        tracing::debug!(%id, %error, "cannot remove the lock of an ended run");
    }
}
