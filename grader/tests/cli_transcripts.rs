//! What a learner and an author see, from the first command on, in a workbook of another subject.

mod cli;

use cli::{Bench, assert_transcript, bread};

#[test]
fn before_there_is_a_workspace() {
    let bench = Bench::new().with("GRADER_WORKBOOK", bread().to_str().unwrap());
    assert_transcript(
        "outside.txt",
        &bench.transcript(&["", "list", "help 1.1", "check 1.1", "lint", "--json"]),
    );
}

#[test]
fn the_first_hour() {
    let bench = Bench::baking();
    let mut transcript =
        bench.transcript(&["", "list", "next", "check", "hint 1.1", "hint 1.1", "hint 1.1", "hint 1.1"]);
    bench.write("answers/1.1.toml", "flour_g = 500\nwater_g = 100\n");
    transcript += &bench.transcript(&["check 1", "show 1.1 --evidence"]);
    bench.write("answers/1.1.toml", "flour_g = 500\nwater_g = 325\n");
    bench.write("answers/1.2.md", "The gluten relaxes while the dough rests.\n");
    transcript +=
        &bench.transcript(&["check 1.1", "check --failed", "check --all", "check --failed", "list", ""]);
    bench.write("answers/1.1.toml", "flour_g = 500\nwater_g = 326\n");
    transcript += &bench.transcript(&["list", "show 1.1", "check --stale", "rejudge 1", "rejudge 99"]);
    bench.write("answers/2.1.toml", "crumb_c = 95\n");
    transcript += &bench.transcript(&["check", "check", "", "next", "reset 1.1", "reset 1.1", "list"]);
    assert_transcript("first-hour.txt", &transcript);
}

#[test]
fn plain_is_one_fact_a_line() {
    let bench = Bench::baking().with("GRADER_PLAIN", "1");
    let transcript = bench.transcript(&[
        "",
        "list",
        "next",
        "help 1.2",
        "check 1.1",
        "check --all",
        "show 1.1",
        "show 1.1 --evidence",
        "hint 1.1",
        "lint",
        "config set app.port=x",
        "check 9",
        "list --json",
    ]);
    assert_transcript("plain.txt", &transcript);
}

#[test]
fn a_narrow_terminal() {
    let bench = Bench::baking().with("GRADER_WIDTH", "20");
    let transcript = bench.transcript(&["", "list", "help 1.1", "check 1", "hint 1.1", "reset 1.1"]);
    assert_transcript("narrow.txt", &transcript);
    let too_wide: Vec<&str> = transcript
        .lines()
        .filter(|line| !line.starts_with("2> ") && !line.starts_with("$ ") && !line.contains('['))
        .filter(|line| line.chars().count() > 20)
        .collect();
    assert!(too_wide.is_empty(), "{too_wide:?}");
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    let bench = Bench::baking().with("LANG", "C");
    let transcript = bench.transcript(&["", "list", "check --all", "show 1.1 --evidence", "help 2.1"]);
    assert!(transcript.is_ascii(), "{transcript}");
    assert_transcript("ascii.txt", &transcript);
}

#[test]
fn data_is_one_document() {
    let bench = Bench::baking();
    let transcript = bench.transcript(&[
        "check 1 --json",
        "list --json",
        "next --json",
        "show 1.1 --json",
        "hint 1.1 --json",
        "reset 1.1 --json",
        "config set app.image=loaf:v1 --json",
        "lint --json",
    ]);
    assert_transcript("data.txt", &transcript);
    for line in
        ["check 1", "list", "next", "show 1.1", "show 1.1 --evidence", "doctor", "lint", "", "rejudge 1"]
    {
        let arguments: Vec<&str> =
            line.split(' ').filter(|word| !word.is_empty()).chain(["--json"]).collect();
        let output = bench.run(&arguments);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect(line);
        assert_eq!(document["format"], 1, "{line}");
    }
}

#[test]
fn settings_keep_their_comments() {
    let bench = Bench::baking();
    bench.write("workspace.toml", "# mine\nformat = 1\n[app]\nimage = \"loaf\" # its name\n");
    let mut transcript = bench.transcript(&[
        "config set app.image=bread:v2 registry=myacr",
        "config set app.imgae=x",
        "config set app.port=99999",
        "config set app.path=../elsewhere",
        "config set nonsense",
        "config",
    ]);
    transcript += &std::fs::read_to_string(bench.path("here/workspace.toml")).unwrap();
    assert_transcript("config.txt", &transcript);
}

#[test]
fn an_author_is_told_every_fault_at_once() {
    let bench = Bench::new();
    let book = bench.path("book");
    let copied = std::process::Command::new("cp").arg("-r").arg(bread()).arg(&book).status().unwrap();
    assert!(copied.success());
    let check = book.join("checks/1.1.toml");
    let text = std::fs::read_to_string(&check).unwrap();
    let text = text
        .replace("title =", "titel =")
        .replace("noted.taken.flour_g.number > 0.0", "noted.takn.flour_g > 0");
    std::fs::write(&check, text).unwrap();
    std::fs::remove_file(book.join("checks/1.2.toml")).unwrap();
    let second = book.join("checks/2.1.toml");
    let text = std::fs::read_to_string(&second).unwrap();
    std::fs::write(
        &second,
        text.replace("noted.taken.crumb_c.number >= 93.0", "noted.takn.crumb_c.number >= 93.0"),
    )
    .unwrap();
    let bench = bench.with("GRADER_WORKBOOK", "book");
    assert_transcript("lint.txt", &bench.transcript(&["lint", "lint --plain", "list"]));
}

#[test]
fn texts_for_other_programs() {
    let bench = Bench::baking();
    for of in ["check", "workbook", "workspace", "result"] {
        let output = bench.run(&["schema", of]);
        let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect(of);
        assert_eq!(schema["type"], "object", "{of}");
    }
    assert!(bench.run(&["schema", "evidence", "image"]).status.success());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = bench.run(&["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains("GRADER_COMPLETE"), "{shell}: {script}");
    }
    let man = String::from_utf8(bench.run(&["man"]).stdout).unwrap();
    assert!(man.contains(".TH") && man.contains("GRADER CHECK") && man.contains("--failed"), "{man}");
    let transcript = bench.transcript(&[
        "schema evidence",
        "schema evidence imgae",
        "schema check image",
        "completions tcsh",
    ]);
    assert_transcript("texts.txt", &transcript);
}

#[test]
fn a_shell_is_offered_exercises_with_their_titles() {
    let bench = Bench::baking();
    let mut command = bench.command(&["--", "grader", "check", "1."]);
    let output = command.env("GRADER_COMPLETE", "fish").env("_CLAP_COMPLETE_INDEX", "2").output().unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    assert_eq!(offered, "1.1\tThe dough has 60 to 75 parts of water\n1.2\tYou can say why dough rests\n");
}

#[test]
fn what_was_printed_once_is_offered_by_help() {
    let bench = Bench::baking();
    let transcript =
        bench.transcript(&["--help", "help", "check --help", "help check", "help chek", "chek", "--version"]);
    let transcript = transcript.replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
    assert_transcript("help.txt", &transcript);
}

#[test]
fn doctor_says_what_is_missing_and_never_stops() {
    let bench = Bench::new();
    let output = bench.run(&["doctor"]);
    let text = bench.marked(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    for part in
        ["missing  workspace", "missing  engine", "unix:///nowhere/engine.sock", "by DOCKER_HOST", "pending"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let bench = Bench::baking();
    let output = bench.run(&["doctor"]);
    let text = bench.marked(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("Chapters 1, 2  ready") && !text.contains("engine"), "{text}");
}
