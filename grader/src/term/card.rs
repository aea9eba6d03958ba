//! The card of one attempt, laid out for a terminal. What it says comes from [`Card`] alone.

use grader_core::{
    card::{Card, Finding},
    since::Since,
};

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
    /// Whether the check is still to come, so that there is nothing to run again.
    pub to_come: bool,
    /// Whether the workbook has a book to point into.
    pub book: bool,
    /// Where the log of a broken run is.
    pub log: Option<String>,
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
    if let Some(since) = &card.since {
        out.push_str(&changed(since, look));
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
    let offered = offered(card, beside, look);
    out.push_str(&offered);
    // What is offered by itself is not named twice.
    let beside = &if offered.is_empty() {
        beside.clone()
    } else {
        Beside { hints: false, book: false, ..beside.clone() }
    };
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
    // Elements stand below each other, right of `2 of 3:` where there is room for them.
    let beside = before.len() + 2;
    let indent = if some && room(look) >= beside + 16 { beside } else { 0 };
    let mut lines: Vec<String> =
        shown.iter().flat_map(|text| wrap(text, room(look).saturating_sub(indent).max(8))).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    if indent > 0 {
        let pad = |(at, line): (usize, String)| {
            if at == 0 { format!("{before}  {line}") } else { format!("{:indent$}{line}", "") }
        };
        lines = lines.into_iter().enumerate().map(pad).collect();
    } else if some {
        lines.insert(0, before);
    }
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

/// What changed since the failure before, a line each.
fn changed(since: &Since, look: &Look) -> String {
    let lines = since.lines();
    if look.plain {
        return lines.iter().map(|line| format!("changed: {}\n", clean_line(line))).collect();
    }
    let lines: Vec<String> = lines.iter().flat_map(|line| wrap(&clean_line(line), room(look))).collect();
    block("changed", &lines, look)
}

/// How often in a row an assertion fails until help is offered by itself.
const OFTEN: usize = 3;

/// After a third failure on the same assertion: where the book says more, and the hint. Offered, not shown.
fn offered(card: &Card, beside_card: &Beside, look: &Look) -> String {
    let Some(since) = card.since.as_ref().filter(|since| since.times >= OFTEN) else { return String::new() };
    let mut parts = Vec::new();
    if beside_card.book
        && let Some(guide) = card.findings.first().and_then(|finding| finding.guide.as_ref())
    {
        parts.push(format!("book: {}", clean_line(guide)));
    }
    if beside_card.hints {
        parts.push(format!("hint: grader hint {}", card.exercise));
    }
    let times = format!("failure {} in a row on this", since.times);
    if parts.is_empty() {
        String::new()
    } else {
        labelled("help", &format!("{times}; {}", parts.join(", ")), look)
    }
}

/// What to type next. After a pass nothing is due here.
fn then(card: &Card, beside_card: &Beside, look: &Look) -> String {
    if beside_card.to_come {
        return String::new();
    }
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
            // The anchor is what one looks for in the book; pages get long names.
            let anchor = guide.find('#').map_or(guide.as_str(), |at| &guide[at..]);
            parts.push(format!("book: {}", clean_line(anchor)));
        }
    }
    if look.plain {
        return parts.iter().map(|part| format!("then: {part}\n")).collect();
    }
    block("then", &beside(&parts, room(look)), look)
}

#[cfg(test)]
mod tests {
    use grader_core::{
        Fault, Missing, VerdictWord,
        card::{Printed, Proven},
        evidence::Text,
        since::Changed,
    };
    use unicode_width::UnicodeWidthStr;

    use super::*;

    const LOOK: Look = Look { width: 80, plain: false, unicode: true };
    const PLAIN: Look = Look { plain: true, ..LOOK };

    fn bare(verdict: VerdictWord) -> Card {
        Card {
            exercise: "4.2".parse().unwrap(),
            title: "The container does not run as root".into(),
            verdict,
            attempt: Some(17),
            duration_ms: 1812,
            looked_at: "app:3f2c1ab  sha256:9c1e44…  3 processes, 6 s, 24 looks".into(),
            findings: Vec::new(),
            held_before: Vec::new(),
            since: None,
            blocked: None,
            error: None,
            proven: None,
            printed: Vec::new(),
        }
    }

