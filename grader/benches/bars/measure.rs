//! Runs a whole process and tells its time, its processor time and its memory.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// What one process took.
#[derive(Clone, Debug)]
pub struct Took {
    /// From its start to its end, in ms.
    pub wall_ms: f64,
    /// Its own processor time and that of the children it waited for, in ms, to 10 ms as the kernel counts.
    pub cpu_ms: f64,
    /// The most memory that it held, in MB, as seen every 2 ms.
    pub rss_mb: f64,
    /// What it printed on standard error.
    pub stderr: String,
}

/// Runs a command to its end; its exit code is the caller's affair.
pub fn run(command: &mut Command) -> Took {
    run_of(command, &[])
}

/// The same; any exit code but these is a fault of the bench.
pub fn run_of(command: &mut Command, allowed: &[i32]) -> Took {
    let errors = tempfile::NamedTempFile::new().unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors.reopen().unwrap());
    let started = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = child.id();
    let watching = thread::spawn(move || highest_rss(pid));
    let waited = Pid::from_raw(pid as i32).unwrap();
    // Left as a zombie for a moment: the kernel still tells its times then.
    waitid(WaitId::Pid(waited), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    let wall_ms = started.elapsed().as_secs_f64() * 1e3;
    let cpu_ms = cpu_ms(pid);
    let status = child.wait().unwrap();
    let rss_mb = watching.join().unwrap();
    let stderr = fs::read_to_string(errors.path()).unwrap_or_default();
    if !allowed.is_empty() {
        let code = status.code().unwrap_or(-1);
        assert!(allowed.contains(&code), "{command:?} ended with {code}: {stderr}");
    }
    Took { wall_ms, cpu_ms, rss_mb, stderr }
}

/// utime, stime, cutime and cstime of proc_pid_stat(5), in ticks of 10 ms.
fn cpu_ms(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 =
        after_name.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks * 10.0
}

fn highest_rss(pid: u32) -> f64 {
    let path = format!("/proc/{pid}/status");
    let mut highest = 0.0;
    while Path::new(&path).exists() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        match status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            Some(size) => {
                let kib = size.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0);
                highest = f64::max(highest, kib * 1024.0 / 1e6);
            }
            // It has ended.
            None if !status.is_empty() => break,
            None => {}
        }
        thread::sleep(Duration::from_millis(2));
    }
    highest
}

/// A and B in turn, `pairs` times, after one of each that is not counted.
pub fn pairs<A, B>(pairs: usize, mut a: impl FnMut() -> A, mut b: impl FnMut() -> B) -> Vec<(A, B)> {
    a();
    b();
    (0..pairs).map(|_| (a(), b())).collect()
}
