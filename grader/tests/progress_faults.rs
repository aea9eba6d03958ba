//! What becomes of recorded progress when the world goes wrong: kill -9, several graders at once,
//! links, and a file that is not what it should be. Full disks and read-only places are in
//! `progress_places.rs`.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test")]
#![expect(clippy::print_stdout, reason = "a child tells its parent what it has done")]

#[path = "support/attempt.rs"]
mod recorded;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use grader::progress::{Progress, ProgressError, RunEvent};
use grader_core::{Attempt, ExerciseId};
use grader_engine::{Ledger as _, Made, MadeKind};
use libtest_mimic::{Arguments, Trial};

fn id(text: &str) -> ExerciseId {
    text.parse().unwrap()
}

fn attempt(exercise: &str, bytes: usize) -> Attempt {
    recorded::attempt(id(exercise), bytes)
}

fn database(root: &Path) -> PathBuf {
    root.join(".grader/progress.db")
}

fn is_whole(progress: &Progress) {
    assert_eq!(progress.integrity_check().unwrap(), [""; 0]);
    assert_eq!(progress.quick_check().unwrap(), [""; 0]);
}

/// What a child does in the folder that it is given.
type Work = fn(&Path);

/// What a process that is killed, or runs beside others, does: this same program, called with one of these.
const CHILDREN: [(&str, Work); 3] = [
    ("child-record-without-end", as_child_record_without_end),
    ("child-make-databases-without-end", as_child_make_databases_without_end),
    ("child-record-fifty", as_child_record_fifty),
];

/// Starts one of [`CHILDREN`] in a process of its own.
fn child(name: &str, root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap()).arg(name).arg(root).stdout(Stdio::piped()).spawn().unwrap()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, name, root] = arguments.as_slice()
        && let Some((_, work)) = CHILDREN.iter().find(|(known, _)| known == name)
    {
        work(Path::new(root));
        return ExitCode::SUCCESS;
    }
    libtest_mimic::run(&Arguments::from_args(), trials()).exit_code()
}

macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        fn trials() -> Vec<Trial> {
            vec![$(Trial::test(stringify!($test), || {
                $test();
                Ok(())
            })),*]
        }
    };
}

// One that is forgotten here is dead code, and so an error.
trials![
    kill_9_loses_no_acknowledged_attempt,
    kill_9_leaves_a_whole_database_or_none,
    eight_graders_at_once_record_each_attempt_once,
    eight_threads_share_one_handle_or_have_their_own,
    a_writer_that_does_not_end_is_named_after_5_s,
    an_empty_database_is_told_as_a_loss,
    a_cut_database_is_named,
    garbage_is_named,
    a_folder_is_named,
    a_database_of_another_program_is_named,
    a_newer_database_says_which_side_is_old,
    what_the_mend_says_mends,
    a_log_without_its_database_is_not_played_into_the_next,
    no_link_is_followed,
    a_workspace_may_itself_be_reached_through_a_link_and_have_an_odd_name,
    only_the_learner_can_read_it,
];

/// Pauses of 0 to 150 ms that differ from run to run of the tests.
fn pauses() -> impl Iterator<Item = Duration> {
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    (0_u32..).map(move |at| {
        let mixed = (seed ^ at).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
        Duration::from_micros(u64::from(mixed % 150_000))
    })
}

fn as_child_record_without_end(root: &Path) {
    let progress = Progress::open(root).unwrap();
    let run = progress.begin_run(&[id("4.2")]).unwrap();
    let ledger = progress.ledger(run.id(), "unix:///e.sock");
    println!("\nrun {}", run.id());
    for at in 0_u32.. {
        ledger.register(&Made { kind: MadeKind::Container, name: format!("c{at}") }).unwrap();
        run.event(&RunEvent::RunStarted { exercises: vec![id("4.2")] }).unwrap();
        // An exercise of its own for each, so that none of what is acknowledged is dropped by design.
        let exercise = format!("{}.{}", 1 + std::process::id() % 60_000, 1 + at % 60_000);
        println!("recorded {}", progress.record(&attempt(&exercise, 3000)).unwrap());
    }
}

fn kill_9_loses_no_acknowledged_attempt() {
    let root = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeSet<u64> = BTreeSet::new();
    for pause in pauses().take(50) {
        let mut process = child("child-record-without-end", root.path());
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let run = lines.find_map(|line| Some(line.unwrap().strip_prefix("run ")?.to_owned())).unwrap();
        let reader = thread::spawn(move || {
            let numbers = lines.map_while(Result::ok);
            numbers.filter_map(|line| line.strip_prefix("recorded ")?.parse().ok()).collect::<Vec<u64>>()
        });
        thread::sleep(pause);
        process.kill().unwrap();
        process.wait().unwrap();
        for number in reader.join().unwrap() {
            assert!(acknowledged.insert(number), "attempt {number} was given twice");
        }

        let progress = Progress::open(root.path()).unwrap();
        assert!(progress.is_run_free(&run), "the kernel has freed the lock");
        assert!(progress.running().unwrap().is_empty());
        progress.left_over().unwrap();
    }
    let progress = Progress::open(root.path()).unwrap();
    is_whole(&progress);
    let summaries = progress.summaries().unwrap();
    let attempts = summaries.keys().flat_map(|exercise| progress.attempts(*exercise).unwrap());
    let there: Vec<u64> = attempts.map(|summary| summary.number).collect();
    let once: BTreeSet<u64> = there.iter().copied().collect();
    assert_eq!(once.len(), there.len(), "each once");
    assert!(once.is_superset(&acknowledged), "none lost");
    // Of each child at most the one in flight is there without having been acknowledged.
    assert!(once.len() <= acknowledged.len() + 50);
    for number in &once {
        assert!(progress.attempt(*number).unwrap().is_some(), "attempt {number} is whole");
    }
    println!("{} attempts acknowledged over 50 kills", acknowledged.len());
}

