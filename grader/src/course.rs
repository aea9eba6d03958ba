//! The workbook's files: the ones built into the binary, or those of a folder (`--workbook DIR`).
//!
//! Start at [`Course`]. A folder is somebody's: it is read within bounds, and no link leads out of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use grader_core::{
    Attempt, Verdict,
    workbook::{Diagnostic, Files, Workbook},
};
use rust_embed::RustEmbed;

use crate::workspace::{ReadError, read_inside};

/// The largest file of a workbook that is read, in bytes.
const LARGEST: u64 = 5_000_000;

/// The most files that are read.
const MOST_FILES: usize = 5_000;

/// How deep folders may be nested.
const DEEPEST: usize = 16;

/// The folders of a workbook that the grader reads.
const FOLDERS: [&str; 3] = ["book", "checks", "exercises"];

/// What tools leave behind, and no author wrote.
const LEFTOVERS: [&str; 4] = [".git", "__pycache__", ".DS_Store", ".pytest_cache"];

#[derive(RustEmbed)]
#[folder = "../book/"]
#[prefix = "book/"]
#[include = "src/*"]
struct EmbeddedBook;

#[derive(RustEmbed)]
#[folder = "../checks/"]
#[prefix = "checks/"]
#[exclude = "specimens/*"]
#[exclude = "from-documentation/*"]
#[exclude = "*/__pycache__/*"]
struct EmbeddedChecks;

#[derive(RustEmbed)]
#[folder = "../exercises/"]
#[prefix = "exercises/"]
#[exclude = "*/__pycache__/*"]
struct EmbeddedExercises;

/// Where a workbook's files came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// They are built into the binary.
    Embedded,
    /// They are in a folder.
    Folder(PathBuf),
}

/// A workbook with its files, every check ready to be used.
#[derive(Debug)]
pub struct Course {
    /// Where it came from.
    pub origin: Origin,
    /// Its files, by their path within it.
    pub files: Files,
    /// What they mean.
    pub workbook: Workbook,
}

/// Why a workbook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// The folder cannot be read.
    #[error("cannot read the workbook's folder `{}`", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of it cannot be read.
    #[error("cannot read the workbook in `{}`", path.display())]
    File {
        /// The folder.
        path: PathBuf,
        /// Why, with the file's name.
        source: ReadError,
    },
    /// It is larger than any workbook.
    #[error("`{}` is no workbook's folder: it holds more than {MOST_FILES} files", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// Its files are not what they must be.
    #[error("the workbook cannot be used")]
    Broken {
        /// The files, for showing the places.
        files: Files,
        /// Every fault, with its place.
        faults: Vec<Diagnostic>,
    },
}

impl Course {
    /// Opens a workbook and reads every check.
    pub fn open(origin: Origin) -> Result<Self, CourseError> {
        let files = origin.files()?;
        let read = match &origin {
            // A test reads it whole: what is built in was proven when it was built.
            Origin::Embedded => Workbook::read_proven(&files),
            Origin::Folder(_) => Workbook::read(&files),
        };
        match read {
            Ok(workbook) => Ok(Self { origin, files, workbook }),
            Err(faults) => Err(CourseError::Broken { files, faults }),
        }
    }

    /// Whether its book has the page that `guide` points to, as `04-hardening.html#ex-4.2`.
    pub fn has_page(&self, guide: &str) -> bool {
        let page = guide.split('#').next().unwrap_or_default();
        let name = page.strip_suffix(".html").unwrap_or(page);
        self.files.get(&format!("book/src/{name}.md")).is_some()
    }

    /// Whether a card of this attempt may point into the book: its first finding names a page that is there.
    pub fn has_page_for(&self, attempt: &Attempt) -> bool {
        let Verdict::Failed(failures) = &attempt.verdict else { return false };
        failures.iter().find_map(|failure| failure.guide.as_deref()).is_some_and(|guide| self.has_page(guide))
    }
}

impl Origin {
    /// The workbook in `folder`, or the one that is built in.
    pub fn of(folder: Option<&Path>) -> Self {
        folder.map_or(Self::Embedded, |folder| Self::Folder(folder.to_owned()))
    }

    /// Reads its files, whether or not they hang together.
    pub fn files(&self) -> Result<Files, CourseError> {
        match self {
            Self::Embedded => Ok(embedded()),
            Self::Folder(root) => folder(root),
        }
    }
}

fn embedded() -> Files {
    let mut files = Files::default();
    let mut add = |path: &str, file: Option<rust_embed::EmbeddedFile>| {
        if let Some(file) = file {
            files.insert(path, file.data.into_owned());
        }
    };
    EmbeddedBook::iter().for_each(|path| add(&path, EmbeddedBook::get(&path)));
    EmbeddedChecks::iter().for_each(|path| add(&path, EmbeddedChecks::get(&path)));
    EmbeddedExercises::iter().for_each(|path| add(&path, EmbeddedExercises::get(&path)));
    files
}

