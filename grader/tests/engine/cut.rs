//! An engine that goes away, falls silent or is slow in the middle of a check: an error of nobody's, soon,
//! and nothing of ours is left once it is well again.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::support::{Act, Bench, Course, Proxy, SERVES, container};

/// The check of a container that serves: create, start, look, ask, kill, wait, logs, remove.
fn course() -> Course {
    let serve = "try_writes = true\nserve = { path = \"/\", port = 8000, for = \"1s\" }";
    Course::default().engine(
        "1.1",
        &container(&["serve", "ok"], serve),
        "app.http.not_ok == 0 && app.state.running",
    )
}

/// Cuts at a request; `error` must come soon, and the next check must leave nothing behind.
#[track_caller]
fn cut(method: &'static str, part: &'static str, act: Act) {
    let proxy = Proxy::new();
    let bench = Bench::new(&course()).at(&proxy.host());
    proxy.at(method, part, act);
    let mut going = bench.start(&["check", "--json"]);
    let began = Instant::now();
    while !proxy.has_struck() {
        assert!(began.elapsed() < Duration::from_secs(60), "no request was struck");
        assert!(going.still(), "no request was struck: {:?}", going.end());
        thread::sleep(Duration::from_millis(5));
    }
    let ended = going.end();
    let result = ended.verdict("1.1", "error");
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.after < Duration::from_secs(4), "{:?} after the cut", ended.after);
    assert!(result["error"]["detail"].to_string().contains("engine"), "{result}");
    assert!(result["attempt"].is_u64(), "an error is recorded, and never a pass: {result}");

    proxy.heal();
    let again = bench.run(&["check", "--json"]);
    again.verdict("1.1", "passed");
    assert_eq!(again.code, 0);
    bench.nothing_left_within(Duration::from_secs(5));
}

#[test]
fn an_engine_cut_before_it_creates_is_an_error_soon() {
    cut("POST", "/containers/create", Act::Cut);
}

#[test]
fn an_engine_cut_after_it_created_is_an_error_soon_and_the_container_goes_at_the_next_start() {
    cut("POST", "/containers/create", Act::CutAfterwards);
}

#[test]
fn an_engine_cut_after_it_started_is_an_error_soon_and_the_container_goes_at_the_next_start() {
    cut("POST", "/start", Act::CutAfterwards);
}

#[test]
fn an_engine_cut_while_its_end_is_awaited_is_an_error_soon() {
    cut("POST", "/wait", Act::Cut);
}

#[test]
fn an_engine_cut_in_the_middle_of_logs_is_an_error_soon() {
    cut("GET", "/logs", Act::CutAfterwards);
}

#[test]
fn an_engine_cut_while_removing_leaves_nothing_after_the_next_start() {
    for act in [Act::Cut, Act::CutAfterwards] {
        let proxy = Proxy::new();
        let bench = Bench::new(&Course::stays()).at(&proxy.host());
        proxy.at("DELETE", "/containers/", act);
        // All was seen by then: the verdict stands, and what is left is said.
        let ended = bench.run(&["check"]).code(0);
        assert!(ended.stdout.contains("passed"), "{ended:?}");
        assert!(ended.stderr.contains("not removed yet"), "{ended:?}");
        assert!(ended.took < Duration::from_secs(20), "{ended:?}");
        proxy.heal();
        bench.run(&["check", "1.1"]).code(0);
        bench.nothing_left_within(Duration::from_secs(5));
    }
}

/// Falls silent at a request; `error` must come by the check's limit.
#[track_caller]
fn silence(method: &'static str, part: &'static str, act: Act) {
    let proxy = Proxy::new();
    let probe = container(&["serve", "ok"], SERVES);
    let course = Course::default().check(
        "1.1",
        "uses = [\"engine\"]\nwithin = \"6s\"",
        &probe,
        "app.state.running",
        "'no'",
    );
    let bench = Bench::new(&course).at(&proxy.host());
    proxy.at(method, part, act);
    let ended = bench.run(&["check", "--json"]);
    let result = ended.verdict("1.1", "error");
    assert!(proxy.has_struck());
    assert_eq!(ended.code, 4, "{ended:?}");
    let took = result["duration_ms"].as_u64().unwrap();
    assert!(took < 7000, "within 6 s and 1 s more: {took} ms");
    assert!(result["error"]["what"].to_string().contains("6 s, its limit"), "{result}");
    proxy.heal();
    bench.run(&["check", "--json"]).code(0);
    bench.nothing_left_within(Duration::from_secs(5));
}

