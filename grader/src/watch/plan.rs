//! Which exercises a change can affect: what each check reads, from its probes and the learner's names. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use grader_core::{
    ExerciseId,
    workbook::{Check, ProbeSpec, RunSpec, Workbook},
    workspace_file::WorkspaceFile,
};
use grader_engine::same_image;

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file or folder.
    Path(PathBuf),
    /// Which commit is where, in the repository that holds the app.
    Commit,
    /// What a name of an image stands for.
    Image(String),
    /// A container of the learner's.
    Container {
        /// Its image, as whoever made it named it.
        image: String,
        /// The files in which its name or id is written down.
        named_in: BTreeSet<PathBuf>,
    },
    /// Something that cannot be told: too much at once.
    Everything,
}

/// What one check reads.
#[derive(Clone, Debug, Default, PartialEq)]
struct Reads {
    /// Single files.
    files: BTreeSet<PathBuf>,
    /// Folders with all that is below.
    folders: BTreeSet<PathBuf>,
    /// Which commit is where.
    commits: bool,
    /// What names of images stand for.
    images: BTreeSet<String>,
    /// The containers of images.
    containers_of: BTreeSet<String>,
    /// Containers that a file names.
    named_in: BTreeSet<PathBuf>,
    /// Its probes with the learner's names filled in.
    asked: Vec<ProbeSpec>,
    /// What the app is given when it is started.
    environment: Option<(BTreeMap<String, String>, String, Vec<String>)>,
}

/// What the watched checks read.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    root: PathBuf,
    reads: BTreeMap<ExerciseId, Reads>,
}

impl Plan {
    /// What the checks of `chosen` read in the workspace at `root`; of all that there are if none is chosen.
    pub fn of(
        workbook: &Workbook,
        root: &Path,
        names: &WorkspaceFile,
        chosen: Option<&BTreeSet<ExerciseId>>,
    ) -> Self {
        let wanted = |id: &ExerciseId| chosen.is_none_or(|chosen| chosen.contains(id));
        let checks = workbook.checks.values().filter(|check| wanted(&check.id));
        let reads = checks.map(|check| (check.id, reads(check, root, names))).collect();
        Self { root: root.to_owned(), reads }
    }

    /// The exercises that it is about.
    pub fn exercises(&self) -> impl Iterator<Item = ExerciseId> {
        self.reads.keys().copied()
    }

    /// The exercises whose check may end otherwise after this change.
    pub fn affected(&self, change: &Change) -> BTreeSet<ExerciseId> {
        let touched = |reads: &Reads| match change {
            Change::Everything => true,
            Change::Commit => reads.commits,
            Change::Path(path) => reads.touched_by(path),
            Change::Image(name) => reads.images.iter().any(|image| same_image(image, name)),
            Change::Container { image, named_in } => {
                reads.containers_of.iter().any(|of| same_image(of, image))
                    || reads.named_in.iter().any(|file| named_in.contains(file))
            }
        };
        self.reads.iter().filter(|(_, reads)| touched(reads)).map(|(id, _)| *id).collect()
    }

    /// The exercises that are asked otherwise than before: after a change of the learner's names.
    pub fn asked_otherwise(&self, before: &Self) -> BTreeSet<ExerciseId> {
        let other = |id: &ExerciseId, reads: &Reads| before.reads.get(id) != Some(reads);
        self.reads.iter().filter(|(id, reads)| other(id, reads)).map(|(id, _)| *id).collect()
    }

    /// Single files that are read, each once.
    pub fn files(&self) -> BTreeSet<&Path> {
        self.all(|reads| &reads.files)
    }

    /// Folders that are read with all that is below, each once.
    pub fn folders(&self) -> BTreeSet<&Path> {
        self.all(|reads| &reads.folders)
    }

    /// Files that name containers.
    pub fn naming_files(&self) -> BTreeSet<&Path> {
        self.all(|reads| &reads.named_in)
    }

