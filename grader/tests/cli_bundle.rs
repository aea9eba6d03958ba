//! `bundle`: what is in it, what is not, and that a teacher judges it as the learner did.

mod cli;

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

use cli::{Bench, assert_transcript, bread};
use serde_json::Value;

/// A learner who failed twice on the same, and took a hint.
fn stuck() -> Bench {
    let bench = Bench::baking();
    let mut names = fs::read_to_string(bench.path("here/workspace.toml")).expect("names");
    names = names
        .replace("name = \"\"", "name = \"Ada Lovelace\"")
        .replace("id = \"\"", "id = \"ada@example.org\"");
    names.push_str("\n[app.env]\nAPI_TOKEN = \"canary-token-0d9f\"\nGREETING = \"canary of no secret\"\n");
    bench.write("workspace.toml", &names);
    for water in [490, 480] {
        // What an answer holds that is a secret elsewhere is none of the teacher's affairs either.
        bench.write("answers/1.1.toml", &format!("# canary-token-0d9f\nflour_g = 500\nwater_g = {water}\n"));
        assert_eq!(bench.run(&["check", "1.1"]).status.code(), Some(1));
    }
    assert_eq!(bench.run(&["hint", "1.1"]).status.code(), Some(0));
    bench
}

fn read(bench: &Bench, name: &str) -> Value {
    let text = fs::read_to_string(bench.path("here").join(name)).expect("a bundle");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn it_says_what_is_in_it_writes_it_once_and_a_teacher_judges_it_the_same() {
    let bench = stuck();
    let transcript = bench.transcript(&[
        "bundle 1.1",
        "bundle 1.1",
        "bundle 1.1 --output elsewhere/x.json",
        "bundle 1.1 --output again.json --json",
        "bundle 1.2",
        "rejudge bundle-1.1-attempt-2.json",
        "rejudge --plain bundle-1.1-attempt-2.json",
    ]);
    // How many digits an instant has differs.
    let size = |line: &str| {
        let marks = ["\"bytes\": ", "attempt-2.json  "];
        let begin = marks.into_iter().find_map(|mark| Some(line.find(mark)? + mark.len()));
        begin.map_or_else(|| format!("{line}\n"), |at| format!("{}[SIZE]\n", &line[..at]))
    };
    assert_transcript("bundle.txt", &transcript.lines().map(size).collect::<String>());
    let (first, again) = ("here/bundle-1.1-attempt-2.json", "here/again.json");
    let bytes = |name: &str| fs::read(bench.path(name)).expect("a bundle");
    assert_eq!(bytes(first), bytes(again), "the same state gives the same bytes");
    let mode = fs::metadata(bench.path(first)).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn it_holds_what_a_teacher_needs_and_no_secret() {
    let bench = stuck();
    assert!(bench.run(&["bundle", "1.1"]).status.success());
    let bundle = read(&bench, "bundle-1.1-attempt-2.json");
    assert_eq!(bundle["format"], 1);
    assert_eq!(bundle["attempt"]["result"]["attempt"], 2);
    assert_eq!(bundle["before"]["result"]["attempt"], 1);
    assert_eq!(bundle["since"]["changes"][0]["what"], "noted.taken.water_g");
    assert_eq!(bundle["hints_taken"], 1);
    assert_eq!(bundle["history"].as_array().map(Vec::len), Some(2));
    let check = fs::read_to_string(bread().join("checks/1.1.toml")).expect("the check");
    assert_eq!(bundle["check"]["text"], check);
    assert_eq!(bundle["names"]["app"]["env"], serde_json::json!(["API_TOKEN", "GREETING"]));
    assert!(
        bundle["attempt"]["card"]
            .as_str()
            .is_some_and(|card| card.contains("✗ 1.1") && !card.contains('\u{1b}'))
    );
    let text = bundle.to_string();
    let home = bench.path("home");
    let home = home.to_str().expect("text");
    for secret in ["canary-token-0d9f", "canary of no secret", "Ada", "ada@example.org", home] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn another_check_is_said_to_be_another() {
    let bench = stuck();
    assert!(bench.run(&["bundle", "1.1"]).status.success());
    let other = bench.path("other");
    copy(&bread(), &other);
    let check = other.join("checks/1.1.toml");
    let text = fs::read_to_string(&check).expect("the check").replace("<= 0.75", "<= 0.99");
    fs::write(check, text).expect("a check");
    let mut command = bench.command(&["rejudge", "bundle-1.1-attempt-2.json"]);
    let output = command.env("GRADER_WORKBOOK", &other).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("another one than here"), "{said}");
    assert!(said.contains("was failed there, is passed here"), "{said}");
}

#[test]
fn what_is_no_bundle_is_refused_and_hurts_nobody() {
    let bench = stuck();
    assert!(bench.run(&["bundle", "1.1", "--output", "b.json"]).status.success());
    let whole = read(&bench, "b.json");
    let mut newer = whole.clone();
    newer["format"] = Value::from(2);
    let mut blind = whole.clone();
    blind["attempt"]["evidence"] = Value::Null;
    let mut unknown = whole.clone();
    unknown["exercise"] = Value::from("9.9");
    let mut evil = whole;
    evil["attempt"]["result"]["verdict"] = Value::from("\u{1b}[2Jpassed");
    let cases = [("newer", newer, 2), ("blind", blind, 2), ("unknown", unknown, 2), ("evil", evil, 1)];
    for (name, bundle, code) in cases {
        bench.write("c.json", &bundle.to_string());
        let output = bench.run(&["rejudge", "c.json"]);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!cli::obeyed(&output.stdout) && !cli::obeyed(&output.stderr), "{name}");
    }
    // A link is not followed, even to nowhere.
    std::os::unix::fs::symlink(bench.path("nowhere"), bench.path("here/link.json")).expect("a link");
    assert_eq!(bench.run(&["bundle", "1.1", "--output", "link.json"]).status.code(), Some(2));
    assert!(!bench.path("nowhere").exists());
}

#[test]
fn what_is_said_to_be_its_schema_is_its_schema() {
    let bench = stuck();
    assert!(bench.run(&["bundle", "1.1", "--output", "b.json"]).status.success());
    let schema: Value =
        serde_json::from_slice(&bench.run(&["schema", "bundle"]).stdout).expect("a schema is JSON");
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let bundle = read(&bench, "b.json");
    let keys: Vec<&str> = bundle.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, required);
}

#[test]
fn the_hint_for_what_failed_last_stands_in_the_place_of_the_last() {
    let bench = stuck();
    let other = bench.path("other");
    copy(&bread(), &other);
    let check = other.join("checks/1.1.toml");
    let text = fs::read_to_string(&check).expect("the check")
        + "[[hint]]\nfor = \"hydration\"\ntext = \"Less water.\"\n";
    fs::write(check, text).expect("a check");
    let hint = |at: u64| {
        let mut command = bench.command(&["hint", "1.1", "--json"]);
        let output = command.env("GRADER_WORKBOOK", &other).output().expect("it runs");
        let hint: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&hint["hint"], &hint["of"]), (&Value::from(at), &Value::from(3)));
        hint
    };
    // One was taken before.
    assert_eq!(hint(2)["for"], Value::Null);
    assert_eq!(hint(3)["text"], "Less water.");
    bench.write("answers/1.1.toml", "flour_g = 0\nwater_g = 0\n");
    assert_eq!(bench.run(&["check", "1.1"]).status.code(), Some(1));
    assert_eq!(hint(3)["for"], Value::Null, "the other assertion failed first, and has none of its own");
}

fn copy(from: &PathBuf, to: &PathBuf) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().expect("cp runs");
    assert!(copied.success());
}
