//! Progress on a full disk and in a read-only workspace.
//!
//! Mounting needs root on Linux; elsewhere each test says that it was skipped.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test")]

#[path = "support/mount.rs"]
mod mount;
#[path = "support/attempt.rs"]
mod recorded;

use std::{fs, path::Path};

use grader::progress::{NotRecorded, Progress, ProgressError};
use grader_core::{Attempt, ExerciseId};
use mount::Mount;

fn exercise() -> ExerciseId {
    "4.2".parse().unwrap()
}

fn attempt(bytes: usize) -> Attempt {
    recorded::attempt(exercise(), bytes)
}

fn last(progress: &Progress) -> u64 {
    progress.last(exercise()).unwrap().unwrap().number
}

#[test]
fn a_full_disk_is_said_and_all_is_whole_and_works_when_there_is_room_again() {
    for left_kb in [0, 4, 64, 256] {
        let Some(disk) = Mount::small_disk() else { return };
        let root = disk.path();
        let progress = Progress::open(root).unwrap();
        progress.record(&attempt(1000)).unwrap();
        disk.fill(left_kb);

        // A handle that was open before, until the disk is full.
        let mut recorded = 1;
        let error = loop {
            match progress.record(&attempt(20_000)) {
                Ok(number) => recorded = number,
                Err(error) => break error,
            }
            assert!(recorded < 100, "{left_kb} kB hold no hundred attempts");
        };
        assert!(matches!(error, ProgressError::Full { .. }), "{error:?}");
        assert!(error.mend().unwrap().starts_with("make room on the disk"));
        assert_eq!(last(&progress), recorded);
        assert!(progress.integrity_check().unwrap().is_empty());

        // Another one beside it, then one alone: each says so, and reads.
        let look = || {
            disk.fill(0);
            let (other, said) = Progress::open_or_unrecorded(root);
            match said {
                Some(NotRecorded { why, .. }) => assert!(why.contains("disk is full"), "{why}"),
                // So small a write may find room within what the file has already.
                None => assert!(matches!(other.record(&attempt(400_000)), Err(ProgressError::Full { .. }))),
            }
            assert_eq!(last(&other), recorded);
            assert_eq!(last(&Progress::open_to_read(root).unwrap()), recorded);
        };
        look();
        drop(progress);
        look();

        disk.empty();
        let progress = Progress::open(root).unwrap();
        assert_eq!(progress.record(&attempt(20_000)).unwrap(), recorded + 1);
        assert!(progress.integrity_check().unwrap().is_empty());
    }
}

#[test]
fn a_workspace_on_a_full_disk_gets_no_half_made_database() {
    for left_kb in [0, 4, 16, 64, 100, 150, 200] {
        let Some(disk) = Mount::small_disk() else { return };
        disk.fill(left_kb);
        let (progress, said) = Progress::open_or_unrecorded(disk.path());
        if let Some(NotRecorded { why, .. }) = said {
            assert!(why.contains("disk is full"), "{why}");
            assert!(progress.summaries().unwrap().is_empty());
            assert!(!disk.path().join(".grader/progress.db").exists() || left_kb >= 64);
        }
        drop(progress);
        disk.empty();
        let progress = Progress::open(disk.path()).unwrap();
        assert_eq!(progress.record(&attempt(10)).unwrap(), 1);
        assert!(progress.integrity_check().unwrap().is_empty());
    }
}

/// Looks at a read-only view of a workspace in which two attempts are recorded.
fn look_at_read_only(root: &Path) {
    let Some(view) = Mount::read_only(root) else { return };
    let error = Progress::open(view.path()).unwrap_err();
    assert!(matches!(error, ProgressError::NotWritable { .. }), "{error:?}");
    let (progress, said) = Progress::open_or_unrecorded(view.path());
    let NotRecorded { why, mend, .. } = said.unwrap();
    assert!(why.contains("cannot be written to"), "{why}");
    assert!(mend.unwrap().contains("chmod"));
    assert_eq!(last(&progress), 2);
    assert!(progress.attempt(1).unwrap().is_some());
    assert!(matches!(progress.record(&attempt(10)), Err(ProgressError::NotRecorded(_))));
    assert_eq!(progress.take_hint(exercise()).unwrap(), 1);
    progress.begin_run(&[]).unwrap().finish(false).unwrap();
    assert_eq!(last(&Progress::open_to_read(view.path()).unwrap()), 2);
}

#[test]
fn a_read_only_workspace_is_read() {
    let root = tempfile::tempdir().unwrap();
    let progress = Progress::open(root.path()).unwrap();
    progress.record(&attempt(10)).unwrap();
    progress.record(&attempt(10)).unwrap();
    // While another process has it open to write, with a log that is not empty.
    look_at_read_only(root.path());
    drop(progress);
    // Closed in peace: there is no log.
    assert!(!root.path().join(".grader/progress.db-wal").exists());
    look_at_read_only(root.path());
}

#[test]
fn a_read_only_workspace_whose_writer_was_killed_is_read_with_its_log() {
    let (killed, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let progress = Progress::open(killed.path()).unwrap();
    progress.record(&attempt(10)).unwrap();
    progress.record(&attempt(10)).unwrap();
    fs::create_dir(root.path().join(".grader")).unwrap();
    for name in ["progress.db", "progress.db-wal"] {
        fs::copy(killed.path().join(".grader").join(name), root.path().join(".grader").join(name)).unwrap();
    }
    look_at_read_only(root.path());
}

#[test]
fn a_read_only_workspace_without_progress_has_none_yet() {
    let root = tempfile::tempdir().unwrap();
    let Some(view) = Mount::read_only(root.path()) else { return };
    let (progress, said) = Progress::open_or_unrecorded(view.path());
    assert!(said.unwrap().why.contains("cannot be written to"));
    assert!(progress.summaries().unwrap().is_empty());
    assert!(Progress::open_to_read(view.path()).unwrap().summaries().unwrap().is_empty());
}
