//! A grader that is told to end, is stopped for a while, is killed, or is not alone.

use std::{
    thread,
    time::{Duration, Instant},
};

use grader::progress::Progress;
use rustix::process::Signal;

use crate::support::{Act, Bench, Course, Proxy, container, engine};

/// What a busy machine may take to remove a container; a quiet one needs well under a second.
const GONE_WITHIN: Duration = Duration::from_secs(4);

/// A check that takes its time, in a container beside another one's network.
fn long() -> Course {
    Course::default().engine("1.1", &container(&["stubborn"], "watch = \"30s\""), "app.state.running")
}

#[track_caller]
fn ends(signal: Signal, code: i32) {
    let bench = Bench::new(&long());
    let mut going = bench.start_until_it_runs(&["check"]);
    going.signal(signal);
    let ended = going.end().code(code);
    assert!(ended.after < GONE_WITHIN, "{:?}", ended.after);
    assert_eq!(bench.left(), [""; 0]);
    assert!(bench.progress().summaries().unwrap().is_empty(), "an unfinished check leaves no attempt");
    assert!(bench.progress().running().unwrap().is_empty());
    assert!(ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn sigint_ends_a_check_with_130_and_its_containers_are_gone() {
    ends(Signal::INT, 130);
}

#[test]
fn sigterm_ends_a_check_with_143_and_its_containers_are_gone() {
    ends(Signal::TERM, 143);
}

#[test]
fn sighup_ends_a_check_with_129_and_its_containers_are_gone() {
    ends(Signal::HUP, 129);
}

#[test]
fn a_signal_at_any_moment_of_a_check_leaves_nothing() {
    let bench = Bench::new(&Course::stays());
    for at in 0..8_u64 {
        let mut going = bench.start(&["check"]);
        // A signal before the first line would find a program that has not begun.
        going.until_it_says("1.1");
        thread::sleep(Duration::from_millis(at * 150));
        if !going.still() {
            continue;
        }
        going.signal(Signal::INT);
        let ended = going.end();
        assert!([0, 130].contains(&ended.code), "{ended:?}");
        assert!(ended.after < GONE_WITHIN, "{:?}", ended.after);
        assert_eq!(bench.left(), [""; 0], "after {} ms", at * 150);
    }
}

#[test]
fn what_was_judged_before_a_signal_is_recorded_and_told() {
    let course = long().answer("1.2");
    let bench = Bench::new(&course);
    bench.write("answers/1.2.toml", "n = 1");
    let mut going = bench.start_until_it_runs(&["check", "--all", "--json"]);
    going.signal(Signal::INT);
    let ended = going.end().code(130);
    ended.verdict("1.2", "passed");
    assert_eq!(ended.json()["results"].as_array().unwrap().len(), 1);
    let summaries = bench.progress().summaries().unwrap();
    assert_eq!(summaries.keys().map(ToString::to_string).collect::<Vec<_>>(), ["1.2"]);
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let proxy = Proxy::new();
    let bench = Bench::new(&long()).at(&proxy.host());
    let mut going = bench.start_until_it_runs(&["check"]);
    // Removing would take its whole limit.
    proxy.at("DELETE", "/containers/", Act::Silence);
    going.signal(Signal::INT);
    let began = Instant::now();
    while !proxy.has_struck() {
        assert!(began.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
    going.signal(Signal::INT);
    let ended = going.end().code(130);
    assert!(ended.after < Duration::from_secs(1), "{:?}", ended.after);
    assert!(
        ended.stderr.contains("press Ctrl-C again") && ended.stderr.contains("left at once"),
        "{ended:?}"
    );
    proxy.heal();
    Course::stays().write(&bench.path("book"));
    bench.run(&["check", "1.1"]).code(0);
    bench.nothing_left_within(Duration::from_secs(5));
}

#[test]
fn a_grader_that_is_stopped_for_a_while_says_nothing_has_failed() {
    let serve = "serve = { path = \"/\", port = 8000, for = \"2s\" }";
    let rule = "app.http.not_ok == 0 && app.http.held_ms >= app.http.asked_ms && app.state.running";
    let bench = Bench::new(&Course::default().engine("1.1", &container(&["serve", "ok"], serve), rule));
    let mut going = bench.start_until_it_runs(&["check", "--json"]);
    going.signal(Signal::STOP);
    thread::sleep(Duration::from_secs(4));
    going.signal(Signal::CONT);
    let ended = going.end();
    assert_ne!(ended.result("1.1")["verdict"], "failed", "{ended:?}");
    assert_eq!(bench.left(), [""; 0]);
}

/// The verdicts that were told: each was recorded before.
fn told(ended: &crate::support::Ended) -> usize {
    ended.stderr.lines().filter(|line| line.contains("1.2") && line.contains("passed")).count()
}

#[test]
fn kill_9_loses_no_attempt_that_was_told_and_the_next_start_removes_what_was_left() {
    let course = Course::stays().answer("1.2");
    let bench = Bench::new(&course);
    bench.write("answers/1.2.toml", "n = 1");
    let mut acknowledged = 0;
    for at in 0..5_u64 {
        let mut going = bench.start_until_it_runs(&["check", "--all"]);
        thread::sleep(Duration::from_millis(at * 230));
        if going.still() {
            going.signal(Signal::KILL);
        }
        acknowledged += told(&going.end());
        let progress = Progress::open(bench.workspace()).unwrap();
        assert_eq!(progress.integrity_check().unwrap(), [""; 0]);
        assert!(progress.running().unwrap().is_empty());
        let there = progress.attempts("1.2".parse().unwrap()).unwrap().len();
        assert!(there >= acknowledged, "{there} recorded, {acknowledged} told");
        assert!(there <= usize::try_from(at).unwrap() + 1, "none twice: {there}");
    }
    assert!(acknowledged > 0, "no run came so far as to tell a verdict");
    bench.run(&["check", "--all"]).code(0);
    bench.nothing_left_within(Duration::from_secs(5));
}

#[test]
fn kill_9_beside_a_service_leaves_a_network_that_the_next_start_removes() {
    let course =
        Course::default().engine("1.1", &container(&["stay"], "watch = \"20s\""), "app.state.running");
    let guest = engine::guest();
    let bench = Bench::with(&course, &format!("[app]\nimage = \"{guest}\"\nwith = [\"db\"]\n"));
    bench.write("app/compose.yaml", format!("services:\n  db:\n    image: {guest}\n"));
    let mut going = bench.start_until_it_runs(&["check"]);
    going.signal(Signal::KILL);
    going.end();
    assert!(bench.left().iter().any(|left| left.starts_with("/networks")), "{:?}", bench.left());
    Course::stays().write(&bench.path("book"));
    bench.write("workspace.toml", format!("format = 1\n[app]\nimage = \"{guest}\"\n"));
    bench.run(&["check"]).code(0);
    bench.nothing_left_within(Duration::from_secs(5));
}

#[test]
fn two_graders_at_once_record_each_attempt_once_and_leave_each_others_containers_alone() {
    const ROUNDS: usize = 3;
    let course = Course::stays().answer("1.2").answer("1.3");
    let bench = Bench::new(&course);
    for id in ["1.2", "1.3"] {
        bench.write(&format!("answers/{id}.toml"), "n = 1");
    }
    // What a killed run has left is swept by the two while they work.
    let mut killed = bench.start_until_it_runs(&["check", "1.1"]);
    killed.signal(Signal::KILL);
    killed.end();
    let mut numbers = Vec::new();
    for _ in 0..ROUNDS {
        let mut both =
            [bench.start(&["check", "--all", "--json"]), bench.start(&["check", "--all", "--json"])];
        for going in &mut both {
            let ended = going.end().code(0);
            for id in ["1.1", "1.2", "1.3"] {
                numbers.push(ended.verdict(id, "passed")["attempt"].as_u64().unwrap());
            }
            assert!(!ended.stderr.contains("locked") && !ended.stderr.contains("not recorded"), "{ended:?}");
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), ROUNDS * 2 * 3, "each attempt has a number of its own");
    let progress = bench.progress();
    for id in ["1.1", "1.2", "1.3"] {
        assert_eq!(progress.attempts(id.parse().unwrap()).unwrap().len(), ROUNDS * 2, "{id}");
    }
    bench.nothing_left_within(Duration::from_secs(5));
    for log in std::fs::read_dir(bench.workspace().join(".grader/log")).unwrap() {
        let text = std::fs::read_to_string(log.unwrap().path()).unwrap();
        assert!(!text.contains("database is locked"), "{text}");
    }
}
