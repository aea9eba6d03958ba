//! Lays out a new workspace: what learners start from, their `workspace.toml`, the checklist.
//!
//! Start at [`plan`], which decides everything and touches nothing; [`Plan::write`] follows it.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use grader_core::{
    workbook::{Diagnostic, Manifest},
    workspace_file::{App, WorkspaceFile},
};

use super::{FILE, edit};
use crate::course::Course;

/// The names that a workbook's author gives to learners to begin with.
const NAMES: &str = "exercises/workspace.toml";

/// Where names stand if a workbook has none to begin with.
const BARE_NAMES: &str = "format = 1\n\n[learner]\nname = \"\"\nid = \"\"\n\n[app]\npath = \"app\"\nimage = \"myapp\"\nbefore = \"myapp:before\"\n";

/// The checklist of the exercises.
const CHECKLIST: &str = "book/checklist.md";

/// What a learner chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// The name of the app, which is that of its image.
    pub app: String,
    /// The folder of the app.
    pub folder: String,
    /// The learner's name.
    pub name: String,
    /// The learner's id.
    pub id: String,
}

/// The files of a new workspace, decided and not yet written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(BTreeMap<String, Vec<u8>>);

/// Why no workspace was laid out.
#[derive(Debug, thiserror::Error)]
pub enum LayOutError {
    /// The names to begin with are not what they must be: a fault of the workbook.
    #[error("the workbook's `{NAMES}` cannot be used")]
    Names {
        /// Its text.
        text: String,
        /// Every fault.
        faults: Vec<Diagnostic>,
    },
    /// What was chosen cannot be.
    #[error(transparent)]
    Choice(#[from] edit::EditError),
    /// The folder holds something.
    #[error("`{}` is not empty: it holds `{found}`", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// One thing that it holds.
        found: String,
    },
    /// The folder is a workspace already.
    #[error("`{}` is a workspace already", folder.display())]
    Already {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder or file cannot be made.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Choices {
    /// What is chosen where nobody chooses: the workbook's own names.
    pub fn usual(course: &Course) -> Self {
        let App { path, image, .. } = usual_app(course);
        Self { app: image, folder: path, name: String::new(), id: String::new() }
    }
}

/// Decides what a new workspace holds.
pub fn plan(course: &Course, choices: &Choices) -> Result<Plan, LayOutError> {
    let mut files = starting_files(course, &choices.folder);
    files.insert(FILE.into(), workspace_file(course, choices)?.into_bytes());
    files.entry(CHECKLIST.into()).or_insert_with(|| checklist(&course.workbook.manifest).into_bytes());
    let ignored = files.entry(".gitignore".into()).or_default();
    if !ignored.split(|byte| *byte == b'\n').any(|line| line == b".grader/") {
        if !ignored.is_empty() && !ignored.ends_with(b"\n") {
            ignored.push(b'\n');
        }
        ignored.extend_from_slice(b".grader/\n");
    }
    Ok(Plan(files))
}

/// What learners start from, by its path in a workspace whose app is in `folder`.
pub(super) fn starting_files(course: &Course, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let usual = usual_app(course).path;
    let mut files = BTreeMap::new();
    for start in course.workbook.manifest.chapters.iter().filter_map(|chapter| chapter.start.as_deref()) {
        for (path, bytes) in course.files.below(&format!("exercises/{start}")) {
            files.insert(moved(path, &usual, folder), bytes.to_vec());
        }
    }
    files
}

/// A path of the workbook in a workspace whose app is elsewhere.
pub(super) fn moved(path: &str, usual: &str, folder: &str) -> String {
    match path.strip_prefix(usual).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        Some(rest) => format!("{folder}{rest}"),
        None => path.to_owned(),
    }
}

/// The app as the workbook's author names it.
pub(super) fn usual_app(course: &Course) -> App {
    let text = names(course);
    WorkspaceFile::parse(NAMES, &text).map(|file| file.app).unwrap_or_default()
}

fn names(course: &Course) -> String {
    course
        .files
        .get(NAMES)
        .map_or_else(|| BARE_NAMES.into(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn workspace_file(course: &Course, choices: &Choices) -> Result<String, LayOutError> {
    let text = names(course);
    let file = WorkspaceFile::parse(NAMES, &text)
        .map_err(|faults| LayOutError::Names { text: text.clone(), faults })?;
    let (usual, usual_path) = (&file.app.image, &file.app.path);
    let mut wanted: Vec<(&str, String)> = Vec::new();
    if choices.app != *usual {
        let name = choices.app.rsplit_once(':').map_or(choices.app.as_str(), |(name, tag)| {
            if tag.contains('/') { choices.app.as_str() } else { name }
        });
        wanted.push(("app.image", choices.app.clone()));
        wanted.push(("app.before", format!("{name}:before")));
    }
    if choices.folder != *usual_path {
        wanted.push(("app.path", choices.folder.clone()));
        let compose = moved(&file.compose.file, usual_path, &choices.folder);
        if compose != file.compose.file {
            wanted.push(("compose.file", compose));
        }
    }
    if !choices.name.is_empty() {
        wanted.push(("learner.name", choices.name.clone()));
    }
    if !choices.id.is_empty() {
        wanted.push(("learner.id", choices.id.clone()));
    }
    let assignments: Vec<edit::Assignment> =
        wanted.into_iter().map(|(key, value)| edit::Assignment { key: key.into(), value }).collect();
    Ok(edit::edited(&text, &assignments)?)
}

/// The checklist: frontmatter, title, and one line to tick for each exercise.
fn checklist(manifest: &Manifest) -> String {
    let title = &manifest.title;
    // A title within quotes is one string of YAML, whatever it holds.
    let quoted = title.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = format!("---\ntitle: \"{quoted}\"\nstatus: workinprogress\n---\n\n# {title}\n");
    for chapter in &manifest.chapters {
        let mut items = manifest.exercises.iter().filter(|it| it.id.chapter == chapter.number).peekable();
        if items.peek().is_some() {
            text.push_str(&format!("\n## {}\n\n", chapter.title));
        }
        for exercise in items {
            text.push_str(&format!("- [ ] **{}** {}\n", exercise.id, exercise.todo));
        }
    }
    text
}

/// Whether a workspace may be laid out in `folder`: it is not there, or empty but for a repository.
pub fn is_free(folder: &Path) -> Result<(), LayOutError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(LayOutError::Write { path: folder.to_owned(), source }),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| LayOutError::Write { path: folder.to_owned(), source })?;
        found.push(entry.file_name().to_string_lossy().into_owned());
    }
    if found.iter().any(|name| name == FILE) {
        return Err(LayOutError::Already { folder: folder.to_owned() });
    }
    found.sort();
    match found.into_iter().find(|name| name != ".git") {
        None => Ok(()),
        Some(found) => Err(LayOutError::NotEmpty { folder: folder.to_owned(), found }),
    }
}

impl Plan {
    /// The files, by path.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Writes the files into `folder`, which must be free. The one that makes it a workspace comes
    /// last, so a workspace is never half laid out.
    pub fn write(&self, folder: &Path) -> Result<(), LayOutError> {
        is_free(folder)?;
        let last = self.0.iter().filter(|(path, _)| *path == FILE);
        for (path, bytes) in self.0.iter().filter(|(path, _)| *path != FILE).chain(last) {
            let path = folder.join(path);
            write(&path, bytes).map_err(|source| LayOutError::Write { path, source })?;
        }
        Ok(())
    }
}

/// Writes one starting file with the folders that it needs. What begins with `#!` may be run.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    edit::write_whole(path, bytes)?;
    if bytes.starts_with(b"#!") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use grader_core::workbook::{Files, Workbook};

