//! Recording and listing stay quick as attempts add up.
//!
//! Machines differ and tests share them: what is asserted is growth, what is printed are the figures.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test")]

use std::{
    io::Write,
    time::{Duration, Instant},
};

use grader::progress::Progress;
use grader_core::{Attempt, Verdict, evidence::Evidence, judge::Outcome};

const EXERCISES: u16 = 21;

fn attempt(exercise: u16) -> Attempt {
    let mut evidence = Evidence::empty();
    let process = serde_json::json!({ "pid": 1, "uid": 0, "command": "gunicorn", "capabilities": ["chown"] });
    evidence.seen.insert("app".into(), serde_json::json!({ "processes": vec![process; 40] }));
    evidence.subject.image = Some(format!("sha256:{}", "ab".repeat(32)));
    Attempt {
        number: None,
        exercise: format!("{}.{}", 1 + exercise / 3, 1 + exercise % 3).parse().unwrap(),
        title: "The container does not run as root".into(),
        check_hash: "ab".repeat(32),
        started: "2026-11-24T23:10:00Z".parse().unwrap(),
        duration_ms: 640,
        evidence,
        outcomes: vec![("no-root-process".into(), Outcome::Holds), ("whoami".into(), Outcome::Holds)],
        verdict: Verdict::Passed,
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn recording_and_listing_cost_the_same_after_many_attempts() {
    let root = tempfile::tempdir().unwrap();
    let progress = Progress::open(root.path()).unwrap();
    let mut figures = Vec::new();
    let mut recorded = 0;
    for many in [500, 2_000] {
        let mut recording = Vec::new();
        while recorded < many {
            let attempt = attempt(recorded % EXERCISES);
            let begun = Instant::now();
            progress.record(&attempt).unwrap();
            recording.push(begun.elapsed());
            recorded += 1;
        }
        // As `list` does it: opened anew, looked at, closed.
        let listing = (0..50).map(|_| {
            let begun = Instant::now();
            let summaries = Progress::open_to_read(root.path()).unwrap().summaries().unwrap();
            assert_eq!(summaries.len(), usize::from(EXERCISES));
            begun.elapsed()
        });
        let (listing, recording) = (median(listing.collect()), median(recording));
        println!("{many} attempts: {recording:?} to record one, {listing:?} to list (medians)");
        figures.push((recording, listing));
    }
    // The same write and flush without a database, for comparison: what the disk itself costs.
    let mut file = tempfile::tempfile_in(root.path()).unwrap();
    let flushing = (0..200).map(|_| {
        let begun = Instant::now();
        file.write_all(&[0; 16_384]).unwrap();
        file.sync_data().unwrap();
        begun.elapsed()
    });
    println!("16 kB written and flushed: {:?} (median)", median(flushing.collect()));
    let [(record_few, list_few), (record_many, list_many)] = figures[..] else { panic!("two sizes") };
    assert!(record_many < record_few * 3, "{record_few:?} → {record_many:?} to record one");
    assert!(list_many < list_few * 3, "{list_few:?} → {list_many:?} to list");
}
