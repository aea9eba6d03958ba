//! Opening the database file of a workspace: to write, to read, or in memory.
//!
//! The file is made whole under another name and then renamed, so that an empty or half-made
//! `progress.db` is never ours and can be told to the learner as a loss. It is never deleted.
//!
//! The file is opened through SQLite alone: closing any other descriptor of it would give up the
//! locks that this process holds. (A copy is made only where this process can hold none.)

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::{
    error::ProgressError,
    folder::{Folder, file_size},
    schema,
};

/// The database's name in `.grader`.
pub(super) const FILE: &str = "progress.db";
const NEW: &str = "progress.db.new";
const MAKING: &str = "progress.lock";

/// How long a process waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// An open database, where it is, and what must live as long as it does.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    /// Of the workspace's own file, for messages.
    pub(super) path: PathBuf,
    /// Holds the copy that is read where the file itself cannot be.
    _copy: Option<TempDir>,
}

impl Database {
    /// Opens the file to read and write, making it if there is none.
    pub(super) fn open(folder: &Folder) -> Result<Self, ProgressError> {
        let path = folder.path().join(FILE);
        if !is_there(&path)? {
            make(folder, &path)?;
        }
        Self::connect(path)
    }

    /// Opens the file to read and write; `None` where there is none.
    pub(super) fn open_existing(folder: &Folder) -> Result<Option<Self>, ProgressError> {
        let path = folder.path().join(FILE);
        if is_there(&path)? { Self::connect(path).map(Some) } else { Ok(None) }
    }

    fn connect(path: PathBuf) -> Result<Self, ProgressError> {
        let tried = "open the progress database";
        let sqlite = |source| ProgressError::sqlite(tried, &path, source);
        let mut connection = connect(&path).map_err(sqlite)?;
        if let Some(error) = refuse(&connection, &path).map_err(sqlite)? {
            return Err(error);
        }
        if connection.is_readonly("main").map_err(sqlite)? {
            return Err(ProgressError::NotWritable { tried, path });
        }
        schema::migrate(&mut connection).map_err(sqlite)?;
        Ok(Self { connection, path, _copy: None })
    }

    /// Opens the file to read alone, where not even a lock can be written; `None` where there is none.
    pub(super) fn open_read_only(folder: &Folder) -> Result<Option<Self>, ProgressError> {
        let path = folder.path().join(FILE);
        if !is_there(&path)? {
            return Ok(None);
        }
        let tried = "read the progress database";
        let log = beside(&path, "-wal");
        let opened = if file_size(&log)?.unwrap_or(0) == 0 {
            unchanging(&path)
        } else {
            // What the log holds must not be missed. Its index may be there to be shared.
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NOFOLLOW;
            Connection::open_with_flags(&path, flags).and_then(|connection| {
                connection.busy_timeout(PATIENCE)?;
                schema::format(&connection)?;
                Ok(connection)
            })
        };
        let connection = match opened {
            Ok(connection) => connection,
            Err(error) => {
                tracing::debug!(%error, "cannot read the progress database in its place; reading a copy");
                return Self::open_copy(path, &log).map(Some);
            }
        };
        let look = || Ok((refuse(&connection, &path)?, schema::format(&connection)?));
        match look().map_err(|source| ProgressError::sqlite(tried, &path, source))? {
            (Some(error), _) => Err(error),
            (None, found) if found < schema::NEWEST => Self::open_copy(path, &log).map(Some),
            (None, _) => Ok(Some(Self { connection, path, _copy: None })),
        }
    }

    /// Opens a copy, brought to the newest format, of a file that cannot be changed in its place.
    fn open_copy(path: PathBuf, log: &Path) -> Result<Self, ProgressError> {
        let copy = copy(&path, log)?;
        let tried = "read a copy of the progress database";
        let sqlite = |source| ProgressError::sqlite(tried, &path, source);
        let mut connection = Connection::open(copy.path().join(FILE)).map_err(sqlite)?;
        if let Some(error) = refuse(&connection, &path).map_err(sqlite)? {
            return Err(error);
        }
        schema::migrate(&mut connection).map_err(sqlite)?;
        Ok(Self { connection, path, _copy: Some(copy) })
    }

