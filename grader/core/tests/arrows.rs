//! Arrows that must never exist: the core does no I/O, reads no clock and waits for nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

/// What a source of the core never names.
const NEVER: [&str; 14] = [
    "tokio",
    "bollard",
    "reqwest",
    "hyper",
    "rusqlite",
    "async fn",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::io",
    "SystemTime",
    "Instant",
    "Timestamp::now",
];

/// The only crates on which the core rests.
const CRATES: [&str; 10] = [
    "cel",
    "jiff",
    "schemars",
    "serde",
    "serde_json",
    "serde_json_path",
    "sha2",
    "strsim",
    "thiserror",
    "toml",
];

fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// A `use` of several names at once, written out.
fn flat(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut flat = joined.clone();
    for (at, _) in joined.match_indices("std::{") {
        let names = joined[at + "std::{".len()..].split(';').next().unwrap_or_default();
        for name in names.split([',', '{', '}', ' ']) {
            flat.push_str(&format!(" std::{name} "));
        }
    }
    flat
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 20, "the sources are elsewhere");
    for (path, text) in files {
        let text = flat(&text);
        for never in NEVER {
            assert!(!text.contains(never), "{path} names `{never}`: the core is pure");
        }
    }
}

#[test]
fn the_core_rests_on_few_crates_and_on_none_of_ours() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&text).unwrap();
    let dependencies: Vec<&String> = manifest["dependencies"].as_table().unwrap().keys().collect();
    assert_eq!(dependencies, CRATES, "a new one is a decision: see ARCHITECTURE.md");
}

#[test]
fn a_use_of_several_names_is_seen_through() {
    assert!(flat("use std::{collections::BTreeMap, fs, path::Path};").contains("std::fs"));
    assert!(flat("use std::{\n    net::{IpAddr, TcpStream},\n};").contains("std::net"));
}
