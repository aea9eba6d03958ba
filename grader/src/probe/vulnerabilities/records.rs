//! What an image itself says of the packages in it, read from its archive.
//!
//! A scanner knows a package by its record, and without one it finds nothing: an image from which the
//! records were removed looks clean. Start at [`read`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufReader, Read, Seek},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The most that is read of one record, in bytes; dpkg's status of a large system has a few megabytes.
const LARGEST_RECORD: u64 = 32 * 1024 * 1024;

/// How many pieces of code are remembered: enough for any image, and no image fills the memory.
const MOST_CODE: usize = 100_000;

/// Names that tools put beside packages without a record.
const NO_PACKAGES: [&str; 4] = ["_virtualenv", "sitecustomize", "usercustomize", "__pycache__"];

/// The records of an image as a container sees them.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// What of each record is kept, by path.
    files: BTreeMap<String, Kept>,
    /// Folders and files at the top of `site-packages` that hold code.
    code: BTreeSet<String>,
}

/// What is kept of a record.
#[derive(Clone, Debug)]
enum Kept {
    /// dpkg's status: installed packages, and all that it has an entry of.
    Status { installed: Vec<String>, known: BTreeSet<String> },
    /// dpkg's list of a package's files: its name is what counts.
    List,
    /// A Python package's description: its name and its SHA-256.
    Metadata { name: Option<String>, sha256: String },
    /// A list of what a Python package installed: names at the top, and the SHA-256 of its description.
    Installed { tops: BTreeSet<String>, metadata_sha256: Option<String> },
}

/// One layer.
#[derive(Default)]
struct Layer {
    removed: BTreeSet<String>,
    emptied: BTreeSet<String>,
    records: Records,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    layers: Vec<String>,
}

/// Reads an archive as `docker save` writes it.
pub(super) fn read(archive: &mut File) -> io::Result<Records> {
    let layers = layers_of(archive)?;
    archive.rewind()?;
    let mut read: BTreeMap<String, Layer> = BTreeMap::new();
    let mut links: BTreeMap<String, String> = BTreeMap::new();
    let mut entries = tar::Archive::new(BufReader::with_capacity(1 << 16, archive));
    for entry in entries.entries()? {
        let mut entry = entry?;
        let path = plain(&entry.path_bytes());
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            // Older engines write a layer that two images share as a link.
            if let Some(target) = entry.link_name_bytes() {
                links.insert(path, plain(&target));
            }
        } else if layers.contains(&path) {
            read.insert(path, unpacked(&mut entry)?);
        }
    }
    let mut records = Records::default();
    for path in &layers {
        let target = links.get(path).map(|target| target.trim_start_matches("../"));
        match read.get(path).or_else(|| read.get(target?)) {
            Some(layer) => records.lay_over(layer),
            None => return Err(io::Error::other(format!("the archive has no layer {path}"))),
        }
    }
    Ok(records)
}

/// The layers' places in the archive, base first.
fn layers_of(archive: &mut File) -> io::Result<Vec<String>> {
    archive.rewind()?;
    let mut entries = tar::Archive::new(BufReader::with_capacity(1 << 16, archive));
    for entry in entries.entries()? {
        let entry = entry?;
        if plain(&entry.path_bytes()) == "manifest.json" {
            let manifests: Vec<Manifest> =
                serde_json::from_reader(entry.take(LARGEST_RECORD)).map_err(io::Error::other)?;
            let manifest = manifests.into_iter().next();
            return Ok(manifest.map(|manifest| manifest.layers).unwrap_or_default());
        }
    }
    Err(io::Error::other("the archive has no manifest.json"))
}

fn unpacked(entry: &mut impl Read) -> io::Result<Layer> {
    let mut start = Vec::with_capacity(4);
    entry.take(4).read_to_end(&mut start)?;
    let whole = io::Cursor::new(start.clone()).chain(entry);
    match start.as_slice() {
        [0x1f, 0x8b, ..] => layer(flate2::read::MultiGzDecoder::new(whole)),
        [0x28, 0xb5, 0x2f, 0xfd] => layer(zstd::Decoder::new(whole)?),
        _ => layer(whole),
    }
}

fn layer(archive: impl Read) -> io::Result<Layer> {
    let mut layer = Layer::default();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = plain(&entry.path_bytes());
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if let Some(hidden) = name.strip_prefix(".wh.") {
            if hidden == ".wh..opq" {
                layer.emptied.insert(folder.to_owned());
            } else {
                layer.removed.insert(join(folder, hidden));
            }
            continue;
        }
        let kind = entry.header().entry_type();
        if !kind.is_file() && !kind.is_hard_link() && !kind.is_symlink() {
            continue;
        }
        if let Some(code) = code_at(&path)
            && layer.records.code.len() < MOST_CODE
        {
            layer.records.code.insert(code);
        }
        if kind.is_file()
            && let Some(kept) = Kept::of(&path, &mut entry)?
        {
            layer.records.files.insert(path, kept);
        }
    }
    Ok(layer)
}

