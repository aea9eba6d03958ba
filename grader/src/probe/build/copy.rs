//! The copy of the app's folder that is built. Start at [`copy`].

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use grader_core::evidence::ContextSeen;

use super::super::Stop;
use crate::workspace::{CopyError, Scratch, copy_folder};

/// Folders that tools make, often too large to be copied; no image should have them from here.
const MADE_BY_TOOLS: [&str; 8] =
    [".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".gradle", "target"];

/// A copy, as long as it is needed.
pub(super) struct Copy {
    /// Removes it when it is dropped.
    _scratch: Scratch,
    /// The folder to build.
    pub folder: PathBuf,
    /// Its Dockerfile.
    pub dockerfile: &'static str,
    /// What was copied.
    pub seen: ContextSeen,
}

/// Copies the folder `path` of the workspace at `root`. If the whole is too large, what tools made stays behind.
pub(super) fn copy(root: &Path, path: &str) -> Result<Copy, Stop> {
    let scratch = Scratch::make(root).map_err(|error| Stop::fault("no copy can be made", &error))?;
    let mut without = Vec::new();
    let whole = scratch.path().join("whole");
    let (folder, copied) = match copy_folder(root, path, &whole, &|_| false) {
        Ok(copied) => (whole, copied),
        Err(CopyError::TooLarge { .. }) => {
            without = MADE_BY_TOOLS.iter().map(|&name| name.to_owned()).collect();
            let made = |path: &Path| path.file_name().and_then(OsStr::to_str).is_some_and(is_made_by_tools);
            // The half of the first try would stand in the way of the disk's space.
            std::fs::remove_dir_all(&whole)
                .map_err(|error| Stop::fault("a copy cannot be removed", &error))?;
            let part = scratch.path().join("part");
            let copied = copy_folder(root, path, &part, &made).map_err(|error| stop(error, path))?;
            (part, copied)
        }
        Err(error) => return Err(stop(error, path)),
    };
    let there = |name: &&str| folder.join(name).symlink_metadata().is_ok();
    let dockerfile = ["Dockerfile", "dockerfile"].into_iter().find(there).ok_or_else(|| {
        Stop::blocked(
            format!("there is no Dockerfile in `{path}`"),
            "write one, or name its folder: grader config set app.path=FOLDER",
        )
    })?;
    let seen = ContextSeen {
        entries: copied.entries,
        bytes: copied.bytes,
        left_out: copied.left_out,
        without,
        ignore_file: folder.join(".dockerignore").is_file()
            || folder.join(format!("{dockerfile}.dockerignore")).is_file(),
    };
    Ok(Copy { _scratch: scratch, folder, dockerfile, seen })
}

fn is_made_by_tools(name: &str) -> bool {
    MADE_BY_TOOLS.contains(&name)
}

/// Whose it is to mend that a folder was not copied.
fn stop(error: CopyError, path: &str) -> Stop {
    let fix = match &error {
        CopyError::Missing { .. } | CopyError::Outside { .. } => {
            "name the folder with the Dockerfile: grader config set app.path=FOLDER".to_owned()
        }
        CopyError::TooLarge { .. } => {
            format!("move what no build needs out of {path}; see: du -a {path} | sort -n | tail")
        }
        CopyError::Io { path, source } if source.kind() == io::ErrorKind::PermissionDenied => {
            format!("chmod -R u+rX {}", path.display())
        }
        CopyError::Io { .. } => return Stop::fault("the app's folder could not be copied", &error),
    };
    Stop::blocked(error.to_string(), fix)
}

#[cfg(test)]
mod tests {
    use std::{fs, fs::File};

    use super::*;

    fn workspace() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("app/node_modules")).unwrap();
        fs::write(root.path().join("app/Dockerfile"), "FROM scratch\n").unwrap();
        root
    }

    fn blocked(root: &Path) -> String {
        match copy(root, "app") {
            Err(Stop::Blocked(missing)) => format!("{} -> {}", missing.what, missing.fix),
            Err(Stop::Fault(fault)) => panic!("{fault:?}"),
            Ok(copy) => panic!("copied {:?}", copy.seen),
        }
    }

    #[test]
    fn a_crowd_of_files_blocks_with_its_mend() {
        let root = workspace();
        let crowd = root.path().join("app/data");
        fs::create_dir(&crowd).unwrap();
        let one = crowd.join("one");
        File::create(&one).unwrap();
        // Links of one file are as many entries, and made in no time.
        (0..50_000).for_each(|number| fs::hard_link(&one, crowd.join(number.to_string())).unwrap());
        let told = blocked(root.path());
        assert!(
            told.contains("more than 50000 files") && told.contains("move what no build needs"),
            "{told}"
        );
    }

    #[test]
    fn a_sparse_terabyte_blocks_with_its_mend() {
        let root = workspace();
        File::create(root.path().join("app/huge")).unwrap().set_len(1 << 40).unwrap();
        let told = blocked(root.path());
        assert!(
            told.contains("`huge` says it has 1099 GB") && told.contains("move what no build needs"),
            "{told}"
        );
    }

    #[test]
    fn what_tools_made_stays_behind_when_the_whole_is_too_large() {
        let root = workspace();
        File::create(root.path().join("app/node_modules/huge")).unwrap().set_len(1 << 40).unwrap();
        let copy = copy(root.path(), "app").unwrap_or_else(|_| panic!("not copied"));
        assert!(!copy.folder.join("node_modules").exists() && copy.folder.join("Dockerfile").exists());
        assert!(copy.seen.without.contains(&"node_modules".to_owned()));
    }

    #[test]
    fn fifos_are_left_out_and_links_in_a_circle_are_copied_as_links() {
        let root = workspace();
        let app = root.path().join("app");
        rustix::fs::mkfifoat(rustix::fs::CWD, app.join("pipe"), rustix::fs::Mode::RWXU).unwrap();
        std::os::unix::fs::symlink("loop", app.join("loop")).unwrap();
        std::os::unix::fs::symlink(".", app.join("self")).unwrap();
        let copy = copy(root.path(), "app").unwrap_or_else(|_| panic!("not copied"));
        assert_eq!(copy.seen.left_out, ["pipe"]);
        assert!(copy.folder.join("loop").is_symlink() && copy.folder.join("self").is_symlink());
    }

    #[test]
    fn no_dockerfile_and_no_folder_block() {
        let root = workspace();
        fs::remove_file(root.path().join("app/Dockerfile")).unwrap();
        assert!(blocked(root.path()).contains("no Dockerfile"));
        fs::remove_dir_all(root.path().join("app")).unwrap();
        assert!(blocked(root.path()).contains("there is no folder `app`"));
    }
}
