//! Recording and listing stay quick as attempts add up.
//!
//! Machines differ and tests share them: what is asserted is growth, what is printed is the time.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test")]

#[path = "support/attempt.rs"]
mod recorded;

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use grader::progress::Progress;
use grader_core::Attempt;

const EXERCISES: u16 = 21;

/// One with as much evidence as that of a container has.
fn attempt(exercise: u16) -> Attempt {
    recorded::attempt(format!("{}.{}", 1 + exercise / 3, 1 + exercise % 3).parse().unwrap(), 3000)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Records so many attempts; returns the median time of one.
fn record(progress: &Progress, many: u16) -> Duration {
    let one = |at: u16| {
        let attempt = attempt(at % EXERCISES);
        let begun = Instant::now();
        progress.record(&attempt).unwrap();
        begun.elapsed()
    };
    median((0..many).map(one).collect())
}

/// Opens a workspace anew and looks at it, as `list` does; returns the median time.
fn list(root: &Path) -> Duration {
    let once = |_| {
        let begun = Instant::now();
        let summaries = Progress::open_to_read(root).unwrap().summaries().unwrap();
        assert_eq!(summaries.len(), usize::from(EXERCISES));
        begun.elapsed()
    };
    median((0..50).map(once).collect())
}

#[test]
fn recording_and_listing_cost_the_same_after_many_attempts() {
    // In memory where there is such a place, so that other users of the disk are not measured.
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let root = root.unwrap();
    let progress = Progress::open(root.path()).unwrap();
    let few = (record(&progress, 500), list(root.path()));
    record(&progress, 2_000);
    let many = (record(&progress, 500), list(root.path()));
    println!("at 500 attempts: {:?} to record one, {:?} to list (medians)", few.0, few.1);
    println!("at 3000 attempts: {:?} to record one, {:?} to list (medians)", many.0, many.1);
    assert!(many.0 < few.0 * 3, "recording grows with the number of attempts");
    assert!(many.1 < few.1 * 3, "listing grows with the number of attempts");
}

#[test]
fn what_recording_durably_costs_is_printed_beside_what_the_disk_costs() {
    let root = tempfile::tempdir().unwrap();
    let recording = record(&Progress::open(root.path()).unwrap(), 200);
    let mut file = tempfile::tempfile_in(root.path()).unwrap();
    let flush = |_| {
        let begun = Instant::now();
        file.write_all(&[0; 16_384]).unwrap();
        file.sync_all().unwrap();
        begun.elapsed()
    };
    let flushing = median((0..200).map(flush).collect());
    println!("{recording:?} to record one, {flushing:?} to write and flush 16 kB (medians)");
}
