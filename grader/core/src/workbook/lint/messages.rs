//! What a learner reads: short enough, and all of it there.

use crate::workbook::{Check, Diagnostic, SourceFile, places::Places};

/// The most characters of a message.
const LONGEST: usize = 200;

/// The most characters of what was expected, and of a title.
const LONGEST_LINE: usize = 100;

pub(super) fn lint(check: &Check, source: &SourceFile) -> Vec<Diagnostic> {
    let places = Places::of(source);
    let mut faults = Vec::new();
    let mut text = |place: String, text: &str, longest: usize| {
        let length = text.chars().count();
        if length > longest {
            let message = format!("{length} characters: at most {longest} are read");
            faults.push(
                Diagnostic::error(source, places.value(&place), message).suggest("say it in fewer words"),
            );
        }
        if text.trim().is_empty() {
            faults.push(Diagnostic::error(source, places.value(&place), "an empty text helps nobody"));
        }
    };
    text("title".into(), &check.title, LONGEST_LINE);
    text("proves".into(), &check.proves, LONGEST);
    text("leaves_open".into(), &check.leaves_open, LONGEST);
    text("debrief".into(), &check.debrief, 400);
    for (at, assertion) in check.assertions.iter().enumerate() {
        text(format!("assert/{at}/expected"), &assertion.expected, LONGEST_LINE);
        text(format!("assert/{at}/because"), &assertion.because, LONGEST);
        text(format!("assert/{at}/fix"), &assertion.fix, LONGEST);
        if let Some(fix) = assertion.nothing.as_ref().and_then(|nothing| nothing.fix.as_ref()) {
            text(format!("assert/{at}/nothing/fix"), fix, LONGEST);
        }
        for (nth, case) in assertion.cases.iter().enumerate() {
            if let Some(fix) = &case.fix {
                text(format!("assert/{at}/case/{nth}/fix"), fix, LONGEST);
            }
        }
    }
    for (at, hint) in check.hints.iter().enumerate() {
        text(format!("hint/{at}/text"), &hint.text, 400);
    }
    faults.extend(hints(check, source, &places));
    faults
}

fn hints(check: &Check, source: &SourceFile, places: &Places<'_>) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let general = check.hints.iter().filter(|hint| hint.assertion.is_none()).count();
    if general != 3 {
        let place = if check.hints.is_empty() { 0..0 } else { places.value("hint/0") };
        faults.push(
            Diagnostic::error(source, place, format!("{general} hints without `for`: a check has three"))
                .suggest("what to look at, which way, nearly there"),
        );
    }
    for (at, hint) in check.hints.iter().enumerate() {
        if let Some(wanted) = &hint.assertion
            && !check.assertions.iter().any(|assertion| assertion.id == *wanted)
        {
            let place = places.value(&format!("hint/{at}/for"));
            let known = check.assertions.iter().map(|assertion| assertion.id.as_str());
            faults.push(
                Diagnostic::error(source, place, format!("no assertion is called `{wanted}`"))
                    .suggest_nearest(wanted, known),
            );
        }
    }
    faults
}
