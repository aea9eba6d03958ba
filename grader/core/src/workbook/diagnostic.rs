//! A fault of a file that a person wrote, with its place and a way out.

use std::ops::Range;

use super::SourceFile;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but is probably not what was meant.
    Warning,
}

/// One fault in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Path of the file, as the caller named it.
    pub path: String,
    /// Bytes of the file that are at fault.
    pub range: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do instead.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// An error at `range` of `source`.
    pub fn error(source: &SourceFile, range: Range<usize>, message: impl Into<String>) -> Self {
        // Whole characters, so that whoever shows the place can cut the text there.
        let start = source.text.floor_char_boundary(range.start);
        let range = start..source.text.ceil_char_boundary(range.end).max(start);
        let (line, column) = source.place(start);
        Self {
            path: source.path.clone(),
            range,
            line,
            column,
            severity: Severity::Error,
            message: message.into(),
            suggestion: None,
        }
    }

    /// The same with a way out.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// The same with the nearest of `known` as its way out, if one is near.
    #[must_use]
    pub fn suggest_nearest<'a>(self, wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(wanted, known) {
            Some(near) => self.suggest(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// One line: `file:line:column: severity: message; suggestion`.
    pub fn headline(&self) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let suggestion = self.suggestion.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
        format!("{}:{}:{}: {severity}: {}{suggestion}", self.path, self.line, self.column, self.message)
    }
}

/// The known word that is nearest to `wanted`, if it is near enough to be meant.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(wanted, word), word))
        .filter(|(distance, word)| *distance <= 1.max(word.len().min(wanted.len()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
