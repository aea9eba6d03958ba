//! Every library's licence is one that deny.toml allows: for machines that have no cargo-deny.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

fn allowed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml"))
        .expect("deny.toml is there");
    let deny: toml::Table = text.parse().expect("deny.toml is TOML");
    let allow = deny["licenses"]["allow"].as_array().expect("a list of licences");
    allow.iter().filter_map(|licence| licence.as_str().map(str::to_owned)).collect()
}

/// Whether an SPDX expression can be met: `OR` by one of its sides, `AND` by both.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    let plain = |part: &str| part.trim().trim_matches(|c| c == '(' || c == ')').trim().to_owned();
    expression.split(" OR ").any(|side| {
        side.split(" AND ").all(|licence| {
            let licence = plain(licence);
            allowed.contains(&licence)
                || licence.split(" WITH ").next().is_some_and(|base| allowed.contains(base))
        })
    })
}

#[test]
fn every_library_may_be_used() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let allowed = allowed();
    let packages = metadata["packages"].as_array().expect("a list of packages");
    assert!(packages.len() > 100, "the list is whole");
    for package in packages {
        let name = package["name"].as_str().unwrap_or("?");
        let from_registry = package["source"]
            .as_str()
            .is_none_or(|source| source.starts_with("registry+https://github.com/rust-lang/crates.io-index"));
        assert!(from_registry, "{name} comes from {}", package["source"]);
        let licence = package["license"].as_str().unwrap_or("");
        assert!(is_met(licence, &allowed), "{name}: licence `{licence}` is not among those of deny.toml");
    }
}

#[test]
fn an_expression_is_met_by_one_side_of_or_and_both_of_and() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Apache-2.0".to_owned()]);
    assert!(is_met("GPL-3.0 OR MIT", &allowed));
    assert!(is_met("Apache-2.0 WITH LLVM-exception", &allowed));
    assert!(!is_met("MIT AND GPL-3.0", &allowed));
    assert!(!is_met("", &allowed));
}
