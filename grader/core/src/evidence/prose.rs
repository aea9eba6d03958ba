//! What a text of the learner holds. Everything in it is the learner's word, not a fact.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;

/// What a text of the learner holds, without Markdown's marks, headings, comments and code blocks.
/// Everything in it is the learner's word, not a fact. Source: the file, and the workbook's own texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProseEvidence {
    /// Path in the workspace.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Why it could not be read as text; `null` if it could.
    pub problem: Option<String>,
    /// Words of its sentences; a sentence that is there twice counts once.
    pub word_count: u64,
    /// Its sentences, each once, in the order of the text.
    pub sentences: Vec<SentenceSeen>,
    /// The concepts that the check names, and where the text speaks of them.
    pub concepts: Vec<ConceptSeen>,
    /// How many words in a row make one piece that is looked for in the workbook.
    pub piece_words: u64,
    /// Different pieces of so many words in a row in the text.
    pub piece_count: u64,
    /// How many of them stand in the workbook: its book, starting files, tasks and checks.
    pub pieces_of_workbook: u64,
    /// The longest stretch of the text that stands in the workbook; `null` if there is none.
    pub longest_copy: Option<Text>,
    /// SHA-256 of the workbook's texts with which it was compared.
    pub corpus_sha256: String,
    /// The whole text, at most 100 kB.
    pub text: Text,
}

/// One sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SentenceSeen {
    /// Its words.
    pub word_count: u64,
    /// How many of them are of the small words that the check lists (`common`): a list of keywords has none.
    pub common_words: u64,
    /// Whether it ends with a full stop, a question mark or an exclamation mark.
    pub ended: bool,
}

/// One concept, and where the text speaks of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConceptSeen {
    /// Its name, as the check gives it.
    pub name: String,
    /// Whether the text names it.
    pub named: bool,
    /// Whether a sentence names it, and the same one or the next has a word that explains it.
    pub explained: bool,
    /// That sentence, or else the first that names it; `null` if none does.
    pub said: Option<Text>,
}
