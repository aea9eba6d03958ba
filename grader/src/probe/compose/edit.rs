//! Finds an edit whose effect can be seen from outside, in an app of whatever language: a piece of text in
//! a source file that stands in the app's answer too. Start at [`source_edits`].

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use grader_core::digest::hex;

use super::super::{comment::Comment, markers::random};
use crate::workspace::stays_within;

/// The largest source file that is looked at, in bytes, and the most files.
const LARGEST: u64 = 256 * 1024;
const MOST_FILES: usize = 5000;

/// The shortest piece of text that is looked for, in characters.
const SHORTEST: usize = 4;

/// Folders that hold no source of what is served.
const NOT_SOURCE: [&str; 10] =
    ["node_modules", "venv", "__pycache__", "tests", "test", "spec", "docs", "dist", "vendor", "target"];

/// Files in which text stands without quotes.
const MARKUP: [&str; 14] = [
    "html", "htm", "j2", "jinja", "jinja2", "txt", "tmpl", "tpl", "erb", "hbs", "ejs", "vue", "svelte",
    "gohtml",
];

/// Files that name what an app needs, the usual ones first.
const MANIFESTS: [&str; 12] = [
    "requirements.txt",
    "pyproject.toml",
    "package.json",
    "go.mod",
    "pom.xml",
    "Pipfile",
    "Gemfile",
    "Cargo.toml",
    "composer.json",
    "build.gradle",
    "requirements/base.txt",
    "requirements/production.txt",
];

/// A place in a file where text can be put that shows in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceEdit {
    /// The file.
    pub path: PathBuf,
    /// Where, in bytes: behind the piece that the answer has too.
    pub at: usize,
    /// How likely its effect is: text of a page before texts of code, long before short.
    rank: (bool, bool, usize),
}

/// The places in files below `folder` where an edit shows in `answer`, the best first.
pub(super) fn source_edits(folder: &Path, answer: &str, prefers: &dyn Fn(&Path) -> bool) -> Vec<SourceEdit> {
    let mut files = Vec::new();
    walk(folder, &mut files);
    let mut edits: Vec<SourceEdit> = files
        .into_iter()
        .filter_map(|path| {
            let text = String::from_utf8(fs::read(&path).ok()?).ok()?;
            let markup =
                path.extension().is_some_and(|extension| MARKUP.iter().any(|known| extension == *known));
            best_in(&text, markup, answer).map(|(at, rank)| SourceEdit { path, at, rank })
        })
        .collect();
    edits.sort_by(|a, b| {
        (prefers(&b.path), b.rank).cmp(&(prefers(&a.path), a.rank)).then(a.path.cmp(&b.path))
    });
    edits
}

/// Puts a word behind that place, in the same file.
pub(super) fn make(edit: &SourceEdit, word: &str) -> io::Result<()> {
    let mut text = fs::read_to_string(&edit.path)?;
    text.insert_str(edit.at, &format!(" {word}"));
    fs::write(&edit.path, text)
}

/// The manifest of the app in `folder`; one that is preferred goes before others. One that leads out of the
/// folder is none of the copy's: it may be the learner's own file.
pub(super) fn manifest(folder: &Path, prefers: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let inside = |path: &PathBuf| path.is_file() && stays_within(path, folder);
    let found: Vec<PathBuf> = MANIFESTS.iter().map(|name| folder.join(name)).filter(inside).collect();
    found.iter().find(|path| prefers(path)).or(found.first()).cloned()
}

/// Adds a line that means nothing to a manifest. It is the same each time, so that a builder which has seen
/// it once need not install all packages again.
pub(super) fn touch_manifest(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let comment = Comment::of_manifest(folder, name).unwrap_or(Comment::Hash);
    let mut text = fs::read_to_string(path)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&comment.saying("edited"));
    text.push('\n');
    fs::write(path, text)
}

/// A word that stands in no answer yet.
pub(super) fn new_word() -> io::Result<String> {
    Ok(format!("edited{}", hex(&random::<8>()?)))
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else { continue };
        if name.starts_with('.') || NOT_SOURCE.contains(&name.as_str()) || into.len() >= MOST_FILES {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), into);
        } else if kind.is_file()
            && !name.ends_with(".md")
            && entry.metadata().is_ok_and(|file| file.len() <= LARGEST)
        {
            into.push(entry.path());
        }
    }
}

/// The best place in one file.
fn best_in(text: &str, markup: bool, answer: &str) -> Option<(usize, (bool, bool, usize))> {
    let mut best: Option<(usize, (bool, bool, usize))> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        for (from, to, of_page) in pieces(line, markup) {
            let piece = &line[from..to];
            let rank = (of_page, piece.contains(' '), piece.len());
            let better = best.is_none_or(|(_, known)| rank > known);
            if better && piece.chars().count() >= SHORTEST && stands_in(piece, answer) {
                best = Some((start + to, rank));
            }
        }
        start += line.len();
    }
    best
}

