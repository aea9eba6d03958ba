//! P12: all layers of an image searched for canaries in one streamed pass, against the bare export.

use std::process::Command;

use super::{Line, Stage, ratios};
use crate::{
    measure::{pairs, run, run_of},
    peers,
};

/// An image with more than one layer and of usual size: the base image and what `pip install` adds.
const IMAGE: &str = "python:3.13-slim";

pub(super) fn measure(_stage: &Stage, count: usize) -> Vec<Line> {
    let this = std::env::current_exe().unwrap();
    let search = || run_of(Command::new(&this).args(["--search-layers", IMAGE]), &[0]);
    let save =
        || run_of(Command::new("sh").args(["-c", &format!("docker save {IMAGE} | cat >/dev/null")]), &[0]);
    let measured = pairs(count, search, save);
    let mut lines = vec![
        Line::of(
            format!("all layers of {IMAGE} searched and hashed, against `docker save | cat`"),
            ratios(&measured, |a| a.wall_ms, |b| b.wall_ms),
            "×",
            1.10,
        ),
        Line::told("the same, alone", measured.iter().map(|pair| pair.0.wall_ms).collect(), "ms"),
        Line::told("`docker save | cat`, alone", measured.iter().map(|pair| pair.1.wall_ms).collect(), "ms"),
        Line::of("memory", measured.iter().map(|pair| pair.0.rss_mb).collect(), "MB", 64.0),
    ];
    for (name, arguments, bar) in
        [("dive", ["--ci", IMAGE, ""], 1.0), ("syft", [IMAGE, "-q", "-o=json"], 0.35)]
    {
        let what = format!("against {name}");
        lines.push(match peers::find(name) {
            None => Line::skipped(what, "not there"),
            Some(program) => {
                let words = arguments.iter().filter(|word| !word.is_empty());
                let peer = || {
                    run(Command::new(&program).args(words.clone()).env("SYFT_CHECK_FOR_APP_UPDATE", "false"))
                };
                let measured = pairs(count.min(7), search, peer);
                Line::of(what, ratios(&measured, |a| a.wall_ms, |b| b.wall_ms), "×", bar)
            }
        });
    }
    lines
}
