//! Workspaces in which nothing can be written, and progress of a newer grader: judged where that is possible,
//! said in every case, and whole.

use std::{fs, path::Path};

use grader::progress::Progress;

use crate::support::{Bench, Course, Mount};

/// An answer and a container; what is judged lies in `workspace`.
fn bench() -> Bench {
    let bench = Bench::new(&Course::stays().answer("1.2"));
    bench.write("answers/1.2.toml", "n = 1");
    bench
}

/// Copies the workspace's files, but for progress.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("answers")).unwrap();
    for name in ["workspace.toml", "answers/1.2.toml"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn a_read_only_workspace_is_judged_and_says_that_nothing_was_recorded() {
    for has_progress in [false, true] {
        let bench = bench();
        if has_progress {
            bench.run(&["check", "1.2"]).code(0);
        }
        let Some(view) = Mount::read_only(bench.workspace()) else { return };
        let bench = bench.in_workspace(view.path());
        let ended = bench.run(&["check", "--all", "--json"]).code(0);
        for id in ["1.1", "1.2"] {
            assert!(ended.verdict(id, "passed")["attempt"].is_null(), "{ended:?}");
        }
        assert!(ended.stderr.contains("nothing will be recorded"), "{ended:?}");
        let work = bench.path("work");
        fs::write(work.join("answers/1.2.toml"), "n = 2").unwrap();
        bench.run(&["check", "1.2"]).code(1);
        for arguments in [&["list"][..], &["next"], &["help", "1.1"], &[]] {
            bench.run(arguments).code(0);
        }
        let hint = bench.run(&["hint", "1.1"]);
        assert!(hint.stdout.contains("Look."), "{hint:?}");
        if has_progress {
            assert_eq!(Progress::open_to_read(&work).unwrap().integrity_check().unwrap(), [""; 0]);
            assert_eq!(
                Progress::open_to_read(&work).unwrap().attempts("1.2".parse().unwrap()).unwrap().len(),
                1
            );
        } else {
            assert!(!work.join(".grader").exists());
        }
        assert!(!ended.stderr.contains("not removed yet"), "{ended:?}");
    }
}

#[test]
fn a_full_disk_is_said_and_all_is_whole_and_works_again_with_room() {
    std::thread::scope(|scope| {
        for left_kb in [0, 4, 64, 256] {
            scope.spawn(move || on_a_disk_with(left_kb));
        }
    });
}

fn on_a_disk_with(left_kb: u64) {
    let Some(disk) = Mount::small_disk() else { return };
    let bench = bench();
    copy(bench.workspace(), disk.path());
    let bench = bench.in_workspace(disk.path());
    bench.run(&["check", "--all"]).code(0);
    let before = bench.progress().attempts("1.2".parse().unwrap()).unwrap().len();

    disk.fill(left_kb);
    let mut recorded = before;
    // Until it is full in any case.
    for _ in 0..3 {
        let ended = bench.run(&["check", "1.2", "--json"]);
        let result = ended.result("1.2");
        match result["verdict"].as_str().unwrap() {
            // What was left was enough.
            "passed" => {
                assert!(left_kb > 0 && result["attempt"].is_u64(), "{left_kb} kB: {ended:?}");
                recorded += 1;
                disk.fill(0);
            }
            "error" => {
                assert_eq!(ended.code, 4, "{ended:?}");
                let said = format!("{}{}", result["error"], ended.stderr);
                assert!(said.contains("full") || said.contains("No space"), "{left_kb} kB: {said}");
                assert!(result["attempt"].is_null(), "{result}");
            }
            other => panic!("{left_kb} kB: {other}: {ended:?}"),
        }
    }
    let engine = bench.run(&["check", "1.1", "--json"]);
    engine.verdict("1.1", "error");
    assert_eq!(engine.code, 4, "{left_kb} kB: {engine:?}");

    disk.empty();
    let progress = bench.progress();
    assert_eq!(progress.integrity_check().unwrap(), [""; 0]);
    assert_eq!(progress.attempts("1.2".parse().unwrap()).unwrap().len(), recorded, "{left_kb} kB");
    let again = bench.run(&["check", "--all", "--json"]).code(0);
    assert!(again.verdict("1.1", "passed")["attempt"].is_u64());
    assert_eq!(bench.left(), [""; 0]);
}

#[test]
fn a_disk_that_was_always_full_is_said_before_anything_is_recorded() {
    let Some(disk) = Mount::small_disk() else { return };
    let bench = bench();
    copy(bench.workspace(), disk.path());
    let bench = bench.in_workspace(disk.path());
    disk.fill(0);
    let ended = bench.run(&["check", "1.2", "--json"]);
    assert!(ended.stderr.contains("disk is full"), "{ended:?}");
    assert!(ended.result("1.2")["attempt"].is_null());
    disk.empty();
    let again = bench.run(&["check", "1.2", "--json"]).code(0);
    assert!(again.verdict("1.2", "passed")["attempt"].is_u64());
}

#[test]
fn progress_of_a_newer_grader_is_left_alone_and_says_which_side_is_old() {
    let bench = bench();
    bench.run(&["check", "1.2"]).code(0);
    let database = bench.workspace().join(".grader/progress.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 9999).unwrap();
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    drop(connection);
    let bytes = fs::read(&database).unwrap();
    let ended = bench.run(&["check", "1.2", "--json"]);
    assert!(ended.stderr.contains("the grader is the older side"), "{ended:?}");
    assert!(ended.stderr.contains("update the grader"), "{ended:?}");
    assert!(ended.verdict("1.2", "passed")["attempt"].is_null());
    let list = bench.run(&["list"]);
    assert!(list.code != 0 && list.stderr.contains("older side"), "{list:?}");
    assert!(fs::read(&database).unwrap() == bytes, "not a byte of it was changed");
}

#[test]
fn links_where_the_grader_writes_are_not_followed() {
    for link in [".grader", ".grader/progress.db", ".grader/log", ".grader/run"] {
        let bench = bench();
        let outside = bench.path("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("mine"), "mine").unwrap();
        let target = if link.ends_with(".db") { outside.join("mine") } else { outside.clone() };
        let at = bench.workspace().join(link);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, &at).unwrap();
        let ended = bench.run(&["check", "1.2"]);
        assert!([0, 4].contains(&ended.code), "{link}: {ended:?}");
        // A log that cannot be kept hinders nobody, and is told where logs are asked for.
        assert!(link.ends_with("log") || ended.stderr.contains("symbolic link"), "{link}: {ended:?}");
        assert_eq!(fs::read(outside.join("mine")).unwrap(), b"mine", "{link}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{link}: something was written through it");
    }
}

#[test]
fn progress_that_cannot_be_used_is_left_alone_and_told_with_the_way_out() {
    let database = |bench: &Bench| bench.workspace().join(".grader/progress.db");
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 4] = [
        ("is empty", |path| fs::write(path, "").unwrap()),
        ("cannot be read as a database", |path| {
            fs::write(path, "no database, and long enough to be seen as none").unwrap()
        }),
        ("cannot be read as a database", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("is a folder", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
    ];
    for (words, spoil) in spoil {
        let bench = bench();
        bench.run(&["check", "1.2"]).code(0);
        spoil(&database(&bench));
        let before = fs::read(database(&bench)).ok();
        let ended = bench.run(&["check", "1.2", "--json"]);
        assert!(ended.stderr.contains(words) && ended.stderr.contains("fix: "), "{words}: {ended:?}");
        assert!(ended.verdict("1.2", "passed")["attempt"].is_null());
        let list = bench.run(&["list"]);
        assert!(list.code == 4 && list.stderr.contains(words), "{words}: {list:?}");
        assert_eq!(fs::read(database(&bench)).ok(), before, "{words}");
    }
}
