//! What is wrong is said clearly, nothing is lost, and nothing panics.

mod cli;

use std::{
    fs,
    io::Read,
    os::unix::{ffi::OsStrExt, fs::symlink},
    process::{Output, Stdio},
};

use cli::{Bench, assert_transcript, bread, obeyed};

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn assert_said(output: &Output, code: i32, parts: &[&str]) {
    let text = shown(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not said: {text}");
    }
}

#[test]
fn a_workspace_file_that_cannot_be_used() {
    let bench = Bench::baking();
    let mut transcript = String::new();
    for text in [
        "format = 1\n[app]\nimagee = \"x\"\n",
        "format = 1\n[app\n",
        "format = 1\n[app]\nport = \"eighty\"\n[azure]\nregistri = 1\n",
        "",
    ] {
        bench.write("workspace.toml", text);
        transcript += &bench.transcript(&["list", "--plain check 1.1"]);
    }
    assert_transcript("broken-workspace.txt", &transcript);
    bench.write("workspace.toml", &format!("format = 1\n# {}\n", "x".repeat(300_000)));
    assert_said(&bench.run(&["list"]), 2, &["larger than", "workspace.toml"]);
    fs::write(bench.path("here/workspace.toml"), [0xff, 0xfe, 0x00]).unwrap();
    assert_said(&bench.run(&["list"]), 2, &["workspace.toml"]);
}

#[test]
fn a_workspace_file_that_is_no_file() {
    let bench = Bench::baking();
    let file = bench.path("here/workspace.toml");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_said(&bench.run(&["check", "1.1"]), 2, &["workspace.toml", "no regular file"]);
    fs::remove_dir(&file).unwrap();
    symlink("/etc/passwd", &file).unwrap();
    let output = bench.run(&["list"]);
    assert_said(&output, 2, &["leads out of the workspace"]);
    assert!(!shown(&output).contains("root:"), "{}", shown(&output));
}

#[test]
fn an_unknown_exercise_is_told_what_there_is() {
    let bench = Bench::baking();
    let transcript = bench.transcript(&[
        "check 1.7",
        "check 7",
        "show 11",
        "hint x",
        "help 1.9",
        "reset 99999999999.1",
        "check 1,2",
        "show 2.1",
        "check --all 1.1",
        "rejudge nowhere.json",
        "-C nowhere list",
        "--workbook nowhere lint",
    ]);
    assert_transcript("unknown.txt", &transcript);
    let mut command = bench.command(&["check"]);
    command.arg(std::ffi::OsStr::from_bytes(b"\xff\x1b[2J"));
    let output = command.output().unwrap();
    assert_said(&output, 2, &[]);
    assert!(!obeyed(&output.stderr), "{:?}", shown(&output));
    let output = bench.run(&["check", "1.\x1b]0;title\x07"]);
    assert_said(&output, 2, &["is no exercise"]);
    assert!(!obeyed(&output.stderr), "{:?}", shown(&output));
}

#[test]
fn an_exercise_to_come_is_blocked() {
    let bench = Bench::new();
    assert_said(&bench.run(&["init", "here", "-y"]), 0, &[]);
    assert_transcript(
        "to-come.txt",
        &bench.transcript(&["check 1.1", "check 5 --plain", "show 1.1", "hint 1.1", "help 1.1"]),
    );
}

#[test]
fn without_an_engine_a_check_is_blocked_and_says_what_to_do() {
    let bench = Bench::new();
    assert_said(&bench.run(&["init", "here", "-y"]), 0, &[]);
    let output = bench.run(&["check", "4"]);
    assert_said(&output, 3, &["blocked", "unix:///nowhere/engine.sock", "  do  ", "grader doctor"]);
    assert_said(&bench.run(&["check", "--plain"]), 3, &["status: blocked\n", "missing: ", "do: "]);
    assert_said(&bench.run(&["list"]), 0, &["blocked"]);
}

