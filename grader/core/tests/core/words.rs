//! What the four checks say, of a good submission and of each kind of bad one.

use grader_core::{
    Verdict,
    evidence::Evidence,
    judge::{Held, Outcome, judge, looked_at},
};
use serde_json::{Value, json};

use crate::support::{ended, failed, good, image, our_check, set};

#[test]
fn a_good_submission_passes_and_its_card_says_what_was_looked_at() {
    for (id, looked) in [
        ("2.2", "myapp:before  421.3 MB,  myapp  sha256:aaaaaaaa  173.2 MB"),
        ("2.3", "myapp  sha256:aaaaaaaa  health check across a stop, /healthz across a restart"),
        ("4.2", "myapp  sha256:aaaaaaaa  2 processes, 6 s, 24 looks"),
        ("4.3", "myapp  sha256:aaaaaaaa  41 answers in 10 s, 5 writes tried"),
    ] {
        let (check, evidence) = (our_check(id), good(id));
        let judgement = judge(check, &evidence, &Held::new());
        assert_eq!(judgement.verdict(), Verdict::Passed, "{id}");
        assert_eq!(looked_at(check, &evidence), looked);
    }
}

/// Judges a good submission with these values changed; yields the ids that failed and the first actual and fix.
fn with(id: &str, changes: &[(&str, Value)]) -> (Vec<String>, String, String) {
    let check = our_check(id);
    let mut evidence = good(id);
    for (pointer, value) in changes {
        set(&mut evidence, pointer, value.clone());
    }
    let told = told(check, &evidence);
    // What is stored is judged as what was seen.
    let stored: Evidence = serde_json::from_str(&serde_json::to_string(&evidence).unwrap()).unwrap();
    assert_eq!(judge(check, &stored, &Held::new()), judge(check, &evidence, &Held::new()));
    told
}

fn told(check: &grader_core::workbook::Check, evidence: &Evidence) -> (Vec<String>, String, String) {
    let judgement = judge(check, evidence, &Held::new());
    for (id, outcome) in &judgement.outcomes {
        if let Outcome::Failed { failures, .. } = outcome {
            for failure in failures {
                assert!(!failure.actual.starts_with("not so: "), "{id} has no words for this: {failure:?}");
                assert!(!failure.actual.starts_with("nothing to look at"), "{id} has no words: {failure:?}");
                assert!(failure.actual.chars().count() <= 200, "{id}: {failure:?}");
            }
        }
        assert!(!matches!(outcome, Outcome::NotEvaluated(_)), "{id}: {outcome:?}");
    }
    let ids = failed(&judgement).into_iter().map(str::to_owned).collect();
    let first = judgement.outcomes.iter().find_map(|(_, outcome)| match outcome {
        Outcome::Failed { failures, .. } => Some((failures[0].actual.clone(), failures[0].fix.clone())),
        Outcome::Holds | Outcome::HeldBefore { .. } | Outcome::NotEvaluated(_) => None,
    });
    let (actual, fix) = first.unwrap_or_default();
    (ids, actual, fix)
}

#[track_caller]
fn fails(id: &str, changes: &[(&str, Value)], ids: &[&str], actual: &str) -> String {
    let (found, said, fix) = with(id, changes);
    assert_eq!(found, ids);
    assert_eq!(said, actual);
    fix
}

#[track_caller]
fn passes(id: &str, changes: &[(&str, Value)]) {
    let (found, said, _) = with(id, changes);
    assert!(found.is_empty(), "{found:?}: {said}");
}

#[test]
fn sizes_at_their_bounds() {
    let size = |bytes: u64| {
        [
            ("after/size_bytes", json!(bytes)),
            ("after/engine_size_bytes", json!(bytes)),
            ("noted/taken/after_mb/number", json!(bytes as f64 / 1e6)),
        ]
    };
    passes("2.2", &size(250_000_000));
    fails("2.2", &size(250_000_001), &["within-bound"], "250.0 MB (250000001 bytes)");
    let go = |bytes| [size(bytes).as_slice(), &[("after/kind", json!("go"))]].concat();
    passes("2.2", &go(80_000_000));
    fails("2.2", &go(80_000_001), &["within-bound"], "80.0 MB (80000001 bytes), and Go runs in it");
    let other = |bytes| [size(bytes).as_slice(), &[("after/kind", json!("other"))]].concat();
    passes("2.2", &other(250_000_000));
    fails("2.2", &other(251_000_000), &["within-bound"], "251.0 MB (251000000 bytes)");
}

