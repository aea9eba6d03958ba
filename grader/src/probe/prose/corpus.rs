//! The workbook's own texts, as pieces of so many words in a row. Start at [`Corpus::of`].

use std::collections::{BTreeSet, HashSet};

use grader_core::{digest::sha256, workbook::Files};

use super::words::{Sentence, words};

/// What of a workbook is text that a learner reads.
const FOLDERS: [&str; 3] = ["book", "exercises", "checks"];

/// What kinds of files hold such text.
const KINDS: [&str; 3] = [".md", ".toml", ".txt"];

/// The words of a workbook's texts.
pub(super) struct Corpus {
    length: usize,
    texts: Vec<Vec<String>>,
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
        let mut texts = Vec::new();
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
                all.push_str(&words.join(" "));
                all.push('\n');
                texts.push(words);
            }
        }
        Self { length, texts, sha256: sha256(all.as_bytes()) }
    }

    /// Looks for the pieces of a text.
    pub(super) fn found_in(&self, sentences: &[Sentence]) -> Copied {
        let words: Vec<String> =
            sentences.iter().flat_map(|sentence| sentence.words.iter().cloned()).collect();
        let different: BTreeSet<&[String]> = words.windows(self.length).collect();
        let known = self.known(&different);
        // The longest run of known pieces: where it begins, and how many pieces it has.
        let (mut longest, mut run) = ((0, 0), (0, 0));
        for (at, piece) in words.windows(self.length).enumerate() {
            if known.contains(piece) {
                run = if run.1 == 0 { (at, 1) } else { (run.0, run.1 + 1) };
                if run.1 > longest.1 {
                    longest = run;
                }
            } else {
                run = (0, 0);
            }
        }
        let said = (longest.1 > 0).then(|| {
            let of_run = words.iter().skip(longest.0).take(longest.1 + self.length - 1);
            of_run.map(String::as_str).collect::<Vec<_>>().join(" ")
        });
        Copied { pieces: different.len() as u64, known: known.len() as u64, longest: said }
    }

    /// Which of some pieces the workbook has. A learner's text is short and a workbook is not: so each of
    /// its pieces is looked up among the learner's, and most not even that, since none begins and ends alike.
    fn known<'a>(&self, pieces: &BTreeSet<&'a [String]>) -> HashSet<&'a [String]> {
        let ends: HashSet<(&str, &str)> = pieces
            .iter()
            .filter_map(|piece| Some((piece.first()?.as_str(), piece.last()?.as_str())))
            .collect();
        let mut known = HashSet::new();
        for piece in self.texts.iter().flat_map(|words| words.windows(self.length)) {
            let (Some(first), Some(last)) = (piece.first(), piece.last()) else { continue };
            if ends.contains(&(first.as_str(), last.as_str()))
                && let Some(piece) = pieces.get(piece)
            {
                known.insert(*piece);
            }
        }
        known
    }
}
