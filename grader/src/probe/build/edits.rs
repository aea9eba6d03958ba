//! Edits of a copy: canaries planted, sources and manifests changed so that they mean what they meant.
//! Nothing is ever written through a link: it may lead to the learner's own files. Start at [`Tree::of`].

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use super::super::comment::Comment;

/// The most folders in which canaries are planted besides the root.
const MOST_FOLDERS: usize = 6;

/// The folder of ours in which they are planted as well.
const OUR_FOLDER: &str = "grader-canary";

/// The most files that are edited.
const MOST_EDITED: usize = 2_000;

/// The largest file that is edited, in bytes.
const LARGEST: u64 = 10_000_000;

/// Folders in which nobody's own source lies.
const NOT_SOURCE: [&str; 12] = [
    "node_modules",
    "venv",
    "env",
    "__pycache__",
    "vendor",
    "target",
    "dist",
    "build",
    "test",
    "tests",
    "docs",
    OUR_FOLDER,
];

/// The files of a copy that can be edited, by their paths in it.
#[derive(Debug, Default)]
pub(super) struct Tree {
    sources: Vec<(PathBuf, Comment)>,
    manifests: Vec<(PathBuf, Comment)>,
}

/// A canary that was planted.
pub(super) struct Planted {
    pub path: String,
    pub what: String,
    pub at_root: bool,
}

impl Tree {
    /// Finds sources and manifests in a copy.
    pub(super) fn of(copy: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.add(copy, Path::new(""))?;
        tree.sources.sort_by(|(one, _), (other, _)| by_depth(one, other));
        tree.manifests.sort_by(|(one, _), (other, _)| by_depth(one, other));
        Ok(tree)
    }

    fn add(&mut self, copy: &Path, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(copy.join(folder))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            // A name that is no text is none that we know.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = folder.join(&name);
            if kind.is_dir() {
                if !name.starts_with('.') && !NOT_SOURCE.contains(&name.as_str()) {
                    self.add(copy, &path)?;
                }
            } else if kind.is_file() && entry.metadata()?.len() <= LARGEST {
                let found = self.sources.len() + self.manifests.len();
                if found >= MOST_EDITED {
                    return Ok(());
                }
                if let Some(comment) = Comment::of_manifest(folder, &name) {
                    self.manifests.push((path, comment));
                } else if let Some(comment) = Comment::of_source(&name) {
                    self.sources.push((path, comment));
                }
            }
        }
        Ok(())
    }

    /// Adds a comment to each source; says which it edited.
    pub(super) fn edit_sources(&self, copy: &Path, nonce: &str) -> io::Result<Vec<String>> {
        edit(copy, &self.sources, nonce)
    }

    /// Changes each manifest without changing what it means; says which.
    pub(super) fn edit_manifests(&self, copy: &Path, nonce: &str) -> io::Result<Vec<String>> {
        edit(copy, &self.manifests, nonce)
    }

    /// Plants each canary at the root, in folders with source, and in a folder of ours. `marker` says what
    /// is in the one of a number.
    pub(super) fn plant(
        &self,
        copy: &Path,
        names: &[String],
        marker: &dyn Fn(u32) -> String,
    ) -> io::Result<Vec<Planted>> {
        let mut folders = vec![PathBuf::new()];
        for (source, _) in &self.sources {
            let folder = source.parent().unwrap_or(Path::new("")).to_owned();
            if !folders.contains(&folder) && folders.len() <= MOST_FOLDERS {
                folders.push(folder);
            }
        }
        folders.push(PathBuf::from(OUR_FOLDER));
        let mut planted = Vec::new();
        for folder in &folders {
            for name in names {
                let number = u32::try_from(planted.len()).unwrap_or(u32::MAX);
                let path = plant(copy, &folder.join(name), &marker(number))?;
                planted.push(Planted {
                    path: path.to_string_lossy().into_owned(),
                    what: name.clone(),
                    at_root: folder.as_os_str().is_empty(),
                });
            }
        }
        Ok(planted)
    }
}

fn by_depth(one: &Path, other: &Path) -> std::cmp::Ordering {
    one.components().count().cmp(&other.components().count()).then_with(|| one.cmp(other))
}

/// Plants one canary at `path` of the copy; where a file of the learner's is in its way, it is added to that.
/// Returns where it lies.
fn plant(copy: &Path, path: &Path, marker: &str) -> io::Result<PathBuf> {
    let line = format!("GRADER_CANARY={marker}\n");
    let mut at = PathBuf::new();
    for part in path.components() {
        let Component::Normal(part) = part else {
            return Err(io::Error::other(format!("`{}` leads out of the folder", path.display())));
        };
        at.push(part);
        let real = copy.join(&at);
        match real.symlink_metadata() {
            Ok(found) if found.is_file() => {
                append(&real, &format!("\n{line}"))?;
                return Ok(at);
            }
            // A link is put out of the way: what it leads to is not ours.
            Ok(found) if !found.is_dir() => fs::remove_file(&real)?,
            Ok(_) => writable(&real)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if at == path {
            fs::write(&real, &line)?;
        } else if !real.is_dir() {
            fs::create_dir(&real)?;
        }
    }
    Ok(at)
}

/// A copy has the modes of what it was made of; here we must be able to write.
fn writable(path: &Path) -> io::Result<()> {
    let mode = path.metadata()?.permissions().mode();
    if mode & 0o200 == 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o200))?;
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    use io::Write;
    writable(path)?;
    fs::OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes())
}

