//! The machine on which the bars were measured.

use std::{fs, process::Command};

/// One line a fact.
pub fn described() -> Vec<String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: f64 = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|size| size.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0.0);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    vec![
        format!("{} processors, {}", cores(), model.trim_start_matches([' ', '\t', ':'])),
        format!("{:.0} GB of memory", kib * 1024.0 / 1e9),
        format!("load at the end: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" ")),
        format!(
            "engine {}",
            said("docker", &["version", "--format", "{{.Server.Version}}, API {{.Server.APIVersion}}"])
        ),
        said(
            "docker",
            &["info", "--format", "{{.Driver}}, cgroup v{{.CgroupVersion}}, {{.OperatingSystem}}"],
        ),
    ]
}

/// How many processors there are.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What a program says, in one line.
pub fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |error| error.to_string(),
        |output| {
            let text = [output.stdout, output.stderr].concat();
            String::from_utf8_lossy(&text).lines().next().unwrap_or("").trim().to_owned()
        },
    )
}
