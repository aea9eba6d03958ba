//! What a learner's program printed: in a box of its own, each line marked, harmless, bounded.

use grader_core::{card::Printed, evidence::Text};

use super::{
    Look,
    clean::clean_line,
    layout::{bytes, wrap},
};

/// How many lines are shown from the beginning, where not all are.
const FIRST: usize = 2;

/// How many lines are shown from the end.
const LAST: usize = 8;

/// The longest line in plain mode, in columns.
const LONGEST_PLAIN: usize = 200;

/// Lays out what one container printed, and says how much of it is not shown.
pub(super) fn printed(printed: &Printed, look: &Look) -> String {
    let probe = clean_line(&printed.probe);
    let width = if look.plain { LONGEST_PLAIN } else { look.width - 4 };
    let excerpt = Excerpt::of(&printed.text, look, width);
    let mut out = String::new();
    if look.plain {
        out.push_str(&format!("your container printed: {probe}\n"));
        for row in &excerpt.rows {
            match row {
                Row::Line(line) => out.push_str(&format!("printed: {line}\n")),
                Row::Gap => out.push_str("printed: ...\n"),
            }
        }
        if let Some(summary) = excerpt.summary() {
            out.push_str(&format!("cut: {summary}\n"));
        }
        return out;
    }
    out.push_str(&edge(['┌', '│'], &format!("your container printed ({probe})"), width));
    for row in &excerpt.rows {
        match row {
            Row::Line(line) => out.push_str(format!("  │ {line}").trim_end()),
            Row::Gap => out.push_str("  │ …"),
        }
        out.push('\n');
    }
    match excerpt.summary() {
        Some(summary) => out.push_str(&edge(['└', ' '], &summary, width)),
        None => out.push_str("  └\n"),
    }
    out
}

/// An edge of the box with words on it; `marks` stand before the first line and before further ones.
fn edge(marks: [char; 2], text: &str, width: usize) -> String {
    let lines = wrap(text, width).into_iter().enumerate();
    lines.map(|(at, line)| format!("  {} {line}\n", marks[at.min(1)])).collect()
}

/// The lines that are shown of a text.
struct Excerpt {
    rows: Vec<Row>,
    shown_bytes: u64,
    bytes: u64,
    /// Whether anything that can be seen was left out.
    partly: bool,
}

enum Row {
    Line(String),
    Gap,
}

impl Excerpt {
    fn of(text: &Text, look: &Look, width: usize) -> Self {
        let mut excerpt =
            Self { rows: Vec::new(), shown_bytes: 0, bytes: text.bytes, partly: text.cut_bytes > 0 };
        let head: Vec<&str> = lines(&text.head);
        let tail: Vec<&str> = lines(&text.tail);
        if text.cut_bytes == 0 && tail.is_empty() && head.len() <= FIRST + LAST {
            head.iter().for_each(|line| excerpt.add(line, look, width));
            return excerpt;
        }
        // Where nothing was cut before, the last lines are in the head.
        let (first, last) =
            if tail.is_empty() { head.split_at(FIRST.min(head.len())) } else { (&*head, &*tail) };
        first.iter().take(FIRST).for_each(|line| excerpt.add(line, look, width));
        excerpt.rows.push(Row::Gap);
        excerpt.partly = true;
        last.iter().skip(last.len().saturating_sub(LAST)).for_each(|line| excerpt.add(line, look, width));
        excerpt
    }

    fn add(&mut self, line: &str, look: &Look, width: usize) {
        let clean = clean_line(line);
        let short = look.cut(&clean, width);
        let is_cut = short != clean;
        self.partly |= is_cut;
        let seen = if is_cut { short.len() - look.ellipsis().len() } else { line.len() + 1 };
        self.shown_bytes += seen as u64;
        self.rows.push(Row::Line(short));
    }

    fn summary(&self) -> Option<String> {
        let hidden = self.bytes.saturating_sub(self.shown_bytes);
        self.partly.then(|| format!("{} of {} not shown", bytes(hidden), bytes(self.bytes)))
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end_matches(['\n', '\r']).split('\n').filter(|_| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    const LOOK: Look = Look { width: 80, plain: false, unicode: true };

    fn shown(raw: &[u8], look: &Look) -> String {
        printed(&Printed { probe: "app".into(), text: Text::bounded(raw, 16_384) }, look)
    }

    #[test]
    fn a_few_lines_stand_as_they_are() {
        assert_eq!(
            shown(b"\xef\xbb\xbfstarting\r\n\x1b[31mdied\x1b[0m\n", &LOOK),
            "  ┌ your container printed (app)\n  │ starting\n  │ died\n  └\n"
        );
        assert_eq!(
            shown(b"one\n", &Look { plain: true, ..LOOK }),
            "your container printed: app\nprinted: one\n"
        );
    }

    #[test]
    fn of_many_lines_the_first_and_last_are_shown_and_the_rest_counted() {
        let raw: String = (1..=1000).map(|n| format!("line {n}\n")).collect();
        let text = shown(raw.as_bytes(), &LOOK);
        assert!(text.contains("│ line 2\n  │ …\n  │ line 993\n"), "{text}");
        assert!(text.ends_with("│ line 1000\n  └ 8.8 kB of 8.9 kB not shown\n"), "{text}");
    }

    #[test]
    fn a_gigabyte_without_a_line_break_is_one_short_line() {
        let text = Text::cut(&[b'x'; 8192], &[b'y'; 8192], 1_000_000_000);
        let text = printed(&Printed { probe: "app".into(), text }, &LOOK);
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
        assert!(text.contains("1.0 GB of 1.0 GB not shown"), "{text}");
    }

    #[test]
    fn binary_output_is_harmless() {
        let raw: Vec<u8> = (0..=255).collect();
        let text = shown(&raw, &LOOK);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}
