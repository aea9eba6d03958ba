//! [`Progress`]: the handle through which all that is recorded in a workspace is read and written.
//!
//! It is cheap to clone and may be used from any thread; several processes may use one workspace.
//! Where nothing can be recorded it still reads what can be read, hands out runs whose events go
//! nowhere, and refuses to record with [`ProgressError::NotRecorded`].

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use grader_core::ExerciseId;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::{
    database::{self, Database},
    error::{Inside, NotRecorded, ProgressError},
    folder::{self, Folder},
};

/// The progress of one workspace.
#[derive(Clone, Debug)]
pub struct Progress {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    workspace: String,
    database: Mutex<Database>,
    /// `None` where there is no `.grader` and none is made.
    folder: Option<Folder>,
    keeping: Keeping,
}

/// Whether what happens is recorded.
#[derive(Debug)]
pub(super) enum Keeping {
    /// In the workspace's database.
    Recorded,
    /// Nowhere: why, and what is remembered until the process ends.
    Unrecorded(NotRecorded, Mutex<HintsTaken>),
}

/// How many hints were taken in this process, by exercise, beside those that are recorded.
pub(super) type HintsTaken = BTreeMap<ExerciseId, u8>;

impl Progress {
    /// Opens the progress of the workspace at `root`, making `.grader/progress.db` if there is none.
    ///
    /// # Errors
    /// It cannot be both read and written, or is not what the grader has written; nothing is changed then.
    pub fn open(root: &Path) -> Result<Self, ProgressError> {
        let folder = Folder::make(root)?;
        let database = Database::open(&folder)?;
        let workspace = workspace_id(&database)?;
        Ok(Self::over(database, workspace, Some(folder), Keeping::Recorded))
    }

    /// Opens the progress of the workspace at `root` for judging, whatever becomes of it.
    ///
    /// Where nothing can be recorded (read-only, no rights, a full disk, a database that cannot be
    /// used) it says why; what can be read is read, else there is nothing yet. That there is room to
    /// write is tried, not assumed.
    pub fn open_or_unrecorded(root: &Path) -> (Self, Option<NotRecorded>) {
        let opened = Self::open(root).and_then(|progress| {
            let tried = progress.write("record progress", |transaction| {
                let changed = "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'recording'";
                Ok(transaction.prepare_cached(changed)?.execute([]).map(drop)?)
            });
            tried.map(|()| progress)
        });
        match opened {
            Ok(progress) => (progress, None),
            Err(error) => {
                let reason = NotRecorded::from(error);
                (Self::unrecorded(root, reason.clone()), Some(reason))
            }
        }
    }

    /// Opens the progress of the workspace at `root` to look at it: nothing is made or written,
    /// but that a database of an older format is brought to the newest.
    ///
    /// # Errors
    /// There is a database, and it cannot be read or is not what the grader has written.
    pub fn open_to_read(root: &Path) -> Result<Self, ProgressError> {
        let why = "the progress was opened to be read alone".into();
        let reason = NotRecorded { why, mend: None, is_fault: false };
        let folder = Folder::find(root)?;
        // Together with all who write, where that is possible; a place that is read-only has no writers.
        let found = match folder.as_ref().map(Database::open_existing) {
            Some(Err(ProgressError::NotWritable { .. } | ProgressError::Full { .. })) => {
                folder.as_ref().map(Database::open_read_only).transpose()?.flatten()
            }
            other => other.transpose()?.flatten(),
        };
        let database = match found {
            Some(database) => database,
            None => Database::in_memory(root.join(folder::NAME).join(database::FILE))?,
        };
        let workspace = workspace_id(&database)?;
        Ok(Self::over(database, workspace, folder, Keeping::unrecorded(reason)))
    }

    /// The workspace's id: 128 random bits in hexadecimal digits, made once.
    ///
    /// Where nothing is recorded it is another one for each process: what is made in an engine under
    /// it is then never taken for what a killed run left, whose lock nobody holds.
    pub fn workspace_id(&self) -> &str {
        &self.inner.workspace
    }

    /// Why nothing is recorded here; `None` where it is.
    pub fn not_recorded(&self) -> Option<&NotRecorded> {
        match &self.inner.keeping {
            Keeping::Recorded => None,
            Keeping::Unrecorded(reason, _) => Some(reason),
        }
    }

