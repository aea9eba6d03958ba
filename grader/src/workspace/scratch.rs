//! Folders of our own for as long as a check needs them, under `.grader/tmp`.
//!
//! Each has a lock beside it that dies with its process, so that whoever comes next removes what a
//! killed one has left. Start at [`Scratch`].

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A folder that is removed when this value is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    lock: Option<Lock>,
}

#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _held: File,
}

impl Scratch {
    /// Makes an empty folder for the workspace at `root`; where nothing may be written there, in the
    /// system's own place for such folders.
    ///
    /// # Errors
    /// Neither place can be written to.
    pub fn make(root: &Path) -> io::Result<Self> {
        match Self::inside(root) {
            Ok(scratch) => Ok(scratch),
            Err(error) => {
                tracing::info!(%error, "no room for a copy in the workspace");
                let folder = tempfile::Builder::new().prefix("grader-").tempdir()?;
                Ok(Self { folder, lock: None })
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn inside(root: &Path) -> io::Result<Self> {
        let ours = root.canonicalize()?.join(".grader");
        let parent = ours.join("tmp");
        for folder in [&ours, &parent] {
            make_folder(folder)?;
        }
        remove_left(&parent);
        let folder = tempfile::Builder::new().prefix("check-").tempdir_in(&parent)?;
        let path = folder.path().with_extension("lock");
        let held = OpenOptions::new().write(true).create_new(true).open(&path)?;
        held.try_lock().map_err(io::Error::from)?;
        Ok(Self { folder, lock: Some(Lock { path, _held: held }) })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The folder first: without a lock nobody would know that it is in use.
        if let Err(error) = remove(self.folder.path()) {
            tracing::warn!(%error, folder = %self.folder.path().display(), "not removed yet");
            return;
        }
        if let Some(lock) = &self.lock
            && let Err(error) = fs::remove_file(&lock.path)
        {
            tracing::warn!(%error, lock = %lock.path.display(), "not removed");
        }
    }
}

/// Makes a folder that is none yet; a link in its place is refused, since it may lead anywhere.
fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = path.symlink_metadata()?;
            if found.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
        }
        other => other,
    }
}

/// Removes the folders whose lock is free: their process is gone.
fn remove_left(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let free = File::open(&path).is_ok_and(|lock| lock.try_lock().is_ok());
        if free && remove(&path.with_extension("")).is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Removes a folder, whatever modes a copy has brought along.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(folder);
            fs::remove_dir_all(folder)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A folder that its owner may not write to cannot be emptied.
fn make_writable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .map(|entries| entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default()
    }

    #[test]
    fn it_is_gone_afterwards_with_all_that_is_in_it() {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::make(root.path()).unwrap();
        let locked = scratch.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::write(locked.join("file"), "x").unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
        drop(scratch);
        assert_eq!(names(&root.path().join(".grader/tmp")), Vec::<String>::new());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not() {
        let root = tempfile::tempdir().unwrap();
        let living = Scratch::make(root.path()).unwrap();
        let tmp = root.path().join(".grader/tmp");
        fs::create_dir(tmp.join("check-dead")).unwrap();
        fs::write(tmp.join("check-dead.lock"), "").unwrap();
        let second = Scratch::make(root.path()).unwrap();
        assert!(!tmp.join("check-dead").exists() && !tmp.join("check-dead.lock").exists());
        assert!(living.path().exists() && second.path().exists());
    }

    #[test]
    fn a_link_in_the_place_of_our_folder_is_not_followed() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(elsewhere.path(), root.path().join(".grader")).unwrap();
        let scratch = Scratch::make(root.path()).unwrap();
        assert!(names(elsewhere.path()).is_empty());
        assert!(!scratch.path().starts_with(elsewhere.path()));
    }
}
