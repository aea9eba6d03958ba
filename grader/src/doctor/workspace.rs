//! The workspace: its file, its progress, the repository that holds the app.

use super::{Fact, Seen};
use crate::{
    progress::{Progress, ProgressError},
    workspace::{FILE, Repository, RepositoryError, Workspace},
};

pub(super) fn facts(workspace: Option<&Workspace>, problem: Option<&str>) -> Vec<Fact> {
    match workspace {
        None => {
            let detail = problem.unwrap_or("none here");
            // A file that is there and broken is mended by hand; init would refuse it.
            let is_there = !detail.starts_with("no workspace.toml");
            let mend = if is_there {
                format!("edit {FILE}; grader list shows where")
            } else {
                "grader init DIR".into()
            };
            vec![Fact::new("workspace", Seen::Missing, detail).mend(mend)]
        }
        Some(workspace) => {
            let root = workspace.root().display().to_string();
            vec![Fact::new("workspace", Seen::Ok, root), progress(workspace)]
        }
    }
}

fn progress(workspace: &Workspace) -> Fact {
    let fact = |seen, detail: String| Fact::new("progress", seen, detail);
    let faulty = |error: &ProgressError| {
        let found = fact(Seen::Missing, error.to_string());
        match error.mend() {
            Some(mend) => found.mend(mend),
            None => found,
        }
    };
    let opened = match Progress::open_to_read(workspace.root()) {
        Ok(progress) => progress,
        Err(error) => return faulty(&error),
    };
    match opened.integrity_check() {
        Ok(faults) if faults.is_empty() => {}
        Ok(faults) => return fact(Seen::Missing, format!("the database is damaged: {}", faults.join("; "))),
        Err(error) => return faulty(&error),
    }
    if !workspace.grader_dir().exists() {
        return fact(Seen::Ok, "nothing recorded yet".into());
    }
    let (_, not_recorded) = Progress::open_or_unrecorded(workspace.root());
    match (not_recorded, opened.summaries()) {
        (Some(reason), _) => {
            let found = fact(Seen::Note, format!("can be read, not recorded: {}", reason.why));
            match reason.mend {
                Some(mend) => found.mend(mend),
                None => found,
            }
        }
        (None, Ok(summaries)) => {
            let attempts: u64 = summaries.values().map(|summary| summary.attempts).sum();
            let noun = if attempts == 1 { "attempt" } else { "attempts" };
            fact(Seen::Ok, format!("{attempts} {noun} recorded, database whole"))
        }
        (None, Err(error)) => faulty(&error),
    }
}

/// The repository that holds the app, for checks that ask for a commit.
pub(super) fn repository(workspace: Option<&Workspace>) -> Vec<Fact> {
    let Some(workspace) = workspace else { return Vec::new() };
    let app = &workspace.file().app.path;
    let fact = |seen, detail: String| Fact::new("commit", seen, detail);
    vec![match Repository::holding(&workspace.root().join(app)) {
        Ok(repository) => match repository.tree() {
            Some(_) => {
                let head: String = repository.head().chars().take(10).collect();
                fact(Seen::Ok, format!("{head}, holds {app}/"))
            }
            None => fact(Seen::Missing, format!("no commit holds {app}/"))
                .mend(format!("git add {app} && git commit -m 'My app'")),
        },
        Err(RepositoryError::None { .. }) => fact(Seen::Missing, format!("{app}/ is in no git repository"))
            .mend("git init && git add . && git commit -m 'Start'"),
        Err(RepositoryError::NoCommit { .. }) => fact(Seen::Missing, "the repository has no commit".into())
            .mend("git add . && git commit -m 'Start'"),
        Err(error @ RepositoryError::Unreadable { .. }) => {
            fact(Seen::Missing, error.to_string()).mend("git fsck")
        }
    }]
}
