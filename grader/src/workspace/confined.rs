//! Reads a file of the workspace: never out of it, never a device, never more than a bound.

use std::{
    fs::File,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

/// Why a file of the workspace was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("there is no `{path}`")]
    Missing {
        /// The path within the workspace.
        path: String,
    },
    /// It leads out of the workspace.
    #[error("`{path}` leads out of the workspace")]
    Outside {
        /// The path within the workspace.
        path: String,
    },
    /// It is no regular file.
    #[error("`{path}` is no regular file")]
    NotAFile {
        /// The path within the workspace.
        path: String,
    },
    /// It is larger than what is read.
    #[error("`{path}` is larger than {most} bytes, the most that is read")]
    TooLarge {
        /// The path within the workspace.
        path: String,
        /// The bound in bytes.
        most: u64,
    },
    /// The system did not let us.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// The path within the workspace.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// Reads `path` below `root`, at most `most` bytes. Symbolic links are followed only within `root`.
pub fn read_inside(root: &Path, path: &str, most: u64) -> Result<Vec<u8>, ReadError> {
    let name = || path.to_owned();
    let io = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing { path: name() },
        _ => ReadError::Io { path: name(), source },
    };
    let relative = Path::new(path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(ReadError::Outside { path: name() });
    }
    let root = root.canonicalize().map_err(io)?;
    let full: PathBuf = root.join(relative).canonicalize().map_err(io)?;
    if !full.starts_with(&root) {
        return Err(ReadError::Outside { path: name() });
    }
    // Asked before opening: opening a FIFO would wait for a writer.
    if !full.metadata().map_err(io)?.is_file() {
        return Err(ReadError::NotAFile { path: name() });
    }
    let file = File::open(&full).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        return Err(ReadError::TooLarge { path: name(), most });
    }
    Ok(bytes)
}

/// Whether a path leads to a place in `folder`, wherever links on the way lead. What is not there yet counts
/// by the folder in which it would be made.
pub fn stays_within(path: &Path, folder: &Path) -> bool {
    match (resolved(path), resolved(folder)) {
        (Some(path), Some(folder)) => path.starts_with(folder),
        _ => false,
    }
}

/// A path without links, as far as it is there; `None` for one that goes back by `..` where nothing is.
fn resolved(path: &Path) -> Option<PathBuf> {
    let there = path.ancestors().find(|part| part.symlink_metadata().is_ok())?;
    let rest = path.strip_prefix(there).ok()?;
    // A link that leads nowhere is no folder in which anything can be made.
    let real = there.canonicalize().ok()?;
    rest.components().all(|part| matches!(part, Component::Normal(_))).then(|| real.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_out_of_the_workspace_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), root.path().join("answer")).unwrap();
        std::fs::write(root.path().join("own"), "mine").unwrap();
        std::os::unix::fs::symlink(root.path().join("own"), root.path().join("alias")).unwrap();
        assert!(matches!(read_inside(root.path(), "answer", 10), Err(ReadError::Outside { .. })));
        assert!(matches!(read_inside(root.path(), "../x", 10), Err(ReadError::Outside { .. })));
        assert!(matches!(read_inside(root.path(), "none", 10), Err(ReadError::Missing { .. })));
        assert!(matches!(read_inside(root.path(), "own", 3), Err(ReadError::TooLarge { .. })));
        assert_eq!(read_inside(root.path(), "alias", 10).unwrap(), b"mine");
    }

    #[test]
    fn what_counts_is_where_a_path_leads() {
        let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir(at("own")).unwrap();
        std::os::unix::fs::symlink(outside.path(), at("away")).unwrap();
        std::os::unix::fs::symlink("own", at("alias")).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", at("broken")).unwrap();
        for inside in ["", "own", "alias", "alias/new", "own/new/deeper"] {
            assert!(stays_within(&at(inside), root.path()), "{inside}");
        }
        for away in ["away", "away/new", "broken", "own/new/../../../x", "../x"] {
            assert!(!stays_within(&at(away), root.path()), "{away}");
        }
    }
}
