//! Reads an image's archive in one streamed pass: every layer hashed, measured and searched.
//!
//! The archive is in the form of `docker save`: `…/layer.tar` in older engines, blobs of an OCI
//! layout in newer ones, there also compressed. What an entry is shows in its bytes; whether it is a
//! layer of the image shows in its hash.

use std::io::{self, BufReader, Read};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use grader_core::digest::hex;
use grader_engine::EngineError;
use sha2::{Digest, Sha256};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{Stop, kind::Contents};

/// A layer as it was found in the archive.
pub(super) struct Layer {
    /// SHA-256 of the uncompressed archive.
    pub diff_id: String,
    /// Bytes of the uncompressed archive.
    pub size_bytes: u64,
    /// What in it tells the kind of the image.
    pub contents: Contents,
}

/// The most that all layers together may unpack to: a bomb ends here.
const MOST_BYTES: u64 = 64 * 1_000_000_000;

/// Reads the archive; only what layers tell is kept, never their bytes.
pub(super) async fn read(
    pieces: impl Stream<Item = Result<Bytes, EngineError>> + Unpin + Send + 'static,
) -> Result<Vec<Layer>, Stop> {
    let reader = StreamReader::new(pieces.map_err(io::Error::other));
    let bridge = SyncIoBridge::new(reader);
    let read = tokio::task::spawn_blocking(move || layers(bridge));
    match read.await {
        Ok(Ok(layers)) => Ok(layers),
        Ok(Err(error)) => Err(Stop::fault("the image's archive could not be read", &error)),
        Err(error) => Err(Stop::fault("the image's archive could not be read", &error)),
    }
}

fn layers(archive: impl Read) -> io::Result<Vec<Layer>> {
    let mut layers = Vec::new();
    let mut budget = MOST_BYTES;
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 16, archive));
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.header().entry_type().is_file()
            && let Some(layer) = layer(entry, budget)?
        {
            budget -= layer.size_bytes.min(budget);
            layers.push(layer);
        }
    }
    Ok(layers)
}

/// Reads one entry as a layer; `None` if it is none (a configuration, a manifest).
fn layer(entry: impl Read, budget: u64) -> io::Result<Option<Layer>> {
    let mut entry = BufReader::with_capacity(1 << 16, entry);
    let mut start = [0; 4];
    let read = read_up_to(&mut entry, &mut start)?;
    let whole = io::Cursor::new(start[..read].to_vec()).chain(entry);
    match start {
        [0x1f, 0x8b, ..] => measured(flate2::read::MultiGzDecoder::new(whole), budget),
        [0x28, 0xb5, 0x2f, 0xfd] => measured(zstd::Decoder::new(whole)?, budget),
        // JSON of a configuration or manifest is no archive: not worth a hash.
        [b'{' | b'[', ..] => Ok(None),
        _ => measured(whole, budget),
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

fn measured(layer: impl Read, budget: u64) -> io::Result<Option<Layer>> {
    let mut measured = Measured { inner: layer, hash: Sha256::new(), bytes: 0, budget };
    let contents = match Contents::read(&mut measured) {
        Ok(contents) => Some(contents),
        Err(error) if measured.bytes > budget => return Err(error),
        // Not an archive after all: its hash will not be that of a layer.
        Err(_) => None,
    };
    // What comes after the archive's end belongs to the layer's hash and size as well.
    io::copy(&mut measured, &mut io::sink())?;
    let diff_id = hex(&measured.hash.finalize());
    Ok(contents.map(|contents| Layer {
        diff_id: format!("sha256:{diff_id}"),
        size_bytes: measured.bytes,
        contents,
    }))
}

/// Hashes and counts what is read through it.
struct Measured<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
    budget: u64,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        if self.bytes > self.budget {
            return Err(io::Error::other(format!("layers unpack to more than {MOST_BYTES} bytes")));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn tarred(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o755);
            builder.append_data(&mut header, path, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

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
        let layers = layers(archive.as_slice()).unwrap();
        let ids: std::collections::BTreeSet<&str> = layers.iter().map(|l| l.diff_id.as_str()).collect();
        assert_eq!((layers.len(), ids.len()), (3, 1));
        assert!(layers.iter().all(|found| found.size_bytes == layer.len() as u64));
    }

    #[test]
    fn an_archive_that_breaks_off_is_an_error() {
        let archive = tarred(&[("a/layer.tar", &tarred(&[("x", &[7; 4000])]))]);
        assert!(layers(&archive[..3000]).is_err());
    }
}