#[test]
fn an_image_that_did_not_shrink() {
    let same = serde_json::to_value(image("myapp", 'a', 173_200_000)).unwrap();
    let noted = ("noted/taken/before_mb/number", json!(173.2));
    let fix = fails(
        "2.2",
        &[("before", same), noted.clone()],
        &["smaller"],
        "both names mean one image, sha256:aaaaaaaa",
    );
    assert!(fix.contains("`before`"));
    let equal = serde_json::to_value(image("myapp:before", 'b', 173_200_000)).unwrap();
    fails("2.2", &[("before", equal), noted], &["smaller"], "173.2 MB before, 173.2 MB after");
}

#[test]
fn noted_sizes() {
    let before = |number: Value| [("noted/taken/before_mb/number", number)];
    // 5 % of either size: 421.3 MB as measured, 420.3 MB as the engine counts.
    passes("2.2", &before(json!(421.3 * 1.0499)));
    passes("2.2", &before(json!(420.3 * 0.9501)));
    fails("2.2", &before(json!(500.0)), &["before-noted"], "answers/2.2.toml says 500, measured: 421.3 MB");
    fails("2.2", &before(json!(0.0)), &["before-noted"], "answers/2.2.toml says 0, measured: 421.3 MB");
    fails("2.2", &before(Value::Null), &["before-noted"], "answers/2.2.toml has no number as `before_mb`");
    fails(
        "2.2",
        &[("noted/taken/after_mb/number", json!(173_200_000.0))],
        &["after-noted"],
        "answers/2.2.toml says 173200000, measured: 173.2 MB",
    );
    fails(
        "2.2",
        &[
            ("noted/problem", json!("not TOML: line 1")),
            ("noted/taken/before_mb/number", Value::Null),
            ("noted/taken/after_mb/number", Value::Null),
        ],
        &["before-noted", "after-noted"],
        "answers/2.2.toml: not TOML: line 1",
    );
}

#[test]
fn a_health_check_that_is_not_one() {
    let no_status = json!({ "status": null, "after_ms": null });
    let fix = fails(
        "2.3",
        &[
            ("health/declared", Value::Null),
            ("health/before_stop", no_status.clone()),
            ("health/after_stop", no_status),
        ],
        &["turns-healthy", "turns-unhealthy"],
        "the image has no HEALTHCHECK",
    );
    assert!(fix.starts_with("Add a `HEALTHCHECK`"));
    fails(
        "2.3",
        &[("health/before_stop/status", json!("unhealthy"))],
        &["turns-healthy"],
        "`unhealthy` while the server could answer",
    );
    fails(
        "2.3",
        &[("health/before_stop/status", json!("starting"))],
        &["turns-healthy"],
        "`starting` while the server could answer",
    );
    fails(
        "2.3",
        &[("health/after_stop/status", json!("healthy"))],
        &["turns-unhealthy"],
        "`healthy`, although every process had been stopped",
    );
}

#[test]
fn an_app_that_ends_at_once_is_told_where_it_may_lack_something() {
    let dead = serde_json::to_value(ended(3)).unwrap();
    let no_status = json!({ "status": null, "after_ms": null });
    let no_answer = json!({
        "status": null, "error": "connection refused", "took_ms": null, "content_type": null,
        "json_object": null, "redirects": 0, "body": { "head": "", "tail": "", "bytes": 0, "cut_bytes": 0 },
        "taken": { "sha": { "text": null, "number": null }, "uptime": { "text": null, "number": null } },
    });
    let all = [
        "turns-healthy",
        "turns-unhealthy",
        "answers-json",
        "sha-is-a-commit",
        "uptime-grows",
        "uptime-starts-again",
    ];
    let fix = fails(
        "2.3",
        &[
            ("health/before_stop", no_status.clone()),
            ("health/after_stop", no_status),
            ("health/state", dead.clone()),
            ("app/state", dead.clone()),
            ("app/first", no_answer.clone()),
            ("app/second", no_answer.clone()),
            ("app/after_restart", no_answer),
            ("app/apart_s", Value::Null),
            ("app/since_restart_s", Value::Null),
            ("repository/asked", json!({ "text": null, "commit": null, "is_head_or_ancestor": null })),
        ],
        &all,
        "the container ended by itself, exit code 3",
    );
    assert!(fix.contains("`env`") && fix.contains("`with`") && fix.contains("workspace.toml"));

    let fix = fails(
        "4.2",
        &[("app/processes", json!([])), ("app/state", dead.clone()), ("app/watched/lasted_ms", json!(310))],
        &["no-root-process", "kept-running"],
        "it ended at once, exit code 3",
    );
    assert!(fix.contains("`env`") && fix.contains("`with`"));

    let fix = fails(
        "4.3",
        &[
            ("app/state", dead),
            ("app/writes", json!([])),
            ("app/http/first_ok_ms", Value::Null),
            ("app/http/held_ms", Value::Null),
        ],
        &["answers-for-ten-seconds", "nothing-else-writable", "not-killed"],
        "it ended before it answered, exit code 3",
    );
    assert!(fix.contains("`env`") || fix.contains("(`env`"));
}

