//! Finds the place of a value in a TOML file by its path, for diagnostics about what it means.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::SourceFile;

/// The document of a file that is known to parse.
pub(super) struct Places<'a> {
    source: &'a SourceFile,
    document: Option<Spanned<DeTable<'a>>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(source: &'a SourceFile) -> Self {
        Self { source, document: DeTable::parse(&source.text).ok() }
    }

    /// Of a file of which nothing will be said: every place is its first byte.
    pub(super) fn none(source: &'a SourceFile) -> Self {
        Self { source, document: None }
    }

    /// The bytes of the value at a path such as `assert/2/rule`; the file's first byte if there is none.
    pub(super) fn value(&self, path: &str) -> Range<usize> {
        self.find(path).map_or(0..0, Spanned::span)
    }

    /// The bytes of a part of the text at a path: exact where the text stands in the file as it is.
    pub(super) fn within(&self, path: &str, part: Range<usize>) -> Range<usize> {
        let Some(value) = self.find(path) else { return 0..0 };
        let span = value.span();
        let Some(text) = value.get_ref().as_str() else { return span };
        match self.source.text[span.clone()].find(text) {
            Some(offset) if !text.is_empty() => {
                let start = span.start + offset;
                let end = (start + part.end.max(part.start + 1)).min(start + text.len()).max(start);
                (start + part.start.min(text.len()))..end
            }
            _ => span,
        }
    }

    fn find(&self, path: &str) -> Option<&Spanned<DeValue<'a>>> {
        let mut parts = path.split('/');
        let mut value = self.document.as_ref()?.get_ref().get(parts.next()?)?;
        for part in parts {
            value = match (value.get_ref(), part.parse::<usize>()) {
                (DeValue::Array(array), Ok(index)) => array.get(index)?,
                (DeValue::Table(table), _) => table.get(part)?,
                _ => return None,
            };
        }
        Some(value)
    }
}
