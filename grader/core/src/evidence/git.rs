//! What the repository says that holds the learner's app.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about the repository that holds `app.path`. Source: its object database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GitEvidence {
    /// The commit that HEAD names.
    pub head: String,
    /// Tree of the app's folder in that commit; `null` if it is not committed.
    pub tree: Option<String>,
    /// A text that some program gave as a commit, and what it is here.
    pub asked: Asked,
}

/// What a text is to a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// The text, a program's words; `null` if there was none to ask for.
    pub text: Option<String>,
    /// The commit that it names, in full or by at least 7 hexadecimal digits; `null` if it names none.
    pub commit: Option<String>,
    /// Whether HEAD is that commit or descends from it.
    pub is_head_or_ancestor: Option<bool>,
}