#[test]
fn a_container_that_the_engine_could_not_start() {
    let state = json!({
        "status": "created", "running": false, "exit_code": null, "oom_killed": false, "restarts": 0,
        "error": "exec: \"gunicorn\": not found in $PATH",
    });
    fails(
        "4.2",
        &[("app/processes", json!([])), ("app/state", state.clone()), ("app/watched/lasted_ms", json!(0))],
        &["no-root-process", "kept-running"],
        "exec: \"gunicorn\": not found in $PATH",
    );
    fails(
        "4.3",
        &[
            ("app/state", state),
            ("app/writes", json!([])),
            ("app/http/first_ok_ms", Value::Null),
            ("app/http/held_ms", Value::Null),
        ],
        &["answers-for-ten-seconds", "nothing-else-writable", "not-killed"],
        "exec: \"gunicorn\": not found in $PATH",
    );
}

#[test]
fn answers_that_are_no_json_of_a_commit() {
    fails(
        "2.3",
        &[("app/first/content_type", json!("text/html"))],
        &["answers-json"],
        "status 200, text/html",
    );
    passes("2.3", &[("app/first/content_type", json!("application/health+json"))]);
    fails(
        "2.3",
        &[("app/first/content_type", Value::Null)],
        &["answers-json"],
        "status 200 without a Content-Type",
    );
    fails(
        "2.3",
        &[("app/first/json_object", json!(false))],
        &["answers-json"],
        "status 200, application/json, and the body is no JSON object",
    );
    fails("2.3", &[("app/first/status", json!(500))], &["answers-json"], "status 500, application/json");
    let asked = |text: Value, commit: Value, is: Value| {
        [("repository/asked", json!({ "text": text, "commit": commit, "is_head_or_ancestor": is }))]
    };
    fails(
        "2.3",
        &asked(json!("HEAD"), Value::Null, Value::Null),
        &["sha-is-a-commit"],
        "`HEAD` names no commit of the repository",
    );
    fails(
        "2.3",
        &asked(json!("8d3f1c2"), json!("8d3f1c2ab9"), json!(false)),
        &["sha-is-a-commit"],
        "`8d3f1c2` is a commit, but HEAD (8d3f1c2a) does not descend from it",
    );
    fails(
        "2.3",
        &asked(Value::Null, Value::Null, Value::Null),
        &["sha-is-a-commit"],
        "the answer has no SHA under the key that `sha_key` names",
    );
}

#[test]
fn uptimes() {
    let uptimes = |first: f64, second: f64, after: f64| {
        [
            ("app/first/taken/uptime/number", json!(first)),
            ("app/second/taken/uptime/number", json!(second)),
            ("app/after_restart/taken/uptime/number", json!(after)),
        ]
    };
    // Whole seconds, and another worker that began a second later.
    passes("2.3", &uptimes(1.0, 5.0, 0.0));
    passes("2.3", &uptimes(2.0, 5.0, 3.0));
    fails("2.3", &uptimes(0.0, 0.0, 0.0), &["uptime-grows"], "0 s, and 0 s when 4 s had passed");
    fails("2.3", &uptimes(1.0, 4001.0, 0.0), &["uptime-grows"], "1 s, and 4001 s when 4 s had passed");
    fails(
        "2.3",
        &uptimes(900.0, 904.0, 906.0),
        &["uptime-starts-again"],
        "906 s when the restart was 1.9 s ago",
    );
    fails(
        "2.3",
        &uptimes(1.0, 5.0, -1e9),
        &["uptime-starts-again"],
        "-1000000000 s when the restart was 1.9 s ago",
    );
    fails(
        "2.3",
        &[("app/second/taken/uptime", json!({ "text": "4.8", "number": null }))],
        &["uptime-grows"],
        "the answer has no number under the key that `uptime_key` names",
    );
    fails(
        "2.3",
        &[
            ("app/after_restart/status", Value::Null),
            ("app/after_restart/taken/uptime", json!({ "text": null, "number": null })),
            ("app/since_restart_s", Value::Null),
        ],
        &["uptime-starts-again"],
        "/healthz gave no answer after a restart",
    );
}

