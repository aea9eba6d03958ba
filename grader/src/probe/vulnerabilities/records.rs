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

use super::kept::{Kept, LARGEST_RECORD, module};

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

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;
    use crate::probe::archive::tarred;

    /// The records of an image of these layers, the second one packed.
    fn image(base: &[(&str, &str)], upper: &[(&str, &str)]) -> Records {
        let layer = |files: &[(&str, &str)]| {
            tarred(&files.iter().map(|(path, text)| (*path, text.as_bytes())).collect::<Vec<_>>())
        };
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&layer(upper)).unwrap();
        let archive = tarred(&[
            ("blobs/two", &packed.finish().unwrap()),
            ("blobs/one", &layer(base)),
            ("manifest.json", br#"[{"Config":"c","Layers":["blobs/one","blobs/two"]}]"#),
        ]);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&archive).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        read(&mut file).unwrap()
    }

    const SITE: &str = "usr/lib/python3.13/site-packages";

    #[test]
    fn a_package_is_known_by_its_record_and_what_it_installed() {
        let info = format!("{SITE}/Flask-2.2.0.dist-info");
        let files = [
            (format!("{info}/METADATA"), "Metadata-Version: 2.1\nName: Flask\nVersion: 2.2.0\n"),
            (
                format!("{info}/RECORD"),
                "flask/__init__.py,sha256=x,1\n../../../bin/flask,,\n_x.cpython.so,,\n",
            ),
            (format!("{SITE}/flask/__init__.py"), ""),
            (format!("{SITE}/_x.cpython.so"), ""),
            (format!("{SITE}/_virtualenv.py"), ""),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let whole = image(&files, &[]);
        assert_eq!(whole.python().map(|(name, _)| name).collect::<Vec<_>>(), ["Flask"]);
        assert_eq!(whole.code_without_record().count(), 0);
        let removed = format!("{SITE}/.wh.Flask-2.2.0.dist-info");
        let without = image(&files, &[(&removed, "")]);
        assert_eq!(without.python().count(), 0);
        let code: Vec<String> = without.code_without_record().collect();
        assert_eq!(code, [format!("{SITE}/_x.cpython.so"), format!("{SITE}/flask")]);
    }

    #[test]
    fn a_description_that_was_edited_has_another_digest_than_was_noted() {
        let info = format!("{SITE}/six-1.dist-info");
        let (metadata, record) = (format!("{info}/METADATA"), format!("{info}/RECORD"));
        // SHA-256 of the text below, as pip notes it.
        let noted = "six-1.dist-info/METADATA,sha256=am2TxCR1ebMgl4oajZhh__hNCSe6dfc355DqbScEELE,10\n";
        let files = [(metadata.as_str(), "Name: six\n"), (record.as_str(), noted)];
        let edited = image(&files, &[(&metadata, "Name: six\nVersion: 2\n")]);
        assert_eq!(edited.altered().map(|(name, _)| name).collect::<Vec<_>>(), ["six"]);
        assert_eq!(image(&files, &[]).altered().count(), 0);
    }

    #[test]
    fn dpkg_knows_what_is_installed_and_what_only_its_lists_tell_of() {
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\n\n\
                      Package: b\nStatus: deinstall ok config-files\nVersion: 1\n";
        let lists =
            ["a.list", "b:amd64.list", "c:amd64.list"].map(|name| format!("var/lib/dpkg/info/{name}"));
        let mut files = vec![("var/lib/dpkg/status", status)];
        files.extend(lists.iter().map(|path| (path.as_str(), "")));
        let records = image(&files, &[]);
        assert_eq!(records.debian().map(|(name, _)| name).collect::<Vec<_>>(), ["a"]);
        assert_eq!(records.lists_without_status().collect::<Vec<_>>(), ["var/lib/dpkg/info/c:amd64.list"]);
        let gone = image(&files, &[("var/lib/.wh.dpkg", "")]);
        assert_eq!(gone.debian().count() + gone.lists_without_status().count(), 0);
        let opaque = image(&files, &[("var/lib/dpkg/.wh..wh..opq", "")]);
        assert_eq!(opaque.debian().count(), 0);
    }
}
