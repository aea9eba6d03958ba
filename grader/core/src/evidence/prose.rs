//! What a text of the learner holds. Everything in it is the learner's word, not a fact.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a text of the learner holds. Everything in it is the learner's word, not a fact. Source: the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProseEvidence {
    /// What was looked at, by its name.
    pub subject: String,
}