impl Kept {
    /// Keeps what counts of a record; `None` for any other file.
    fn of(path: &str, entry: &mut impl Read) -> io::Result<Option<Self>> {
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

impl Records {
    fn lay_over(&mut self, layer: &Layer) {
        let gone = |path: &str| {
            let below = |folder: &String| {
                path.strip_prefix(folder.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            // A folder that was removed takes everything below it along.
            layer.removed.iter().any(below) || layer.emptied.iter().any(below)
        };
        self.files.retain(|path, _| !gone(path));
        self.code.retain(|path| !gone(path));
        for (path, kept) in &layer.records.files {
            self.files.insert(path.clone(), kept.clone());
        }
        self.code.extend(layer.records.code.iter().cloned());
    }

    /// Installed packages of Debian: name and record.
    pub(super) fn debian(&self) -> impl Iterator<Item = (String, String)> {
        self.files.iter().flat_map(|(path, kept)| match kept {
            Kept::Status { installed, .. } => {
                installed.iter().map(|name| (name.clone(), path.clone())).collect()
            }
            Kept::List | Kept::Metadata { .. } | Kept::Installed { .. } => Vec::new(),
        })
    }

    /// Packages of Python: name and record.
    pub(super) fn python(&self) -> impl Iterator<Item = (String, String)> {
        self.files.iter().filter_map(|(path, kept)| match kept {
            Kept::Metadata { name, .. } => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                Some((name.clone().unwrap_or_else(|| name_of_folder(folder)), path.clone()))
            }
            Kept::Status { .. } | Kept::List | Kept::Installed { .. } => None,
        })
    }

    /// Packages of Python whose description is not the one that was installed.
    pub(super) fn altered(&self) -> impl Iterator<Item = (String, String)> {
        self.files.iter().filter_map(|(path, kept)| {
            let Kept::Metadata { name, sha256 } = kept else { return None };
            let folder = path.strip_suffix("/METADATA")?;
            let Some(Kept::Installed { metadata_sha256: Some(installed), .. }) =
                self.files.get(&join(folder, "RECORD"))
            else {
                return None;
            };
            let name = name.clone().unwrap_or_else(|| name_of_folder(folder));
            (installed.trim_end_matches('=') != sha256).then(|| (name, path.clone()))
        })
    }

    /// Code in `site-packages` that no package there says to be its own.
    pub(super) fn code_without_record(&self) -> impl Iterator<Item = String> {
        self.code.iter().filter(|path| !self.is_recorded(path)).cloned()
    }

    fn is_recorded(&self, path: &str) -> bool {
        let (site, top) = path.rsplit_once('/').unwrap_or(("", path));
        let top = module(top);
        if NO_PACKAGES.contains(&top) {
            return true;
        }
        let records = self.files.range(format!("{site}/")..).take_while(|(path, _)| path.starts_with(site));
        records.filter(|(path, _)| path.matches('/').count() == site.matches('/').count() + 2).any(
            |(path, kept)| match kept {
                Kept::Installed { tops, .. } => tops.contains(top),
                Kept::Metadata { name, .. } => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let name = name.clone().unwrap_or_else(|| name_of_folder(folder));
                    plain_name(&name) == plain_name(top)
                }
                Kept::Status { .. } | Kept::List => false,
            },
        )
    }

    /// dpkg's lists of files whose package has no entry in its status.
    pub(super) fn lists_without_status(&self) -> impl Iterator<Item = String> {
        let known: BTreeSet<&str> = self
            .files
            .values()
            .flat_map(|kept| match kept {
                Kept::Status { known, .. } => known.iter().map(String::as_str).collect(),
                Kept::List | Kept::Metadata { .. } | Kept::Installed { .. } => Vec::new(),
            })
            .collect();
        self.files.iter().filter_map(move |(path, kept)| {
            let Kept::List = kept else { return None };
            let name = path.rsplit_once('/')?.1.strip_suffix(".list")?;
            let name = name.split(':').next()?;
            (!known.contains(name)).then(|| path.clone())
        })
    }
}

/// The piece of `site-packages` that a file of code belongs to: a folder, or the file itself.
fn code_at(path: &str) -> Option<String> {
    let is_code = [".py", ".pyc", ".so"].iter().any(|end| path.ends_with(end));
    let (before, rest) = path.split_once("/site-packages/").filter(|_| is_code)?;
    let top = rest.split('/').next()?;
    let is_record = top.ends_with(".dist-info") || top.ends_with(".egg-info") || top.ends_with(".egg");
    (!is_record && top != "__pycache__").then(|| format!("{before}/site-packages/{top}"))
}

fn is_record_folder(folder: &str) -> bool {
    folder.ends_with(".dist-info") || folder.ends_with(".egg-info") || folder.ends_with("/EGG-INFO")
}

/// The name at the top of an installed path: `flask` of `flask/app.py`, `six` of `six.py`.
fn top_of(path: &str) -> Option<String> {
    let top = path.split('/').next()?;
    (!top.is_empty() && top != ".." && !is_record_folder(top)).then(|| module(top).to_owned())
}

/// `_cffi_backend` of `_cffi_backend.cpython-313-x86_64-linux-gnu.so`.
fn module(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// `flask` of `…/flask-2.2.0.dist-info`.
fn name_of_folder(folder: &str) -> String {
    let name = folder.rsplit('/').next().unwrap_or(folder);
    name.split('-').next().unwrap_or(name).to_owned()
}

/// A package's name as Python compares names: case and separators do not count.
pub(super) fn plain_name(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

fn plain(path: &[u8]) -> String {
    String::from_utf8_lossy(path).trim_start_matches("./").trim_matches('/').to_owned()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
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
