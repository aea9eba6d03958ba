//! Faults of a file that a person wrote: the excerpt, a caret, and the way out.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet, renderer::DecorStyle};
use grader_core::workbook::{Diagnostic, Severity};

use super::{Look, clean::clean_line};

/// Lays out faults in their order; `text_of` gives a file's text, if it is text. Plain: a line each.
pub fn diagnostics<'a>(
    faults: &[Diagnostic],
    text_of: impl Fn(&str) -> Option<&'a str>,
    look: &Look,
) -> String {
    if look.plain {
        return faults.iter().map(|fault| clean_line(&fault.headline()) + "\n").collect();
    }
    let decor = if look.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    let renderer = Renderer::styled().decor_style(decor).term_width(look.width);
    faults.iter().map(|fault| one(fault, text_of(&fault.path), &renderer) + "\n\n").collect()
}

fn one(fault: &Diagnostic, text: Option<&str>, renderer: &Renderer) -> String {
    let level = match fault.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = clean_line(&fault.message);
    let path = clean_line(&fault.path);
    let title = level.primary_title(message.as_str());
    let excerpt = text.filter(|text| !text.is_empty());
    let report = match excerpt {
        Some(text) => title.element(
            Snippet::source(text)
                .path(path.as_str())
                .annotation(AnnotationKind::Primary.span(within(text, fault.range.clone()))),
        ),
        None => title.element(annotate_snippets::Origin::path(path.as_str())),
    };
    let suggestion = fault.suggestion.as_deref().map(clean_line);
    let report = match &suggestion {
        Some(suggestion) => report.element(Level::HELP.message(suggestion.as_str())),
        None => report,
    };
    renderer.render(&[report])
}

/// A range that surely lies within the text, on borders of characters, and marks something.
fn within(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    // Of a long part its first line is enough to find it.
    let end = text[start..end].find('\n').map_or(end, |line| start + line);
    start..end
}

#[cfg(test)]
mod tests {
    use grader_core::workbook::SourceFile;

    use super::*;

    #[test]
    fn the_place_is_marked_and_the_way_out_said() {
        let source = SourceFile::new("workspace.toml", "format = 1\n[app]\nimagee = \"x\"\n");
        let fault =
            Diagnostic::error(&source, 17..23, "unknown key `imagee`").suggest("did you mean `image`?");
        let look = Look { width: 80, plain: false, unicode: true };
        let text = diagnostics(&[fault], |_| Some(&source.text), &look);
        let text = anstream::adapter::strip_str(&text).to_string();
        for part in ["unknown key `imagee`", "workspace.toml:3:1", "━━━━━━", "did you mean `image`?"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_range_beyond_the_text_is_no_panic() {
        let source = SourceFile::new("a.toml", "ä");
        for range in [0..0, 1..1, 5..9, 0..1] {
            let fault = Diagnostic { range, ..Diagnostic::error(&source, 0..0, "x") };
            let look = Look { width: 20, plain: false, unicode: false };
            assert!(diagnostics(&[fault], |_| Some("ä"), &look).contains("a.toml"));
        }
    }
}
