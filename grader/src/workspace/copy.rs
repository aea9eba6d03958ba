//! Copies a folder of the learner's, so that a check edits its own copy and never theirs.
//!
//! Links are copied as links, holes stay holes, and what is neither file, folder nor link is left
//! out and told of: a FIFO would hold whoever reads it for ever. Start at [`copy_folder`].

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{SeekFrom as RawSeek, seek};

/// The most files, folders and links that are copied.
const MOST_ENTRIES: u64 = 50_000;

/// The most bytes that are copied; holes do not count.
const MOST_BYTES: u64 = 2_000_000_000;

/// The largest that one file may say it is, holes and all: a builder reads holes as zeros.
const LARGEST_FILE: u64 = 4_000_000_000;

/// How deep folders may be nested.
const DEEPEST: usize = 64;

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of files, without holes.
    pub bytes: u64,
    /// What was left out since it is neither file, folder nor link, by its path in the folder; at most 20.
    pub left_out: Vec<String>,
}

/// Why a folder was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no such folder.
    #[error("there is no folder `{}`", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// It leads out of the workspace.
    #[error("`{}` leads out of the workspace", path.display())]
    Outside {
        /// The folder.
        path: PathBuf,
    },
    /// It is larger than what is copied.
    #[error("`{}` is too large to be copied: {what}", path.display())]
    TooLarge {
        /// The folder.
        path: PathBuf,
        /// What there is too much of.
        what: String,
    },
    /// The system did not let us.
    #[error("cannot copy `{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Copies the folder `path` below `root` to `to`, which is made. `.grader` at the workspace's root is ours
/// and stays behind; so does each folder whose name `without` says.
///
/// # Errors
/// The folder is missing, outside, too large, or cannot be read.
pub fn copy_folder(
    root: &Path,
    path: &str,
    to: &Path,
    without: &dyn Fn(&Path) -> bool,
) -> Result<Copied, CopyError> {
    let named = root.join(path);
    let missing = || CopyError::Missing { path: PathBuf::from(path) };
    let real_root = root.canonicalize().map_err(|source| CopyError::Io { path: root.to_owned(), source })?;
    let from = named.canonicalize().map_err(|_| missing())?;
    if !from.starts_with(&real_root) {
        return Err(CopyError::Outside { path: PathBuf::from(path) });
    }
    if !from.is_dir() {
        return Err(missing());
    }
    let ours = real_root.join(".grader");
    let mut copy =
        Copy { top: &from, without: &|path| path == ours || without(path), copied: Copied::default() };
    copy.folder(&from, to, 0)?;
    Ok(copy.copied)
}

struct Copy<'a> {
    top: &'a Path,
    without: &'a dyn Fn(&Path) -> bool,
    copied: Copied,
}

impl Copy<'_> {
    fn folder(&mut self, from: &Path, to: &Path, depth: usize) -> Result<(), CopyError> {
        if depth > DEEPEST {
            return Err(self.too_large(format!("folders more than {DEEPEST} deep")));
        }
        fs::create_dir_all(to).map_err(|source| failed(to, source))?;
        for entry in fs::read_dir(from).map_err(|source| failed(from, source))? {
            let path = entry.map_err(|source| failed(from, source))?.path();
            if (self.without)(&path) {
                continue;
            }
            let Some(name) = path.file_name() else { continue };
            self.entry(&path, &to.join(name), depth)?;
        }
        // Last: a folder that its owner may not write to could not be filled.
        let modes = from.metadata().map_err(|source| failed(from, source))?.permissions();
        fs::set_permissions(to, modes).map_err(|source| failed(to, source))
    }

    fn entry(&mut self, from: &Path, to: &Path, depth: usize) -> Result<(), CopyError> {
        self.copied.entries += 1;
        if self.copied.entries > MOST_ENTRIES {
            return Err(self.too_large(format!("more than {MOST_ENTRIES} files")));
        }
        let found = from.symlink_metadata().map_err(|source| failed(from, source))?;
        let kind = found.file_type();
        if kind.is_symlink() {
            let target = fs::read_link(from).map_err(|source| failed(from, source))?;
            std::os::unix::fs::symlink(target, to).map_err(|source| failed(to, source))
        } else if kind.is_dir() {
            self.folder(from, to, depth + 1)
        } else if kind.is_file() {
            self.file(from, to, found.len())
        } else {
            if self.copied.left_out.len() < 20 {
                let path = from.strip_prefix(self.top).unwrap_or(from);
                self.copied.left_out.push(path.to_string_lossy().into_owned());
            }
            Ok(())
        }
    }

    fn file(&mut self, from: &Path, to: &Path, length: u64) -> Result<(), CopyError> {
        if length > LARGEST_FILE {
            let name = from.strip_prefix(self.top).unwrap_or(from).display();
            return Err(self.too_large(format!("`{name}` says it has {} GB", length / 1_000_000_000)));
        }
        let room = MOST_BYTES.saturating_sub(self.copied.bytes);
        let bytes = copy_file(from, to, length, room).map_err(|source| failed(from, source))?;
        self.copied.bytes += bytes;
        if bytes > room {
            return Err(self.too_large(format!("more than {} GB", MOST_BYTES / 1_000_000_000)));
        }
        Ok(())
    }

    fn too_large(&self, what: String) -> CopyError {
        CopyError::TooLarge { path: self.top.to_owned(), what }
    }
}