    use super::*;
    use crate::course::Origin;

    pub(crate) fn course() -> Course {
        let mut files = Files::default();
        let manifest = "format = 1\nid = \"t\"\ntitle = \"A \\\"course\\\"\"\n\
            [[chapter]]\nnumber = 1\ntitle = \"One\"\nstart = \"one\"\n\
            [[chapter]]\nnumber = 2\ntitle = \"Two\"\n\
            [[exercise]]\nid = \"1.1\"\ntodo = \"First\"\npending = true\nfiles = [\"app/Dockerfile\"]\n\
            [[exercise]]\nid = \"1.2\"\ntodo = \"Second\"\npending = true\n";
        files.insert("checks/workbook.toml", manifest.into());
        files.insert("exercises/one/app/Dockerfile", b"FROM scratch\n".to_vec());
        files.insert("exercises/one/app/run.sh", b"#!/bin/sh\n".to_vec());
        files.insert("exercises/one/answers/1.1.md", b"\n".to_vec());
        let workbook = Workbook::read(&files).unwrap();
        Course { origin: Origin::Embedded, files, workbook }
    }

    fn choices() -> Choices {
        Choices { app: "blog".into(), folder: "src/web".into(), name: "Ada \"L\"".into(), id: "a@b".into() }
    }

    #[test]
    fn the_app_is_laid_out_where_the_learner_wants_it() {
        let plan = plan(&course(), &choices()).unwrap();
        let paths: Vec<&str> = plan.paths().collect();
        assert_eq!(
            paths,
            [
                ".gitignore",
                "answers/1.1.md",
                "book/checklist.md",
                "src/web/Dockerfile",
                "src/web/run.sh",
                "workspace.toml"
            ]
        );
        let text = String::from_utf8(plan.0[FILE].clone()).unwrap();
        let file = WorkspaceFile::parse(FILE, &text).unwrap();
        assert_eq!((file.app.image.as_str(), file.app.before.as_str()), ("blog", "blog:before"));
        assert_eq!((file.app.path.as_str(), file.learner.name.as_str()), ("src/web", "Ada \"L\""));
    }

    #[test]
    fn the_checklist_has_a_line_for_each_exercise() {
        assert_eq!(
            checklist(&course().workbook.manifest),
            "---\ntitle: \"A \\\"course\\\"\"\nstatus: workinprogress\n---\n\n# A \"course\"\n\n## One\n\n\
             - [ ] **1.1** First\n- [ ] **1.2** Second\n"
        );
    }

    #[test]
    fn a_folder_that_holds_something_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(&course(), &choices()).unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        fs::write(folder.path().join("mine"), "x").unwrap();
        assert!(matches!(plan.write(folder.path()), Err(LayOutError::NotEmpty { .. })));
        fs::remove_file(folder.path().join("mine")).unwrap();
        plan.write(folder.path()).unwrap();
        assert!(matches!(plan.write(folder.path()), Err(LayOutError::Already { .. })));
        let mode = fs::metadata(folder.path().join("src/web/run.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