fn as_child_make_databases_without_end(root: &Path) {
    for at in 0.. {
        let workspace = root.join(at.to_string());
        fs::create_dir(&workspace).unwrap();
        Progress::open(&workspace).unwrap();
    }
}

fn kill_9_leaves_a_whole_database_or_none() {
    for pause in pauses().take(20) {
        let root = tempfile::tempdir().unwrap();
        let mut process = child("child-make-databases-without-end", root.path());
        thread::sleep(Duration::from_millis(30) + pause);
        process.kill().unwrap();
        process.wait().unwrap();
        for workspace in fs::read_dir(root.path()).unwrap() {
            is_whole(&Progress::open(&workspace.unwrap().path()).unwrap());
        }
    }
}

fn as_child_record_fifty(root: &Path) {
    println!();
    for _ in 0..10 {
        let progress = Progress::open(root).unwrap();
        let run = progress.begin_run(&[id("4.2")]).unwrap();
        for _ in 0..5 {
            run.event(&RunEvent::RunStarted { exercises: vec![id("4.2")] }).unwrap();
            println!("recorded {}", progress.record(&attempt("4.2", 500)).unwrap());
        }
        run.finish(false).unwrap();
    }
}

fn eight_graders_at_once_record_each_attempt_once() {
    let root = tempfile::tempdir().unwrap();
    // The database is not there yet: they make it at once, too.
    let processes: Vec<Child> = (0..8).map(|_| child("child-record-fifty", root.path())).collect();
    let mut numbers = BTreeSet::new();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            if let Some(number) = line.strip_prefix("recorded ") {
                assert!(numbers.insert(number.parse::<u64>().unwrap()), "{number} was given twice");
            }
        }
    }
    assert_eq!(numbers, (1..=400).collect());
    let progress = Progress::open(root.path()).unwrap();
    assert_eq!(progress.summaries().unwrap()[&id("4.2")].attempts, 400);
    is_whole(&progress);
}

fn eight_threads_share_one_handle_or_have_their_own() {
    let root = tempfile::tempdir().unwrap();
    let shared = Progress::open(root.path()).unwrap();
    thread::scope(|scope| {
        for at in 0..8 {
            let progress = if at % 2 == 0 { shared.clone() } else { Progress::open(root.path()).unwrap() };
            scope.spawn(move || {
                for _ in 0..25 {
                    progress.record(&attempt("4.2", 100)).unwrap();
                }
            });
        }
    });
    assert_eq!(shared.last(id("4.2")).unwrap().unwrap().number, 200);
    is_whole(&shared);
}

fn a_writer_that_does_not_end_is_named_after_5_s() {
    let root = tempfile::tempdir().unwrap();
    let progress = Progress::open(root.path()).unwrap();
    let other = rusqlite::Connection::open(database(root.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let error = progress.record(&attempt("4.2", 1)).unwrap_err();
    assert!(begun.elapsed() >= Duration::from_millis(4900));
    assert!(matches!(error, ProgressError::Busy { .. }));
    assert!(error.to_string().contains("another grader"), "{error}");
    assert!(progress.summaries().unwrap().is_empty(), "whoever reads does not wait");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(progress.record(&attempt("4.2", 1)).unwrap(), 1);
}

/// Spoils the database of a workspace with 20 attempts; returns what is said of it, and what to do.
fn refused(spoil: impl FnOnce(&Path)) -> (String, String) {
    let root = tempfile::tempdir().unwrap();
    let progress = Progress::open(root.path()).unwrap();
    for _ in 0..20 {
        progress.record(&attempt("4.2", 3000)).unwrap();
    }
    drop(progress);
    let path = database(root.path());
    spoil(&path);
    let before = fs::read(&path).ok();

    let error = Progress::open(root.path()).unwrap_err();
    let (progress, said) = Progress::open_or_unrecorded(root.path());
    assert_eq!(said.as_ref().map(|it| &it.why), Some(&error.to_string()));
    assert!(progress.summaries().unwrap().is_empty());
    assert!(Progress::open_to_read(root.path()).is_err());
    assert!(path.symlink_metadata().is_ok(), "nothing is deleted");
    assert_eq!(fs::read(&path).ok(), before, "nothing is changed");
    (error.to_string(), error.mend().unwrap())
}

fn an_empty_database_is_told_as_a_loss() {
    let (said, mend) = refused(|path| fs::write(path, "").unwrap());
    assert!(said.ends_with("/.grader/progress.db` is empty: the progress that it held is gone"), "{said}");
    assert!(mend.contains("mkdir -p") && mend.contains("progress.db*"), "{mend}");
}

fn a_cut_database_is_named() {
    for keep in [50, 100, 600, 4096, 9000, 40_000] {
        let (said, mend) = refused(|path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..keep]).unwrap();
        });
        assert!(said.contains("cannot be read as a database"), "{keep}: {said}");
        assert!(mend.contains("aside"), "{mend}");
    }
}

