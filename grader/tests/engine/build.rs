//! Builds that print without end, that never end, or that are ended: what is left of them, and what is told.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::support::{Bench, Course};

/// What the builder may take to end a step that was called off.
const ENDED_WITHIN: Duration = Duration::from_secs(15);

/// A workspace whose app has this Dockerfile, and a check that builds it within `limit`.
fn bench(dockerfile: &str, limit: &str) -> Bench {
    let probe = format!(
        "kind = \"build\"\nas = \"build\"\nbuild_within = \"{limit}\"\nfirst_within = \"2s\"\ncanaries = [\".env\"]"
    );
    let course = Course::default().check(
        "1.1",
        "uses = [\"engine\", \"buildx\"]\nwithin = \"150s\"",
        &probe,
        "build.builds[0].exit_code == 0",
        "'it ended otherwise'",
    );
    let bench = Bench::with(&course, "");
    bench.write("app/Dockerfile", dockerfile);
    bench.write("app/main.py", "print(1)\n");
    bench
}

/// What the probe saw.
fn seen(bench: &Bench) -> serde_json::Value {
    let shown = bench.run(&["show", "1.1", "--evidence", "--json"]);
    let document = shown.json();
    find(&document, "build").unwrap_or_else(|| panic!("no evidence in {document}")).clone()
}

/// The evidence of a probe, wherever the document has it.
fn find<'a>(value: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    match value {
        serde_json::Value::Object(map) => map
            .get(name)
            .filter(|found| found.get("builds").is_some())
            .or_else(|| map.values().find_map(|value| find(value, name))),
        serde_json::Value::Array(items) => items.iter().find_map(|value| find(value, name)),
        _ => None,
    }
}

/// How many processes of this machine have `words` among their arguments.
fn running(words: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .filter(|arguments| {
            let arguments: Vec<&[u8]> = arguments.split(|byte| *byte == 0).collect();
            arguments.first() == Some(&b"sleep".as_slice()) && arguments.contains(&words.as_bytes())
        })
        .count()
}

#[track_caller]
fn becomes(words: &str, count: usize, limit: Duration) {
    let began = Instant::now();
    while running(words) != count {
        assert!(began.elapsed() < limit, "{} processes `sleep {words}`", running(words));
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_build_that_prints_a_gigabyte_ends_in_facts_and_bounded_memory() {
    let dockerfile = "FROM python:3.13-slim\nRUN yes 'a line of a gigabyte' | head -c 1000000000; exit 3\n";
    let bench = bench(dockerfile, "100s");
    let ended = bench.run(&["check", "1.1", "--json"]).code(1);
    ended.verdict("1.1", "failed");
    assert!(ended.memory_kb < 150_000, "{} kB", ended.memory_kb);
    let seen = seen(&bench);
    let build = &seen["builds"][0];
    assert_eq!(build["timed_out"], false, "{build}");
    assert!(build["failed_step"]["head"].as_str().unwrap().contains("RUN yes"), "{build}");
    assert!(build["error"]["head"].as_str().unwrap().contains("exit code: 3"), "{build}");
    assert!(build["last_words"]["bytes"].as_u64().unwrap() > 100_000, "{build}");
    assert!(seen["result"].is_null() && seen.to_string().len() < 20_000);
    bench.nothing_left_within(ENDED_WITHIN);
}

#[test]
fn a_build_that_hangs_ends_by_its_limit_and_nothing_of_it_is_left() {
    let bench = bench("FROM python:3.13-slim\nRUN echo waiting && sleep 6041.7\n", "4s");
    let ended = bench.run(&["check", "1.1", "--json"]).code(1);
    ended.verdict("1.1", "failed");
    assert!(ended.took < Duration::from_secs(60), "{:?}", ended.took);
    let build = seen(&bench)["builds"][0].clone();
    assert_eq!((build["timed_out"].as_bool(), build["exit_code"].is_null()), (Some(true), true), "{build}");
    assert!(build["failed_step"]["head"].as_str().unwrap().contains("sleep 6041.7"), "{build}");
    assert_eq!(build["last_words"]["head"], "waiting\n");
    becomes("6041.7", 0, ENDED_WITHIN);
    bench.nothing_left_within(ENDED_WITHIN);
}

#[test]
fn ctrl_c_during_a_build_leaves_no_step_no_image_and_no_copy() {
    let bench = bench("FROM python:3.13-slim\nRUN sleep 6042.7\n", "100s");
    let mut going = bench.start(&["check", "1.1"]);
    becomes("6042.7", 1, Duration::from_secs(60));
    going.signal(Signal::INT);
    let ended = going.end().code(130);
    assert!(ended.after < Duration::from_secs(10), "{:?}", ended.after);
    becomes("6042.7", 0, ENDED_WITHIN);
    bench.nothing_left_within(ENDED_WITHIN);
    let copies = fs::read_dir(bench.workspace().join(".grader/tmp")).unwrap().count();
    assert_eq!(copies, 0);
}

#[test]
fn builds_leave_the_folder_as_it_was_and_no_image_whatever_stands_in_the_folder() {
    let bench = bench("FROM python:3.13-slim\nCOPY . /app\nCMD [\"sleep\", \"1\"]\n", "100s");
    let app = bench.workspace().join("app");
    bench.write("app/.env", "KEY=theirs\n");
    bench.write("app/requirements.txt", "flask\n");
    rustix::fs::mkfifoat(rustix::fs::CWD, app.join("pipe"), rustix::fs::Mode::RWXU).unwrap();
    std::os::unix::fs::symlink(".", app.join("loop")).unwrap();
    let listed = || {
        let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&app)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let is_file = entry.file_type().unwrap().is_file();
                let content = if is_file { fs::read(entry.path()).unwrap() } else { Vec::new() };
                (entry.file_name().into_string().unwrap(), content)
            })
            .collect();
        files.sort();
        files
    };
    let before = listed();
    bench.run(&["check", "1.1", "--json"]).verdict("1.1", "passed");
    assert_eq!(listed(), before);
    let seen = seen(&bench);
    let leaked = seen["result"]["canaries"].as_array().unwrap();
    assert!(leaked.iter().all(|canary| canary["copies"] == 1), "{seen}");
    assert_eq!(seen["context"]["left_out"][0], "pipe");
    assert_eq!(bench.left(), [""; 0]);
}