/// Pieces of text in a line that a program would hand on as they are: between quotes, between tags, and in
/// files of text what is left. Placeholders and escapes end a piece.
fn pieces(line: &str, markup: bool) -> Vec<(usize, usize, bool)> {
    let mut found = Vec::new();
    let mut add = |from: usize, to: usize, of_page: bool| {
        let mut at = from;
        for part in line[from..to].split(['{', '}', '$', '%', '\\', '<', '>', '\n', '\r']) {
            let skipped = part.len() - part.trim_start().len();
            let trimmed = part.trim();
            if trimmed.chars().any(char::is_alphabetic) {
                found.push((at + skipped, at + skipped + trimmed.len(), of_page));
            }
            at += part.len() + 1;
        }
    };
    if markup {
        // What stands inside a tag or a placeholder is no text of the page.
        let (mut from, mut depth) = (0, 0_u32);
        for (at, c) in line.char_indices() {
            match c {
                '<' | '{' => {
                    if depth == 0 && from < at {
                        add(from, at, true);
                    }
                    depth += 1;
                }
                '>' | '}' => {
                    depth = depth.saturating_sub(1);
                    from = at + 1;
                }
                _ => {}
            }
        }
        if depth == 0 && from < line.len() {
            add(from, line.len(), true);
        }
        return found;
    }
    for quote in ['"', '\'', '`'] {
        let ends: Vec<usize> = line.match_indices(quote).map(|(at, _)| at).collect();
        for pair in ends.chunks_exact(2) {
            let inside = &line[pair[0] + 1..pair[1]];
            // A page inside a string has its text between tags.
            match (inside.find('>'), inside.rfind('<')) {
                (Some(open), Some(close)) if open < close => {
                    add(pair[0] + 1 + open + 1, pair[0] + 1 + close, true);
                }
                _ => add(pair[0] + 1, pair[1], false),
            }
        }
    }
    found
}

/// Whether a piece stands in the answer as a whole, not as a part of longer words.
fn stands_in(piece: &str, answer: &str) -> bool {
    answer.match_indices(piece).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        !answer[..at].chars().next_back().is_some_and(word)
            && !answer[at + piece.len()..].chars().next().is_some_and(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(name: &str, text: &str, answer: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let edits = source_edits(folder.path(), answer, &|_| false);
        make(edits.first()?, "NONCE").unwrap();
        let text = fs::read_to_string(path).unwrap();
        text.lines().find(|line| line.contains("NONCE")).map(|line| line.trim().to_owned())
    }

    const PAGE: &str = "<html lang=\"en\">\n<title>Reading list</title>\n<h1>Hello Ada</h1>\n";

    #[test]
    fn text_of_a_template_is_found_and_its_tags_are_left_alone() {
        let found = best("index.html", "<html lang=\"en\">\n<title>Reading list</title>\n", PAGE);
        assert_eq!(found.as_deref(), Some("<title>Reading list NONCE</title>"));
        let found = best("index.html", "<h1>Hello {{ user.name }}</h1>\n", PAGE);
        assert_eq!(found.as_deref(), Some("<h1>Hello NONCE {{ user.name }}</h1>"));
    }

    #[test]
    fn text_of_a_program_is_found_between_its_quotes() {
        let found = best("app.py", "title = 'x'\nreturn f\"Hello {name}\\n\"\n", PAGE);
        assert_eq!(found.as_deref(), Some("return f\"Hello NONCE {name}\\n\""));
        let found = best("main.go", "fmt.Fprint(w, `<h1>Reading list</h1>`)\n", PAGE);
        assert_eq!(found.as_deref(), Some("fmt.Fprint(w, `<h1>Reading list NONCE</h1>`)"));
        let found =
            best("app.js", "res.json({ \"status\": \"all is well\" })\n", "{\"status\":\"all is well\"}");
        assert_eq!(found.as_deref(), Some("res.json({ \"status\": \"all is well NONCE\" })"));
    }

    #[test]
    fn what_only_looks_alike_is_not_taken() {
        assert_eq!(best("app.py", "from list import Hello\nx = 'ello'\n", PAGE), None);
        assert_eq!(best("index.html", "<a href=\"/Reading list\">{{ Hello }}</a>\n", PAGE), None);
    }

    #[test]
    fn a_manifest_that_is_watched_goes_before_one_that_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["requirements.txt", "pyproject.toml"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let named = |path: Option<PathBuf>| path.unwrap().file_name().unwrap().to_owned();
        assert_eq!(named(manifest(folder.path(), &|_| false)), "requirements.txt");
        assert_eq!(
            named(manifest(folder.path(), &|path| path.ends_with("pyproject.toml"))),
            "pyproject.toml"
        );
        touch_manifest(&folder.path().join("requirements.txt")).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("requirements.txt")).unwrap(), "x\n# edited\n");
    }

    #[test]
    fn a_manifest_that_leads_out_of_the_copy_is_not_taken() {
        let (theirs, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(theirs.path().join("requirements.txt"), "flask\n").unwrap();
        fs::create_dir(theirs.path().join("pins")).unwrap();
        fs::write(theirs.path().join("pins/base.txt"), "flask\n").unwrap();
        let link = |from: &str, to: &str| {
            std::os::unix::fs::symlink(theirs.path().join(from), copy.path().join(to)).unwrap();
        };
        link("requirements.txt", "requirements.txt");
        link("pins", "requirements");
        assert_eq!(manifest(copy.path(), &|_| true), None);
    }
}
