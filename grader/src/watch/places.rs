//! Where the files are that the watched checks read: what is there of them now.

use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    path::{Path, PathBuf},
};

use super::{
    Plan,
    noise::{is_noise, is_ref, is_tools_folder},
};

/// The most that is visited in one look; what is beyond is not watched.
const MOST: usize = 200_000;

/// How deep folders may be nested.
const DEEPEST: usize = 40;

/// Where the files are that the watched checks read.
#[derive(Clone, Debug)]
pub(super) struct Places {
    root: PathBuf,
    /// Single files; the last is workspace.toml.
    files: BTreeSet<PathBuf>,
    /// Folders with all that is below.
    folders: BTreeSet<PathBuf>,
    /// git's own folders: that of the work tree, and the one that it shares with others.
    pub git: Vec<PathBuf>,
}

impl Places {
    pub(super) fn of(plan: &Plan, git: Vec<PathBuf>) -> Self {
        let mut files: BTreeSet<PathBuf> = plan.files().into_iter().map(Path::to_owned).collect();
        files.insert(plan.root().join(crate::workspace::FILE));
        let folders = plan.folders().into_iter().map(Path::to_owned).collect();
        Self { root: plan.root().to_owned(), files, folders, git }
    }

    /// The folder of the workspace.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a change at this path may matter.
    pub(super) fn matters(&self, path: &Path) -> bool {
        self.git.iter().any(|git| is_ref(git, path) || git.starts_with(path))
            || !is_noise(&self.root, path)
                && (self.files.iter().any(|file| file.starts_with(path))
                    || self.folders.iter().any(|it| path.starts_with(it) || it.starts_with(path)))
    }

    /// Visits what is there: the files, and every folder in which one of them is or may come to be.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(&Path, &Metadata)) {
        let mut walk = Walk { visit, left: MOST, root: &self.root };
        let above = self.files.iter().chain(&self.folders).flat_map(|path| path.ancestors().skip(1));
        let within = above.filter(|folder| folder.starts_with(&self.root));
        let mut single: BTreeSet<&Path> = within.collect();
        single.insert(&self.root);
        // A folder outside is waited for in the one that holds it.
        single.extend(self.folders.iter().filter_map(|it| it.parent()));
        single.extend(self.files.iter().map(PathBuf::as_path));
        for git in &self.git {
            single.insert(git);
            for name in ["HEAD", "packed-refs"] {
                walk.one(&git.join(name));
            }
            walk.below(&git.join("refs"), 0);
            walk.below(&git.join("reftable"), 0);
        }
        single.into_iter().for_each(|path| walk.one(path));
        // One folder may be within another.
        let outer = self
            .folders
            .iter()
            .filter(|it| !self.folders.iter().any(|other| other != *it && it.starts_with(other)));
        outer.for_each(|folder| walk.below(folder, 0));
    }
}

struct Walk<'a> {
    visit: &'a mut dyn FnMut(&Path, &Metadata),
    left: usize,
    root: &'a Path,
}

impl Walk<'_> {
    fn one(&mut self, path: &Path) {
        if let Ok(metadata) = fs::metadata(path) {
            (self.visit)(path, &metadata);
        }
    }

    /// What cannot be read now is not there now.
    fn below(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        self.one(folder);
        for entry in entries.flatten() {
            let Some(left) = self.left.checked_sub(1) else { return };
            self.left = left;
            let path = entry.path();
            // A link is looked at itself: what it leads to may be the whole disk.
            let Ok(metadata) = entry.metadata() else { continue };
            if !metadata.is_dir() {
                if !is_noise(self.root, &path) || path.components().any(|part| part.as_os_str() == ".git") {
                    (self.visit)(&path, &metadata);
                }
            } else if depth < DEEPEST && !entry.file_name().to_str().is_some_and(is_tools_folder) {
                self.below(&path, depth + 1);
            }
        }
    }
}
