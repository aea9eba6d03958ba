//! What the learner wrote down.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Taken, Text};

/// One answer file. Everything in it is the learner's word, not a fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswersEvidence {
    /// Path in the workspace.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Why it could not be read as what its name says; `null` if it could.
    pub problem: Option<String>,
    /// Values by key, for the keys that the check asks for; dotted keys reach into tables.
    pub taken: BTreeMap<String, Taken>,
    /// The whole text, at most 100 kB.
    pub text: Text,
}
