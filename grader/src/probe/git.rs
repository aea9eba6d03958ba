//! Looks at the repository that holds the learner's app.

use std::collections::BTreeMap;

use grader_core::{
    evidence::{GitEvidence, ToolSeen},
    workbook::GitSpec,
};
use serde_json::Value;

use super::{Place, Stop, place::lock};
use crate::workspace::{Repository, RepositoryError};

/// The library that reads repositories; held to Cargo.lock by a test.
const GIX_VERSION: &str = "0.90.0";

pub(super) fn look(
    spec: &GitSpec,
    place: &Place<'_>,
    seen: &BTreeMap<String, Value>,
) -> Result<GitEvidence, Stop> {
    place.doing("asking the git repository");
    let folder = place.workspace.root().join(&spec.path);
    let repository = Repository::holding(&folder).map_err(|error| missing(&error))?;
    place.asked(ToolSeen { name: "gix".into(), path: "built in".into(), version: GIX_VERSION.into() });
    let tree = repository.tree();
    if spec.path == place.names().app.path {
        lock(place.subject).tree.clone_from(&tree);
    }
    let text = spec.ask.as_ref().and_then(|path| text_at(seen, path));
    Ok(GitEvidence { head: repository.head(), tree, asked: repository.ask(text) })
}

/// A repository that is not there blocks, with the command that makes it.
pub(crate) fn missing(error: &RepositoryError) -> Stop {
    let fix = match error {
        RepositoryError::None { .. } => "git init && git add -A && git commit -m start",
        RepositoryError::NoCommit { .. } => "git add -A && git commit -m start",
        RepositoryError::Unreadable { .. } => "git fsck",
    };
    Stop::blocked(error.to_string(), fix)
}

fn text_at<'a>(seen: &'a BTreeMap<String, Value>, path: &str) -> Option<&'a str> {
    let (probe, rest) = path.split_once('.')?;
    rest.split('.').try_fold(seen.get(probe)?, |value, part| value.get(part))?.as_str()
}

#[cfg(test)]
mod tests {
    #[test]
    fn evidence_names_the_library_that_is_built_in() {
        let lock = include_str!("../../../Cargo.lock");
        let named = format!("name = \"gix\"\nversion = \"{}\"", super::GIX_VERSION);
        assert!(lock.contains(&named), "GIX_VERSION is not what Cargo.lock has");
    }
}
