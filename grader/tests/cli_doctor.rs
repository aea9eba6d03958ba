//! `doctor` with programs in `PATH` that are there, missing, old, mute or hanging: every one is told of, with
//! what mends it, and none holds up the others.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test without its set-up must fail")]

mod cli;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use cli::{Bench, assert_transcript, bread};

/// A workbook of two chapters, whose checks use every tool there is.
fn bench() -> Bench {
    let bench = Bench::new();
    let book = bench.path("book");
    copy(&bread(), &book);
    let uses = |id: &str, uses: &str, probe: &str| {
        let path = book.join(format!("checks/{id}.toml"));
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replacen("within =", &format!("uses = {uses}\nwithin ="), 1);
        fs::write(path, text.replacen("[[assert]]", &format!("{probe}\n[[assert]]"), 1)).unwrap();
    };
    let scan = "[[probe]]\nkind = \"vulnerabilities\"\nas = \"scan\"\ntrivy_at_least = \"0.50.0\"\ntrivy_not = [\"0.69.5\"]\n\
                database_at_most_days = 7\nknown = { id = \"X\", package = \"p\", version = \"1\" }\n";
    uses("1.1", "[\"buildx\"]", "");
    uses("1.2", "[\"compose\"]", "");
    uses("2.1", "[\"trivy\"]", scan);
    fs::create_dir(bench.path("bin")).unwrap();
    fs::create_dir(bench.path("cache")).unwrap();
    let (path, cache) = (bench.path("bin"), bench.path("cache"));
    let bench = bench
        .with("GRADER_WIDTH", "160") // paths of this machine shall not decide where a line ends
        .with("GRADER_WORKBOOK", book.to_str().unwrap())
        .with("PATH", path.to_str().unwrap())
        .with("TRIVY_CACHE_DIR", cache.to_str().unwrap());
    assert!(bench.run(&["init", "here", "--yes"]).status.success());
    bench
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn program(bench: &Bench, name: &str, script: &str) {
    let path = bench.path("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A `docker` whose plugins say these versions.
fn docker(bench: &Bench, buildx: &str, compose: &str) {
    let script = format!(
        "case $1 in\nbuildx) echo 'github.com/docker/buildx {buildx} abc' ;;\ncompose) echo '{compose}' ;;\nesac"
    );
    program(bench, "docker", &script);
}

fn git(bench: &Bench) {
    program(bench, "git", "case $1 in\n--version) echo 'git version 2.47.1' ;;\n*) echo Ada ;;\nesac");
}

fn database(bench: &Bench, days: i64) {
    let folder = bench.path("cache/db");
    fs::create_dir_all(&folder).unwrap();
    let made = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days + 1);
    fs::write(folder.join("trivy.db"), "").unwrap();
    fs::write(folder.join("metadata.json"), format!(r#"{{"Version":2,"UpdatedAt":"{made}"}}"#)).unwrap();
}

#[test]
fn what_doctor_says_of_programs_that_are_missing_old_and_as_they_must_be() {
    let bench = bench();
    let mut transcript = String::new();
    let mut look = |what: &str| transcript.push_str(&format!("# {what}\n{}", bench.transcript(&["doctor"])));
    look("nothing is there");
    docker(&bench, "v0.12.1", "2.20.3");
    git(&bench);
    program(&bench, "trivy", "echo 'Version: 0.49.0'");
    database(&bench, 9);
    look("all is too old");
    docker(&bench, "v0.13.1", "2.26.1-4");
    program(&bench, "trivy", "echo 'Version: 0.69.5'");
    look("a Trivy that was tampered with");
    program(&bench, "trivy", "echo 'Version: 0.74.0'");
    database(&bench, 1);
    look("all is as it must be");
    assert_transcript("doctor.txt", &transcript);
}

#[test]
fn programs_that_hang_are_told_of_within_three_seconds() {
    let bench = bench();
    for name in ["docker", "git", "trivy"] {
        program(&bench, name, "trap '' TERM\nwhile :; do :; done");
    }
    database(&bench, 0);
    let began = Instant::now();
    let output = bench.run(&["doctor", "--plain"]);
    // Two seconds for all of them, and what a busy machine takes to run four of them at full speed.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let text = bench.marked(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    for part in
        ["buildx: missing: ", "compose: missing: ", "trivy: missing: ", "trivy data: ok: less than a day"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.matches("does not answer").count(), 4, "{text}");
}

#[test]
fn the_same_as_data() {
    let bench = bench();
    git(&bench);
    docker(&bench, "v0.13.1", "2.20.3");
    let output = bench.run(&["doctor", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["ready"], false);
    let states: Vec<(&str, &str)> = document["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["title"].as_str().unwrap(), group["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        states,
        [("Everything", "ready"), ("Chapter 1", "ready but for 1.2"), ("Chapter 2", "blocked")]
    );
    let facts = document["groups"][1]["facts"].as_array().unwrap();
    assert_eq!((&facts[0]["verdict"], &facts[1]["verdict"]), (&"ok".into(), &"old".into()));
    assert!(facts[1]["mend"].as_str().is_some_and(|mend| mend.contains("install")), "{facts:?}");
}