#[test]
fn an_engine_that_falls_silent_after_it_created_is_an_error_by_the_checks_limit() {
    silence("POST", "/containers/create", Act::SilenceAfterwards);
}

#[test]
fn an_engine_that_falls_silent_while_a_container_runs_is_an_error_by_the_checks_limit() {
    silence("GET", "/json", Act::Silence);
}

#[test]
fn ctrl_c_ends_a_check_on_a_silent_engine_within_a_second_or_two() {
    let proxy = Proxy::new();
    let bench = Bench::new(&Course::stays()).at(&proxy.host());
    proxy.at("POST", "/start", Act::SilenceAfterwards);
    let mut going = bench.start(&["check"]);
    let began = Instant::now();
    while !proxy.has_struck() {
        assert!(began.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(5));
    }
    going.signal(Signal::INT);
    let ended = going.end().code(130);
    assert!(ended.after < Duration::from_secs(3), "{:?}", ended.after);
    assert!(ended.stderr.contains("not removed yet"), "{ended:?}");
    assert!(bench.progress().summaries().unwrap().is_empty(), "no attempt of an unfinished check");
    proxy.heal();
    bench.run(&["check"]).code(0);
    bench.nothing_left_within(Duration::from_secs(5));
}

#[test]
fn an_engine_that_hangs_after_the_ping_ends_with_ctrl_c_too() {
    let proxy = Proxy::new();
    let bench = Bench::new(&Course::stays()).at(&proxy.host());
    proxy.at("GET", "/info", Act::Silence);
    let mut going = bench.start(&["check"]);
    let began = Instant::now();
    while !proxy.has_struck() {
        assert!(began.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(5));
    }
    going.signal(Signal::INT);
    let ended = going.end().code(130);
    assert!(ended.after < Duration::from_secs(2), "{:?}", ended.after);
}

#[test]
fn an_engine_that_hangs_after_the_ping_is_told_soon() {
    let proxy = Proxy::new();
    let bench = Bench::new(&Course::stays()).at(&proxy.host());
    proxy.at("GET", "/info", Act::Silence);
    let ended = bench.run(&["check", "--json"]);
    ended.verdict("1.1", "blocked");
    assert!(ended.took < Duration::from_secs(15), "{:?}", ended.took);
}

#[test]
fn a_slow_engine_yields_the_same_verdict() {
    let proxy = Proxy::new();
    let bench = Bench::new(&course()).at(&proxy.host());
    proxy.slow(Duration::from_millis(300), 50_000);
    let ended = bench.run(&["check", "--json"]);
    ended.verdict("1.1", "passed");
    bench.nothing_left_within(Duration::from_secs(5));
}

#[test]
fn a_check_over_its_limit_is_an_error_that_says_so_and_its_containers_are_gone() {
    let probe = container(&["stay"], "watch = \"20s\"");
    let head = "uses = [\"engine\"]\nwithin = \"6s\"";
    let bench = Bench::new(&Course::default().check("1.1", head, &probe, "app.state.running", "'no'"));
    let ended = bench.run(&["check", "--json"]);
    let result = ended.verdict("1.1", "error");
    assert_eq!(ended.code, 4);
    assert!(result["error"]["what"].to_string().contains("within 6 s, its limit"), "{result}");
    assert!(result["error"]["detail"].to_string().contains("watching"), "{result}");
    bench.nothing_left_within(Duration::from_millis(500));
    let card = bench.run(&["show", "1.1"]);
    assert!(card.stdout.contains("within 6 s, its limit"), "{card:?}");
}
