//! The card of one attempt, laid out for a terminal. What it says comes from [`Card`] alone.

use grader_core::card::{Card, Finding};

use super::{
    Look, Word,
    clean::clean_line,
    layout::{beside, block, command, duration, labelled, left_and_right, room, wrap},
    look::{BOLD, paint},
    printed::printed,
};

/// How many elements that failed are told one by one.
const MOST_ELEMENTS: usize = 3;

/// What a card needs to know beside its attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Whether the check has hints to offer.
    pub hints: bool,
    /// Whether the workbook has a book to point into.
    pub book: bool,
    /// Where the log of a broken run is.
    pub log: Option<String>,
    /// What changed since the attempt before, which failed on the same assertion.
    pub since_before: Option<String>,
}

/// Lays out a card.
pub fn card(card: &Card, beside: &Beside, look: &Look) -> String {
    let word = Word::from(card.verdict);
    let mut out = head(word, card, look);
    if !card.looked_at.trim().is_empty() {
        out.push_str(&labelled("looked at", &card.looked_at, look));
    }
    if let Some(first) = card.findings.first() {
        out.push_str(&finding(first, look));
    }
    out.push_str(&other_assertions(card, look));
    if let Some(since) = &beside.since_before {
        out.push_str(&labelled("since", since, look));
    }
    if let Some(missing) = &card.blocked {
        out.push_str(&labelled("missing", &missing.what, look));
        out.push_str(&command("do", &missing.fix, look));
    }
    if let Some(fault) = &card.error {
        out.push_str(&labelled("broke", &fault.what, look));
        if !fault.detail.trim().is_empty() && fault.detail != fault.what {
            out.push_str(&labelled("detail", &fault.detail, look));
        }
        let reassurance = "This is not your fault. Your progress is unchanged.";
        out.push_str(&labelled("not you", reassurance, look));
        if let Some(log) = &beside.log {
            out.push_str(&labelled("log", log, look));
        }
    }
    if let Some(proven) = &card.proven {
        out.push_str(&labelled("proven", &proven.proves, look));
        out.push_str(&labelled("not proven", &proven.leaves_open, look));
        if !proven.debrief.trim().is_empty() {
            out.push_str(&labelled("why", &proven.debrief, look));
        }
    }
    out.push_str(&then(card, beside, look));
    for text in &card.printed {
        out.push_str(&printed(text, look));
    }
    out
}

/// The first line: symbol, id and title on the left; verdict and time on the right.
fn head(word: Word, card: &Card, look: &Look) -> String {
    let title = clean_line(&card.title);
    let took = duration(card.duration_ms);
    if look.plain {
        let mut out = format!("exercise: {}\ntitle: {title}\nstatus: {}\n", card.exercise, word.as_str());
        if let Some(number) = card.attempt {
            out.push_str(&format!("attempt: {number}\n"));
        }
        out.push_str(&format!("took: {took}\n"));
        return out;
    }
    heading(word, &card.exercise.to_string(), &title, &took, look)
}

/// A heading with a state: on one line if it fits, else the state first and the title below it.
pub fn heading(word: Word, id: &str, title: &str, after: &str, look: &Look) -> String {
    let symbol = paint(word.style(), word.symbol(look));
    let after = if after.is_empty() { String::new() } else { format!("  {after}") };
    let left = format!("{} {id}  {title}", word.symbol(look));
    let right = format!("{}{after}", word.as_str());
    if let Some(gap) = left_and_right(&left, &right, look.width) {
        let gap = " ".repeat(gap);
        return format!("{symbol} {id}  {}{gap}{}{after}\n", paint(BOLD, title), word.painted());
    }
    let mut out = format!("{symbol} {id}  {}{after}\n", word.painted());
    for line in wrap(title, look.width - 2) {
        out.push_str(&format!("  {}\n", paint(BOLD, &line)));
    }
    out
}

fn finding(finding: &Finding, look: &Look) -> String {
    let mut out = labelled("expected", &finding.expected, look);
    out.push_str(&actual(finding, look));
    out.push_str(&labelled("why", &finding.because, look));
    out.push_str(&labelled("do", &finding.fix, look));
    out
}

/// What was seen. `2 of 3:` stands before it where only some elements failed.
fn actual(finding: &Finding, look: &Look) -> String {
    let some = finding.failed < finding.of || finding.failed > MOST_ELEMENTS;
    let before = if some { format!("{} of {}:", finding.failed, finding.of) } else { String::new() };
    let shown: Vec<String> = finding.actual.iter().take(MOST_ELEMENTS).map(|text| clean_line(text)).collect();
    let more = finding.failed.saturating_sub(shown.len());
    if look.plain {
        let mut out = String::new();
        if some {
            out.push_str(&format!("failed elements: {} of {}\n", finding.failed, finding.of));
        }
        shown.iter().for_each(|text| out.push_str(&format!("actual: {text}\n")));
        if more > 0 {
            out.push_str(&format!("actual: and {more} more\n"));
        }
        return out;
    }
    // Elements stand below each other, right of `2 of 3:`.
    let indent = if some { before.len() + 2 } else { 0 };
    let mut lines: Vec<String> = Vec::new();
    for text in &shown {
        lines.extend(wrap(text, room(look).saturating_sub(indent).max(8)));
    }
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let lines: Vec<String> = lines
        .into_iter()
        .enumerate()
        .map(
            |(at, line)| {
                if at == 0 && some { format!("{before}  {line}") } else { format!("{:indent$}{line}", "") }
            },
        )
        .collect();
    block("actual", &lines, look)
}

/// The assertions that are not told in full: those that failed as well, those that held before.
fn other_assertions(card: &Card, look: &Look) -> String {
    let mut out = String::new();
    let others: Vec<&str> = card.findings.iter().skip(1).map(|finding| finding.assertion.as_str()).collect();
    if !others.is_empty() {
        out.push_str(&labelled("also failed", &others.join(", "), look));
    }
    if !card.held_before.is_empty() {
        let held: Vec<String> =
            card.held_before.iter().map(|(id, attempt)| format!("{id} (attempt {attempt})")).collect();
        out.push_str(&labelled("held before", &held.join(", "), look));
    }
    out
}

/// What to type next. After a pass nothing is due here.
fn then(card: &Card, beside_card: &Beside, look: &Look) -> String {
    let id = card.exercise;
    let mut parts = match Word::from(card.verdict) {
        Word::Failed => vec![format!("grader check {id}")],
        Word::Blocked => vec![format!("grader check {id}"), "all that is missing: grader doctor".into()],
        Word::Error => vec![format!("grader check {id}"), "this machine: grader doctor".into()],
        Word::Passed | Word::Stale | Word::TornDown | Word::Open | Word::Pending => return String::new(),
    };
    if Word::from(card.verdict) == Word::Failed {
        if beside_card.hints {
            parts.push(format!("hint: grader hint {id}"));
        }
        if beside_card.book
            && let Some(guide) = card.findings.first().and_then(|finding| finding.guide.as_ref())
        {
            parts.push(format!("book: {}", clean_line(guide)));
        }
    }
    if look.plain {
        return parts.iter().map(|part| format!("then: {part}\n")).collect();
    }
    block("then", &beside(&parts, room(look)), look)
}
