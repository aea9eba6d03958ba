//! One layer's archive, read from end to end: what tells the kind of the image, which markers lie in which
//! file, and which files are of a sort that was asked for. Memory does not grow with the layer.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use super::{
    globs::Globs,
    kind::{Contents, plain},
    markers::{Markers, Watched},
};

/// The most files with markers that are remembered of one layer; all are counted by who reads them.
const MOST_MARKED: usize = 10_000;

/// The most files of a sort that are remembered of one layer.
const MOST_SORTED: usize = 200_000;

/// What is looked for in the layers of an image.
#[derive(Clone, Debug, Default)]
pub(super) struct Sought {
    /// Markers, in every file.
    pub markers: Option<Markers>,
    /// Sorts of files, by their paths.
    pub sorts: Vec<Globs>,
}

/// What was found in one layer.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Files.
    pub files: u64,
    /// Files that hold a marker: its number, and their path.
    pub marked: Vec<(u32, String)>,
    /// Files of a sort, by their path: the sort, and their bytes.
    pub sorted: BTreeMap<String, (usize, u64)>,
    /// Whether more was found than is remembered.
    pub too_many: bool,
}

/// Reads a layer's archive; at most `budget` bytes of files, holes of sparse ones among them.
pub(super) fn read(
    archive: &mut impl Read,
    sought: &Sought,
    budget: u64,
) -> io::Result<(Contents, Findings)> {
    let (mut contents, mut findings) = (Contents::default(), Findings::default());
    let mut left = budget;
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = plain(&entry.path_bytes());
        if contents.whiteout(&path) {
            continue;
        }
        let header = entry.header();
        let (kind, executable) = (header.entry_type(), header.mode().is_ok_and(|mode| mode & 0o111 != 0));
        let mut size = 0;
        if kind.is_symlink() || kind.is_hard_link() {
            if let Some(target) = entry.link_name_bytes() {
                contents.link(&path, &target, kind.is_hard_link());
            }
        } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            findings.files += 1;
            let mut file = Watched::new((&mut entry).take(left), sought.markers.as_ref());
            contents.file(&path, executable, &mut file)?;
            io::copy(&mut file, &mut io::sink())?;
            let (seen, bytes) = file.seen();
            left -= bytes;
            if left == 0 {
                return Err(io::Error::other("its files unpack to more than is read"));
            }
            size = bytes;
            for number in seen {
                findings.mark(number, &path);
            }
        } else {
            continue;
        }
        findings.sort(&path, size, kind.is_file() && !executable, &sought.sorts);
    }
    Ok((contents, findings))
}

impl Findings {
    fn mark(&mut self, number: u32, path: &str) {
        if self.marked.len() < MOST_MARKED {
            self.marked.push((number, path.to_owned()));
        } else {
            self.too_many = true;
        }
    }

    /// Remembers a file if it is of a sort. An empty file without a right to be run is neither program nor
    /// store: package managers leave locks behind.
    fn sort(&mut self, path: &str, size: u64, is_data: bool, sorts: &[Globs]) {
        if is_data && size == 0 {
            return;
        }
        if let Some(sort) = sorts.iter().position(|globs| globs.matches(path)) {
            if self.sorted.len() < MOST_SORTED {
                self.sorted.insert(path.to_owned(), (sort, size));
            } else {
                self.too_many = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sought(markers: &Markers) -> Sought {
        Sought { markers: Some(markers.clone()), sorts: vec![Globs::new(&["**/bin/gcc*".to_owned()])] }
    }

    fn header(kind: tar::EntryType, size: usize, mode: u32) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size as u64);
        header.set_mode(mode);
        header
    }

    fn with_file(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8], mode: u32) {
        builder
            .append_data(&mut header(tar::EntryType::Regular, content.len(), mode), path, content)
            .unwrap();
    }

    #[test]
    fn odd_names_long_ones_and_links_are_read() {
        let markers = Markers::new().unwrap();
        let mut builder = tar::Builder::new(Vec::new());
        let long = format!("{}/secret", vec!["folder"; 60].join("/"));
        with_file(&mut builder, &long, markers.planted(1).as_bytes(), 0o644);
        with_file(&mut builder, "two\nlines", markers.planted(2).as_bytes(), 0o644);
        let mut raw = header(tar::EntryType::Regular, 40, 0o644);
        raw.as_old_mut().name[..6].copy_from_slice(b"odd\xff\xfe\xfd");
        raw.set_cksum();
        builder.append(&raw, markers.planted(3).as_bytes()).unwrap();
        builder
            .append_link(&mut header(tar::EntryType::Link, 0, 0o755), "usr/bin/gcc", "usr/bin/gcc-12")
            .unwrap();
        builder.append_link(&mut header(tar::EntryType::Symlink, 0, 0o777), "usr/bin/gcc-13", "gcc").unwrap();
        with_file(&mut builder, "usr/bin/gcc.lock", b"", 0o644);
        let archive = builder.into_inner().unwrap();
        let (_, found) = read(&mut archive.as_slice(), &sought(&markers), u64::MAX).unwrap();
        assert_eq!(
            found.marked,
            [(1, long), (2, "two\nlines".to_owned()), (3, "odd\u{fffd}\u{fffd}\u{fffd}".to_owned())]
        );
        assert_eq!(found.sorted.keys().collect::<Vec<_>>(), ["usr/bin/gcc", "usr/bin/gcc-13"]);
        assert_eq!(found.files, 4);
    }

    /// The head of a sparse file says where its data lies; what is between is nowhere in the archive.
    #[test]
    fn a_sparse_file_is_searched_and_a_terabyte_of_holes_ends_at_the_bound() {
        let markers = Markers::new().unwrap();
        let sparse = |length: u64| {
            let mut head = header(tar::EntryType::GNUSparse, 512, 0o644);
            head.set_path("sparse").unwrap();
            let gnu = head.as_gnu_mut().unwrap();
            let octal = |into: &mut [u8; 12], number: u64| {
                into.copy_from_slice(format!("{number:011o}\0").as_bytes());
            };
            octal(&mut gnu.sparse[0].offset, length - 512);
            octal(&mut gnu.sparse[0].numbytes, 512);
            octal(&mut gnu.realsize, length);
            head.set_cksum();
            let mut data = vec![0; 512];
            data[100..140].copy_from_slice(markers.planted(9).as_bytes());
            let mut builder = tar::Builder::new(Vec::new());
            builder.append(&head, data.as_slice()).unwrap();
            builder.into_inner().unwrap()
        };
        let small = sparse(1 << 20);
        let (_, found) = read(&mut small.as_slice(), &sought(&markers), 1 << 21).unwrap();
        assert_eq!(found.marked, [(9, "sparse".to_owned())]);
        let huge = sparse(8_000_000_000);
        assert!(read(&mut huge.as_slice(), &sought(&markers), 1 << 21).is_err());
    }

    #[test]
    fn whiteouts_are_no_files() {
        let markers = Markers::new().unwrap();
        let mut builder = tar::Builder::new(Vec::new());
        with_file(&mut builder, "usr/bin/.wh.gcc", b"", 0o644);
        with_file(&mut builder, "etc/.wh..wh..opq", b"", 0o644);
        let archive = builder.into_inner().unwrap();
        let (contents, found) = read(&mut archive.as_slice(), &sought(&markers), 1000).unwrap();
        assert_eq!(found.files, 0);
        assert!(contents.hides("usr/bin/gcc") && contents.hides("usr/bin/gcc/below"));
        assert!(contents.hides("etc/passwd") && !contents.hides("etc") && !contents.hides("usr/bin/gcc2"));
    }
}