#[test]
fn root_in_each_of_its_forms() {
    fails("4.2", &[("app/processes/1/uid", json!(0))], &["no-root-process"], "gunicorn  pid 4712  uid 0");
    fails(
        "4.2",
        &[("app/processes/1/real_uid", json!(0))],
        &["no-root-process"],
        "gunicorn  pid 4712  real uid 0",
    );
    fails(
        "4.2",
        &[("app/processes/0/saved_uid", json!(0))],
        &["no-root-process"],
        "gunicorn  pid 4711  saved uid 0: it may go back to root",
    );
    for user in ["0", "00", "root", "0:10001", "root:app", "+0", "-0:5"] {
        fails("4.2", &[("image/config/user", json!(user))], &["user-declared"], &format!("USER {user}"));
    }
    fails("4.2", &[("image/config/user", json!(""))], &["user-declared"], "the image sets no USER");
    fails("4.2", &[("image/config/user", Value::Null)], &["user-declared"], "the image sets no USER");
    for user in ["app", "10001", "10001:0", "rooty", "1000"] {
        passes("4.2", &[("image/config/user", json!(user))]);
    }
}

#[test]
fn what_whoami_says() {
    fails("4.2", &[("whoami/output/stdout/head", json!("root\n"))], &["whoami-not-root"], "it says root");
    passes("4.2", &[("whoami/output/stdout/head", json!(""))]);
    passes("4.2", &[("whoami/output/stdout/head", json!("rooty\n"))]);
    // An image without such a program has nothing that could say root.
    passes("4.2", &[("whoami", Value::Null)]);
}

#[test]
fn what_did_not_run_to_the_end_of_the_watch() {
    fails(
        "4.2",
        &[("app/state", serde_json::to_value(ended(0)).unwrap()), ("app/watched/lasted_ms", json!(2010))],
        &["kept-running"],
        "it ended after 2 s, exit code 0",
    );
    fails("4.2", &[("app/state/restarts", json!(1))], &["kept-running"], "watched for 6 s, 1 restart");
    fails(
        "4.2",
        &[("app/watched/lasted_ms", json!(5200))],
        &["kept-running"],
        "watched for 5.2 s, 0 restarts",
    );
}

#[test]
fn a_read_only_boot_that_fails() {
    fails(
        "4.3",
        &[("app/http/not_ok", json!(7))],
        &["answers-for-ten-seconds"],
        "7 of 41 answers in 10 s were not 200",
    );
    fails(
        "4.3",
        &[("app/http/held_ms", json!(9000))],
        &["answers-for-ten-seconds"],
        "it was asked for only 9 s",
    );
    let never = |runs: Value| {
        [("app/http/first_ok_ms", Value::Null), ("app/http/held_ms", Value::Null), ("app/http/runs", runs)]
    };
    let run = |status: Value, error: Value| json!([{ "status": status, "error": error, "count": 3, "from_ms": 0, "to_ms": 30000, "slowest_ms": 2 }]);
    fails("4.3", &never(run(json!(500), Value::Null)), &["answers-for-ten-seconds"], "never 200: status 500");
    fails(
        "4.3",
        &never(run(Value::Null, json!("connection refused"))),
        &["answers-for-ten-seconds"],
        "never 200: connection refused",
    );
    fails("4.3", &never(json!([])), &["answers-for-ten-seconds"], "/healthz gave no answer");
    fails(
        "4.3",
        &[
            ("app/state", serde_json::to_value(ended(1)).unwrap()),
            ("app/http/held_ms", json!(6750)),
            ("app/http/not_ok", json!(1)),
        ],
        &["answers-for-ten-seconds", "not-killed"],
        "it answered at first and ended, exit code 1: 1 of 41 looks found no answer of 200",
    );
    fails(
        "4.3",
        &[("app/state/oom_killed", json!(true))],
        &["not-killed"],
        "the kernel killed a process of it: its 512 MB were not enough",
    );
    fails("4.3", &[("app/state/restarts", json!(2))], &["not-killed"], "2 restarts");
}

#[test]
fn a_folder_that_stays_writable() {
    let at = |path: &str, file_system: Value| {
        let written =
            json!({ "path": path, "file_system": file_system, "outcome": "written", "error": null });
        [("app/writes/1", written)]
    };
    fails(
        "4.3",
        &at("/app/data", json!("ext4")),
        &["nothing-else-writable"],
        "a file could be created in /app/data (ext4)",
    );
    fails(
        "4.3",
        &at("/tmpfoo", Value::Null),
        &["nothing-else-writable"],
        "a file could be created in /tmpfoo",
    );
    fails(
        "4.3",
        &at("/", json!("overlay")),
        &["nothing-else-writable"],
        "a file could be created in / (overlay)",
    );
    for path in ["/tmp/x", "/dev", "/proc/1", "/sys/fs"] {
        passes("4.3", &at(path, json!("tmpfs")));
    }
}
