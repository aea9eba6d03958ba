//! Lays an exercise's starting files out again. The learner's own are put aside, never lost.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use grader_core::ExerciseId;
use jiff::Timestamp;

use super::{
    Workspace,
    lay_out::{moved, starting_files, usual_app, write},
};
use crate::course::Course;

/// What a reset did, each by its path in the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reset {
    /// Laid out again.
    pub restored: Vec<String>,
    /// As they were at the start: left alone.
    pub unchanged: Vec<String>,
    /// The learner's own, put aside; a part of `restored`.
    pub kept: Vec<String>,
    /// The folder in the workspace where those are now; `None` if there were none.
    pub aside: Option<String>,
}

/// Why files were not reset. Nothing of the learner's is lost in any case.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The exercise has no starting files.
    #[error("{exercise} has no starting files")]
    NoFiles {
        /// The exercise.
        exercise: ExerciseId,
    },
    /// A folder on the way is a symbolic link, which could lead elsewhere.
    #[error("`{path}` is a symbolic link, and reset follows none")]
    Link {
        /// Which, within the workspace.
        path: String,
    },
    /// A folder stands where a file belongs.
    #[error("`{path}` is no file")]
    NotAFile {
        /// Which, within the workspace.
        path: String,
    },
    /// Something cannot be moved or written.
    #[error("cannot reset `{path}`")]
    Io {
        /// Which, within the workspace.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// Resets the files of an exercise. `now` names the folder for what is put aside.
pub fn reset(
    workspace: &Workspace,
    course: &Course,
    exercise: ExerciseId,
    now: Timestamp,
) -> Result<Reset, ResetError> {
    let files = files_of(workspace, course, exercise);
    if files.is_empty() {
        return Err(ResetError::NoFiles { exercise });
    }
    let root = workspace.root();
    // Everything is looked at before anything is moved.
    let mut due = Vec::new();
    let mut done = Reset::default();
    for (path, bytes) in files {
        let own = own_file(root, &path)?;
        match own {
            Own::Same(ref there) if *there == bytes => done.unchanged.push(path),
            Own::Same(_) | Own::Link => due.push((path, bytes, true)),
            Own::Nothing => due.push((path, bytes, false)),
        }
    }
    let aside = aside_folder(root, now)?;
    for (path, bytes, own) in due {
        let io = |source| ResetError::Io { path: path.clone(), source };
        if own {
            let kept = root.join(&aside).join(&path);
            fs::create_dir_all(kept.parent().unwrap_or(root)).map_err(io)?;
            fs::rename(root.join(&path), &kept).map_err(io)?;
            done.kept.push(path.clone());
            done.aside = Some(aside.clone());
        }
        write(&root.join(&path), &bytes).map_err(io)?;
        done.restored.push(path);
    }
    Ok(done)
}

/// The starting files of an exercise, by their path in this workspace.
fn files_of(workspace: &Workspace, course: &Course, exercise: ExerciseId) -> Vec<(String, Vec<u8>)> {
    let folder = &workspace.file().app.path;
    let usual = usual_app(course).path;
    let Some(exercise) = course.workbook.manifest.exercise(exercise) else { return Vec::new() };
    let named: Vec<String> = exercise.files.iter().map(|path| moved(path, &usual, folder)).collect();
    let belongs = |path: &str| {
        named.iter().any(|name| {
            path.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    starting_files(course, folder).into_iter().filter(|(path, _)| belongs(path)).collect()
}

/// What stands where a starting file belongs.
enum Own {
    Nothing,
    /// A file with this content.
    Same(Vec<u8>),
    /// A link: put aside as a link, not followed.
    Link,
}

fn own_file(root: &Path, path: &str) -> Result<Own, ResetError> {
    no_link_on_the_way(root, path)?;
    let full = root.join(path);
    let io = |source| ResetError::Io { path: path.to_owned(), source };
    match full.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Own::Nothing),
        Err(source) => Err(io(source)),
        Ok(found) if found.is_symlink() => Ok(Own::Link),
        Ok(found) if found.is_file() => {
            // A file too large to be a starting file needs no reading to be another one.
            let small = found.len() <= 5_000_000;
            Ok(Own::Same(if small { fs::read(&full).map_err(io)? } else { Vec::new() }))
        }
        Ok(_) => Err(ResetError::NotAFile { path: path.to_owned() }),
    }
}

/// Refuses a path with a symbolic link among its folders.
fn no_link_on_the_way(root: &Path, path: &str) -> Result<(), ResetError> {
    let mut at = PathBuf::new();
    let parts: Vec<Component<'_>> = Path::new(path).components().collect();
    for part in parts.iter().take(parts.len().saturating_sub(1)) {
        at.push(part);
        match root.join(&at).symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                return Err(ResetError::Link { path: at.display().to_string() });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(ResetError::Io { path: at.display().to_string(), source }),
        }
    }
    Ok(())
}

/// A folder below `.grader/` that is not there yet.
fn aside_folder(root: &Path, now: Timestamp) -> Result<String, ResetError> {
    let stamp = now.strftime("%Y-%m-%dT%H-%M-%SZ");
    no_link_on_the_way(root, ".grader/aside/x")?;
    let names = std::iter::once(String::new()).chain((2..).map(|nth| format!("-{nth}")));
    let mut folders = names.map(|suffix| format!(".grader/aside/{stamp}{suffix}"));
    // The names never end, so one is free.
    Ok(folders.find(|folder| root.join(folder).symlink_metadata().is_err()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::workspace::lay_out::{Choices, plan};

    fn laid_out() -> (tempfile::TempDir, Course, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let course = crate::workspace::lay_out::tests::course();
        plan(&course, &Choices { folder: "web".into(), ..Choices::usual(&course) })
            .unwrap()
            .write(folder.path())
            .unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        (folder, course, workspace)
    }

    fn first() -> ExerciseId {
        "1.1".parse().unwrap()
    }

    #[test]
    fn the_learners_own_file_is_kept_aside() {
        let (folder, course, workspace) = laid_out();
        let unchanged = reset(&workspace, &course, first(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((unchanged.unchanged.len(), unchanged.aside), (1, None));
        for _ in 0..2 {
            fs::write(folder.path().join("web/Dockerfile"), "mine").unwrap();
            let done = reset(&workspace, &course, first(), Timestamp::UNIX_EPOCH).unwrap();
            let aside = folder.path().join(done.aside.unwrap());
            assert_eq!(fs::read(aside.join("web/Dockerfile")).unwrap(), b"mine");
            assert_eq!(fs::read(folder.path().join("web/Dockerfile")).unwrap(), b"FROM scratch\n");
        }
    }

    #[test]
    fn no_link_is_followed() {
        let (folder, course, workspace) = laid_out();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("theirs"), "precious").unwrap();
        let file = folder.path().join("web/Dockerfile");
        fs::remove_file(&file).unwrap();
        symlink(outside.path().join("theirs"), &file).unwrap();
        reset(&workspace, &course, first(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(fs::read(outside.path().join("theirs")).unwrap(), b"precious");
        assert_eq!(fs::read(&file).unwrap(), b"FROM scratch\n");

        fs::remove_dir_all(folder.path().join("web")).unwrap();
        symlink(outside.path(), folder.path().join("web")).unwrap();
        let refused = reset(&workspace, &course, first(), Timestamp::UNIX_EPOCH);
        assert!(matches!(refused, Err(ResetError::Link { .. })));
    }
}
