//! Hints taken, runs going on, their stream of events, and what they made.

use grader_core::VerdictWord;
use grader_engine::{Ledger as _, Made, MadeKind};

use super::*;
use crate::progress::{LeftOver, NotRecorded, ProgressError, RUNS_KEPT, RunEvent};

fn started() -> RunEvent {
    RunEvent::RunStarted { exercises: vec![id("4.2")] }
}

fn stream(progress: &Progress, after: i64) -> Vec<(String, RunEvent)> {
    progress.events_after(after).unwrap().into_iter().map(|(_, run, _, event)| (run, event)).collect()
}

#[test]
fn hints_are_counted_by_exercise() {
    let (root, progress) = workspace();
    assert_eq!(progress.hints_taken(id("4.2")).unwrap(), 0);
    assert_eq!(progress.take_hint(id("4.2")).unwrap(), 1);
    assert_eq!(progress.take_hint(id("4.2")).unwrap(), 2);
    assert_eq!(progress.take_hint(id("4.3")).unwrap(), 1);
    assert_eq!(Progress::open(root.path()).unwrap().hints_taken(id("4.2")).unwrap(), 2);
}

#[test]
fn whoever_opens_the_workspace_sees_a_run_and_its_events() {
    let (root, progress) = workspace();
    let other = Progress::open(root.path()).unwrap();
    assert_eq!(other.workspace_id(), progress.workspace_id());
    let run = progress.begin_run(&[id("4.2"), id("4.3")]).unwrap();
    let first = run.event(&started()).unwrap();
    let finished = RunEvent::CheckFinished {
        exercise: id("4.2"),
        verdict: VerdictWord::Failed,
        attempt: Some(1),
        took_ms: 12,
    };
    run.event(&finished).unwrap();

    let running = other.running().unwrap();
    assert_eq!(running.len(), 1);
    assert_eq!((&*running[0].id, &*running[0].exercises), (run.id(), &[id("4.2"), id("4.3")][..]));
    assert!(!other.is_run_free(run.id()));
    assert_eq!(stream(&other, first), [(run.id().to_owned(), finished)]);

    let id = run.id().to_owned();
    run.finish(false).unwrap();
    assert!(other.running().unwrap().is_empty());
    assert!(other.is_run_free(&id));
    assert_eq!(stream(&other, first + 1), [(id.clone(), RunEvent::RunFinished { cancelled: false })]);
    assert_eq!(other.newest_event().unwrap(), first + 2);
    assert!(!other.request_cancel(&id).unwrap());
}

#[test]
fn a_stream_has_one_end() {
    let (_root, progress) = workspace();
    let run = progress.begin_run(&[]).unwrap();
    run.event(&RunEvent::RunFinished { cancelled: true }).unwrap();
    run.finish(true).unwrap();
    assert_eq!(stream(&progress, 0).len(), 1);
}

#[test]
fn a_run_can_be_asked_to_stop_from_elsewhere() {
    let (root, progress) = workspace();
    let other = Progress::open(root.path()).unwrap();
    let run = progress.begin_run(&[]).unwrap();
    assert!(!run.cancel_requested().unwrap());
    assert!(other.request_cancel(run.id()).unwrap());
    assert!(run.cancel_requested().unwrap());
    assert!(other.running().unwrap()[0].cancel_requested);
    assert!(!other.request_cancel("0123456789abcdef").unwrap());
}

#[test]
fn a_run_that_never_ended_is_free_and_is_ended_by_the_next() {
    let (_root, progress) = workspace();
    let run = progress.begin_run(&[]).unwrap();
    let killed = run.id().to_owned();
    drop(run);
    assert!(progress.is_run_free(&killed));
    assert!(progress.running().unwrap().is_empty());
    let next = progress.begin_run(&[]).unwrap();
    assert_eq!(stream(&progress, 0), [(killed, RunEvent::RunFinished { cancelled: true })]);
    assert_eq!(progress.running().unwrap()[0].id, next.id());
}

