//! Reads an image's archive in one streamed pass: every layer hashed, measured and searched.
//!
//! The archive is in the form of `docker save`: `…/layer.tar` in older engines, blobs of an OCI
//! layout in newer ones, there also compressed. What an entry is shows in its bytes; whether it is a
//! layer of the image shows in its hash.

use std::io::{self, BufReader, Read};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use grader_core::Fault;
use grader_engine::{Engine, EngineError};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{
    Stop,
    hashing::{Hashed, Hasher},
    kind::Contents,
    layer::{self, Findings, Sought},
    markers::Markers,
};

/// A layer as it was found in the archive.
pub(super) struct Layer {
    /// SHA-256 of the uncompressed archive.
    pub diff_id: String,
    /// Bytes of the uncompressed archive.
    pub size_bytes: u64,
    /// What in it tells the kind of the image.
    pub contents: Contents,
    /// What was looked for and is there.
    pub findings: Findings,
}

/// A file of a layer that holds a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundInLayer {
    /// SHA-256 of the layer's uncompressed archive.
    pub diff_id: String,
    /// The marker's number.
    pub number: u32,
    /// The file's path.
    pub path: String,
}

/// Searches every layer of an image, in one pass over its archive. Memory does not grow with the image.
///
/// # Errors
/// The engine or the archive breaks off.
pub async fn search_layers(engine: &Engine, id: &str, markers: &Markers) -> Result<Vec<FoundInLayer>, Stop> {
    let sought = Sought { markers: Some(markers.clone()), sorts: Vec::new() };
    let layers = read(engine.export(id), sought).await?;
    let found = layers.into_iter().flat_map(|layer| {
        let diff_id = layer.diff_id;
        let marked = layer.findings.marked.into_iter();
        marked.map(move |(number, path)| FoundInLayer { diff_id: diff_id.clone(), number, path })
    });
    Ok(found.collect())
}

/// Pieces of the archive that are fetched while earlier ones are searched: the engine need not wait for us.
const AHEAD: usize = 64;

/// Hands the pieces on until the last, or until nobody wants more.
async fn hand_on(
    mut pieces: impl Stream<Item = Result<Bytes, EngineError>> + Unpin,
    sender: Sender<io::Result<Bytes>>,
) {
    while let Some(piece) = pieces.next().await {
        if piece.as_ref().is_ok_and(Bytes::is_empty) {
            continue;
        }
        if sender.send(piece.map_err(io::Error::other)).await.is_err() {
            return;
        }
    }
    // What breaks off must never look like the end.
    let _ = sender.send(Ok(Bytes::new())).await;
}

/// The pieces as a reader, for a thread that may wait.
struct Pieces {
    receiver: Receiver<io::Result<Bytes>>,
    piece: Bytes,
    ended: bool,
}

impl Pieces {
    fn of(receiver: Receiver<io::Result<Bytes>>) -> Self {
        Self { receiver, piece: Bytes::new(), ended: false }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            self.piece = self.receiver.blocking_recv().ok_or(io::ErrorKind::UnexpectedEof)??;
            self.ended = self.piece.is_empty();
        }
        let read = self.piece.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.piece.split_to(read));
        Ok(read)
    }
}

/// The layers of an image in its own order, out of those that its archive held: each is known by its hash.
pub(super) fn in_order<'a>(
    read: &'a [Layer],
    diff_ids: &[String],
    reference: &str,
) -> Result<Vec<&'a Layer>, Stop> {
    let fault = |what: String, detail: String| Stop::Fault(Fault { what, detail });
    let find = |diff_id: &String| {
        let layer = read.iter().find(|layer| layer.diff_id == *diff_id).ok_or_else(|| {
            fault(
                format!("the engine exported `{reference}` without one of its layers"),
                format!("no layer of the archive hashes to {diff_id}"),
            )
        })?;
        if layer.contents.has_too_many() || layer.findings.too_many {
            let what = format!("`{reference}` holds more files than are looked at");
            return Err(fault(what, format!("layer {diff_id}")));
        }
        Ok(layer)
    };
    diff_ids.iter().map(find).collect()
}

/// The most that all layers together may unpack to: a bomb ends here.
const MOST_BYTES: u64 = 64 * 1_000_000_000;

