//! How output shall look: width, plain or laid out, Unicode or ASCII, and the marks of each state.

use anstyle::{AnsiColor, Style};
use grader_core::VerdictWord;
use unicode_width::UnicodeWidthStr;

use crate::progress::State;

/// The width where nobody says one.
const USUAL_WIDTH: usize = 80;

/// The narrowest width that is laid out; below it lines are as long as this.
const NARROWEST: usize = 20;

/// The widest: longer lines are hard to read.
const WIDEST: usize = 110;

/// How output shall look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// One fact a line: no box, no redraw, no layout.
    pub plain: bool,
    /// Whether symbols outside of ASCII may be printed.
    pub unicode: bool,
}

impl Look {
    /// Reads the look from the environment; `flag` is `--plain`, `terminal` the width of the terminal.
    pub fn read(variable: &dyn Fn(&str) -> Option<String>, flag: bool, terminal: Option<usize>) -> Self {
        let number = |name: &str| variable(name).and_then(|text| text.parse::<usize>().ok());
        let width = number("GRADER_WIDTH").or(terminal).or_else(|| number("COLUMNS")).unwrap_or(USUAL_WIDTH);
        let asked = |name: &str| variable(name).is_some_and(|value| value != "0" && value != "false");
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        Self {
            width: width.clamp(NARROWEST, WIDEST),
            plain: flag || asked("GRADER_PLAIN") || asked("CI") || dumb,
            unicode: speaks_unicode(variable),
        }
    }

    /// What stands for text that was left out.
    pub const fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// Cuts a line to `width` columns; says so by an ellipsis at its end.
    pub fn cut(&self, line: &str, width: usize) -> String {
        if line.width() <= width {
            return line.to_owned();
        }
        let room = width.saturating_sub(self.ellipsis().width());
        let mut kept = String::new();
        let mut columns = 0;
        for character in line.chars() {
            columns += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
            if columns > room {
                break;
            }
            kept.push(character);
        }
        kept.push_str(self.ellipsis());
        kept
    }
}

/// Whether the locale is one of UTF-8. Where none is set, nearly every terminal of today is.
fn speaks_unicode(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    match ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable) {
        None => true,
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
    }
}

/// What an exercise or an attempt is, as a word with its symbol and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// Passed.
    Passed,
    /// Failed.
    Failed,
    /// Something is missing.
    Blocked,
    /// The grader broke.
    Error,
    /// Passed, but what was judged has changed since.
    Stale,
    /// Passed, and its cloud resource is gone, as the course asks.
    TornDown,
    /// Not judged yet.
    Open,
    /// Its check is still to come.
    Pending,
}

impl Word {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Error => "error",
            Self::Stale => "stale",
            Self::TornDown => "torn down",
            Self::Open => "open",
            Self::Pending => "pending",
        }
    }

    /// The symbol that stands beside the word, one column wide.
    pub const fn symbol(self, look: &Look) -> &'static str {
        match (self, look.unicode) {
            (Self::Passed, true) => "✓",
            (Self::Passed, false) => "+",
            (Self::Failed, true) => "✗",
            (Self::Failed, false) => "x",
            (Self::Blocked, true) => "–",
            (Self::Blocked, false) => "-",
            (Self::Error, _) => "!",
            (Self::Stale, _) => "~",
            (Self::TornDown, true) => "✓",
            (Self::TornDown, false) => "+",
            (Self::Open, true) => "○",
            (Self::Open, false) => "o",
            (Self::Pending, true) => "·",
            (Self::Pending, false) => ".",
        }
    }

    /// One of the terminal's own 16 colours, never alone in its meaning.
    pub const fn style(self) -> Style {
        let colour = match self {
            Self::Passed | Self::TornDown => AnsiColor::Green,
            Self::Failed => AnsiColor::Red,
            Self::Blocked | Self::Stale => AnsiColor::Yellow,
            Self::Error => AnsiColor::Magenta,
            Self::Open | Self::Pending => return Style::new(),
        };
        Style::new().fg_color(Some(anstyle::Color::Ansi(colour))).bold()
    }

    /// The word in its colour.
    pub fn painted(self) -> String {
        paint(self.style(), self.as_str())
    }
}