fn folder(root: &Path) -> Result<Files, CourseError> {
    let unreadable = |source| CourseError::Unreadable { path: root.to_owned(), source };
    let real = root.canonicalize().map_err(unreadable)?;
    if !real.is_dir() {
        return Err(unreadable(io::ErrorKind::NotADirectory.into()));
    }
    let mut files = Files::default();
    let mut walk = Walk { root, real: &real, count: 0 };
    for name in FOLDERS {
        walk.below(name, 0, &mut files)?;
    }
    Ok(files)
}

struct Walk<'a> {
    /// As it was given, for messages.
    root: &'a Path,
    /// Without links.
    real: &'a Path,
    count: usize,
}

impl Walk<'_> {
    fn below(&mut self, folder: &str, depth: usize, files: &mut Files) -> Result<(), CourseError> {
        let entries = match fs::read_dir(self.real.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(CourseError::Unreadable { path: self.root.join(folder), source }),
        };
        for entry in entries {
            let entry =
                entry.map_err(|source| CourseError::Unreadable { path: self.root.join(folder), source })?;
            // A name that is no UTF-8 cannot be written in a manifest either.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if LEFTOVERS.contains(&name.as_str()) {
                continue;
            }
            self.entry(&format!("{folder}/{name}"), depth, files)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &str, depth: usize, files: &mut Files) -> Result<(), CourseError> {
        // A link that leads out, or nowhere, is no part of the workbook.
        let Ok(real) = self.real.join(path).canonicalize() else { return Ok(()) };
        if !real.starts_with(self.real) {
            return Ok(());
        }
        if real.is_dir() {
            // A link to a folder that holds it would be followed round and round.
            let inside = self.real.join(folder_of(path)).canonicalize().is_ok_and(|at| at.starts_with(&real));
            return if inside {
                Ok(())
            } else if depth < DEEPEST {
                self.below(path, depth + 1, files)
            } else {
                Ok(())
            };
        }
        if !real.is_file() || is_specimen_source(path) {
            return Ok(());
        }
        self.count += 1;
        if self.count > MOST_FILES {
            return Err(CourseError::TooMany { path: self.root.to_owned() });
        }
        let bytes = read_inside(self.real, path, LARGEST)
            .map_err(|source| CourseError::File { path: self.root.to_owned(), source })?;
        files.insert(path, bytes);
        Ok(())
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Of a specimen only its recorded evidence is read: the rest is for building it.
fn is_specimen_source(path: &str) -> bool {
    path.starts_with("checks/specimens/") && !path.ends_with("/evidence.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workbook() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("checks/specimens/1.1/good")).unwrap();
        fs::write(root.path().join("checks/workbook.toml"), "format = 1").unwrap();
        fs::write(root.path().join("checks/specimens/1.1/good/evidence.json"), "{}").unwrap();
        fs::write(root.path().join("checks/specimens/1.1/good/Dockerfile"), "FROM scratch").unwrap();
        root
    }

    #[test]
    fn the_workbook_that_is_built_in_can_be_used() {
        // Whole, every rule: opening it takes that for proven.
        let proven = Workbook::read(&Origin::Embedded.files().unwrap());
        assert_eq!(proven.map(|_| ()).map_err(|faults| format!("{faults:?}")), Ok(()));
        let course = Course::open(Origin::Embedded).unwrap();
        assert!(!course.workbook.checks.is_empty());
        assert!(course.files.below("exercises").next().is_some());
        assert!(course.has_page("01-containers.html#ex-1.1"));
        assert!(!course.has_page("no-such-page.html#ex-1.1"));
        assert!(course.files.below("checks/specimens").next().is_none(), "specimens only weigh");
    }

    #[test]
    fn of_a_specimen_its_evidence_alone_is_read() {
        let root = workbook();
        let files = Origin::of(Some(root.path())).files().unwrap();
        let paths: Vec<&str> = files.below("checks").map(|(path, _)| path).collect();
        assert_eq!(paths, ["specimens/1.1/good/evidence.json", "workbook.toml"]);
    }

    #[test]
    fn a_link_out_of_the_folder_is_no_part_of_it() {
        let root = workbook();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.toml"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("checks/out")).unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("checks/round")).unwrap();
        std::os::unix::fs::symlink("/nowhere", root.path().join("checks/gone")).unwrap();
        let files = Origin::of(Some(root.path())).files().unwrap();
        assert!(files.below("checks").all(|(path, _)| !path.contains("secret") && !path.contains("round")));
    }

    #[test]
    fn a_huge_file_is_refused_by_name() {
        let root = workbook();
        fs::File::create(root.path().join("checks/huge.toml")).unwrap().set_len(LARGEST + 1).unwrap();
        let error = Origin::of(Some(root.path())).files().unwrap_err();
        assert!(matches!(error, CourseError::File { .. }));
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("checks/huge.toml"));
    }

    #[test]
    fn no_folder_is_said_so() {
        assert!(matches!(Origin::Folder("/nowhere".into()).files(), Err(CourseError::Unreadable { .. })));
    }
}
