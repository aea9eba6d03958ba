//! What people see of every specimen: its card, from the evidence that a real engine gave.
//!
//! A changed transcript is a changed interface. `SNAPSHOTS=overwrite` writes them anew; read each difference.

use std::path::{Path, PathBuf};

use snapbox::{Assert, Data, cmd::Command};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every recorded evidence, by the specimen's exercise and name.
fn recorded() -> Vec<(String, PathBuf)> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).expect("specimens can be listed");
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        folders.retain(|path| path.is_dir());
        folders.sort();
        folders
    };
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let mut recorded = Vec::new();
    for exercise in folders(&root().join("checks/specimens")) {
        for specimen in folders(&exercise) {
            let evidence = specimen.join("evidence.json");
            if evidence.exists() {
                recorded.push((format!("{}-{}", name(&exercise), name(&specimen)), evidence));
            }
        }
    }
    assert!(!recorded.is_empty(), "there is recorded evidence");
    recorded
}

fn grader() -> Command {
    Command::new(snapbox::cmd::cargo_bin!("grader"))
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("LANG", "C.UTF-8")
        .current_dir(root())
        .arg("--workbook")
        .arg(root())
}

#[test]
fn the_card_of_every_specimen() {
    let assert = Assert::new().action_env("SNAPSHOTS");
    for (name, evidence) in recorded() {
        let output = grader().arg("rejudge").arg(evidence).output().expect("the grader runs");
        let transcript = root().join(format!("grader/tests/transcripts/specimens/{name}.txt"));
        assert.eq(String::from_utf8_lossy(&output.stdout).into_owned(), Data::read_from(&transcript, None));
    }
}

/// A card is read in one look: at most 12 lines at 80 columns, what the program printed and why a pass
/// matters apart.
#[test]
fn a_card_is_short_and_fits_the_screen() {
    for (name, evidence) in recorded() {
        let output = grader().arg("rejudge").arg(evidence).output().expect("the grader runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let card: Vec<&str> =
            text.lines().take_while(|line| !line.contains("your container printed")).collect();
        assert!(card.len() <= 14, "{name}: {} lines\n{text}", card.len());
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{name}: too wide: {line}");
        }
    }
}

/// README's first screen shows cards that were really given.
#[test]
fn the_readme_shows_real_cards() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md is there");
    let shown: Vec<&str> = readme.split("<!-- card: ").skip(1).collect();
    assert_eq!(shown.len(), 2, "a failing card and a pass");
    for part in shown {
        let (name, rest) =
            part.split_once(" -->\n```console\n$ grader check 4.2\n").expect("a card in a block");
        let (card, _) = rest.split_once("\n```").expect("the block ends");
        let path = root().join(format!("grader/tests/transcripts/specimens/{name}.txt"));
        let given = std::fs::read_to_string(path).expect("a transcript");
        assert_eq!(card, given.trim_end(), "{name}");
    }
}
