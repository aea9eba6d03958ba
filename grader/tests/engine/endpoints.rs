//! Endpoints that misbehave, through the real probe: each is a fact, in time and within bounds.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Bench, Course, Ended};

/// Reads the endpoint of a guest that answers in this way; the rule is that it answers well.
fn read(how: &str) -> (Value, Ended) {
    let probe = format!(
        "kind = \"endpoint\"\nas = \"app\"\npath = \"/\"\nport = 8000\nfirst_within = \"2s\"\ngap = \"200ms\"\n\
         take = {{ sha = \"git_sha\" }}\nrun = {{ command = [\"serve\", \"{how}\"] }}"
    );
    let bench = Bench::new(&Course::default().engine("1.1", &probe, "app.first.json_object"));
    let ended = bench.run(&["check", "--json"]);
    ended.verdict("1.1", "failed");
    assert!(ended.took < Duration::from_secs(40), "{:?}", ended.took);
    assert!(ended.memory_kb < 150_000, "{} kB", ended.memory_kb);
    bench.nothing_left_within(Duration::from_millis(500));
    let attempt = bench.progress().attempt(1).unwrap().unwrap();
    (attempt.evidence.seen["app"].clone(), ended)
}

#[test]
fn an_endpoint_that_never_answers_is_failed_in_time() {
    let (app, _) = read("silence");
    assert_eq!(app["first"]["status"], Value::Null);
    assert!(app["first"]["error"].to_string().contains("no answer"), "{}", app["first"]);
}

#[test]
fn an_endpoint_whose_body_never_ends_is_cut_and_failed() {
    let (app, _) = read("endless");
    assert_eq!(app["first"]["status"], 200);
    assert!(app["first"]["error"].to_string().contains("1"), "{}", app["first"]);
    assert!(app.to_string().len() < 60_000);
}

#[test]
fn an_endpoint_that_redirects_for_ever_is_failed_after_five() {
    let (app, _) = read("redirect");
    assert!(app["first"]["error"].to_string().contains("more than 5 redirects"), "{}", app["first"]);
}

#[test]
fn an_endpoint_that_speaks_no_http_is_failed() {
    let (app, _) = read("noise");
    assert_eq!(app["first"]["status"], Value::Null);
    assert!(app["first"]["error"].is_string(), "{}", app["first"]);
}

#[test]
fn an_endpoint_that_answers_neither_utf_8_nor_json_is_failed_and_shown_harmlessly() {
    let (app, _) = read("no-utf8");
    assert_eq!(app["first"]["status"], 200);
    assert_eq!(app["first"]["json_object"], false);
    assert_eq!(app["first"]["taken"]["sha"]["text"], Value::Null);
}
