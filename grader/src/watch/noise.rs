//! Paths that change all the time and are nobody's work. Pure.

use std::path::{Component, Path};

/// Folders of tools; git's own is asked for by itself.
const FOLDERS: [&str; 9] = [
    ".grader",
    ".git",
    "node_modules",
    ".venv",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".idea",
];

/// Says whether a folder of this name is one of a tool.
pub(super) fn is_tools_folder(name: &str) -> bool {
    FOLDERS.contains(&name)
}

/// Says whether a path below `root` is what an editor or a tool writes for itself.
pub(super) fn is_noise(root: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path);
    let in_tools_folder = below.components().any(|part| match part {
        Component::Normal(name) => name.to_str().is_some_and(is_tools_folder),
        _ => false,
    });
    in_tools_folder || path.file_name().and_then(|name| name.to_str()).is_some_and(is_editors_file)
}

/// Swap, back-up and lock files of vim, Emacs, Kate, JetBrains, GNOME and LibreOffice; macOS's notes on folders.
fn is_editors_file(name: &str) -> bool {
    let ends = [".swp", ".swo", ".swx", ".swpx", "~", ".kate-swp", "___jb_tmp___", "___jb_old___"];
    let begins = [".#", "#", ".goutputstream-", ".~lock."];
    name == "4913"
        || name == ".DS_Store"
        || ends.iter().any(|end| name.ends_with(end))
        || begins.iter().any(|begin| name.starts_with(begin))
}

/// Says whether a path below a git folder says which commit is where.
pub(super) fn is_ref(git: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(git) else { return false };
    let first = below.components().next().and_then(|part| part.as_os_str().to_str());
    path.extension().is_none_or(|extension| extension != "lock")
        && matches!(first, Some("HEAD" | "packed-refs" | "refs" | "reftable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_and_tools_write_for_themselves_is_noise() {
        let root = Path::new("/w");
        for path in [
            "/w/.grader/progress.db-wal",
            "/w/app/node_modules/x/index.js",
            "/w/app/__pycache__/app.pyc",
            "/w/.git/objects/ab/cd",
            "/w/answers/.1.1.toml.swp",
            "/w/answers/4913",
            "/w/answers/1.1.toml~",
            "/w/answers/.#1.1.toml",
            "/w/app/#app.py#",
        ] {
            assert!(is_noise(root, Path::new(path)), "{path}");
        }
        for path in ["/w/answers/1.1.toml", "/w/app/Dockerfile", "/w/app/.dockerignore", "/w/app/git/x"] {
            assert!(!is_noise(root, Path::new(path)), "{path}");
        }
        // A workspace that itself stands in such a folder is no noise.
        assert!(!is_noise(Path::new("/x/node_modules/w"), Path::new("/x/node_modules/w/answers/1.1.toml")));
    }

    #[test]
    fn of_git_only_what_names_commits_counts() {
        let git = Path::new("/w/.git");
        for path in ["/w/.git/HEAD", "/w/.git/refs/heads/main", "/w/.git/packed-refs"] {
            assert!(is_ref(git, Path::new(path)), "{path}");
        }
        for path in ["/w/.git/index", "/w/.git/HEAD.lock", "/w/.git/refs/heads/main.lock", "/w/HEAD"] {
            assert!(!is_ref(git, Path::new(path)), "{path}");
        }
    }
}
