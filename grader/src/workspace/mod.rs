//! The workspace: the learner's folder, found from where one stands, read within its bounds.

mod confined;
mod copy;
pub mod edit;
mod first_commit;
pub mod form;
pub mod lay_out;
mod repository;
pub mod reset;
mod scratch;

use std::path::{Path, PathBuf};

use grader_core::{
    workbook::Diagnostic,
    workspace_file::{LARGEST, WorkspaceFile},
};

pub use confined::{ReadError, read_inside, stays_within};
pub use copy::{Copied, CopyError, copy_folder};
pub use first_commit::{FirstCommit, first_commit};
pub use repository::{Repository, RepositoryError};
pub use scratch::Scratch;

/// The file that makes a folder a workspace.
pub const FILE: &str = "workspace.toml";

/// A folder with a `workspace.toml` that could be read.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    file: WorkspaceFile,
}

/// Why there is no workspace to work in.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Neither the folder nor one above it is a workspace.
    #[error("no workspace.toml in `{}` or a folder above it", from.display())]
    NotFound {
        /// Where the search began.
        from: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The file is not what it must be.
    #[error("`{}` cannot be used", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Its text, for showing the places.
        text: String,
        /// Every fault, with its place.
        faults: Vec<Diagnostic>,
    },
}

impl Workspace {
    /// Opens the workspace in `from`, or in the nearest folder above it.
    pub fn find(from: &Path) -> Result<Self, WorkspaceError> {
        let start = from.canonicalize().unwrap_or_else(|_| from.to_owned());
        let root = start
            .ancestors()
            .find(|folder| folder.join(FILE).symlink_metadata().is_ok())
            .ok_or_else(|| WorkspaceError::NotFound { from: start.clone() })?;
        Self::open(root)
    }

    /// Opens the workspace in exactly this folder.
    pub fn open(root: &Path) -> Result<Self, WorkspaceError> {
        let path = root.join(FILE);
        let bytes = read_inside(root, FILE, LARGEST)
            .map_err(|source| WorkspaceError::Unreadable { path: path.clone(), source })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match WorkspaceFile::parse(FILE, &text) {
            Ok(file) => Ok(Self { root: root.to_owned(), file }),
            Err(faults) => Err(WorkspaceError::Broken { path, text, faults }),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The learner's names.
    pub fn file(&self) -> &WorkspaceFile {
        &self.file
    }

    /// The one folder in it that is ours.
    pub fn grader_dir(&self) -> PathBuf {
        self.root.join(".grader")
    }
}
