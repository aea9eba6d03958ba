//! A file system mounted for one test. Mounting needs root on Linux; elsewhere a test says that it was skipped.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::{fs, io::Write, path::Path, process::Command};

/// Mounted until it is dropped.
pub(crate) struct Mount(tempfile::TempDir);

impl Mount {
    /// Mounts one; `None`, with a word, where this process may not.
    fn new(arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(arguments).arg(folder.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: this needs `mount {}`, which needs root on Linux", arguments.join(" "));
        None
    }

    /// A disk of 2 MB.
    pub(crate) fn small_disk() -> Option<Self> {
        Self::new(&["-t", "tmpfs", "-o", "size=2m,mode=0755", "tmpfs"])
    }

    /// Another view of a folder, in which nothing can be written.
    pub(crate) fn read_only(root: &Path) -> Option<Self> {
        let view = Self::new(&["-o", "bind,ro", &root.display().to_string()])?;
        let remounted = Command::new("mount").args(["-o", "remount,bind,ro"]).arg(view.path()).status();
        assert!(remounted.unwrap().success());
        Some(view)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills the disk but for so many kilobytes.
    pub(crate) fn fill(&self, left_kb: u64) {
        let mut file =
            fs::OpenOptions::new().append(true).create(true).open(self.path().join("filler")).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(left_kb * 1024)).unwrap();
    }

    /// Makes room again.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.0.path().display());
        }
    }
}