#[test]
fn what_is_no_run_of_ours_is_never_free() {
    let (_root, progress) = workspace();
    for name in
        ["", "../../etc/passwd", "0123", "0123456789ABCDEF", "0123456789abcdef/x", "0123456789abcde\0"]
    {
        assert!(!progress.is_run_free(name), "{name:?}");
    }
    assert!(progress.is_run_free("0123456789abcdef"));
}

#[test]
fn the_last_runs_are_kept_and_no_place_in_the_stream_comes_twice() {
    let (root, progress) = workspace();
    let mut newest = 0;
    for _ in 0..RUNS_KEPT + 5 {
        let run = progress.begin_run(&[]).unwrap();
        let seq = run.event(&started()).unwrap();
        assert!(seq > newest);
        newest = seq;
        run.finish(false).unwrap();
    }
    let runs: u32 =
        by_hand(root.path()).query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap();
    assert_eq!(runs, RUNS_KEPT);
    assert_eq!(std::fs::read_dir(root.path().join(".grader/run")).unwrap().count(), 0);
}

#[test]
fn what_was_made_is_left_over_once_its_run_is_over() {
    let (root, progress) = workspace();
    let run = progress.begin_run(&[]).unwrap();
    let ledger = progress.ledger(run.id(), "unix:///run/engine.sock");
    let network = Made { kind: MadeKind::Network, name: "g-net".into() };
    let container = Made { kind: MadeKind::Container, name: "g-app".into() };
    let image = Made { kind: MadeKind::Image, name: "g:1".into() };
    for made in [&network, &container, &image] {
        ledger.register(made).unwrap();
    }
    ledger.removed(&image);
    let other = Progress::open(root.path()).unwrap();
    assert!(other.left_over().unwrap().is_empty(), "its run goes on");

    let id = run.id().to_owned();
    drop(run);
    let left = other.left_over().unwrap();
    let left_over = |made| LeftOver { run: id.clone(), endpoint: "unix:///run/engine.sock".into(), made };
    assert_eq!(left, [left_over(container), left_over(network)]);
    for it in left {
        other.ledger(&it.run, &it.endpoint).removed(&it.made);
    }
    assert!(other.left_over().unwrap().is_empty());
}

#[test]
fn where_nothing_can_be_recorded_all_else_still_works() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join(".grader"), "in the way").unwrap();
    let (progress, said) = Progress::open_or_unrecorded(root.path());
    let NotRecorded { why, mend, .. } = said.unwrap();
    assert!(why.contains("is no folder"), "{why}");
    assert!(mend.unwrap().starts_with("move it away: mv "));

    assert!(matches!(progress.record(&passed()), Err(ProgressError::NotRecorded(_))));
    assert!(progress.summaries().unwrap().is_empty());
    assert_eq!(progress.take_hint(id("4.2")).unwrap(), 1);
    assert_eq!(progress.take_hint(id("4.2")).unwrap(), 2);
    let run = progress.begin_run(&[id("4.2")]).unwrap();
    assert!(run.id().len() >= 16);
    assert!(run.event(&started()).unwrap() < run.event(&started()).unwrap());
    assert!(!run.cancel_requested().unwrap());
    let ledger = progress.ledger(run.id(), "unix:///run/engine.sock");
    let made = Made { kind: MadeKind::Volume, name: "v".into() };
    ledger.register(&made).unwrap();
    ledger.removed(&made);
    assert!(!progress.is_run_free(run.id()));
    assert!(progress.left_over().unwrap().is_empty());
    run.finish(false).unwrap();
    assert_eq!(std::fs::read_to_string(root.path().join(".grader")).unwrap(), "in the way");
}

#[test]
fn to_look_at_progress_makes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let progress = Progress::open_to_read(root.path()).unwrap();
    assert!(progress.summaries().unwrap().is_empty());
    assert!(std::fs::read_dir(root.path()).unwrap().next().is_none());

    let writer = Progress::open(root.path()).unwrap();
    writer.record(&passed()).unwrap();
    let progress = Progress::open_to_read(root.path()).unwrap();
    assert_eq!(progress.workspace_id(), writer.workspace_id());
    assert_eq!(progress.summaries().unwrap().len(), 1);
    assert!(progress.record(&passed()).is_err());
}
