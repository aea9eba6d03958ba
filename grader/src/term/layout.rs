//! Lines of text: wrapped to a width, labelled, counted and timed in words.

use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr;

use super::{
    Look,
    clean::clean_line,
    look::{BOLD, paint},
};

/// Columns before the text of a labelled line, as `  looked at   `.
const LABEL: usize = 14;

/// Below this width a label stands on a line of its own.
const NARROW: usize = 44;

/// A text with a label before it, wrapped, further lines below the text. Plain: `label: text`.
pub fn labelled(label: &str, text: &str, look: &Look) -> String {
    let text = clean_line(text);
    let text = text.trim();
    if look.plain {
        return format!("{label}: {text}\n");
    }
    block(label, &wrap(text, room(look)), look)
}

/// A command to type, with a label before it. One that does not fit beside its label stands below it:
/// a command that was torn apart cannot be copied.
pub fn command(label: &str, text: &str, look: &Look) -> String {
    let text = clean_line(text);
    let text = text.trim();
    let fits_below = text.width() > room(look) && text.width() + 4 <= look.width;
    if look.plain || !fits_below {
        return labelled(label, text, look);
    }
    format!("  {label}\n    {text}\n")
}

/// Ready lines with a label before the first.
pub fn block(label: &str, lines: &[String], look: &Look) -> String {
    let mut out = String::new();
    if look.width < NARROW {
        out.push_str(&format!("  {label}\n"));
        lines.iter().for_each(|line| out.push_str(&format!("    {line}\n")));
        return out;
    }
    for (at, line) in lines.iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        let line = format!("  {label:<width$}{line}", width = LABEL - 2);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Columns that the text of a labelled line may take.
pub const fn room(look: &Look) -> usize {
    let before = if look.width < NARROW { 4 } else { LABEL };
    look.width - before
}

/// Wraps at spaces; a word that is longer than a line is broken.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width.max(1))
        // Options of commands must not be torn at their hyphens.
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(|line| line.into_owned()).collect()
}

/// A title in bold, wrapped to the whole width; as it is where output is plain.
pub fn title(text: &str, look: &Look) -> String {
    let text = clean_line(text);
    if look.plain {
        return format!("{text}\n");
    }
    wrap(&text, look.width).iter().map(|line| format!("{}\n", paint(BOLD, line))).collect()
}

/// A paragraph, wrapped to the whole width; as it is where output is plain.
pub fn paragraph(text: &str, look: &Look) -> String {
    let text = clean_line(text);
    if look.plain { format!("{text}\n") } else { wrap(&text, look.width).join("\n") + "\n" }
}

/// Several lines of a text by an author: line breaks kept, each line wrapped.
pub fn paragraphs(text: &str, look: &Look) -> String {
    text.trim().lines().map(|line| paragraph(line, look)).collect()
}

/// Parts beside each other with a wide gap if they fit in `width`, else below each other.
pub fn beside(parts: &[String], width: usize) -> Vec<String> {
    let line = parts.join("      ");
    if line.width() <= width { vec![line] } else { parts.iter().flat_map(|part| wrap(part, width)).collect() }
}

/// Left and right part of one line, if they fit with a gap of two columns.
pub fn left_and_right(left: &str, right: &str, width: usize) -> Option<usize> {
    width.checked_sub(left.width() + right.width()).filter(|gap| *gap >= 2)
}

/// A number with its noun: `1 exercise`, `3 exercises`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A duration as people say it: `12 ms`, `0.4 s`, `12 s`, `2 min 5 s`.
pub fn duration(millis: u64) -> String {
    match millis {
        0..=99 => format!("{millis} ms"),
        100..=9_949 => format!("{}.{} s", (millis + 50) / 1000, (millis + 50) % 1000 / 100),
        9_950..=119_499 => format!("{} s", (millis + 500) / 1000),
        _ => {
            let seconds = (millis + 500) / 1000;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
    }
}

/// A number of bytes in decimal units: `812 B`, `1.2 MB`.
pub fn bytes(number: u64) -> String {
    let (divisor, unit) = match number {
        0..=999 => return format!("{number} B"),
        1_000..=999_949 => (1_000, "kB"),
        999_950..=999_949_999 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = (u128::from(number) * 10 + divisor / 2) / divisor;
    if tenths < 100 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", tenths / 10)
    }
}

/// Words in a row: `a`, `a and b`, `a, b and c`.
pub fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { width: 80, plain: false, unicode: true };

    #[test]
    fn a_text_is_wrapped_below_itself() {
        let text =
            "Root in a container is root to the kernel; only namespaces and capabilities stand between.";
        assert_eq!(
            labelled("why", text, &LOOK),
            "  why         Root in a container is root to the kernel; only namespaces and\n\
             \x20             capabilities stand between.\n"
        );
        assert_eq!(labelled("why", "a\nb", &Look { plain: true, ..LOOK }), "why: a b\n");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [20, 30, 44, 80] {
            let look = Look { width, ..LOOK };
            let text = labelled(
                "looked at",
                &"sha256:0123456789abcdef0123456789abcdef --read-only ".repeat(3),
                &look,
            );
            assert!(text.lines().all(|line| line.width() <= width), "{width}: {text}");
        }
    }

    #[test]
    fn durations_and_sizes_read_well() {
        let durations = [0, 49, 640, 1_812, 9_949, 9_950, 59_600, 125_000].map(duration);
        assert_eq!(durations, ["0 ms", "49 ms", "0.6 s", "1.8 s", "9.9 s", "10 s", "60 s", "2 min 5 s"]);
        let sizes = [0, 999, 1_000, 9_949, 123_456, 999_949, 1_500_000, 2_000_000_000].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "9.9 kB", "123 kB", "999 kB", "1.5 MB", "2.0 GB"]);
        assert_eq!((count(1, "check"), count(0, "check")), ("1 check".into(), "0 checks".into()));
    }
}