#[test]
fn a_folder_that_is_not_empty_stays_as_it_is() {
    let bench = Bench::new().with("GRADER_WORKBOOK", bread().to_str().unwrap());
    fs::create_dir(bench.path("mine")).unwrap();
    fs::write(bench.path("mine/thesis.txt"), "years of work").unwrap();
    let transcript = bench.transcript(&[
        "init mine",
        "init fresh --app Loaf",
        "init fresh --app-path ../out",
        "init fresh",
        "init fresh",
        "init deep/er/still --app loaf:v1 --app-path src --name Ada --id ada@example.org",
    ]);
    assert_transcript("init.txt", &transcript);
    assert_eq!(fs::read_dir(bench.path("mine")).unwrap().count(), 1);
    let file = fs::read_to_string(bench.path("deep/er/still/workspace.toml")).unwrap();
    for part in ["image = \"loaf:v1\"", "before = \"loaf:before\"", "path = \"src\"", "name = \"Ada\""] {
        assert!(file.contains(part), "{file}");
    }
}

#[test]
fn a_name_that_shells_dislike_works() {
    let bench = Bench::new().with("GRADER_WORKBOOK", bread().to_str().unwrap());
    for name in ["my course's", "ü ñ", "a\"b", "line\nbreak", "-C"] {
        let output = bench.run(&["init", "--yes", "--", name]);
        assert_said(&output, 0, &[]);
        let output = bench.command(&["check", "1.1"]).current_dir(bench.path(name)).output().unwrap();
        assert_said(&output, 1, &["flour_g = 0"]);
        assert!(!obeyed(&output.stdout), "{:?}", shown(&output));
    }
}

#[test]
fn where_nothing_can_be_recorded_it_is_judged_all_the_same() {
    let bench = Bench::baking();
    fs::write(bench.path("here/.grader"), "in the way").unwrap();
    assert_said(&bench.run(&["check", "1.1"]), 1, &["nothing will be recorded", ".grader", "flour_g = 0"]);
    assert_said(&bench.run(&["check", "1.1", "--json"]), 1, &["\"attempt\": null"]);
    assert_said(&bench.run(&["hint", "1.1"]), 0, &["hint 1 of 3"]);
    assert_eq!(fs::read(bench.path("here/.grader")).unwrap(), b"in the way");
}

