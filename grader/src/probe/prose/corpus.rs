//! The workbook's own texts, as pieces of so many words in a row. Start at [`Corpus::of`].

use std::collections::{BTreeSet, HashSet};

use grader_core::{digest::sha256, workbook::Files};

use super::words::{Sentence, words};

/// What of a workbook is text that a learner reads.
const FOLDERS: [&str; 3] = ["book", "exercises", "checks"];

/// What kinds of files hold such text.
const KINDS: [&str; 3] = [".md", ".toml", ".txt"];

/// The pieces of a workbook's texts.
pub(super) struct Corpus {
    length: usize,
    pieces: HashSet<Vec<String>>,
    /// SHA-256 of the words of all texts.
    pub(super) sha256: String,
}

/// What of a text stands in a workbook.
pub(super) struct Copied {
    /// Different pieces of the text.
    pub(super) pieces: u64,
    /// How many of them the workbook has.
    pub(super) known: u64,
    /// The longest run of such pieces, as the learner wrote it.
    pub(super) longest: Option<String>,
}

impl Corpus {
    /// Takes every text of a workbook apart.
    pub(super) fn of(files: &Files, length: usize) -> Self {
        let mut pieces = HashSet::new();
        let mut all = String::new();
        for folder in FOLDERS {
            for (path, bytes) in files.below(folder) {
                // What others hand in, or an engine says, is no text of the workbook.
                if ["specimens/", "from-documentation/"].iter().any(|other| path.starts_with(other))
                    || !KINDS.iter().any(|kind| path.ends_with(kind))
                {
                    continue;
                }
                let Ok(text) = std::str::from_utf8(bytes) else { continue };
                let words = words(text);
                pieces.extend(words.windows(length).map(<[String]>::to_vec));
                all.push_str(&words.join(" "));
                all.push('\n');
            }
        }
        Self { length, pieces, sha256: sha256(all.as_bytes()) }
    }

    /// Looks for the pieces of a text.
    pub(super) fn found_in(&self, sentences: &[Sentence]) -> Copied {
        let words: Vec<&String> = sentences.iter().flat_map(|sentence| &sentence.words).collect();
        let mut different: BTreeSet<Vec<String>> = BTreeSet::new();
        // The longest run of known pieces: where it begins, and how many pieces it has.
        let (mut longest, mut run) = ((0, 0), (0, 0));
        for (at, piece) in words.windows(self.length).enumerate() {
            let piece: Vec<String> = piece.iter().map(|word| (*word).clone()).collect();
            if self.pieces.contains(&piece) {
                run = if run.1 == 0 { (at, 1) } else { (run.0, run.1 + 1) };
                if run.1 > longest.1 {
                    longest = run;
                }
            } else {
                run = (0, 0);
            }
            different.insert(piece);
        }
        let known = different.iter().filter(|piece| self.pieces.contains(*piece)).count();
        let said = (longest.1 > 0).then(|| {
            let of_run = words.iter().skip(longest.0).take(longest.1 + self.length - 1);
            of_run.map(|word| word.as_str()).collect::<Vec<_>>().join(" ")
        });
        Copied { pieces: different.len() as u64, known: known as u64, longest: said }
    }
}