fn garbage_is_named() {
    let (said, _) = refused(|path| fs::write(path, "no database ".repeat(1000)).unwrap());
    assert!(said.contains("cannot be read as a database"), "{said}");
}

fn a_folder_is_named() {
    let (said, mend) = refused(|path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    });
    assert!(said.ends_with("is a folder, not a file"), "{said}");
    assert!(mend.starts_with("move it away: mv "), "{mend}");
}

fn a_database_of_another_program_is_named() {
    let (said, _) = refused(|path| {
        fs::remove_file(path).unwrap();
        rusqlite::Connection::open(path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    });
    assert!(said.ends_with("is a database of another program"), "{said}");
}

fn a_newer_database_says_which_side_is_old() {
    let (said, mend) = refused(|path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.pragma_update(None, "user_version", 1000).unwrap();
    });
    assert!(said.contains("has format 1000, this grader reads up to"), "{said}");
    assert!(said.ends_with("the grader is the older side"), "{said}");
    assert_eq!(mend, "update the grader");
}

fn what_the_mend_says_mends() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("a place with 'quotes' & blanks");
    fs::create_dir(&root).unwrap();
    drop(Progress::open(&root).unwrap());
    fs::write(database(&root), "garbage").unwrap();
    fs::write(root.join(".grader/progress.db-wal"), "garbage").unwrap();
    let mend = Progress::open(&root).unwrap_err().mend().unwrap();
    let command = mend.split_once(": ").unwrap().1.split(" (or").next().unwrap();
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
    assert_eq!(Progress::open(&root).unwrap().record(&attempt("4.2", 1)).unwrap(), 1);
    assert_eq!(fs::read_to_string(root.join(".grader/aside/progress.db")).unwrap(), "garbage");
}

fn a_log_without_its_database_is_not_played_into_the_next() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(".grader")).unwrap();
    let log = root.path().join(".grader/progress.db-wal");
    fs::write(&log, "frames").unwrap();
    let error = Progress::open(root.path()).unwrap_err();
    assert!(matches!(error, ProgressError::Orphan { .. }), "{error}");
    assert_eq!(fs::read_to_string(&log).unwrap(), "frames");
}

fn no_link_is_followed() {
    let outside = tempfile::tempdir().unwrap();
    let refused = |prepare: &dyn Fn(&Path)| {
        let root = tempfile::tempdir().unwrap();
        prepare(root.path());
        let run = Progress::open(root.path()).and_then(|progress| progress.begin_run(&[]).map(drop));
        assert!(matches!(run, Err(ProgressError::Link { .. })), "{run:?}");
        assert!(fs::read_dir(outside.path()).unwrap().next().is_none(), "nothing is written outside");
    };
    refused(&|root| symlink(outside.path(), root.join(".grader")).unwrap());
    refused(&|root| symlink(outside.path().join("gone"), root.join(".grader")).unwrap());
    refused(&|root| {
        fs::create_dir(root.join(".grader")).unwrap();
        symlink(outside.path().join("progress.db"), database(root)).unwrap();
    });
    refused(&|root| {
        fs::create_dir(root.join(".grader")).unwrap();
        symlink(outside.path(), root.join(".grader/run")).unwrap();
    });
    // A link in the place of the lock of making is refused by the system itself.
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(".grader")).unwrap();
    symlink(outside.path().join("lock"), root.path().join(".grader/progress.lock")).unwrap();
    assert!(Progress::open(root.path()).is_err());
    assert!(fs::read_dir(outside.path()).unwrap().next().is_none());
}

fn a_workspace_may_itself_be_reached_through_a_link_and_have_an_odd_name() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("a ?#%20'\"é🦀\n&x=1");
    fs::create_dir(&root).unwrap();
    symlink(&root, place.path().join("link")).unwrap();
    let progress = Progress::open(&place.path().join("link")).unwrap();
    assert_eq!(progress.record(&attempt("4.2", 10)).unwrap(), 1);
    assert_eq!(Progress::open(&root).unwrap().workspace_id(), progress.workspace_id());
}

fn only_the_learner_can_read_it() {
    let root = tempfile::tempdir().unwrap();
    let progress = Progress::open(root.path()).unwrap();
    let run = progress.begin_run(&[]).unwrap();
    progress.record(&attempt("4.2", 10)).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let grader = root.path().join(".grader");
    assert_eq!((mode(&grader), mode(&grader.join("run"))), (0o700, 0o700));
    for folder in [&grader, &grader.join("run")] {
        for file in fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).filter(|it| it.is_file()) {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
    drop(run);
}
