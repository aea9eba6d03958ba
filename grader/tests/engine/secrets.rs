//! The learner's secrets: given to their program, and kept out of all that the grader keeps or shows.

use std::{fs, path::Path};

use crate::support::{Bench, Course, SERVES, container, engine};

/// Values that must be nowhere, under names that mark them.
const CANARIES: [&str; 6] = [
    "canary-token-0d9f",
    "canary-password-77aa",
    "canary/in+a url%",
    "canary-of-the-file-31c4",
    "canary-in-dsn-5e5e",
    "canary\"with\\quotes",
];

fn settings() -> String {
    format!(
        "[app]\nimage = \"{}\"\nenv_file = \"app/.env\"\n[app.env]\nAPI_TOKEN = \"canary-token-0d9f\"\n\
         DATABASE_URL = \"postgresql://ada:canary-password-77aa@db/books\"\n\
         SESSION_SECRET = \"canary/in+a url%\"\nBROKER = \"amqp://ada:canary-in-dsn-5e5e@mq/\"\n\
         QUOTED_KEY = 'canary\"with\\quotes'\nGREETING = \"good morning\"\n",
        engine::guest()
    )
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

#[track_caller]
fn none_in(what: &str, bytes: &[u8]) {
    for canary in CANARIES {
        let there = memchr::memmem::find(bytes, canary.as_bytes()).is_some();
        assert!(!there, "{canary} is in {what}: {}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn secrets_of_the_learner_are_in_no_database_card_event_log_or_document() {
    let run = "run = { command = [\"environment\"] }";
    let endpoint = format!(
        "kind = \"endpoint\"\nas = \"app\"\npath = \"/\"\nport = 8000\ngap = \"200ms\"\nfirst_within = \"5s\"\n{run}"
    );
    let course = Course::default()
        .engine("1.1", &container(&["environment"], SERVES), "!app.state.running")
        .engine("1.2", &endpoint, "app.first.json_object")
        .check(
            "1.3",
            "uses = [\"engine\"]\nwithin = \"40s\"",
            &endpoint,
            "app.first.json_object",
            "app.first.body.head",
        );
    let bench = Bench::with(&course, &settings());
    bench.write("app/.env", "FILE_PASSWORD=canary-of-the-file-31c4\n");
    let mut shown = vec![bench.run(&["check", "--all", "--json"]), bench.run(&["-vv", "check", "--all"])];
    for ended in &shown {
        assert_eq!(ended.code, 1, "{ended:?}");
    }
    for id in ["1.1", "1.2", "1.3"] {
        for arguments in [
            &["show", id][..],
            &["show", id, "--evidence"],
            &["show", id, "--json"],
            &["show", id, "--evidence", "--json"],
        ] {
            shown.push(bench.run(arguments));
        }
    }
    for id in ["1.1", "1.2", "1.3"] {
        let name = format!("{id}.json");
        shown.push(bench.run(&["bundle", id, "--output", &name]).code(0));
        let bytes = fs::read(bench.workspace().join(&name)).unwrap();
        none_in("the bundle", &bytes);
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.contains("\"API_TOKEN\"") && !text.contains("/home/"),
            "names of variables stay: {text}"
        );
        assert!(!text.contains(&*bench.path("home").to_string_lossy()), "{text}");
    }
    for ended in &shown {
        none_in("what was shown", ended.stdout.as_bytes());
        none_in("what was said", ended.stderr.as_bytes());
    }
    // The program did have them, or this test shows nothing; what is no secret is still to be read.
    let evidence = bench.run(&["show", "1.1", "--evidence", "--json"]).stdout;
    assert!(evidence.contains("redacted") && evidence.contains("good morning"), "{evidence}");
    let mut kept = Vec::new();
    files(&bench.workspace().join(".grader"), &mut kept);
    assert!(
        kept.iter().any(|(path, _)| path.ends_with("progress.db"))
            && kept.iter().any(|(path, _)| path.ends_with(".log"))
    );
    for (path, bytes) in &kept {
        none_in(path, bytes);
    }
    let progress = bench.progress();
    for id in ["1.1", "1.2", "1.3"] {
        for summary in progress.attempts(id.parse().unwrap()).unwrap() {
            let attempt = progress.attempt(summary.number).unwrap().unwrap();
            none_in("the evidence", serde_json::to_string(&attempt.evidence).unwrap().as_bytes());
        }
    }
}

#[test]
fn a_secret_where_output_is_cut_is_not_kept_in_part() {
    // The head of what is kept is 2048 bytes: the secret lies across its end.
    let python = "import os, sys; sys.stdout.write('x' * 2035 + os.environ['API_TOKEN'] + 'y' * 9000 + os.environ['API_TOKEN'] + 'z' * 4085)";
    let probe = format!(
        "kind = \"container\"\nas = \"app\"\nrun = {{ entrypoint = [\"python3\", \"-c\", {python:?}] }}"
    );
    let settings = "[app]\nimage = \"python:3.13-slim\"\nenv = { API_TOKEN = \"canary-token-0d9f\" }\n";
    let bench = Bench::with(&Course::default().engine("1.1", &probe, "app.state.exit_code == 0"), settings);
    let ended = bench.run(&["check", "--json"]).code(0);
    ended.verdict("1.1", "passed");
    let evidence = bench.run(&["show", "1.1", "--evidence", "--json"]).stdout;
    for part in ["canary", "n-0d9f", "-0d9f"] {
        assert!(!evidence.contains(part), "{part}: {evidence}");
    }
}