    /// Makes an empty database that is gone with the process; messages name `path`.
    pub(super) fn in_memory(path: PathBuf) -> Result<Self, ProgressError> {
        let made = Connection::open_in_memory().and_then(|mut connection| {
            schema::migrate(&mut connection)?;
            Ok(connection)
        });
        match made {
            Ok(connection) => Ok(Self { connection, path, _copy: None }),
            Err(source) => Err(ProgressError::sqlite("keep progress in memory", &path, source)),
        }
    }
}

/// Says whether there is a database, or what else is there.
fn is_there(path: &Path) -> Result<bool, ProgressError> {
    match file_size(path)? {
        Some(0) => Err(ProgressError::Empty { path: path.to_owned() }),
        Some(_) => Ok(true),
        None => {
            // A log without its database would be played into the next one that is made.
            let log = beside(path, "-wal");
            match file_size(&log)? {
                Some(1..) => Err(ProgressError::Orphan { path: log }),
                Some(0) | None => Ok(false),
            }
        }
    }
}

/// Makes the database under another name and gives it its own when it is whole and on the disk.
fn make(folder: &Folder, path: &Path) -> Result<(), ProgressError> {
    let tried = "make the progress database";
    let failed = |source| ProgressError::io(tried, folder.path(), source);
    let lock = folder.open_file(MAKING, true).map_err(failed)?;
    let begun = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(fs::TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(ProgressError::Busy { tried, path: path.to_owned() });
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    if is_there(path)? {
        return Ok(());
    }
    for left in ["", "-journal", "-wal", "-shm"] {
        folder.remove_file(&format!("{NEW}{left}")).map_err(failed)?;
    }
    // Made here and not by SQLite, so that nobody else can read it from the first instant on.
    drop(folder.make_file(NEW).map_err(failed)?);
    let new = folder.path().join(NEW);
    let whole = || -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut connection = Connection::open_with_flags(&new, flags)?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "application_id", schema::APPLICATION)?;
        schema::migrate(&mut connection)?;
        // Last: what goes through the log could stay there, where the disk is full, unsaid by closing.
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error)
    };
    whole().map_err(|source| ProgressError::sqlite(tried, path, source))?;
    if file_size(&beside(&new, "-wal"))?.unwrap_or(0) > 0 {
        return Err(ProgressError::Full { tried, path: path.to_owned() });
    }
    fs::rename(&new, path).map_err(failed)?;
    folder.sync().map_err(failed)
}

/// Opens the file with what every writer needs.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(48);
    Ok(connection)
}

/// Opens a file that nobody can change meanwhile, without any lock or log.
fn unchanging(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Connection::open_with_flags(uri, flags)
}

/// Says why a database that can be read is not to be used, if so.
fn refuse(connection: &Connection, path: &Path) -> rusqlite::Result<Option<ProgressError>> {
    let found = schema::format(connection)?;
    if schema::application(connection)? != schema::APPLICATION || found < 1 {
        return Ok(Some(ProgressError::Foreign { path: path.to_owned() }));
    }
    Ok((found > schema::NEWEST).then(|| ProgressError::Newer {
        what: format!("`{}`", path.display()),
        found,
        known: schema::NEWEST,
    }))
}

fn copy(path: &Path, log: &Path) -> Result<TempDir, ProgressError> {
    let failed = |source| ProgressError::io("copy the progress database for reading", path, source);
    let folder = tempfile::tempdir().map_err(failed)?;
    fs::copy(path, folder.path().join(FILE)).map_err(failed)?;
    if file_size(log)?.is_some() {
        fs::copy(log, beside(&folder.path().join(FILE), "-wal")).map_err(failed)?;
    }
    Ok(folder)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
