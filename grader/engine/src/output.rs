//! What a program printed, within bounds: its first bytes, its last bytes, and how much lies between.
//! However much it prints, no more than the bounds is ever held. Start at [`Output`].

use std::collections::VecDeque;

use bollard::container::LogOutput;
use serde::{Deserialize, Serialize};

/// How much of each stream is kept, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputBounds {
    /// Of its beginning.
    pub first: usize,
    /// Of its end.
    pub last: usize,
}

impl Default for OutputBounds {
    /// 16 KiB of each.
    fn default() -> Self {
        Self { first: 16 * 1024, last: 16 * 1024 }
    }
}

/// What a program printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// On its standard output.
    pub stdout: Captured,
    /// On its standard error.
    pub stderr: Captured,
}

/// What was printed on one stream. Bytes as they came: invalid UTF-8 and control characters too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// The first bytes; all of them, when nothing was cut.
    pub first: Vec<u8>,
    /// The last bytes, after the cut; empty when `first` has all.
    pub last: Vec<u8>,
    /// How many bytes were printed in all.
    pub total_bytes: u64,
    /// How many of them, between `first` and `last`, were not kept.
    pub cut_bytes: u64,
}

impl Captured {
    /// Returns the text with replacement characters for what is not UTF-8, and
    /// `… N bytes cut …` on a line of its own where something was cut.
    #[must_use]
    pub fn to_text(&self) -> String {
        if self.cut_bytes == 0 {
            let all = [self.first.as_slice(), self.last.as_slice()].concat();
            return String::from_utf8_lossy(&all).into_owned();
        }
        format!(
            "{}\n… {} bytes cut …\n{}",
            String::from_utf8_lossy(&self.first),
            self.cut_bytes,
            String::from_utf8_lossy(&self.last)
        )
    }

    /// Says whether nothing was printed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total_bytes == 0
    }
}

/// Takes a stream in, piece by piece, and keeps what the bounds allow.
#[derive(Debug)]
pub struct Capture {
    bounds: OutputBounds,
    first: Vec<u8>,
    last: VecDeque<u8>,
    total: u64,
}

impl Capture {
    /// Begins with nothing.
    #[must_use]
    pub fn new(bounds: OutputBounds) -> Self {
        Self { bounds, first: Vec::new(), last: VecDeque::new(), total: 0 }
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.total += piece.len() as u64;
        let room = self.bounds.first - self.first.len();
        let (head, tail) = piece.split_at(room.min(piece.len()));
        self.first.extend_from_slice(head);
        let tail = &tail[tail.len().saturating_sub(self.bounds.last)..];
        let surplus = (self.last.len() + tail.len()).saturating_sub(self.bounds.last);
        self.last.drain(..surplus);
        self.last.extend(tail);
    }

    /// Returns what was kept up to now.
    #[must_use]
    pub fn so_far(&self) -> Captured {
        let kept = (self.first.len() + self.last.len()) as u64;
        Captured {
            first: self.first.clone(),
            last: self.last.iter().copied().collect(),
            total_bytes: self.total,
            cut_bytes: self.total - kept,
        }
    }
}

/// Both streams of a program, apart.
#[derive(Debug)]
pub(crate) struct Both {
    stdout: Capture,
    stderr: Capture,
}

impl Both {
    pub(crate) fn new(bounds: OutputBounds) -> Self {
        Self { stdout: Capture::new(bounds), stderr: Capture::new(bounds) }
    }

    pub(crate) fn push(&mut self, piece: &LogOutput) {
        match piece {
            LogOutput::StdErr { message } => self.stderr.push(message),
            // A container with a terminal has one stream.
            LogOutput::StdOut { message } | LogOutput::Console { message } => {
                self.stdout.push(message);
            }
            LogOutput::StdIn { .. } => {}
        }
    }

    pub(crate) fn so_far(&self) -> Output {
        Output { stdout: self.stdout.so_far(), stderr: self.stderr.so_far() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(first: usize, last: usize, pieces: &[&[u8]]) -> Captured {
        let mut capture = Capture::new(OutputBounds { first, last });
        for piece in pieces {
            capture.push(piece);
        }
        capture.so_far()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let all = captured(4, 4, &[b"abc", b"defg", b"h"]);
        assert_eq!((all.cut_bytes, all.total_bytes), (0, 8));
        assert_eq!(all.to_text(), "abcdefgh");
    }

    #[test]
    fn the_middle_is_cut_however_the_pieces_fall() {
        let text = b"0123456789abcdefghij";
        for size in 1..=text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            let kept = captured(3, 4, &pieces);
            assert_eq!(kept.first, b"012", "pieces of {size}");
            assert_eq!(kept.last, b"ghij", "pieces of {size}");
            assert_eq!(kept.cut_bytes, 13);
        }
    }

    #[test]
    fn bounds_of_zero_only_count() {
        let kept = captured(0, 0, &[b"abc"]);
        assert_eq!((kept.total_bytes, kept.cut_bytes), (3, 3));
    }

    #[test]
    fn invalid_utf8_is_text_all_the_same() {
        assert_eq!(captured(9, 9, &[b"a\xffb"]).to_text(), "a\u{fffd}b");
    }
}