fn failed(path: &Path, source: io::Error) -> CopyError {
    CopyError::Io { path: path.to_owned(), source }
}

/// Copies what is no hole, at most `room` bytes and one more; returns how many.
fn copy_file(from: &Path, to: &Path, length: u64, room: u64) -> io::Result<u64> {
    let mut source = File::open(from)?;
    let mut target = File::create(to)?;
    target.set_permissions(source.metadata()?.permissions())?;
    target.set_len(length)?;
    let (mut at, mut copied) = (0, 0);
    while at < length && copied <= room {
        let Some((start, end)) = next_data(&source, at, length)? else { break };
        source.seek(SeekFrom::Start(start))?;
        target.seek(SeekFrom::Start(start))?;
        let wanted = (end - start).min(room + 1 - copied);
        let mut piece = (&mut source).take(wanted);
        let got = io::copy(&mut piece, &mut target)?;
        if got == 0 {
            break;
        }
        copied += got;
        at = start + got;
    }
    target.flush()?;
    Ok(copied)
}

/// The next stretch that is no hole; file systems without holes say that all is one.
fn next_data(file: &File, from: u64, length: u64) -> io::Result<Option<(u64, u64)>> {
    match seek(file, RawSeek::Data(from)) {
        Ok(start) => {
            let end = seek(file, RawSeek::Hole(start)).unwrap_or(length);
            Ok(Some((start, end.min(length).max(start))).filter(|(start, end)| start < end))
        }
        Err(rustix::io::Errno::NXIO) => Ok(None),
        Err(_) => Ok(Some((from, length))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(root: &Path, path: &str) -> (tempfile::TempDir, Result<Copied, CopyError>) {
        let to = tempfile::tempdir().unwrap();
        let copied = copy_folder(root, path, &to.path().join("copy"), &|_| false);
        (to, copied)
    }

    #[test]
    fn files_folders_and_links_are_copied_and_ours_is_not() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("sub")).unwrap();
        fs::create_dir_all(root.path().join(".grader")).unwrap();
        fs::write(root.path().join("sub/a"), "hello").unwrap();
        std::os::unix::fs::symlink("..", root.path().join("sub/loop")).unwrap();
        let (to, copied) = copy(root.path(), ".");
        assert_eq!(copied.unwrap(), Copied { entries: 3, bytes: 5, left_out: vec![] });
        assert_eq!(fs::read(to.path().join("copy/sub/a")).unwrap(), b"hello");
        assert_eq!(fs::read_link(to.path().join("copy/sub/loop")).unwrap(), Path::new(".."));
        assert!(!to.path().join("copy/.grader").exists());
    }

    #[test]
    fn a_fifo_is_left_out_and_told_of() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        assert_eq!(copy(root.path(), ".").1.unwrap().left_out, ["pipe"]);
    }

    #[test]
    fn holes_stay_holes_and_a_terabyte_of_them_is_refused_at_once() {
        use std::os::unix::fs::MetadataExt;
        let root = tempfile::tempdir().unwrap();
        let mut file = File::create(root.path().join("holes")).unwrap();
        file.write_all(b"start").unwrap();
        file.set_len(1_000_000_000).unwrap();
        let (to, copied) = copy(root.path(), ".");
        assert!(copied.unwrap().bytes < 1_000_000);
        let made = to.path().join("copy/holes").metadata().unwrap();
        assert_eq!((made.len(), made.blocks() < 1000), (1_000_000_000, true));
        file.set_len(1_000_000_000_000).unwrap();
        let error = copy(root.path(), ".").1.unwrap_err().to_string();
        assert!(error.contains("`holes` says it has 1000 GB"), "{error}");
    }

    #[test]
    fn what_lies_outside_is_not_copied() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), root.path().join("app")).unwrap();
        assert!(matches!(copy(root.path(), "app").1, Err(CopyError::Outside { .. })));
        assert!(matches!(copy(root.path(), "none").1, Err(CopyError::Missing { .. })));
    }
}
