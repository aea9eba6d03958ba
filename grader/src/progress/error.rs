//! What keeps progress from being read or recorded, and what a person can do about it.
//!
//! Start at [`ProgressError`]. The file of a learner's progress is never deleted and never mended
//! behind their back: whatever is wrong with it is named, with the command that puts it aside.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Why progress could not be read or recorded.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// Something of ours is a symbolic link, which could lead the grader to write elsewhere.
    #[error("`{}` is a symbolic link, and the grader writes through none", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Something stands where a file or folder of ours belongs.
    #[error("`{}` is {found}, not {expected}", path.display())]
    InTheWay {
        /// Where.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// The database is there and empty, so something has emptied it: ours never is.
    #[error("`{}` is empty: the progress that it held is gone", path.display())]
    Empty {
        /// The database.
        path: PathBuf,
    },
    /// The database is gone, and what was to be written into it next is still there.
    #[error("`{}` is there, but the database that it belongs to is gone", path.display())]
    Orphan {
        /// The write-ahead log.
        path: PathBuf,
    },
    /// The file is no database, or one that is cut or damaged.
    #[error("`{}` cannot be read as a database: {detail}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite says of it.
        detail: String,
    },
    /// The file is a whole database, of another program.
    #[error("`{}` is a database of another program", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// A newer grader has written here.
    #[error("{what} has format {found}, this grader reads up to {known}: the grader is the older side")]
    Newer {
        /// What has the newer format.
        what: String,
        /// Its format.
        found: i64,
        /// The newest that we know.
        known: i64,
    },
    /// The place can be read at best, not written.
    #[error("cannot {tried} in `{}`: it cannot be written to", path.display())]
    NotWritable {
        /// What was tried.
        tried: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// The disk has no room left.
    #[error("cannot {tried} in `{}`: the disk is full", path.display())]
    Full {
        /// What was tried.
        tried: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// Another process has been writing for longer than we wait.
    #[error("cannot {tried} in `{}`: another grader has been writing to it for 5 s", path.display())]
    Busy {
        /// What was tried.
        tried: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// The file system refused in another way.
    #[error("cannot {tried} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        tried: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite refused in another way.
    #[error("cannot {tried} in `{}`: {source}", path.display())]
    Sqlite {
        /// What was tried.
        tried: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A recorded value is not what the grader writes: it was edited by hand, or is damaged.
    #[error("{what} in `{}` is not as the grader records it: {detail}", path.display())]
    Unreadable {
        /// Which value.
        what: String,
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// There is no such attempt (any more).
    #[error("there is no attempt {number} in `{}`", path.display())]
    NoAttempt {
        /// The number asked for.
        number: u64,
        /// The database.
        path: PathBuf,
    },
    /// Nothing is recorded here, as was said when the progress was opened.
    #[error("nothing is recorded: {}", .0.why)]
    NotRecorded(NotRecorded),
}

/// Why nothing is recorded in a workspace that can still be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRecorded {
    /// Why, in one line.
    pub why: String,
    /// What to do, with a command to type where there is one.
    pub mend: Option<String>,
    /// Whether it should have been recorded (the disk is full) and is not of the workspace's own choice, as
    /// one that is read-only: attempts are errors then, since nobody could show them later.
    pub is_fault: bool,
}

impl From<ProgressError> for NotRecorded {
    fn from(error: ProgressError) -> Self {
        match error {
            ProgressError::NotRecorded(already) => already,
            other => Self {
                why: other.to_string(),
                mend: other.mend(),
                is_fault: matches!(other, ProgressError::Full { .. }),
            },
        }
    }
}

impl ProgressError {
    /// Returns what a person can do, with a command to type where there is one.
    pub fn mend(&self) -> Option<String> {
        let aside = |path: &Path| {
            let folder = path.parent().unwrap_or(path);
            // The log and its index go with the database: beside another one they would spoil it.
            let database = folder.join(super::database::FILE);
            Some(format!(
                "put it aside and begin anew: mkdir -p {aside} && mv {database}* {aside}/ (or put a copy of yours in its place)",
                aside = quoted(&folder.join("aside")),
                database = quoted(&database),
            ))
        };
        match self {
            Self::Link { path } => Some(format!("remove the link: rm {}", quoted(path))),
            Self::InTheWay { path, .. } => {
                Some(format!("move it away: mv {} {}", quoted(path), quoted(&path.with_extension("aside"))))
            }
            Self::Empty { path }
            | Self::Orphan { path }
            | Self::Damaged { path, .. }
            | Self::Foreign { path } => aside(path),
            Self::Newer { .. } => Some("update the grader".into()),
            Self::NotWritable { path, .. } => {
                Some(format!("give yourself the right to write: chmod -R u+rwX {}", quoted(path)))
            }
            Self::Full { path, .. } => Some(format!("make room on the disk: df -h {}", quoted(path))),
            Self::Busy { .. } => Some("wait for the other grader to end, then try again".into()),
            Self::Io { path, .. } => Some(format!("look at what stands there: ls -la {}", quoted(path))),
            Self::Sqlite { .. } => Some("see what is wrong with it: grader doctor".into()),
            Self::Unreadable { .. } | Self::NoAttempt { .. } => None,
            Self::NotRecorded(reason) => reason.mend.clone(),
        }
    }

    pub(super) fn io(tried: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { tried, path }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { tried, path },
            _ => Self::Io { tried, path, source },
        }
    }

    pub(super) fn sqlite(tried: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        let code = source.sqlite_error().copied();
        let path = path.to_owned();
        match code.map(|error| (error.code, error.extended_code)) {
            // The index of the log could not be given its room.
            Some((_, rusqlite::ffi::SQLITE_IOERR_SHMSIZE) | (ErrorCode::DiskFull, _)) => {
                Self::Full { tried, path }
            }
            Some((ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _)) => Self::NotWritable { tried, path },
            // Said of files without number too, as of one process's limit of open files.
            Some((ErrorCode::CannotOpen, _)) if !can_write_beside(&path) => Self::NotWritable { tried, path },
            Some((
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed,
                _,
            )) => Self::Busy { tried, path },
            Some((ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _)) => {
                Self::Damaged { path, detail: source.to_string() }
            }
            _ => Self::Sqlite { tried, path, source },
        }
    }
}

/// Whether files can be made beside a path, as a log beside a database.
fn can_write_beside(path: &Path) -> bool {
    #[cfg(unix)]
    return rustix::fs::access(path.parent().unwrap_or(path), rustix::fs::Access::WRITE_OK).is_ok();
    #[cfg(not(unix))]
    return path.parent().and_then(|it| it.metadata().ok()).is_some_and(|it| !it.permissions().readonly());
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// What goes wrong within one transaction; [`Inside::on`] says what was tried on what.
#[derive(Debug)]
pub(super) enum Inside {
    Sql(rusqlite::Error),
    Unreadable { what: String, detail: String },
    Newer { what: String, found: i64, known: i64 },
    NoAttempt(u64),
}

impl From<rusqlite::Error> for Inside {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Inside {
    pub(super) fn unreadable(what: impl Into<String>, detail: impl ToString) -> Self {
        Self::Unreadable { what: what.into(), detail: detail.to_string() }
    }

    pub(super) fn on(self, tried: &'static str, path: &Path) -> ProgressError {
        match self {
            Self::Sql(source) => ProgressError::sqlite(tried, path, source),
            Self::Unreadable { what, detail } => {
                ProgressError::Unreadable { what, path: path.to_owned(), detail }
            }
            Self::Newer { what, found, known } => ProgressError::Newer { what, found, known },
            Self::NoAttempt(number) => ProgressError::NoAttempt { number, path: path.to_owned() },
        }
    }
}
