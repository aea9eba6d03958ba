//! What was made in an engine, under which labels, and the ledger that knows of it beforehand.

use std::{collections::HashMap, fmt, io};

use serde::{Deserialize, Serialize};

/// The label that names the workspace of whatever we make.
pub const WORKSPACE_LABEL: &str = "grader.workspace";
/// The label that names the run of whatever we make.
pub const RUN_LABEL: &str = "grader.run";

/// One thing that we made, or are about to make, in an engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Made {
    /// What kind of thing.
    pub kind: MadeKind,
    /// The name that we gave it; for an image its tag.
    pub name: String,
}

/// The kinds of things that we make, in the order in which they can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MadeKind {
    /// A Compose project: all that Compose makes under its name, found by Compose's own label.
    Project,
    /// A container, with its anonymous volumes.
    Container,
    /// A network.
    Network,
    /// A named volume.
    Volume,
    /// An image.
    Image,
}

impl MadeKind {
    /// All kinds, in the order in which they can be removed.
    pub const ALL: [Self; 5] = [Self::Project, Self::Container, Self::Network, Self::Volume, Self::Image];

    /// Returns the word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Container => "container",
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Image => "image",
        }
    }
}

impl fmt::Display for Made {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind.word(), self.name)
    }
}

/// Whose a thing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The workspace's id; the value of `grader.workspace`.
    pub workspace: String,
    /// The run's id; the value of `grader.run`, and part of every name. Letters, digits, `_.-` only.
    pub run: String,
}

impl Labels {
    /// Returns both as the engine wants them.
    #[must_use]
    pub fn to_map(&self) -> HashMap<String, String> {
        HashMap::from([
            (WORKSPACE_LABEL.to_owned(), self.workspace.clone()),
            (RUN_LABEL.to_owned(), self.run.clone()),
        ])
    }
}

/// Remembers what was made across the death of this process.
pub trait Ledger: Send + Sync {
    /// Writes down what is about to be made; it is made only if this succeeds.
    ///
    /// # Errors
    /// Whatever keeps it from being written down.
    fn register(&self, made: &Made) -> io::Result<()>;

    /// Takes note that it is gone. What is noted too late is looked for once more, in vain.
    fn removed(&self, made: &Made);
}

/// A ledger that remembers nothing: for tests and benches, where labels are enough.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLedger;

impl Ledger for NoLedger {
    fn register(&self, _made: &Made) -> io::Result<()> {
        Ok(())
    }

    fn removed(&self, _made: &Made) {}
}