    /// Whether any check asks which commit is where.
    pub fn reads_commits(&self) -> bool {
        self.reads.values().any(|reads| reads.commits)
    }

    /// Names of images that are looked up.
    pub fn images(&self) -> BTreeSet<String> {
        self.reads.values().flat_map(|reads| reads.images.iter().cloned()).collect()
    }

    /// Whether any check looks at containers of the learner's.
    pub fn reads_containers(&self) -> bool {
        self.reads.values().any(|reads| !reads.containers_of.is_empty() || !reads.named_in.is_empty())
    }

    /// The folder of the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn all(&self, of: fn(&Reads) -> &BTreeSet<PathBuf>) -> BTreeSet<&Path> {
        self.reads.values().flat_map(|reads| of(reads).iter().map(PathBuf::as_path)).collect()
    }
}

impl Reads {
    /// A folder that comes or goes takes along what is in it.
    fn touched_by(&self, path: &Path) -> bool {
        self.files.iter().any(|file| file.starts_with(path))
            || self.folders.iter().any(|folder| path.starts_with(folder) || folder.starts_with(path))
    }

    fn runs(&mut self, run: &RunSpec, root: &Path, names: &WorkspaceFile) {
        self.images.insert(run.image.clone());
        if !run.app_environment {
            return;
        }
        let app = &names.app;
        self.environment = Some((app.env.clone(), app.env_file.clone(), app.with.clone()));
        if !app.env_file.is_empty() {
            self.files.insert(normal(&root.join(&app.env_file)));
        }
        if !app.with.is_empty() {
            self.files.insert(normal(&root.join(&names.compose.file)));
        }
    }
}

fn reads(check: &Check, root: &Path, names: &WorkspaceFile) -> Reads {
    let filler = names.names();
    let at = |path: &str| normal(&root.join(path));
    let answer = |file: &str| normal(&root.join("answers").join(file));
    let mut reads = Reads::default();
    for probe in &check.probes {
        // A value that does not fit blocks the check; a change of workspace.toml is what mends it.
        let spec = probe.spec.fill(&filler).unwrap_or_else(|_| probe.spec.clone());
        match &spec {
            ProbeSpec::Image(spec) => {
                reads.images.insert(spec.image.clone());
            }
            ProbeSpec::Container(spec) => reads.runs(&spec.run, root, names),
            ProbeSpec::Endpoint(spec) => reads.runs(&spec.run, root, names),
            ProbeSpec::Health(spec) => reads.runs(&spec.run, root, names),
            ProbeSpec::Git(_) => reads.commits = true,
            ProbeSpec::Answers(spec) => {
                reads.files.insert(answer(&spec.file));
            }
            ProbeSpec::Prose(spec) => {
                reads.files.insert(answer(&spec.file));
            }
            ProbeSpec::Containers(spec) => {
                reads.containers_of.insert(spec.image.clone());
            }
            ProbeSpec::Running(spec) => {
                reads.files.insert(answer(&spec.file));
                reads.named_in.insert(answer(&spec.file));
            }
            ProbeSpec::Build(spec) => {
                reads.folders.insert(at(&spec.path));
                reads.images.insert(spec.image.clone());
            }
            ProbeSpec::Compose(spec) => {
                reads.files.insert(at(&spec.file));
                // What it builds from and mounts lies beside it, or in the app's folder; beside it may also
                // be the whole workspace, and then the answers to other exercises are none of its affairs.
                let file = at(&spec.file);
                reads.folders.extend(file.parent().filter(|it| *it != root).map(Path::to_owned));
                reads.folders.insert(at(&names.app.path));
            }
            ProbeSpec::Vulnerabilities(spec) => {
                reads.images.insert(spec.image.clone());
            }
        }
        reads.asked.push(spec);
    }
    reads
}

/// A path without `.` and `..`, by its letters alone: what is not there cannot be asked.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
