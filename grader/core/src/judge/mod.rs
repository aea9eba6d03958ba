//! The judge: how a check's assertions stand to what its probes saw. Pure: no clock, no I/O.
//!
//! [`judge`] yields an [`Outcome`] for every assertion, from which the verdict follows
//! ([`Judgement::verdict`]). It fails closed: a path that is null or empty is "nothing to look at" and
//! fails, unless the assertion says that absence holds; a rule that cannot be evaluated is an error of
//! the grader; nothing but `true` is a pass.

mod each;
mod functions;
mod look_up;
mod outcome;
mod parser;
mod paths;
mod rule;
mod value;

use std::collections::BTreeMap;

pub use each::Each;
pub use functions::{CEL_FUNCTIONS, FUNCTIONS};
pub use outcome::{Failure, Judgement, Outcome};
pub use paths::{NamedFunction, NamedPath, PathSegment};
pub use rule::{Rule, RuleError};

use crate::{
    evidence::Evidence,
    workbook::{Absent, Assertion, Check, Holds},
};
use each::Element;
use look_up::nothing_at;
use value::Scope;

/// What `once` assertions of a check held in earlier attempts: the assertion's id, and the attempt's number.
pub type Held = BTreeMap<String, u64>;

/// The most failures of one assertion that are told one by one.
const MOST_FAILURES: usize = 20;

/// Judges evidence by a check.
pub fn judge(check: &Check, evidence: &Evidence, held: &Held) -> Judgement {
    let scope = Scope::of(evidence);
    let outcomes = check
        .assertions
        .iter()
        .map(|assertion| (assertion.id.clone(), outcome(assertion, evidence, &scope, held)))
        .collect();
    Judgement { outcomes }
}

/// What was looked at, in a few words; empty if the check's text for it cannot be made from this evidence.
pub fn looked_at(check: &Check, evidence: &Evidence) -> String {
    check.looked_at.text(&Scope::of(evidence), None).unwrap_or_default()
}

/// What is said of a rule that is false and has no words of its own.
pub(crate) fn untold(rule: &Rule) -> String {
    format!("not so: {}", rule.source())
}

fn outcome(assertion: &Assertion, evidence: &Evidence, scope: &Scope, held: &Held) -> Outcome {
    let now = outcome_now(assertion, evidence, scope);
    match (assertion.holds, &now, held.get(&assertion.id)) {
        (Holds::Once, Outcome::Failed { .. } | Outcome::NotEvaluated(_), Some(attempt)) => {
            Outcome::HeldBefore { attempt: *attempt }
        }
        _ => now,
    }
}

fn outcome_now(assertion: &Assertion, evidence: &Evidence, scope: &Scope) -> Outcome {
    let elements = match &assertion.each {
        None => vec![Element::whole()],
        Some(each) => each.elements(evidence),
    };
    if elements.is_empty() {
        let each = assertion.each.as_ref().map_or("$", Each::as_str);
        return nothing(assertion, scope, each, &Element::whole());
    }
    let of = elements.len();
    let mut failures = Vec::new();
    let mut failed = 0;
    for element in &elements {
        if let Some(path) = nothing_at(&assertion.rule, evidence, element) {
            match nothing(assertion, scope, &path, element) {
                Outcome::Failed { failures: more, .. } => {
                    failed += 1;
                    failures.extend(more);
                }
                Outcome::Holds | Outcome::HeldBefore { .. } | Outcome::NotEvaluated(_) => {}
            }
            continue;
        }
        match assertion.rule.holds(scope, element.value) {
            Ok(true) => {}
            Ok(false) => {
                failed += 1;
                failures.push(failure(assertion, scope, element));
            }
            Err(error) => return Outcome::NotEvaluated(error.to_string()),
        }
    }
    if failed == 0 {
        return Outcome::Holds;
    }
    failures.truncate(MOST_FAILURES);
    Outcome::Failed { failures, failed, of }
}

fn failure(assertion: &Assertion, scope: &Scope, element: &Element<'_>) -> Failure {
    let actual = assertion.actual.as_ref().and_then(|actual| actual.text(scope, element.value).ok());
    let actual = actual.unwrap_or_else(|| untold(&assertion.rule));
    told(assertion, scope, element, actual, None)
}

/// What an assertion comes to where there is nothing at `path`.
fn nothing(assertion: &Assertion, scope: &Scope, path: &str, element: &Element<'_>) -> Outcome {
    match assertion.absent {
        Absent::Holds => Outcome::Holds,
        Absent::Fails => {
            let nothing = assertion.nothing.as_ref();
            let said = nothing.and_then(|nothing| nothing.actual.text(scope, element.value).ok());
            let actual = said.unwrap_or_else(|| format!("nothing to look at: {path}"));
            let fix = nothing.and_then(|nothing| nothing.fix.as_deref());
            Outcome::Failed { failures: vec![told(assertion, scope, element, actual, fix)], failed: 1, of: 1 }
        }
    }
}

/// A failure in the words of the first case that it is, else in those given.
fn told(
    assertion: &Assertion,
    scope: &Scope,
    element: &Element<'_>,
    actual: String,
    fix: Option<&str>,
) -> Failure {
    // A case whose words cannot be made is none: words never change an outcome.
    let case = assertion.cases.iter().find_map(|case| {
        let is_it = case.when.holds(scope, element.value).unwrap_or(false);
        is_it.then(|| Some((case.actual.text(scope, element.value).ok()?, case.fix.as_deref())))?
    });
    let (actual, fix) = match case {
        Some((actual, case_fix)) => (actual, case_fix.or(fix)),
        None => (actual, fix),
    };
    Failure {
        assertion: assertion.id.clone(),
        path: element.path.clone(),
        expected: assertion.expected.clone(),
        actual,
        because: assertion.because.clone(),
        fix: fix.unwrap_or(&assertion.fix).to_owned(),
        guide: assertion.guide.clone(),
    }
}

#[cfg(test)]
mod tests;
