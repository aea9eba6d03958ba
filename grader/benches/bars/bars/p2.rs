//! P2: a check that only asks the engine, and a look at a container that runs, against `docker exec`.

use std::{process::Command, time::Instant};

use grader_engine::{Endpoint, Engine};

use super::{Line, Stage, ratios};
use crate::measure::{pairs, run_of};

pub(super) fn measure(stage: &Stage, count: usize) -> Vec<Line> {
    let root = stage.workspace("p2");
    let grader = || run_of(&mut stage.grader(&root, &["--plain", "check", "1.1"]), &[0, 1]);
    let docker = || run_of(Command::new("docker").args(["exec", &stage.container, "whoami"]), &[0]);
    let measured = pairs(count, grader, docker);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let home = std::env::home_dir().unwrap();
    let endpoint = Endpoint::resolve(&|name| std::env::var(name).ok(), &home).unwrap();
    let engine = runtime.block_on(Engine::connect(&endpoint, std::time::Duration::from_secs(5))).unwrap();
    let container = runtime.block_on(engine.container(&stage.container)).unwrap();
    let timed = |look: &dyn Fn()| {
        let begun = Instant::now();
        look();
        begun.elapsed().as_secs_f64() * 1e3
    };
    let inspect: Vec<f64> =
        (0..count).map(|_| timed(&|| drop(runtime.block_on(container.inspect()).unwrap()))).collect();
    let top: Vec<f64> = (0..count)
        .map(|_| timed(&|| drop(runtime.block_on(container.top("-eo pid,uid,args")).unwrap())))
        .collect();
    vec![
        Line::of("check 1.1, whole", measured.iter().map(|pair| pair.0.wall_ms).collect(), "ms", 60.0),
        Line::of(
            "check 1.1 against `docker exec`",
            ratios(&measured, |a| a.wall_ms, |b| b.wall_ms),
            "×",
            1.0,
        ),
        Line::of("inspect of a container that runs", inspect, "ms", 60.0),
        Line::of("top of a container that runs", top, "ms", 60.0),
        Line::told("`docker exec`, alone", measured.iter().map(|pair| pair.1.wall_ms).collect(), "ms"),
    ]
}