#[test]
fn a_damaged_database_is_named_and_kept() {
    let bench = Bench::baking();
    assert_said(&bench.run(&["check", "1.1"]), 1, &[]);
    let database = bench.path("here/.grader/progress.db");
    for extra in ["-wal", "-shm"] {
        let path = bench.path(&format!("here/.grader/progress.db{extra}"));
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
    fs::write(&database, "no database at all").unwrap();
    assert_said(&bench.run(&["list"]), 4, &["progress.db", "fix: "]);
    assert_said(&bench.run(&["check", "1.1"]), 1, &["nothing will be recorded", "flour_g = 0"]);
    assert_said(&bench.run(&["doctor"]), 3, &["progress", "progress.db"]);
    assert_eq!(fs::read(&database).unwrap(), b"no database at all");
}

#[test]
fn a_full_disk_behind_the_output_is_an_error_and_no_panic() {
    let bench = Bench::baking();
    for arguments in
        [&["list"][..], &["check", "1.1"], &["--help"], &["schema"], &["list", "--json"], &["man"]]
    {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = bench.command(arguments).stdout(full).output().unwrap();
        assert_said(&output, 4, &["cannot write the result to standard output"]);
    }
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let output = bench.command(&["check", "9"]).stderr(full()).stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let bench = Bench::baking();
    for arguments in [&["list"][..], &["--help"], &["man"], &["check", "--all"], &["schema"]] {
        let mut child =
            bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let code = child.wait().unwrap().code().unwrap();
        assert!(code == i32::from(arguments[0] == "check"), "{arguments:?}: {code}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "{said}");
    }
}

#[test]
fn off_a_terminal_there_is_no_escape_unless_asked_for() {
    let bench = Bench::baking();
    for arguments in [&["check", "--all"][..], &["list"], &["--help"], &["lint"], &[]] {
        let output = bench.run(arguments);
        assert!(!obeyed(&output.stdout) && !obeyed(&output.stderr), "{arguments:?}: {:?}", shown(&output));
    }
    let coloured = bench.run(&["list", "--color", "always"]);
    assert!(obeyed(&coloured.stdout), "{:?}", shown(&coloured));
    let never = bench.command(&["list"]).env("NO_COLOR", "1").env("CLICOLOR_FORCE", "0").output().unwrap();
    assert!(!obeyed(&never.stdout), "{:?}", shown(&never));
}

#[test]
fn what_a_learners_file_says_is_harmless() {
    let bench = Bench::baking();
    let evil = "\\u001B]52;c;aGk=\\u0007\\u001B[2J\\u009B31m\\u202Egnp";
    bench.write("answers/1.1.toml", &format!("flour_g = \"{evil}\"\nwater_g = 1\n"));
    bench.write("answers/1.2.md", "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}1m gluten\u{202e}\n");
    for arguments in [
        &["check", "1"][..],
        &["--plain", "check", "1"],
        &["show", "1.1", "--evidence"],
        &["show", "1.2", "--evidence"],
        &["show", "1.2", "--evidence", "--plain"],
        &["show", "1.2", "--evidence", "--json"],
        &["check", "1", "--json"],
    ] {
        let output = bench.run(arguments);
        let text = shown(&output);
        assert!(!obeyed(&output.stdout) && !obeyed(&output.stderr), "{arguments:?}: {text:?}");
        assert!(!text.contains(['\u{202e}', '\u{9b}']), "{arguments:?}: {text:?}");
    }
}

#[test]
fn answers_that_are_no_answers() {
    let bench = Bench::baking();
    bench.write("answers/1.1.toml", "");
    assert_said(&bench.run(&["check", "1.1"]), 1, &["failed"]);
    fs::write(bench.path("here/answers/1.1.toml"), [0, 159, 146, 150, 10]).unwrap();
    assert_said(&bench.run(&["check", "1.1"]), 1, &["failed"]);
    fs::File::create(bench.path("here/answers/1.1.toml")).unwrap().set_len(100_000_000).unwrap();
    assert_said(&bench.run(&["check", "1.1"]), 3, &["blocked", "larger than", "shorten answers/1.1.toml"]);
    fs::remove_file(bench.path("here/answers/1.1.toml")).unwrap();
    symlink("/etc/passwd", bench.path("here/answers/1.1.toml")).unwrap();
    let output = bench.run(&["check", "1.1"]);
    assert_said(&output, 3, &["blocked", "leads out of the workspace"]);
    assert!(!shown(&output).contains("root:"));
    assert!(!shown(&bench.run(&["show", "1.1", "--evidence"])).contains("root:"));
}

#[test]
fn no_home_no_locale_no_path() {
    let bench = Bench::baking();
    for arguments in [&["doctor"][..], &["list"], &["check", "1.1"], &["init", "other", "-y"]] {
        let output = bench.command(arguments).env_clear().env("GRADER_WORKBOOK", bread()).output().unwrap();
        let code = output.status.code().unwrap();
        assert!([0, 1, 3].contains(&code) && !shown(&output).contains("panicked"), "{}", shown(&output));
    }
    let said = bench.command(&["init", "third", "-y"]).env("PATH", "/nowhere").output().unwrap();
    assert_said(&said, 0, &["git is not on this machine"]);
}

#[test]
fn two_graders_at_once_both_count() {
    let bench = Bench::baking();
    let spawn =
        || bench.command(&["check", "--all", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let children: Vec<_> = (0..4).map(|_| spawn().unwrap()).collect();
    let mut numbers: Vec<u64> = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let document: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(&output)));
        numbers
            .extend(document["results"].as_array().unwrap().iter().map(|it| it["attempt"].as_u64().unwrap()));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<u64>>());
}