impl From<VerdictWord> for Word {
    fn from(word: VerdictWord) -> Self {
        match word {
            VerdictWord::Passed => Self::Passed,
            VerdictWord::Failed => Self::Failed,
            VerdictWord::Blocked => Self::Blocked,
            VerdictWord::Error => Self::Error,
        }
    }
}

impl From<&State> for Word {
    fn from(state: &State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Passed => Self::Passed,
            State::Failed => Self::Failed,
            State::Blocked => Self::Blocked,
            State::Error => Self::Error,
            State::Stale(_) => Self::Stale,
            State::TornDown => Self::TornDown,
            State::Pending => Self::Pending,
        }
    }
}

/// Puts a style around a text.
pub fn paint(style: Style, text: &str) -> String {
    if style.is_plain() { text.to_owned() } else { format!("{style}{text}{style:#}") }
}

/// Bold, for titles.
pub const BOLD: Style = Style::new().bold();

/// Replaces what is not ASCII, for terminals that would print rubbish.
pub(super) fn to_ascii(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\0'..='\x7f' => plain.push(character),
            '…' => plain.push_str("..."),
            '→' => plain.push_str("->"),
            '←' => plain.push_str("<-"),
            '–' | '—' | '−' | '─' | '━' | '╴' | '╶' => plain.push('-'),
            '│' | '┃' | '·' => plain.push('|'),
            '┌' | '└' | '├' | '╭' | '╰' => plain.push('+'),
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            '≤' => plain.push_str("<="),
            '≥' => plain.push_str(">="),
            '×' => plain.push('x'),
            '\u{a0}' => plain.push(' '),
            '°' => plain.push_str("deg"),
            'µ' | 'μ' => plain.push('u'),
            '€' => plain.push_str("EUR"),
            _ => plain.push('?'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(variables: &[(&str, &str)]) -> Look {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Look::read(&variable, false, None)
    }

    #[test]
    fn the_width_is_the_terminals_unless_a_variable_says_another() {
        assert_eq!(look(&[]).width, 80);
        assert_eq!(look(&[("COLUMNS", "60")]).width, 60);
        assert_eq!(look(&[("COLUMNS", "60"), ("GRADER_WIDTH", "40")]).width, 40);
        assert_eq!(look(&[("GRADER_WIDTH", "3")]).width, 20);
        assert_eq!(look(&[("GRADER_WIDTH", "wide")]).width, 80);
        assert_eq!(Look::read(&|_| None, false, Some(47)).width, 47);
    }

    #[test]
    fn a_dumb_terminal_ci_and_the_variable_are_plain() {
        for variables in [("TERM", "dumb"), ("CI", "true"), ("GRADER_PLAIN", "1")] {
            assert!(look(&[variables]).plain, "{variables:?}");
        }
        assert!(!look(&[("CI", "0"), ("TERM", "xterm")]).plain);
    }

    #[test]
    fn a_locale_without_utf_8_gets_ascii() {
        for locale in ["C", "POSIX", "de_DE.ISO-8859-1"] {
            assert!(!look(&[("LANG", locale)]).unicode, "{locale}");
        }
        assert!(!look(&[("LANG", "C.UTF-8"), ("LC_ALL", "C")]).unicode);
        assert!(look(&[("LANG", "C.UTF-8")]).unicode);
        assert_eq!(to_ascii("a → b…  · é"), "a -> b...  | ?");
    }

    #[test]
    fn a_cut_line_is_within_its_columns() {
        let look = look(&[]);
        assert_eq!(look.cut("abcdef", 6), "abcdef");
        assert_eq!(look.cut("abcdefg", 6), "abcde…");
        assert_eq!(look.cut("日本語日本語", 6), "日本…");
    }
}