fn edit(copy: &Path, files: &[(PathBuf, Comment)], nonce: &str) -> io::Result<Vec<String>> {
    let mut edited = Vec::new();
    for (path, comment) in files {
        let real = copy.join(path);
        let content = fs::read(&real)?;
        // Another encoding than UTF-8: a comment of ours would be rubbish in it.
        if std::str::from_utf8(&content).is_err() || content.contains(&0) {
            continue;
        }
        let start = if content.is_empty() || content.ends_with(b"\n") { "" } else { "\n" };
        append(&real, &format!("{start}{}\n", comment.saying(nonce)))?;
        edited.push(path.to_string_lossy().into_owned());
    }
    Ok(edited)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn sources_and_manifests_are_told_apart_and_each_is_edited_in_its_own_way() {
        let copy = folder(&[
            ("app/main.py", "print(1)"),
            ("app/page.html", "<p>\n"),
            ("requirements.txt", "flask"),
            ("web/package.json", "{}\n"),
            ("go.sum", ""),
            ("tests/test_it.py", ""),
            ("node_modules/x/index.js", ""),
            ("notes.txt", ""),
            ("Dockerfile", ""),
            ("app/utf16.py", "a\0b\0"),
        ]);
        let tree = Tree::of(copy.path()).unwrap();
        assert_eq!(tree.edit_sources(copy.path(), "ab").unwrap(), ["app/main.py", "app/page.html"]);
        let manifests = tree.edit_manifests(copy.path(), "ab").unwrap();
        assert_eq!(manifests, ["go.sum", "requirements.txt", "web/package.json"]);
        let text = |path: &str| fs::read_to_string(copy.path().join(path)).unwrap();
        assert_eq!(text("app/main.py"), "print(1)\n# ab\n");
        assert_eq!(text("app/page.html"), "<p>\n<!-- ab -->\n");
        assert_eq!(text("requirements.txt"), "flask\n# ab\n");
        assert_eq!(text("web/package.json").trim(), "{}");
        assert_eq!((text("go.sum").trim(), text("go.sum").len()), ("", 17));
    }

    #[test]
    fn canaries_lie_at_the_root_beside_source_and_apart_and_no_file_is_lost() {
        let copy = folder(&[("src/deep/main.go", ""), (".env", "KEY=1"), (".git", "gitdir: x")]);
        let names = [".env".to_owned(), ".git/canary".to_owned()];
        let tree = Tree::of(copy.path()).unwrap();
        let planted = tree.plant(copy.path(), &names, &|number| format!("marker-{number}")).unwrap();
        let paths: Vec<(&str, bool)> = planted.iter().map(|it| (it.path.as_str(), it.at_root)).collect();
        assert_eq!(
            paths,
            [
                (".env", true),
                (".git", true),
                ("src/deep/.env", false),
                ("src/deep/.git/canary", false),
                ("grader-canary/.env", false),
                ("grader-canary/.git/canary", false),
            ]
        );
        let text = |path: &str| fs::read_to_string(copy.path().join(path)).unwrap();
        assert_eq!(text(".env"), "KEY=1\nGRADER_CANARY=marker-0\n");
        assert_eq!(text("grader-canary/.git/canary"), "GRADER_CANARY=marker-5\n");
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let theirs = folder(&[("secret", "theirs"), ("venv/lib/x.py", "theirs")]);
        let copy = folder(&[("main.py", "")]);
        symlink(theirs.path().join("secret"), copy.path().join(".env")).unwrap();
        symlink(theirs.path().join("venv"), copy.path().join(".venv")).unwrap();
        symlink(theirs.path().join("venv"), copy.path().join("linked")).unwrap();
        symlink(theirs.path().join("secret"), copy.path().join("other.py")).unwrap();
        let tree = Tree::of(copy.path()).unwrap();
        tree.plant(copy.path(), &[".env".to_owned(), ".venv/lib/x.py".to_owned()], &|_| "m".into()).unwrap();
        assert_eq!(tree.edit_sources(copy.path(), "n").unwrap(), ["main.py"]);
        for path in ["secret", "venv/lib/x.py"] {
            assert_eq!(fs::read_to_string(theirs.path().join(path)).unwrap(), "theirs");
        }
    }

    #[test]
    fn a_file_that_nobody_may_write_to_is_edited_all_the_same() {
        let copy = folder(&[("main.py", "x\n")]);
        let path = copy.path().join("main.py");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        Tree::of(copy.path()).unwrap().edit_sources(copy.path(), "n").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "x\n# n\n");
    }
}
