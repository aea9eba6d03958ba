//! P1: one check of a container, as a whole process, against `docker run` and peers.

use std::process::Command;

use super::{Line, Stage, ratios};
use crate::{
    measure::{Took, pairs, run, run_of},
    peers,
    stage::IMAGE,
};

/// What check 4.2 declares to watch, in ms.
const WATCHED_MS: f64 = 6000.0;

pub(super) fn measure(stage: &Stage, count: usize) -> Vec<Line> {
    let root = stage.workspace("p1");
    let grader = || run_of(&mut stage.grader(&root, &["--plain", "check", "4.2"]), &[0]);
    let docker = || run_of(Command::new("docker").args(["run", "--rm", IMAGE, "whoami"]), &[0]);
    let own = |took: &Took| took.wall_ms - WATCHED_MS;
    let against_docker = pairs(count, grader, docker);
    let mut lines = vec![
        Line::of(
            "check 4.2 less its 6 s of watching, against `docker run`",
            ratios(&against_docker, own, |b| b.wall_ms),
            "×",
            1.10,
        ),
        Line::told("the same, alone", against_docker.iter().map(|pair| own(&pair.0)).collect(), "ms"),
        Line::told("`docker run`, alone", against_docker.iter().map(|pair| pair.1.wall_ms).collect(), "ms"),
    ];
    lines.push(match peers::find("container-structure-test") {
        None => Line::skipped("against container-structure-test", "not there"),
        Some(program) => {
            let config = structure_test(stage);
            let peer = || {
                let mut command = Command::new(&program);
                run_of(command.args(["test", "--image", IMAGE, "--config", &config]), &[0])
            };
            let measured = pairs(count, grader, peer);
            Line::of("against container-structure-test", ratios(&measured, own, |b| b.wall_ms), "×", 0.90)
        }
    });
    lines.push(match peers::find("check50") {
        None => Line::skipped("against check50", "not there"),
        Some(program) => {
            let (checks, work) = check50(stage, 1);
            let peer = || {
                let mut command = Command::new(&program);
                run(command.args(["--dev", "--offline", "-o", "ansi", "--"]).arg(&checks).current_dir(&work))
            };
            let measured = pairs(count, grader, peer);
            Line::of("against check50", ratios(&measured, own, |b| b.wall_ms), "×", 0.60)
        }
    });
    let alone: Vec<Took> = against_docker.into_iter().map(|pair| pair.0).collect();
    lines.push(Line::of("own processor time", alone.iter().map(|took| took.cpu_ms).collect(), "ms", 40.0));
    lines.push(Line::of("memory", alone.iter().map(|took| took.rss_mb).collect(), "MB", 30.0));
    let traced = || {
        let mut command = stage.grader(&root, &["--plain", "check", "4.2"]);
        run_of(command.env("GRADER_LOG", "grader=trace,grader_engine=trace"), &[0])
    };
    let outside = (0..count).map(|_| traced()).map(|took| took.wall_ms - covered_ms(&took.stderr)).collect();
    lines.push(Line::of("time outside the engine's requests and the watch", outside, "ms", 25.0));
    lines
}

/// The test of `whoami` in the words of container-structure-test.
pub(super) fn structure_test(stage: &Stage) -> String {
    let path = stage.folder.path().join("structure.yaml");
    let text = "schemaVersion: 2.0.0\ncommandTests:\n  - name: whoami\n    command: whoami\n    expectedOutput: [\"app\"]\n";
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

/// So many tests of `whoami` in the words of check50, and a folder to run them in.
pub(super) fn check50(stage: &Stage, count: usize) -> (std::path::PathBuf, std::path::PathBuf) {
    let checks = stage.folder.path().join(format!("check50-{count}"));
    let work = stage.folder.path().join("check50-work");
    std::fs::create_dir_all(&checks).unwrap();
    std::fs::create_dir_all(&work).unwrap();
    std::fs::write(work.join("answer.txt"), "x").unwrap();
    std::fs::write(checks.join(".cs50.yml"), "check50: true\n").unwrap();
    let tests: String = (0..count)
        .map(|at| {
            format!(
                "\n@check50.check()\ndef whoami_{at}():\n    \"\"\"is app\"\"\"\n    \
                 check50.run(\"docker run --rm {IMAGE} whoami\").stdout(\"app\").exit(0)\n"
            )
        })
        .collect();
    std::fs::write(checks.join("__init__.py"), format!("import check50\n{tests}")).unwrap();
    (checks, work)
}

/// How much of a process's time lay in requests to the engine or in a declared watch, from its log.
fn covered_ms(log: &str) -> f64 {
    let mut spans: Vec<(f64, f64)> = log.lines().filter_map(span).collect();
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut covered, mut until) = (0.0, f64::MIN);
    for (start, end) in spans {
        covered += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    covered
}

/// `2026-11-25T03:29:11.123456Z TRACE …: asked took_us=1234`, in ms since 1970.
fn span(line: &str) -> Option<(f64, f64)> {
    if !(line.contains(": asked ") || line.contains(": watched ")) {
        return None;
    }
    let end: jiff::Timestamp = line.split_whitespace().next()?.parse().ok()?;
    let took: f64 = line.split("took_us=").nth(1)?.split_whitespace().next()?.parse().ok()?;
    let end = end.as_microsecond() as f64 / 1e3;
    Some((end - took / 1e3, end))
}
