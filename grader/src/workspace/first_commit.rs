//! The first commit of a new workspace, by the learner's own `git`, so that their settings hold.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

/// What became of the first commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstCommit {
    /// It was made.
    Made,
    /// There is no `git` on this machine.
    NoGit,
    /// `git` refused.
    Refused {
        /// What it was asked, as one would type it.
        command: String,
        /// What it said.
        said: String,
    },
}

/// Makes a repository of `folder` with everything in it as its first commit.
///
/// Who commits is who `git` says the learner is; where it does not know, `name` and `id` stand in.
pub fn first_commit(folder: &Path, title: &str, name: &str, id: &str) -> FirstCommit {
    let attempt = || -> Result<(), FirstCommit> {
        if !folder.join(".git").exists() {
            git(folder, &["init", "--quiet", "--initial-branch=main"])?;
        }
        git(folder, &["add", "--all"])?;
        let name = format!("user.name={}", if name.is_empty() { "Learner" } else { name });
        let email = format!("user.email={}", if id.contains('@') { id } else { "learner@localhost" });
        let message = format!("Start of {title}");
        let mut arguments = vec!["-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"];
        if !knows(folder, "user.name") {
            arguments.extend(["-c", &name]);
        }
        if !knows(folder, "user.email") {
            arguments.extend(["-c", &email]);
        }
        arguments.extend(["commit", "--quiet", "--message", &message]);
        git(folder, &arguments).map(drop)
    };
    attempt().err().unwrap_or(FirstCommit::Made)
}

fn knows(folder: &Path, key: &str) -> bool {
    git(folder, &["config", "--get", key]).is_ok_and(|output| !output.stdout.trim_ascii().is_empty())
}

fn git(folder: &Path, arguments: &[&str]) -> Result<Output, FirstCommit> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
    // Where this runs inside another repository's hook, these would name that repository.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"] {
        command.env_remove(variable);
    }
    let refused =
        |said: String| FirstCommit::Refused { command: format!("git {}", arguments.join(" ")), said };
    match command.output() {
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => Err(refused(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(FirstCommit::NoGit),
        Err(error) => Err(refused(error.to_string())),
    }
}
