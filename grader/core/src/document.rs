//! The document of `check --json`: a contract with other programs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{Attempt, ExerciseId, Fault, Missing, judge::Failure, since::Since};

/// The format of the document.
pub const FORMAT: u32 = 1;

/// What `check --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this format: 1.
    pub format: u32,
    /// The workspace's folder.
    pub workspace: String,
    /// When the run began, RFC 3339.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// One result for each exercise that was judged, in order.
    pub results: Vec<ResultOf>,
}

/// The JSON Schema of the document.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Document>().to_value();
    schema["title"] = Value::from("Result");
    schema
}

/// The result of one exercise.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ResultOf {
    /// The exercise.
    pub exercise: ExerciseId,
    /// What holds when it passes.
    pub title: String,
    /// How it ended.
    #[schemars(extend("enum" = ["passed", "failed", "blocked", "error"]))]
    pub verdict: &'static str,
    /// The attempt's number; `null` where nothing could be recorded.
    pub attempt: Option<u64>,
    /// How long it took.
    pub duration_ms: u64,
    /// What became of each assertion.
    pub assertions: Vec<AssertionOutcome>,
    /// Each element that failed.
    pub failures: Vec<Failure>,
    /// What changed since the attempt before; `null` unless both failed on the same assertion.
    pub since: Option<Since>,
    /// What is missing; `null` unless the verdict is `blocked`.
    pub blocked: Option<Missing>,
    /// What broke; `null` unless the verdict is `error`.
    pub error: Option<Fault>,
    /// What was judged.
    pub subject: SubjectOf,
}

/// What became of one assertion.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AssertionOutcome {
    /// The assertion.
    pub id: String,
    /// What became of it.
    #[schemars(extend("enum" = ["holds", "held-before", "failed", "not-evaluated"]))]
    pub outcome: &'static str,
}

/// What was judged.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SubjectOf {
    /// Image id; `null` where no image was looked at.
    pub image: Option<String>,
    /// Git tree of the app's folder; `null` where it is not committed.
    pub tree: Option<String>,
}

impl ResultOf {
    /// The same result, compared with earlier attempts of the exercise.
    #[must_use]
    pub fn with_since(self, since: Option<Since>) -> Self {
        Self { since, ..self }
    }
}

impl From<&Attempt> for ResultOf {
    fn from(attempt: &Attempt) -> Self {
        Self {
            exercise: attempt.exercise,
            title: attempt.title.clone(),
            verdict: attempt.verdict.word().as_str(),
            attempt: attempt.number,
            duration_ms: attempt.duration_ms,
            assertions: attempt
                .outcomes
                .iter()
                .map(|(id, outcome)| AssertionOutcome { id: id.clone(), outcome: outcome.as_str() })
                .collect(),
            failures: attempt.verdict.failures().to_vec(),
            since: None,
            blocked: attempt.verdict.blocked().cloned(),
            error: attempt.verdict.fault().cloned(),
            subject: SubjectOf {
                image: attempt.evidence.subject.image.clone(),
                tree: attempt.evidence.subject.tree.clone(),
            },
        }
    }
}
