//! A pinned environment for the real binary, and transcripts of what it says.
//!
//! Nothing is inherited: no home, no locale, no engine. What still varies (folders, durations, dates)
//! has a mark of its own in a transcript; there are few of them.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A learner with an empty home and a workspace to come.
pub(crate) struct Bench {
    root: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// The workbook of another subject, which needs no engine.
pub(crate) fn bread() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/other-workbook")
}

impl Bench {
    /// With the workbook that is built in.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(root.path().join("home")).expect("a home");
        Self { root, variables: Vec::new() }
    }

    /// With the workbook of another subject, and a workspace of it laid out in `work`.
    pub(crate) fn baking() -> Self {
        let bench = Self::new().with("GRADER_WORKBOOK", bread().to_str().expect("a path of text"));
        let made = bench.run(&["init", "here", "--yes"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        bench
    }

    /// The same with one more variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path below the bench's folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Writes a file of the workspace.
    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.path("here").join(path), text).expect("a file of the workspace");
    }

    /// The binary in the workspace, or outside of it where there is none yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let work = self.path("here");
        let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
        command
            .args(arguments)
            .current_dir(if work.is_dir() { work } else { self.root.path().to_owned() })
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8")
            .env("GRADER_WIDTH", "80")
            .env("DOCKER_HOST", "unix:///nowhere/engine.sock")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("GIT_AUTHOR_NAME")
            .env_remove("GIT_AUTHOR_EMAIL")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the grader runs")
    }

    /// Runs command lines one after the other; what a learner sees of each, and how it ended.
    pub(crate) fn transcript(&self, lines: &[&str]) -> String {
        let mut transcript = String::new();
        for line in lines {
            let arguments: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
            let output = self.run(&arguments);
            let space = if line.is_empty() { "" } else { " " };
            transcript.push_str(&format!("$ grader{space}{line}\n"));
            for line in self.marked(&output.stderr).lines() {
                transcript.push_str(&format!("2> {line}\n"));
            }
            transcript.push_str(&self.marked(&output.stdout));
            transcript.push_str(&format!("[exit {}]\n\n", output.status.code().expect("an exit code")));
        }
        transcript
    }

    /// A text with marks in place of what varies.
    pub(crate) fn marked(&self, bytes: &[u8]) -> String {
        let text = std::str::from_utf8(bytes).expect("what is printed is text");
        let real = self.root.path().canonicalize().expect("the folder is there");
        let text = text
            .replace(real.to_str().expect("a path of text"), "[ROOT]")
            .replace(self.root.path().to_str().expect("a path of text"), "[ROOT]")
            .replace(bread().to_str().expect("a path of text"), "[WORKBOOK]");
        text.lines().map(|line| marked_line(&of_this_machine(line)) + "\n").collect()
    }
}

/// What `doctor` finds on this very machine becomes `[HERE]`.
fn of_this_machine(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    match words.as_slice() {
        ["ok" | "note" | "missing", name @ ("disk" | "system" | "git")] => {
            format!("  [VERDICT]  {name}  [HERE]")
        }
        // Each system has a command of its own.
        ["do:", "sudo" | "brew" | "install"] => {
            format!("{}do: [INSTALL]", &line[..line.find("do:").unwrap_or(0)])
        }
        _ => line.to_owned(),
    }
}

/// Durations become `[TIME]`, dates `[DATE]`; the gap before a duration at a line's end is closed.
fn marked_line(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut marked: Vec<String> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let word = words[at];
        let unit = words.get(at + 1).copied().unwrap_or_default();
        if word.len() == 5 && word.as_bytes()[2] == b':' && unit.starts_with("UTC") {
            marked.push("[TIME]".into());
            at += 1;
            continue;
        }
        if word == "\"duration_ms\":" {
            marked.push("\"duration_ms\": [TIME],".into());
            at += 2;
            continue;
        }
        let number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if number && matches!(unit, "ms" | "s" | "ms," | "s,") {
            marked.push("[TIME]".into());
            at += 2;
            continue;
        }
        marked.push(date(word).unwrap_or_else(|| word.to_owned()));
        at += 1;
    }
    let line = marked.join(" ");
    match line.strip_suffix("  [TIME]").and_then(|before| before.rsplit_once(' ')) {
        Some((title, word)) => format!("{}  {word}  [TIME]", title.trim_end()),
        None => line,
    }
}

/// Marks what begins with a date, as `2026-11-25` or `"2026-11-25T01:30:16Z",`.
fn date(word: &str) -> Option<String> {
    let at = word.find("20")?;
    let bytes = word.as_bytes();
    let digit = |place: usize| bytes.get(at + place).is_some_and(u8::is_ascii_digit);
    let dash = |place: usize| bytes.get(at + place) == Some(&b'-');
    let found = [2, 3, 5, 6, 8, 9].into_iter().all(digit) && dash(4) && dash(7);
    let end = word[at..].find(['/', '"', ',']).map_or(word.len(), |end| at + end);
    found.then(|| format!("{}[DATE]{}", &word[..at], &word[end..]))
}

/// Compares with the transcript of that name; `SNAPSHOTS=overwrite` writes it anew.
#[track_caller]
pub(crate) fn assert_transcript(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(name);
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(actual.to_owned(), snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text)).raw());
}

/// Says whether bytes hold anything that a terminal would obey, line breaks apart.
pub(crate) fn obeyed(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).chars().any(|c| c.is_control() && c != '\n')
}
