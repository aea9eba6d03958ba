//! The matrix check × specimen × assertion, and the assertions that no specimen needs.

use std::fmt::Write;

use grader_core::{Attempt, judge::Outcome, workbook::Workbook};

use super::specimen::{Specimen, failed};

/// Draws the matrix: a row for each specimen, a column for each assertion.
pub fn drawn(attempts: &[(Specimen, Attempt)], workbook: &Workbook) -> String {
    let mut text = String::new();
    for (id, check) in &workbook.checks {
        let mut rows = attempts.iter().filter(|(specimen, _)| specimen.exercise == *id).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "\n{id}  {}", check.title);
        for (at, assertion) in check.assertions.iter().enumerate() {
            let _ = writeln!(text, "    {}  {}", letter(at), assertion.id);
        }
        for (specimen, attempt) in rows {
            let cells: String = check
                .assertions
                .iter()
                .map(|assertion| {
                    let outcome = attempt.outcomes.iter().find(|(id, _)| *id == assertion.id);
                    match outcome.map(|(_, outcome)| outcome) {
                        Some(Outcome::Holds | Outcome::HeldBefore { .. }) => " +",
                        Some(Outcome::Failed { .. }) => " F",
                        Some(Outcome::NotEvaluated(_)) => " !",
                        None => " .",
                    }
                })
                .collect();
            let as_expected = if specimen.agrees(attempt).is_ok() { "" } else { "   NOT AS EXPECTED" };
            let verdict = attempt.verdict.word().as_str();
            let _ = writeln!(text, "  {cells}  {verdict:<8} {}{as_expected}", specimen.name());
        }
    }
    text.push_str("\n    + holds   F failed   ! could not be evaluated   . not judged\n");
    text
}

fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at % 26).unwrap_or(0))
}

/// Assertions that could be dropped without a specimen passing that must fail.
pub fn unneeded(attempts: &[(Specimen, Attempt)], workbook: &Workbook) -> Vec<String> {
    let mut unneeded = Vec::new();
    for (id, check) in &workbook.checks {
        for assertion in &check.assertions {
            let alone = |attempt: &Attempt| failed(attempt).iter().eq([&assertion.id]);
            let needed =
                attempts.iter().any(|(specimen, attempt)| specimen.exercise == *id && alone(attempt));
            if !needed {
                unneeded.push(format!("{id}: no specimen fails on `{}` alone", assertion.id));
            }
        }
    }
    unneeded
}