    fn failed() -> Card {
        let finding = |assertion: &str| Finding {
            assertion: assertion.into(),
            expected: "no process with uid 0".into(),
            actual: vec!["gunicorn  pid 1  uid 0".into(), "worker    pid 9  uid 0".into()],
            paths: Vec::new(),
            failed: 2,
            of: 3,
            because:
                "Root in a container is root to the kernel; only namespaces and capabilities stand between."
                    .into(),
            fix: "Create a user in the final stage; `USER` before `CMD`.".into(),
            guide: Some("04-hardening.html#ex-4.2".into()),
        };
        Card { findings: vec![finding("no-root"), finding("user-declared")], ..bare(VerdictWord::Failed) }
    }

    fn shown(card: &Card, beside: &Beside, look: &Look) -> String {
        anstream::adapter::strip_str(&super::card(card, beside, look)).to_string()
    }

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let beside = Beside { hints: true, book: true, ..Beside::default() };
        assert_eq!(
            shown(&failed(), &beside, &LOOK),
            "\
✗ 4.2  The container does not run as root                          failed  1.8 s
  looked at   app:3f2c1ab  sha256:9c1e44…  3 processes, 6 s, 24 looks
  expected    no process with uid 0
  actual      2 of 3:  gunicorn  pid 1  uid 0
                       worker    pid 9  uid 0
  why         Root in a container is root to the kernel; only namespaces and
              capabilities stand between.
  do          Create a user in the final stage; `USER` before `CMD`.
  also failed user-declared
  then        grader check 4.2      hint: grader hint 4.2      book: #ex-4.2
"
        );
        assert_eq!(
            shown(&failed(), &Beside::default(), &PLAIN),
            "\
exercise: 4.2
title: The container does not run as root
status: failed
attempt: 17
took: 1.8 s
looked at: app:3f2c1ab  sha256:9c1e44…  3 processes, 6 s, 24 looks
expected: no process with uid 0
failed elements: 2 of 3
actual: gunicorn  pid 1  uid 0
actual: worker    pid 9  uid 0
why: Root in a container is root to the kernel; only namespaces and capabilities stand between.
do: Create a user in the final stage; `USER` before `CMD`.
also failed: user-declared
then: grader check 4.2
"
        );
    }

    #[test]
    fn after_a_second_failure_it_says_what_changed_and_after_a_third_it_offers_help() {
        let mut card = failed();
        let since = Since {
            assertion: "no-root".into(),
            before: Some(16),
            times: 2,
            changes: vec![Changed { what: "app.processes".into(), was: "3".into(), is: "2".into() }],
            same: vec!["image".into()],
        };
        let nothing = Since { changes: Vec::new(), times: 3, ..since.clone() };
        let beside = Beside { hints: true, book: true, ..Beside::default() };
        card.since = Some(since);
        let text = shown(&card, &beside, &LOOK);
        assert!(text.contains("\n  changed     app.processes: 3 → 2\n"), "{text}");
        assert!(text.contains("hint: grader hint 4.2      book: #ex-4.2\n"), "{text}");
        card.since = Some(nothing);
        let text = shown(&card, &beside, &LOOK);
        let end = "\
  changed     nothing that this looks at: same image
  help        failure 3 in a row on this; book: 04-hardening.html#ex-4.2, hint:
              grader hint 4.2
  then        grader check 4.2
";
        assert!(text.ends_with(end), "{text}");
        assert!(
            shown(&card, &Beside::default(), &PLAIN)
                .contains("changed: nothing that this looks at: same image\n")
        );
    }

    #[test]
    fn of_many_elements_a_few_are_told_and_the_rest_counted() {
        let mut card = failed();
        card.findings.truncate(1);
        card.findings[0].actual = (0..20).map(|n| format!("pid {n}")).collect();
        (card.findings[0].failed, card.findings[0].of) = (40, 40);
        let text = shown(&card, &Beside::default(), &LOOK);
        assert!(text.contains("40 of 40:  pid 0\n"), "{text}");
        assert!(text.contains(&format!("{:25}and 37 more\n", "")), "{text}");
    }

    #[test]
    fn a_pass_says_what_it_proves_and_what_not() {
        let card = Card {
            proven: Some(Proven {
                proves: "Nothing in the container was root.".into(),
                leaves_open: "What lives between two looks.".into(),
                debrief: "A way out ends in an account\nwithout rights.".into(),
            }),
            held_before: vec![("split-even".into(), 12)],
            ..bare(VerdictWord::Passed)
        };
        assert_eq!(
            shown(&card, &Beside::default(), &LOOK),
            "\
✓ 4.2  The container does not run as root                          passed  1.8 s
  looked at   app:3f2c1ab  sha256:9c1e44…  3 processes, 6 s, 24 looks
  held before split-even (attempt 12)
  proven      Nothing in the container was root.
  not proven  What lives between two looks.
  why         A way out ends in an account without rights.
"
        );
    }

    #[test]
    fn what_is_missing_comes_with_one_command() {
        let card = Card {
            looked_at: String::new(),
            blocked: Some(Missing {
                what: "no container engine answers at unix:///var/run/docker.sock".into(),
                fix: "docker build -t myapp --build-arg GIT_SHA=$(git rev-parse HEAD) app".into(),
            }),
            ..bare(VerdictWord::Blocked)
        };
        assert_eq!(
            shown(&card, &Beside::default(), &LOOK),
            "\
– 4.2  The container does not run as root                         blocked  1.8 s
  missing     no container engine answers at unix:///var/run/docker.sock
  do
    docker build -t myapp --build-arg GIT_SHA=$(git rev-parse HEAD) app
  then        grader check 4.2      all that is missing: grader doctor
"
        );
    }

    #[test]
    fn an_error_is_not_the_learners() {
        let card = Card {
            looked_at: String::new(),
            error: Some(Fault {
                what: "the engine stopped answering".into(),
                detail: "asked to inspect a container: no answer after 20 s".into(),
            }),
            ..bare(VerdictWord::Error)
        };
        let beside = Beside { log: Some(".grader/log/check-1.log".into()), ..Beside::default() };
        assert_eq!(
            shown(&card, &beside, &LOOK),
            "\
! 4.2  The container does not run as root                           error  1.8 s
  broke       the engine stopped answering
  detail      asked to inspect a container: no answer after 20 s
  not you     This is not your fault. Your progress is unchanged.
  log         .grader/log/check-1.log
  then        grader check 4.2      this machine: grader doctor
"
        );
    }

    #[test]
    fn at_every_width_lines_fit_and_nothing_is_lost() {
        let mut card = failed();
        let text = Text::bounded(
            "Traceback: a long line of the learner's program, of no use here\n".repeat(40).as_bytes(),
            9000,
        );
        card.printed = vec![Printed { probe: "app".into(), text }];
        let changed = Changed { what: "app.processes".into(), was: "3".into(), is: "2".into() };
        card.since = Some(Since {
            assertion: "no-root".into(),
            before: Some(16),
            times: 3,
            changes: vec![changed],
            same: vec!["image".into()],
        });
        let beside = Beside { hints: true, book: true, ..Beside::default() };
        for width in 20..=110 {
            for unicode in [true, false] {
                let text = shown(&card, &beside, &Look { width, plain: false, unicode });
                assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
                for word in ["4.2", "failed", "expected", "2 of 3:", "why", "your container"] {
                    assert!(text.contains(word), "{width}: {word}:\n{text}");
                }
            }
        }
    }

    #[test]
    fn whatever_a_program_says_is_harmless() {
        let mut card = failed();
        let evil = "\u{1b}]52;c;aGk=\u{7}\u{1b}[2J\u{9b}31m\u{202e}x\r\ny";
        card.findings[0].actual = vec![evil.into()];
        card.looked_at = evil.into();
        card.title = evil.into();
        card.printed = vec![Printed { probe: evil.into(), text: Text::bounded(evil.as_bytes(), 1000) }];
        card.error = Some(Fault { what: evil.into(), detail: evil.into() });
        for look in [LOOK, PLAIN] {
            let text = shown(&card, &Beside::default(), &look);
            assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
        }
    }
}
