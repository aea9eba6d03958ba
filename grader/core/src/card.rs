//! The card: the one view model of a verdict. Terminal, browser and JSON only lay it out.

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, ExerciseId, Fault, Missing, Verdict, VerdictWord,
    evidence::{Output, Text},
    judge::{Failure, Outcome, PathSegment, looked_at},
    since::Since,
    workbook::Check,
};

/// What a person is told of one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The exercise.
    pub exercise: ExerciseId,
    /// What holds when it passes.
    pub title: String,
    /// How it ended.
    pub verdict: VerdictWord,
    /// The attempt's number; `None` where nothing could be recorded.
    pub attempt: Option<u64>,
    /// How long it took.
    pub duration_ms: u64,
    /// What was looked at, in a few words; empty if nothing was.
    pub looked_at: String,
    /// One finding for each assertion that failed, in the check's order.
    pub findings: Vec<Finding>,
    /// Assertions that held in an earlier attempt, with its number.
    pub held_before: Vec<(String, u64)>,
    /// What changed since the attempt before, if it failed on the same assertion as this one.
    #[serde(default)]
    pub since: Option<Since>,
    /// What is missing, if it is blocked.
    pub blocked: Option<Missing>,
    /// What broke, if it is an error.
    pub error: Option<Fault>,
    /// What a pass shows, if it passed.
    pub proven: Option<Proven>,
    /// What the learner's program printed, if it failed: never the grader's words.
    pub printed: Vec<Printed>,
}

/// What one failed assertion comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The assertion.
    pub assertion: String,
    /// What was expected.
    pub expected: String,
    /// What was seen, a line for each element.
    pub actual: Vec<String>,
    /// Where in the evidence, a path for each line of `actual` that has one.
    pub paths: Vec<String>,
    /// How many elements failed.
    pub failed: usize,
    /// Of how many.
    pub of: usize,
    /// Why it matters.
    pub because: String,
    /// What to do.
    pub fix: String,
    /// Where the book says more.
    pub guide: Option<String>,
}

/// What a pass shows, and what it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// What it proves.
    pub proves: String,
    /// What it does not prove.
    pub leaves_open: String,
    /// Why it matters in production.
    pub debrief: String,
}

/// What a program of the learner's printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// The probe whose container printed it.
    pub probe: String,
    /// Its last words, standard error before standard output.
    pub text: Text,
}

impl Card {
    /// The same card, compared with earlier attempts of the exercise.
    #[must_use]
    pub fn with_since(self, since: Option<Since>) -> Self {
        Self { since, ..self }
    }

    /// The card of an attempt. Without the check (a workbook that no longer has it) it tells less.
    pub fn of(attempt: &Attempt, check: Option<&Check>) -> Self {
        let failed = matches!(attempt.verdict, Verdict::Failed(_));
        Self {
            exercise: attempt.exercise,
            title: attempt.title.clone(),
            verdict: attempt.verdict.word(),
            attempt: attempt.number,
            duration_ms: attempt.duration_ms,
            looked_at: check.map(|check| looked_at(check, &attempt.evidence)).unwrap_or_default(),
            findings: attempt.outcomes.iter().filter_map(|(_, outcome)| finding(outcome)).collect(),
            held_before: attempt
                .outcomes
                .iter()
                .filter_map(|(id, outcome)| match outcome {
                    Outcome::HeldBefore { attempt } => Some((id.clone(), *attempt)),
                    Outcome::Holds | Outcome::Failed { .. } | Outcome::NotEvaluated(_) => None,
                })
                .collect(),
            since: None,
            blocked: attempt.verdict.blocked().cloned(),
            error: attempt.verdict.fault().cloned(),
            proven: check.filter(|_| matches!(attempt.verdict, Verdict::Passed)).map(|check| Proven {
                proves: check.proves.clone(),
                leaves_open: check.leaves_open.clone(),
                debrief: check.debrief.clone(),
            }),
            printed: if failed { printed(attempt, check) } else { Vec::new() },
        }
    }
}

fn finding(outcome: &Outcome) -> Option<Finding> {
    let Outcome::Failed { failures, failed, of } = outcome else { return None };
    let first: &Failure = failures.first()?;
    Some(Finding {
        assertion: first.assertion.clone(),
        expected: first.expected.clone(),
        actual: failures.iter().map(|failure| failure.actual.clone()).collect(),
        paths: failures.iter().filter_map(|failure| failure.path.clone()).collect(),
        failed: *failed,
        of: *of,
        because: first.because.clone(),
        fix: first.fix.clone(),
        guide: first.guide.clone(),
    })
}

/// The words of those containers on which the first failed assertion rests.
fn printed(attempt: &Attempt, check: Option<&Check>) -> Vec<Printed> {
    let Some((first, _)) =
        attempt.outcomes.iter().find(|(_, outcome)| matches!(outcome, Outcome::Failed { .. }))
    else {
        return Vec::new();
    };
    let Some(assertion) = check.and_then(|check| check.assertions.iter().find(|a| a.id == *first)) else {
        return Vec::new();
    };
    let each = assertion.each.as_ref().map(|each| each.path().to_vec());
    let roots =
        each.iter().map(Vec::as_slice).chain(assertion.rule.paths().iter().map(|p| p.segments.as_slice()));
    let mut probes: Vec<&str> = roots
        .filter_map(|path| match path.first() {
            Some(PathSegment::Field(name)) if name != "self" => Some(name.as_str()),
            _ => None,
        })
        .collect();
    probes.dedup();
    probes
        .into_iter()
        .filter_map(|probe| {
            let output = attempt.evidence.seen.get(probe)?.get("output")?;
            let output: Output = serde_json::from_value(output.clone()).ok()?;
            let text = if output.stderr.bytes > 0 { output.stderr } else { output.stdout };
            (text.bytes > 0).then(|| Printed { probe: probe.to_owned(), text })
        })
        .collect()
}
