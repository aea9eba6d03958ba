//! Hashes and counts what is read, on a thread of its own: reading an image is no slower for it.
//! Start at [`Hashed`].

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, channel, sync_channel},
    thread::JoinHandle,
};

use grader_core::digest::hex;
use sha2::{Digest, Sha256};

/// Pieces that may wait for the hasher; a reader that is quicker waits then.
const WAITING: usize = 8;

/// Bytes of a piece.
const PIECE: usize = 128 * 1024;

enum Work {
    Piece(Vec<u8>),
    End(std::sync::mpsc::Sender<String>),
}

/// A thread that hashes one stream after another.
pub(super) struct Hasher {
    work: Option<SyncSender<Work>>,
    spare: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
}

impl Hasher {
    /// Starts it; it ends when this value is dropped.
    pub(super) fn start() -> io::Result<Self> {
        let (work, todo) = sync_channel(WAITING);
        let (used, spare) = channel();
        let thread = std::thread::Builder::new().name("hash".into()).spawn(move || {
            let mut hash = Sha256::new();
            for work in todo {
                match work {
                    Work::Piece(piece) => {
                        hash.update(&piece);
                        // Whoever reads may be gone; then nobody wants the buffer.
                        let _ = used.send(piece);
                    }
                    Work::End(answer) => {
                        let _ = answer.send(hex(&std::mem::take(&mut hash).finalize()));
                    }
                }
            }
        })?;
        Ok(Self { work: Some(work), spare, thread: Some(thread) })
    }

    fn give(&self, work: Work) -> io::Result<()> {
        let gone = || io::Error::other("the hashing thread is gone");
        self.work.as_ref().ok_or_else(gone)?.send(work).map_err(|_| gone())
    }

    fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE));
        buffer.clear();
        buffer
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the hashing thread panicked");
        }
    }
}

/// Hashes and counts what is read through it.
pub(super) struct Hashed<'a, R> {
    inner: R,
    hasher: &'a Hasher,
    piece: Vec<u8>,
    bytes: u64,
    budget: u64,
}

impl<'a, R> Hashed<'a, R> {
    /// Reads on to `inner`, at most `budget` bytes.
    pub(super) fn new(inner: R, hasher: &'a Hasher, budget: u64) -> Self {
        Self { inner, piece: hasher.buffer(), hasher, bytes: 0, budget }
    }

    /// Whether more was read than may be.
    pub(super) fn is_over_budget(&self) -> bool {
        self.bytes > self.budget
    }

    /// The digest of all that was read, as `sha256:…`, and its bytes.
    pub(super) fn end(mut self) -> io::Result<(String, u64)> {
        self.hasher.give(Work::Piece(std::mem::take(&mut self.piece)))?;
        let (answer, digest) = channel();
        self.hasher.give(Work::End(answer))?;
        let digest = digest.recv().map_err(io::Error::other)?;
        Ok((format!("sha256:{digest}"), self.bytes))
    }
}

impl<R> Drop for Hashed<'_, R> {
    fn drop(&mut self) {
        // One that broke off leaves its beginning in the hash: the next must not begin with it.
        let (answer, _) = channel();
        let _ = self.hasher.give(Work::End(answer));
    }
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.piece.extend_from_slice(&buffer[..read]);
        if self.piece.len() >= PIECE {
            let next = self.hasher.buffer();
            self.hasher.give(Work::Piece(std::mem::replace(&mut self.piece, next)))?;
        }
        self.bytes += read as u64;
        if self.is_over_budget() {
            return Err(io::Error::other(format!("layers unpack to more than {} bytes", self.budget)));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_has_its_own_digest_also_after_one_that_broke_off() {
        let hasher = Hasher::start().unwrap();
        let digest = |content: &[u8]| {
            let mut hashed = Hashed::new(content, &hasher, 1 << 20);
            io::copy(&mut hashed, &mut io::sink()).unwrap();
            hashed.end().unwrap()
        };
        let content = vec![7; 300_000];
        let first = digest(&content);
        let mut broken = Hashed::new(content.as_slice(), &hasher, 1000);
        assert!(io::copy(&mut broken, &mut io::sink()).is_err());
        drop(broken);
        assert_eq!(digest(&content), first);
        assert_eq!(first, (format!("sha256:{}", hex(&Sha256::digest(&content))), 300_000));
        assert_eq!(digest(b"").1, 0);
    }
}
