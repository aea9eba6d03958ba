//! This repository's own workbook holds together.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use grader_core::workbook::{Files, lint};

fn files() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Files::default();
    for folder in ["checks", "exercises"] {
        collect(&root, &root.join(folder), &mut files);
    }
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

#[test]
fn nothing_is_wrong_with_it() {
    let faults: Vec<String> = lint::lint(&files()).iter().map(|fault| fault.headline()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
