//! Answers that are no answers: judged or blocked with a clear word, never read out of the workspace.

use std::{fs, os::unix::fs::symlink, process::Command, time::Duration};

use crate::support::{Bench, Course, Ended};

fn check(prepare: impl FnOnce(&Bench)) -> Ended {
    let bench = Bench::with(&Course::default().answer("1.1"), "");
    prepare(&bench);
    let ended = bench.run(&["check", "--json"]);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    assert!(ended.memory_kb < 100_000, "{} kB", ended.memory_kb);
    ended
}

#[track_caller]
fn failed(bytes: &[u8], problem: &str) {
    let ended = check(|bench| bench.write("answers/1.1.toml", bytes)).code(1);
    let result = ended.verdict("1.1", "failed");
    assert!(result["failures"][0].to_string().contains(problem), "{result}");
}

#[track_caller]
fn blocked(prepare: impl FnOnce(&Bench), what: &str, fix: &str) {
    let ended = check(prepare).code(3);
    let blocked = &ended.verdict("1.1", "blocked")["blocked"];
    assert!(blocked["what"].to_string().contains(what), "{blocked}");
    assert!(blocked["fix"].to_string().contains(fix), "{blocked}");
}

#[test]
fn an_empty_answer_is_failed() {
    failed(b"", "nothing to look at");
}

#[test]
fn a_binary_answer_is_failed() {
    failed(b"\x7fELF\x00\xff\xfe\x01", "nothing to look at");
}

#[test]
fn an_answer_of_other_types_is_failed() {
    failed(b"n = \"one\"", "nothing to look at");
    failed(b"n = [", "nothing to look at");
}

#[test]
fn an_answer_of_100_mb_blocks_without_being_read() {
    let huge = |bench: &Bench| {
        let file = fs::File::create(bench.workspace().join("answers/1.1.toml")).unwrap();
        file.set_len(100_000_000).unwrap();
    };
    blocked(huge, "larger than 1000000 bytes", "shorten answers/1.1.toml");
}

#[test]
fn an_answer_that_is_a_link_out_of_the_workspace_blocks_and_is_not_read() {
    let link = |bench: &Bench| {
        fs::write(bench.path("secret.toml"), "n = 1").unwrap();
        symlink(bench.path("secret.toml"), bench.workspace().join("answers/1.1.toml")).unwrap();
    };
    blocked(link, "leads out of the workspace", "rm answers/1.1.toml");
}

#[test]
fn a_folder_of_answers_that_is_a_link_out_of_the_workspace_blocks_and_is_not_read() {
    let link = |bench: &Bench| {
        fs::create_dir(bench.path("elsewhere")).unwrap();
        fs::write(bench.path("elsewhere/1.1.toml"), "n = 1").unwrap();
        fs::remove_dir(bench.workspace().join("answers")).unwrap();
        symlink(bench.path("elsewhere"), bench.workspace().join("answers")).unwrap();
    };
    blocked(link, "leads out of the workspace", "answers/1.1.toml");
}

#[test]
fn an_answer_that_is_a_fifo_blocks_and_is_not_waited_for() {
    let fifo = |bench: &Bench| {
        let made = Command::new("mkfifo").arg(bench.workspace().join("answers/1.1.toml")).status();
        assert!(made.unwrap().success());
    };
    blocked(fifo, "no regular file", "rm answers/1.1.toml");
}

#[test]
fn an_answer_that_is_missing_blocks_and_says_what_to_write() {
    blocked(|_| {}, "there is no `answers/1.1.toml`", "write answers/1.1.toml");
}