/// Reads the archive; only what layers tell is kept, never their bytes.
pub(super) async fn read(
    pieces: impl Stream<Item = Result<Bytes, EngineError>> + Unpin + Send + 'static,
    sought: Sought,
) -> Result<Vec<Layer>, Stop> {
    let (sender, receiver) = channel(AHEAD);
    let read = tokio::task::spawn_blocking(move || layers(Pieces::of(receiver), &sought));
    // Dropped with the caller: the reader then meets an archive that breaks off, and ends.
    hand_on(pieces, sender).await;
    match read.await {
        Ok(Ok(layers)) => Ok(layers),
        Ok(Err(error)) => Err(Stop::fault("the image's archive could not be read", &error)),
        Err(error) => Err(Stop::fault("the image's archive could not be read", &error)),
    }
}

fn layers(archive: impl Read, sought: &Sought) -> io::Result<Vec<Layer>> {
    let mut layers = Vec::new();
    let mut budget = MOST_BYTES;
    let hasher = Hasher::start()?;
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 16, archive));
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.header().entry_type().is_file()
            && let Some(layer) = layer(entry, sought, &hasher, budget)?
        {
            budget -= layer.size_bytes.min(budget);
            layers.push(layer);
        }
    }
    Ok(layers)
}

/// Reads one entry as a layer; `None` if it is none (a configuration, a manifest).
fn layer(entry: impl Read, sought: &Sought, hasher: &Hasher, budget: u64) -> io::Result<Option<Layer>> {
    let mut entry = BufReader::with_capacity(1 << 16, entry);
    let mut start = [0; 4];
    let read = read_up_to(&mut entry, &mut start)?;
    let whole = io::Cursor::new(start[..read].to_vec()).chain(entry);
    match start {
        [0x1f, 0x8b, ..] => measured(flate2::read::MultiGzDecoder::new(whole), sought, hasher, budget),
        [0x28, 0xb5, 0x2f, 0xfd] => measured(zstd::Decoder::new(whole)?, sought, hasher, budget),
        // JSON of a configuration or manifest is no archive: not worth a hash.
        [b'{' | b'[', ..] => Ok(None),
        _ => measured(whole, sought, hasher, budget),
    }
}

fn read_up_to(reader: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match reader.read(&mut into[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn measured(layer: impl Read, sought: &Sought, hasher: &Hasher, budget: u64) -> io::Result<Option<Layer>> {
    let mut hashed = Hashed::new(layer, hasher, budget);
    let read = match layer::read(&mut hashed, sought, budget) {
        Ok(read) => Some(read),
        Err(error) if hashed.is_over_budget() => return Err(error),
        // Not an archive after all: its hash will not be that of a layer.
        Err(_) => None,
    };
    // What comes after the archive's end belongs to the layer's hash and size as well.
    io::copy(&mut hashed, &mut io::sink())?;
    let (diff_id, size_bytes) = hashed.end()?;
    Ok(read.map(|(contents, findings)| Layer { diff_id, size_bytes, contents, findings }))
}

/// An archive of these files, for tests.
#[cfg(test)]
pub(super) fn tarred(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_layer_has_one_size_and_one_id_however_it_is_packed() {
        let layer = tarred(&[("etc/motd", b"hello")]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&layer).unwrap();
        let zstd = zstd::encode_all(layer.as_slice(), 1).unwrap();
        let archive = tarred(&[
            ("a/layer.tar", layer.as_slice()),
            ("blobs/sha256/b", &gzip.finish().unwrap()),
            ("blobs/sha256/c", &zstd),
            ("manifest.json", b"[{}]"),
            ("repositories", b"{}"),
            ("VERSION", b"1.0"),
        ]);
        let layers = layers(archive.as_slice(), &Sought::default()).unwrap();
        let ids: std::collections::BTreeSet<&str> = layers.iter().map(|l| l.diff_id.as_str()).collect();
        assert_eq!((layers.len(), ids.len()), (3, 1));
        assert!(layers.iter().all(|found| found.size_bytes == layer.len() as u64));
    }

    #[test]
    fn an_archive_that_breaks_off_is_an_error() {
        let archive = tarred(&[("a/layer.tar", &tarred(&[("x", &[7; 4000])]))]);
        assert!(layers(&archive[..3000], &Sought::default()).is_err());
    }
}
