//! P4: commands that judge nothing, with ten thousand attempts recorded, against rustlings.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Line, Stage, ratios};
use crate::{
    measure::{Took, pairs, run, run_of},
    peers,
};

const ATTEMPTS: u32 = 10_000;

pub(super) fn measure(stage: &Stage, count: usize) -> Vec<Line> {
    let count = count.max(15);
    let few = stage.with_attempts("p4-few", 100);
    let root = stage.with_attempts("p4", ATTEMPTS);
    let rustlings = peers::find("rustlings")
        .and_then(|program| exercises(stage, &program).map(|folder| (program, folder)));
    let peer = |arguments: &[&str]| {
        rustlings
            .as_ref()
            .map(|(program, folder)| run(Command::new(program).args(arguments).current_dir(folder)))
    };
    let mut lines = Vec::new();
    let help = pairs(count, || grader(stage, &root, &["--help"]), || peer(&["--help"]));
    lines.push(Line::of("`--help`", walls(&help), "ms", 10.0));
    lines.push(against("`--help` against `rustlings --help`", &help, 2.0));
    for arguments in [&["list"][..], &["status", "--json"], &["hint", "4.2"]] {
        let shown = format!("`{}` with {ATTEMPTS} attempts", arguments.join(" "));
        // `status` is what the bare command says.
        let arguments: &[&str] = if arguments[0] == "status" { &["--json"] } else { arguments };
        let measured = pairs(count, || grader(stage, &root, arguments), || peer(&["hint", "intro1"]));
        lines.push(Line::of(&shown, walls(&measured), "ms", 25.0));
        lines.push(against(&format!("{shown} against `rustlings hint`"), &measured, 1.0));
        lines.push(Line::of(
            format!("{shown}: memory"),
            measured.iter().map(|pair| pair.0.rss_mb).collect(),
            "MB",
            15.0,
        ));
    }
    let growth = pairs(count, || grader(stage, &root, &["list"]), || grader(stage, &few, &["list"]));
    let ratios = ratios(&growth, |a| a.wall_ms, |b| b.wall_ms);
    lines.push(Line::of("`list` with 10 000 attempts against 100: growth", ratios, "×", 1.15));
    lines
}

fn grader(stage: &Stage, root: &Path, arguments: &[&str]) -> Took {
    run_of(&mut stage.grader(root, arguments), &[0])
}

fn walls(measured: &[(Took, Option<Took>)]) -> Vec<f64> {
    measured.iter().map(|pair| pair.0.wall_ms).collect()
}

fn against(what: &str, measured: &[(Took, Option<Took>)], bar: f64) -> Line {
    let ratios: Vec<f64> =
        measured.iter().filter_map(|(a, b)| Some(a.wall_ms / b.as_ref()?.wall_ms)).collect();
    if ratios.is_empty() {
        Line::skipped(what, "rustlings is not there")
    } else {
        Line::of(what, ratios, "×", bar)
    }
}

/// The folder that `rustlings init` lays out.
fn exercises(stage: &Stage, program: &Path) -> Option<PathBuf> {
    let folder = stage.folder.path().join("rustlings-home");
    std::fs::create_dir_all(&folder).unwrap();
    let made = Command::new("sh")
        .args(["-c", "echo | \"$0\" init"])
        .arg(program)
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    made.success().then(|| folder.join("rustlings")).filter(|folder| folder.is_dir())
}
