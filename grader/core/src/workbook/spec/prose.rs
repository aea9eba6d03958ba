//! What a check asks of a text that the learner wrote.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Asks what a text speaks of, how long it is, and how much of it stands in the book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProseSpec {
    /// The file, below `answers/`.
    pub file: String,
    /// What the text should speak of.
    pub concepts: Vec<Concept>,
}

/// One thing that a text should speak of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concept {
    /// Its name, for rules and messages.
    pub name: String,
    /// Words that name it: one of them must be there.
    pub named: Vec<String>,
    /// Words that explain it: one of them must stand in the same sentence, or in the next.
    #[serde(default)]
    pub explained: Vec<String>,
}