    /// Looks for damage in the database; each fault in one line, none if it is whole.
    ///
    /// # Errors
    /// It cannot even be read that far.
    pub fn integrity_check(&self) -> Result<Vec<String>, ProgressError> {
        self.faults("PRAGMA integrity_check")
    }

    /// Looks for damage in the database in less time, without comparing indexes with their tables.
    ///
    /// # Errors
    /// It cannot even be read that far.
    pub fn quick_check(&self) -> Result<Vec<String>, ProgressError> {
        self.faults("PRAGMA quick_check")
    }

    fn faults(&self, pragma: &str) -> Result<Vec<String>, ProgressError> {
        self.read("check the progress database", |connection| {
            let mut checked = connection.prepare(pragma)?;
            let mut faults = checked
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            faults.retain(|line| line != "ok");
            let mut checked =
                connection.prepare("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check")?;
            let dangling = checked.query_map([], |row| {
                let (table, row_id, parent): (String, Option<i64>, String) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                let row_id = row_id.map_or_else(String::new, |id| format!(" {id}"));
                Ok(format!("row{row_id} of {table} refers to a row of {parent} that is not there"))
            })?;
            faults.extend(dangling.collect::<rusqlite::Result<Vec<_>>>()?);
            Ok(faults)
        })
    }

    pub(super) fn folder(&self) -> Option<&Folder> {
        self.inner.folder.as_ref()
    }

    pub(super) fn keeping(&self) -> &Keeping {
        &self.inner.keeping
    }

    pub(super) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Reads within one snapshot.
    pub(super) fn read<T>(
        &self,
        tried: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, Inside>,
    ) -> Result<T, ProgressError> {
        let mut database = self.lock();
        let run = || {
            let snapshot = database.connection.transaction()?;
            query(&snapshot)
        };
        run().map_err(|inside| inside.on(tried, &self.inner.path))
    }

    /// Writes within one transaction, which is on the disk when this returns, or has not happened.
    pub(super) fn write<T>(
        &self,
        tried: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Inside>,
    ) -> Result<T, ProgressError> {
        if let Keeping::Unrecorded(reason, _) = &self.inner.keeping {
            return Err(ProgressError::NotRecorded(reason.clone()));
        }
        let mut database = self.lock();
        let run = || {
            // Immediate: a transaction that begins as a reader could not wait for its turn to write.
            let transaction =
                database.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = change(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        run().map_err(|inside: Inside| inside.on(tried, &self.inner.path))
    }

    fn lock(&self) -> MutexGuard<'_, Database> {
        // A panic elsewhere has rolled its transaction back on the way out.
        self.inner.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unrecorded(root: &Path, reason: NotRecorded) -> Self {
        let folder = Folder::find(root).ok().flatten();
        // Why it cannot be read either is no news: it is the reason itself, or follows from it.
        let found = folder.as_ref().and_then(|folder| Database::open_read_only(folder).ok().flatten());
        let database = found.unwrap_or_else(|| {
            Database::in_memory(root.join(folder::NAME).join(database::FILE))
                .expect("a database in memory needs nothing but memory")
        });
        let workspace = random(&database.connection, 16).expect("random digits need no table and no file");
        Self::over(database, workspace, folder, Keeping::unrecorded(reason))
    }

    fn over(database: Database, workspace: String, folder: Option<Folder>, keeping: Keeping) -> Self {
        let path = database.path.clone();
        let database = Mutex::new(database);
        Self { inner: Arc::new(Inner { path, workspace, database, folder, keeping }) }
    }
}

impl Keeping {
    fn unrecorded(reason: NotRecorded) -> Self {
        Self::Unrecorded(reason, Mutex::default())
    }
}

fn workspace_id(database: &Database) -> Result<String, ProgressError> {
    let query = "SELECT value FROM meta WHERE key = 'workspace'";
    let found = database.connection.query_row(query, [], |row| row.get(0)).optional();
    let found = found
        .map_err(Inside::from)
        .and_then(|id| id.ok_or_else(|| Inside::unreadable("the workspace's id", "it is not there")));
    found.map_err(|inside| inside.on("read the workspace's id", &database.path))
}

/// Random hexadecimal digits for so many bytes, from SQLite's generator, which the system seeds.
pub(super) fn random(connection: &Connection, bytes: u8) -> rusqlite::Result<String> {
    connection.query_row("SELECT lower(hex(randomblob(?1)))", [bytes], |row| row.get(0))
}
