//! The git repository that holds the learner's app, read in-process: nobody's PATH decides what a commit is.

use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;
use grader_core::evidence::Asked;

/// The fewest hexadecimal digits that name a commit.
const SHORTEST: usize = 7;

/// A repository with at least one commit.
pub struct Repository {
    repository: gix::Repository,
    head: gix::ObjectId,
    /// The folder that was asked for, relative to the work tree.
    folder: PathBuf,
}

/// Why there is no repository to ask.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The folder is in no repository.
    #[error("`{}` is in no git repository", path.display())]
    None {
        /// The folder.
        path: PathBuf,
    },
    /// The repository has no commit yet.
    #[error("the git repository of `{}` has no commit", path.display())]
    NoCommit {
        /// The folder.
        path: PathBuf,
    },
    /// The repository cannot be read.
    #[error("cannot read the git repository of `{}`: {reason}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Repository {
    /// Opens the repository that holds `folder`.
    pub fn holding(folder: &Path) -> Result<Self, RepositoryError> {
        let path = || folder.to_owned();
        let unreadable = |reason: String| RepositoryError::Unreadable { path: path(), reason };
        let real = folder.canonicalize().map_err(|_| RepositoryError::None { path: path() })?;
        let repository = gix::ThreadSafeRepository::discover_opts(
            &real,
            gix::discover::upwards::Options::default(),
            // Neither the user's nor the system's configuration changes what a commit is.
            gix::sec::trust::Mapping {
                full: gix::open::Options::isolated(),
                reduced: gix::open::Options::isolated(),
            },
        )
        .map_err(|_| RepositoryError::None { path: path() })?
        .to_thread_local();
        let work_tree = repository.workdir().ok_or_else(|| RepositoryError::None { path: path() })?;
        let work_tree = work_tree.canonicalize().map_err(|error| unreadable(error.to_string()))?;
        let folder = real.strip_prefix(&work_tree).map(Path::to_owned).unwrap_or_default();
        let head = repository.head_id().map_err(|_| RepositoryError::NoCommit { path: path() })?.detach();
        Ok(Self { repository, head, folder })
    }

    /// The folders in which git says which commit is where: the work tree's own, and the one that it shares
    /// with others. None if `folder` is in no repository; one without a commit has them too.
    pub fn folders_of_git(folder: &Path) -> Vec<PathBuf> {
        let options = gix::open::Options::isolated();
        let trust = gix::sec::trust::Mapping { full: options.clone(), reduced: options };
        let upwards = gix::discover::upwards::Options::default();
        let Ok(found) = gix::ThreadSafeRepository::discover_opts(folder, upwards, trust) else {
            return Vec::new();
        };
        let found = found.to_thread_local();
        let mut folders: Vec<PathBuf> =
            [found.git_dir(), found.common_dir()].iter().filter_map(|at| at.canonicalize().ok()).collect();
        folders.dedup();
        folders
    }

    /// The commit that HEAD names.
    pub fn head(&self) -> String {
        self.head.to_string()
    }

    /// Tree of the folder as committed at HEAD; `None` if it is not committed.
    pub fn tree(&self) -> Option<String> {
        let commit = self.repository.find_commit(self.head).ok()?;
        let tree = commit.tree().ok()?;
        if self.folder.as_os_str().is_empty() {
            return Some(tree.id.to_string());
        }
        let entry = tree.lookup_entry_by_path(&self.folder).ok()??;
        entry.mode().is_tree().then(|| entry.object_id().to_string())
    }

    /// What a text is here: the commit that it names, and whether HEAD is that commit or descends from it.
    pub fn ask(&self, text: Option<&str>) -> Asked {
        let Some(text) = text else { return Asked::default() };
        let commit = self.commit_named(text);
        let is_head_or_ancestor = commit.map(|commit| self.is_head_or_ancestor(commit));
        Asked { text: Some(text.to_owned()), commit: commit.map(|id| id.to_string()), is_head_or_ancestor }
    }

    fn commit_named(&self, text: &str) -> Option<gix::ObjectId> {
        // Digits alone: a name such as HEAD or main would be found, and would prove nothing.
        let plain = text.len() >= SHORTEST && text.len() <= 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !plain {
            return None;
        }
        let id = self.repository.rev_parse_single(text.as_bytes().as_bstr()).ok()?;
        id.object().ok()?.try_into_commit().ok().map(|commit| commit.id)
    }

    fn is_head_or_ancestor(&self, commit: gix::ObjectId) -> bool {
        commit == self.head
            || self
                .repository
                .rev_walk([self.head])
                .all()
                .is_ok_and(|mut walk| walk.any(|found| found.is_ok_and(|found| found.id == commit)))
    }
}
