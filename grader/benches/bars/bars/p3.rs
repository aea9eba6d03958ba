//! P3: twenty engine checks without a watch, `check --all`, against the bare limit and peers.

use std::{fmt::Write, fs, path::PathBuf, process::Command};

use super::{Line, Stage, p1, ratios};
use crate::{
    measure::{pairs, run, run_of},
    peers,
    stage::IMAGE,
};

const CHECKS: usize = 20;

pub(super) fn measure(stage: &Stage, count: usize) -> Vec<Line> {
    // Each of these takes seconds.
    let count = count.min(11);
    let workbook = workbook(stage);
    let root = stage.workspace("p3");
    let grader = || {
        let mut command = stage.grader(&root, &["--plain"]);
        run_of(command.arg("--workbook").arg(&workbook).args(["check", "--all"]), &[0])
    };
    let this = std::env::current_exe().unwrap();
    let limit = || run_of(Command::new(&this).args(["--engine-limit", IMAGE, &CHECKS.to_string()]), &[0]);
    let against_limit = pairs(count, grader, limit);
    let mut lines = vec![
        Line::of(
            format!("`check --all` with {CHECKS} checks, against as many bare containers"),
            ratios(&against_limit, |a| a.wall_ms, |b| b.wall_ms),
            "×",
            1.10,
        ),
        Line::told("the same, alone", against_limit.iter().map(|pair| pair.0.wall_ms).collect(), "ms"),
        Line::of("memory", against_limit.iter().map(|pair| pair.0.rss_mb).collect(), "MB", 60.0),
    ];
    let tests = structure_tests(stage);
    lines.push(match peers::find("container-structure-test") {
        None => Line::skipped("against container-structure-test", "not there"),
        Some(program) => {
            let peer = || {
                let mut command = Command::new(&program);
                run_of(command.args(["test", "--image", IMAGE, "--config", &tests]), &[0])
            };
            let measured = pairs(count.min(5), grader, peer);
            let ratios = ratios(&measured, |a| a.wall_ms, |b| b.wall_ms);
            Line::of("against container-structure-test", ratios, "×", 0.45)
        }
    });
    let (checks, work) = p1::check50(stage, CHECKS);
    lines.push(match peers::find("check50") {
        None => Line::skipped("against check50", "not there"),
        Some(program) => {
            let peer = || {
                let mut command = Command::new(&program);
                run(command.args(["--dev", "--offline", "-o", "ansi", "--"]).arg(&checks).current_dir(&work))
            };
            let measured = pairs(count.min(5), grader, peer);
            Line::of("against check50", ratios(&measured, |a| a.wall_ms, |b| b.wall_ms), "×", 0.50)
        }
    });
    lines
}

/// A workbook of checks that each run one container to its end.
fn workbook(stage: &Stage) -> PathBuf {
    let root = stage.folder.path().join("workbook");
    fs::create_dir_all(root.join("checks")).unwrap();
    let mut manifest = String::from(
        "format = 1\nid = \"bench\"\ntitle = \"Bench\"\n[[chapter]]\nnumber = 1\ntitle = \"One\"\n",
    );
    for at in 1..=CHECKS {
        let _ = write!(manifest, "[[exercise]]\nid = \"1.{at}\"\ntodo = \"Run it\"\n");
        fs::write(root.join(format!("checks/1.{at}.toml")), CHECK).unwrap();
    }
    fs::write(root.join("checks/workbook.toml"), manifest).unwrap();
    root
}

const CHECK: &str = r#"format = 1
title = "It says who it is"
uses = ["engine"]
within = "1m"
looked_at = "app.image_reference"
proves = "It ran."
leaves_open = "All else."
debrief = "None."
[[probe]]
kind = "container"
as = "app"
run = { entrypoint = ["whoami"] }
[[assert]]
id = "ended-well"
holds = "still"
rule = "app.state.exit_code == 0"
expected = "exit code 0"
because = "It must run."
fix = "Mend it."
[[hint]]
text = "One"
[[hint]]
text = "Two"
[[hint]]
text = "Three"
"#;

fn structure_tests(stage: &Stage) -> String {
    let path = stage.folder.path().join("structure-many.yaml");
    let mut text = String::from("schemaVersion: 2.0.0\ncommandTests:\n");
    for at in 0..CHECKS {
        let _ = write!(text, "  - name: whoami-{at}\n    command: whoami\n    expectedOutput: [\"app\"]\n");
    }
    fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}
