//! Programs that do something alike, where they are there: on `PATH`, or where `./bench` puts them.

use std::path::PathBuf;

use super::{machine::said, stage::Stage};

/// A peer's program; `None` where it is not there.
pub fn find(name: &str) -> Option<PathBuf> {
    let more = std::env::var_os("BENCH_PEERS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    more.into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The version of each: as `./bench` notes it beside the program, else as it says itself.
pub fn versions(stage: &Stage) -> Vec<String> {
    let grader = said(&stage.grader.to_string_lossy(), &["--version"]);
    let names = ["docker", "container-structure-test", "check50", "rustlings", "dive", "syft"];
    let version = |name: &str| match find(name) {
        None => "not there".to_owned(),
        Some(path) => std::fs::read_to_string(path.with_file_name(format!("{name}.version")))
            .map_or_else(|_| said(&path.to_string_lossy(), &["--version"]), |noted| noted.trim().to_owned()),
    };
    std::iter::once(grader).chain(names.iter().map(|name| format!("{name}: {}", version(name)))).collect()
}
