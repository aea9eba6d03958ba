//! Markers: texts that are nowhere but in the files that we plant, found in any stream of bytes.
//!
//! All begin alike, so that one search per stream finds every one of them. Start at [`Markers::planted`].

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use grader_core::digest::hex;
use memchr::memmem;

/// Bytes of the beginning that all markers of a run have in common: 128 bits of chance, in hexadecimal.
const PREFIX: usize = 32;

/// Bytes of a marker: the beginning, and its number in hexadecimal.
const LENGTH: usize = PREFIX + 8;

/// The markers of one search.
#[derive(Clone, Debug)]
pub struct Markers {
    prefix: [u8; PREFIX],
    finder: memmem::Finder<'static>,
}

impl Markers {
    /// Markers that nobody has seen before.
    ///
    /// # Errors
    /// The system has no random numbers for us.
    pub fn new() -> io::Result<Self> {
        let text = hex(&random::<{ PREFIX / 2 }>()?);
        let mut prefix = [0; PREFIX];
        prefix.copy_from_slice(text.as_bytes());
        Ok(Self { finder: memmem::Finder::new(&prefix).into_owned(), prefix })
    }

    /// The marker of this number.
    pub fn planted(&self, number: u32) -> String {
        format!("{}{number:08x}", String::from_utf8_lossy(&self.prefix))
    }
}

/// So many bytes of chance. Source: `getrandom(2)`.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Looks for markers in whatever is read through it.
pub(super) struct Watched<'a, R> {
    inner: R,
    markers: Option<&'a Markers>,
    /// The last bytes that were read: a marker may stand across two pieces.
    tail: Vec<u8>,
    seen: BTreeSet<u32>,
    bytes: u64,
}

impl<'a, R> Watched<'a, R> {
    pub(super) fn new(inner: R, markers: Option<&'a Markers>) -> Self {
        Self { inner, markers, tail: Vec::new(), seen: BTreeSet::new(), bytes: 0 }
    }

    /// The numbers of the markers that were seen, and how many bytes were read.
    pub(super) fn seen(self) -> (BTreeSet<u32>, u64) {
        (self.seen, self.bytes)
    }

    fn look(&mut self, piece: &[u8]) {
        let Some(markers) = self.markers else { return };
        if !self.tail.is_empty() {
            self.tail.extend_from_slice(&piece[..piece.len().min(LENGTH - 1)]);
            find(markers, &self.tail, &mut self.seen);
        }
        find(markers, piece, &mut self.seen);
        if piece.len() >= LENGTH - 1 {
            self.tail.clear();
            self.tail.extend_from_slice(&piece[piece.len() - (LENGTH - 1)..]);
        } else {
            // A short piece was appended whole above, unless it was the first.
            if self.tail.is_empty() {
                self.tail.extend_from_slice(piece);
            }
            let from = self.tail.len().saturating_sub(LENGTH - 1);
            self.tail.drain(..from);
        }
    }
}

/// Every marker that stands whole in `piece`.
fn find(markers: &Markers, piece: &[u8], into: &mut BTreeSet<u32>) {
    for at in markers.finder.find_iter(piece) {
        let number = piece.get(at + PREFIX..at + LENGTH).and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(number) = number.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            into.insert(number);
        }
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        self.look(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A reader whose pieces are of the given lengths, again and again.
    struct Pieces<'a>(&'a [u8], Vec<usize>, usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1[self.2 % self.1.len()].min(self.0.len()).min(buffer.len());
            self.2 += 1;
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    proptest! {
        /// Wherever a marker stands, and in whatever pieces the stream comes, it is found, and no other is.
        #[test]
        fn a_marker_is_found_across_any_pieces(
            before in proptest::collection::vec(any::<u8>(), 0..300),
            after in proptest::collection::vec(any::<u8>(), 0..300),
            pieces in proptest::collection::vec(1..90_usize, 1..8),
            number: u32,
        ) {
            let markers = Markers::new().unwrap();
            let whole = [before, markers.planted(number).into_bytes(), after].concat();
            let mut watched = Watched::new(Pieces(&whole, pieces, 0), Some(&markers));
            io::copy(&mut watched, &mut io::sink()).unwrap();
            let (seen, bytes) = watched.seen();
            prop_assert_eq!(seen.into_iter().collect::<Vec<_>>(), vec![number]);
            prop_assert_eq!(bytes, whole.len() as u64);
        }
    }

    #[test]
    fn two_runs_have_nothing_in_common() {
        let (one, other) = (Markers::new().unwrap(), Markers::new().unwrap());
        let mut watched = Watched::new(std::io::Cursor::new(one.planted(7)), Some(&other));
        io::copy(&mut watched, &mut io::sink()).unwrap();
        assert!(watched.seen().0.is_empty());
    }
}
