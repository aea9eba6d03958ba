//! Ordinary users: one who may use the engine gets the same verdicts as root, by the helper.

use std::os::unix::fs::MetadataExt;

use serde_json::Value;

use crate::support::{
    Bench, Course, Proxy, container,
    engine::{self, Image},
};

/// What a check saw, as far as it does not differ from run to run.
fn seen(bench: &Bench, id: &str) -> Value {
    // Read as the learner would: the database belongs to who ran the check.
    let ended = bench.run(&["show", id, "--evidence", "--json"]);
    ended.json()
}

#[test]
fn an_ordinary_user_of_the_engines_group_reaches_it_and_another_is_told_what_to_do() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: becoming another user needs root");
        return;
    }
    let socket = std::fs::metadata(engine::socket()).unwrap();
    if socket.gid() == 0 || socket.mode() & 0o666 != 0o660 {
        eprintln!("skipped: this engine's socket belongs to no group of its own");
        return;
    }
    let bench = Bench::new(&Course::stays()).run_by(65534, Some(socket.gid()));
    bench.run(&["check", "--json"]).code(0).verdict("1.1", "passed");
    let bench = Bench::new(&Course::stays()).run_by(65534, None);
    let ended = bench.run(&["check", "--json"]).code(3);
    let blocked = &ended.verdict("1.1", "blocked")["blocked"];
    assert!(blocked["fix"].to_string().contains("usermod -aG docker"), "{blocked}");
}

#[test]
fn an_ordinary_user_gets_the_same_verdicts_as_root() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: becoming another user needs root");
        return;
    }
    let config = serde_json::json!({
        "Entrypoint": ["/guest"], "Cmd": ["serve", "ok"], "User": "1234:1234",
        "Healthcheck": { "Test": ["CMD", "/guest", "exit", "0"], "Interval": 1_000_000_000_u64 },
    });
    let image = Image::load("users", engine::this_architecture(), &config);
    let settings = format!("[app]\nimage = \"{}\"\n", image.0);
    let course = Course::default()
        .engine("1.1", &container(&["serve", "ok"], "watch = \"1s\""), "size(app.processes) == 1 && app.processes.all(it, it.uid == 1234)")
        .engine(
            "1.2",
            "kind = \"container\"\nas = \"app\"\nwatch = \"2s\"\ntry_writes = true\n\
             run = { command = [\"stay\"], read_only = true, tmpfs = [\"/tmp\"] }",
            "app.writes.exists(it, it.path == '/tmp' && it.outcome == 'written') && app.writes.exists(it, it.path == '/' && it.outcome == 'refused')",
        )
        .engine("1.3", "kind = \"health\"\nas = \"app\"\nunhealthy_within = \"2s\"", "app.before_stop.status == 'healthy' && app.stopped_processes >= 1")
        .engine("1.4", &container(&["serve", "ok"], "watch = \"1s\""), "app.processes.all(it, it.uid == 0)");
    let (mut outcomes, mut helped) = (Vec::new(), Vec::new());
    for user in [None, Some(65534)] {
        let proxy = Proxy::new().for_all();
        let bench = Bench::with(&course, &settings).at(&proxy.host());
        let bench = match user {
            None => bench,
            Some(id) => bench.run_by(id, None),
        };
        let ended = bench.run_unless_busy(&["check", "--all", "--json"]);
        for id in ["1.1", "1.2", "1.3"] {
            ended.verdict(id, "passed");
        }
        ended.verdict("1.4", "failed");
        assert_eq!(ended.code, 1);
        assert!(!ended.stderr.contains("not removed yet"), "{ended:?}");
        let writes = seen(&bench, "1.2");
        outcomes.push(written(&writes));
        assert_eq!(bench.left(), [""; 0]);
        let requests = proxy.requests();
        helped.push(requests.iter().any(|it| it.starts_with("POST /containers/") && it.contains("/attach")));
    }
    assert_eq!(helped, [false, true], "root looks into /proc, the other asks the helper");
    assert_eq!(outcomes[0], outcomes[1], "what may be written does not depend on who looks");
    assert!(!outcomes[0].is_empty());
}

/// Paths and outcomes of the attempts to write, found wherever the document has them.
fn written(value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(map) => match (map.get("path"), map.get("outcome")) {
            (Some(path), Some(outcome)) => vec![(path.to_string(), outcome.to_string())],
            _ => map.values().flat_map(written).collect(),
        },
        Value::Array(items) => items.iter().flat_map(written).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}
