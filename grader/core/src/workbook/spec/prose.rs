//! What a check asks of a text that the learner wrote.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Asks what a text speaks of, how long it is, and how much of it stands in the workbook.
///
/// Words are compared without case, punctuation, hyphens and Markdown's marks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProseSpec {
    /// The file, below `answers/`.
    pub file: String,
    /// What the text should speak of.
    pub concepts: Vec<Concept>,
    /// Small words that every sentence is made of, as `the`, `of`, `is`.
    #[serde(default)]
    pub common: Vec<String>,
    /// How many words in a row make one piece that is looked for in the workbook.
    #[serde(default = "eight")]
    pub piece_words: u8,
}

/// One thing that a text should speak of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concept {
    /// Its name, for rules and messages.
    pub name: String,
    /// Words that name it, each one word or several in a row; `*` at the end of a word stands for any rest.
    pub named: Vec<String>,
    /// Words that explain it: one of them must stand in the same sentence or in the next, and not be a
    /// part of its name there.
    #[serde(default)]
    pub explained: Vec<String>,
}

const fn eight() -> u8 {
    8
}
