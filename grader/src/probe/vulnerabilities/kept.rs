//! One record of a package, as it lies in an image: what of it is kept.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use sha2::{Digest, Sha256};

/// The most that is read of one record, in bytes; dpkg's status of a large system has a few megabytes.
pub(super) const LARGEST_RECORD: u64 = 32 * 1024 * 1024;

/// What is kept of a record.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// dpkg's status: installed packages, and all that it has an entry of.
    Status { installed: Vec<String>, known: BTreeSet<String> },
    /// dpkg's list of a package's files: its name is what counts.
    List,
    /// A Python package's description: its name and its SHA-256.
    Metadata { name: Option<String>, sha256: String },
    /// A list of what a Python package installed: names at the top, and the SHA-256 of its description.
    Installed { tops: BTreeSet<String>, metadata_sha256: Option<String> },
}

impl Kept {
    /// Keeps what counts of a record; `None` for any other file.
    pub(super) fn of(path: &str, entry: &mut impl Read) -> io::Result<Option<Self>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut bytes = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            entry.take(LARGEST_RECORD).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let is_one_package = folder == "var/lib/dpkg/status.d" && !name.ends_with(".md5sums");
        if path == "var/lib/dpkg/status" || is_one_package {
            return Ok(Some(status(&String::from_utf8_lossy(&bytes()?))));
        }
        if folder == "var/lib/dpkg/info" && name.ends_with(".list") {
            return Ok(Some(Self::List));
        }
        if is_record_folder(folder) {
            return Ok(match name {
                "METADATA" | "PKG-INFO" => Some(metadata(&bytes()?)),
                "RECORD" => Some(installed(&String::from_utf8_lossy(&bytes()?))),
                "top_level.txt" | "installed-files.txt" => Some(listed(&String::from_utf8_lossy(&bytes()?))),
                _ => None,
            });
        }
        Ok(None)
    }
}

/// dpkg's paragraphs: a package is installed if its status says so, and where none is said (`status.d`).
fn status(text: &str) -> Kept {
    let (mut here, mut known) = (Vec::new(), BTreeSet::new());
    for paragraph in text.split("\n\n") {
        let field = |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let Some(package) = field("Package:") else { continue };
        known.insert(package.to_owned());
        if field("Status:").is_none_or(|status| status.ends_with(" installed")) {
            here.push(package.to_owned());
        }
    }
    Kept::Status { installed: here, known }
}

fn metadata(bytes: &[u8]) -> Kept {
    let text = String::from_utf8_lossy(bytes);
    let head = text.split("\n\n").next().unwrap_or_default();
    let name = head.lines().find_map(|line| line.strip_prefix("Name:")).map(|name| name.trim().to_owned());
    Kept::Metadata { name, sha256: base64_url(&Sha256::digest(bytes)) }
}

/// `RECORD`: a line for each file, `path,sha256=…,size`.
fn installed(text: &str) -> Kept {
    let mut tops = BTreeSet::new();
    let mut metadata_sha256 = None;
    for line in text.lines() {
        let mut fields = line.split(',');
        let path = fields.next().unwrap_or_default().trim_matches('"');
        if path.ends_with(".dist-info/METADATA") && path.matches('/').count() == 1 {
            metadata_sha256 = fields.next().and_then(|hash| hash.strip_prefix("sha256=")).map(str::to_owned);
        }
        tops.extend(top_of(path));
    }
    Kept::Installed { tops, metadata_sha256 }
}

/// Older lists: a path or a name on each line.
fn listed(text: &str) -> Kept {
    let tops = text.lines().filter_map(|line| top_of(line.trim().trim_start_matches("../"))).collect();
    Kept::Installed { tops, metadata_sha256: None }
}

pub(super) fn is_record_folder(folder: &str) -> bool {
    folder.ends_with(".dist-info") || folder.ends_with(".egg-info") || folder.ends_with("/EGG-INFO")
}

/// The name at the top of an installed path: `flask` of `flask/app.py`, `six` of `six.py`.
fn top_of(path: &str) -> Option<String> {
    let top = path.split('/').next()?;
    (!top.is_empty() && top != ".." && !is_record_folder(top)).then(|| module(top).to_owned())
}

/// `_cffi_backend` of `_cffi_backend.cpython-313-x86_64-linux-gnu.so`.
pub(super) fn module(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Base 64 as `RECORD` has it: with `-` and `_`, without padding.
fn base64_url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for piece in bytes.chunks(3) {
        let word =
            piece.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - piece.len()));
        for at in 0..=piece.len() {
            let digit = (word >> (18 - 6 * at)) & 63;
            text.push(char::from(DIGITS[digit as usize]));
        }
    }
    text
}
