//! The one folder of a workspace that is ours, and files in it that only the learner can read.
//!
//! Nothing here follows a symbolic link: a workspace may come from a stranger, and `.grader` may
//! point to where the learner has something to lose. Start at [`Folder`].

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::error::ProgressError;

/// The folder's name within a workspace.
pub(super) const NAME: &str = ".grader";

/// The `.grader` folder of a workspace, known to be a folder and no link.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Finds the folder of the workspace at `root`; `None` where there is none yet.
    pub(super) fn find(root: &Path) -> Result<Option<Self>, ProgressError> {
        // The workspace itself may be reached through links; what is in it may not.
        let root = root.canonicalize().map_err(|source| ProgressError::io("open", root, source))?;
        let path = root.join(NAME);
        Ok(is_folder(&path)?.then_some(Self { path }))
    }

    /// Finds the folder of the workspace at `root`, or makes it.
    pub(super) fn make(root: &Path) -> Result<Self, ProgressError> {
        let root = root.canonicalize().map_err(|source| ProgressError::io("open", root, source))?;
        let path = root.join(NAME);
        make_folder(&path)?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder within this one, if there is none yet.
    pub(super) fn make_inner(&self, name: &str) -> Result<Self, ProgressError> {
        let path = self.path.join(name);
        make_folder(&path)?;
        Ok(Self { path })
    }

    /// Opens a file of ours for locking, making it if `make`. A link is an error.
    pub(super) fn open_file(&self, name: &str, make: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(make).create(make);
        private(&mut options);
        options.open(self.path.join(name))
    }

    /// Makes an empty file that was not there.
    pub(super) fn make_file(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        private(&mut options);
        options.open(self.path.join(name))
    }

    /// Removes a file, if it is there.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes names in this folder survive a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// What stands at a path, by a look that follows no link and opens nothing.
///
/// Opening would do harm: closing any descriptor of a database gives up the locks that this
/// process holds on it.
pub(super) fn file_size(path: &Path) -> Result<Option<u64>, ProgressError> {
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ProgressError::io("look at", path, source)),
    };
    let kind = found.file_type();
    if kind.is_symlink() {
        Err(ProgressError::Link { path: path.to_owned() })
    } else if kind.is_file() {
        Ok(Some(found.len()))
    } else {
        let found = if kind.is_dir() { "a folder" } else { "no regular file" };
        Err(ProgressError::InTheWay { path: path.to_owned(), found, expected: "a file" })
    }
}

fn is_folder(path: &Path) -> Result<bool, ProgressError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => Err(ProgressError::Link { path: path.to_owned() }),
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => {
            let path = path.to_owned();
            Err(ProgressError::InTheWay { path, found: "no folder", expected: "a folder" })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(ProgressError::io("look at", path, source)),
    }
}

fn make_folder(path: &Path) -> Result<(), ProgressError> {
    if is_folder(path)? {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => Ok(()),
        // Another process was first, or a link was put there meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => is_folder(path).map(|_| ()),
        Err(source) => Err(ProgressError::io("make the folder", path, source)),
    }
}

/// Readable by the learner alone, and never through a link.
fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(i32::try_from(no_follow).unwrap_or_default());
    }
}
