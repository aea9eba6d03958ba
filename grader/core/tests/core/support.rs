//! What the tests share: workbooks from disk and from a few lines, and evidence by hand.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use grader_core::{
    ExerciseId,
    evidence::*,
    judge::{Held, Judgement, Outcome, judge},
    workbook::{Check, Files, Workbook},
};
use serde_json::Value;

/// A path of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The files of this repository's workbook.
pub(crate) fn our_files() -> Files {
    let mut files = Files::default();
    for folder in ["checks", "exercises"] {
        collect(&repository(""), &repository(folder), &mut files);
    }
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

static OURS: LazyLock<Workbook> = LazyLock::new(|| Workbook::read(&our_files()).map_err(told).unwrap());

/// One check of this repository's workbook.
pub(crate) fn our_check(id: &str) -> &'static Check {
    OURS.checks.get(&id.parse::<ExerciseId>().unwrap()).unwrap()
}

/// Compares `text` with a file of the repository, or writes the file where `GRADER_UPDATE` is set.
pub(crate) fn must_be_current(path: &str, text: &str) {
    let file = repository(path);
    if std::env::var_os("GRADER_UPDATE").is_some_and(|update| !update.is_empty()) {
        fs::write(&file, text).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    assert!(there == text, "{path} is not current: run `GRADER_UPDATE=1 cargo test -p grader-core`");
}

pub(crate) fn told(faults: Vec<grader_core::workbook::Diagnostic>) -> String {
    faults.iter().map(|fault| fault.headline()).collect::<Vec<_>>().join("\n")
}

fn take(mut workbook: Workbook, id: &str) -> Check {
    workbook.checks.remove(&id.parse::<ExerciseId>().unwrap()).unwrap()
}

/// A workbook with one exercise.
pub(crate) const MANIFEST: &str = r#"format = 1
id = "small"
title = "Small"
[[chapter]]
number = 1
title = "One"
[[exercise]]
id = "1.1"
todo = "Do it"
"#;

/// What a check file has before its assertions; probes of several kinds, so that a rule has something to read.
pub(crate) const HEAD: &str = r#"format = 1
title = "It holds"
uses = ["engine", "git"]
within = "1m"
looked_at = "app.image"
proves = "It."
leaves_open = "All else."
debrief = "Because."
[[probe]]
kind = "container"
as = "app"
[[probe]]
kind = "image"
as = "image"
[[probe]]
kind = "answers"
as = "noted"
file = "1.1.toml"
keys = ["n", "word"]
[[probe]]
kind = "endpoint"
as = "page"
take = { sha = "git_sha" }
"#;

/// Three hints.
pub(crate) const HINTS: &str = r#"
[[hint]]
text = "Look."
[[hint]]
text = "That way."
[[hint]]
text = "Nearly."
"#;

/// An assertion of these keys; `id`, `holds`, `expected`, `because` and `fix` where they are not given.
pub(crate) fn assertion(keys: &str) -> String {
    let mut text = "[[assert]]\n".to_owned();
    for (key, value) in [
        ("id", "\"it\""),
        ("holds", "\"still\""),
        ("expected", "\"it\""),
        ("because", "\"so\""),
        ("fix", "\"do\""),
    ] {
        let mut own = keys.lines().take_while(|line| !line.starts_with("[["));
        if !own.any(|line| line.starts_with(&format!("{key} ="))) {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    text + keys + "\n"
}

/// A workbook of [`MANIFEST`] and one check file.
pub(crate) fn small(check: &str) -> Files {
    let mut files = Files::default();
    files.insert("checks/workbook.toml", MANIFEST.into());
    files.insert("checks/1.1.toml", check.into());
    files
}

/// The check whose assertions have these keys.
pub(crate) fn check_of(assertions: &[&str]) -> Check {
    let assertions: String = assertions.iter().map(|keys| assertion(keys)).collect();
    let files = small(&format!("{HEAD}{assertions}{HINTS}"));
    take(Workbook::read(&files).map_err(told).unwrap(), "1.1")
}

/// Evidence of these facts and nothing else.
pub(crate) fn seen(facts: Value) -> Evidence {
    let Value::Object(facts) = facts else { panic!("facts by probe") };
    Evidence { seen: facts.into_iter().collect(), ..Evidence::empty() }
}

/// What becomes of one assertion with these keys over these facts.
pub(crate) fn outcome(keys: &str, facts: Value) -> Outcome {
    let mut judgement = judge(&check_of(&[keys]), &seen(facts), &Held::new());
    judgement.outcomes.remove(0).1
}

/// The ids of the assertions that failed.
pub(crate) fn failed(judgement: &Judgement) -> Vec<&str> {
    judgement
        .outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed { .. }))
        .map(|(id, _)| id.as_str())
        .collect()
}

/// Sets the value at a pointer; its parent must be there.
pub(crate) fn set(evidence: &mut Evidence, pointer: &str, value: Value) {
    let (probe, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
    let root = evidence.seen.get_mut(probe).unwrap();
    if rest.is_empty() {
        *root = value;
        return;
    }
    *root.pointer_mut(&format!("/{rest}")).unwrap_or_else(|| panic!("no {pointer}")) = value;
}

/// What probes see of a good submission, by exercise. Typed, so that no field is missing.
pub(crate) fn good(id: &str) -> Evidence {
    let json = |facts: Vec<(&str, Value)>| Evidence {
        seen: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Evidence::empty()
    };
    match id {
        "2.2" => json(vec![
            ("before", to(image("myapp:before", 'b', 421_300_000))),
            ("after", to(image("myapp", 'a', 173_200_000))),
            ("noted", to(noted(&[("before_mb", 421.3), ("after_mb", 173.0)]))),
        ]),
        "2.3" => json(vec![
            ("health", to(health())),
            ("app", to(endpoint())),
            (
                "repository",
                to(GitEvidence {
                    head: COMMIT.into(),
                    tree: Some("4b825dc642cb6eb9a060e54bf8d69288fbee4904".into()),
                    asked: Asked {
                        text: Some(COMMIT.into()),
                        commit: Some(COMMIT.into()),
                        is_head_or_ancestor: Some(true),
                    },
                }),
            ),
        ]),
        "4.2" => json(vec![
            ("image", to(image("myapp", 'a', 173_200_000))),
            ("app", to(container())),
            (
                "whoami",
                to(ContainerEvidence {
                    processes: Vec::new(),
                    state: ended(0),
                    output: Output { stdout: Text::bounded(b"app\n", 100), stderr: Text::default() },
                    ..container()
                }),
            ),
        ]),
        "4.3" => json(vec![("app", to(read_only()))]),
        other => panic!("no evidence for {other}"),
    }
}

pub(crate) const COMMIT: &str = "8d3f1c2ab99e5d6b7c80112233445566778899aa";

fn to(evidence: impl serde::Serialize) -> Value {
    serde_json::to_value(evidence).unwrap()
}

pub(crate) fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

pub(crate) fn image(reference: &str, letter: char, size_bytes: u64) -> ImageEvidence {
    ImageEvidence {
        reference: reference.into(),
        id: digest(letter),
        platform: Platform { os: "linux".into(), architecture: "amd64".into(), variant: None },
        created: Some("2026-11-24T10:00:00Z".into()),
        size_bytes: Some(size_bytes),
        engine_size_bytes: size_bytes - 1_000_000,
        layers: vec![LayerSeen { diff_id: digest('1'), size_bytes, created_by: Some("COPY . .".into()) }],
        kind: Some(ImageKind::Python),
        kind_found: vec![KindFound { path: "usr/local/bin/python3.13".into(), what: "interpreter".into() }],
        config: ImageConfig { user: Some("10001".into()), ..ImageConfig::default() },
    }
}

pub(crate) fn noted(numbers: &[(&str, f64)]) -> AnswersEvidence {
    let taken = |number: f64| Taken { text: Some(number.to_string()), number: Some(number) };
    AnswersEvidence {
        file: "answers/2.2.toml".into(),
        sha256: "0".repeat(64),
        problem: None,
        taken: numbers.iter().map(|(key, number)| ((*key).to_owned(), taken(*number))).collect(),
        text: Text::default(),
    }
}

fn running() -> ContainerState {
    ContainerState { status: "running".into(), running: true, ..ContainerState::default() }
}

pub(crate) fn ended(exit_code: i64) -> ContainerState {
    ContainerState { status: "exited".into(), exit_code: Some(exit_code), ..ContainerState::default() }
}

fn health() -> HealthEvidence {
    let declared = HealthcheckSeen {
        test: vec!["CMD".into(), "python".into(), "healthcheck.py".into()],
        interval_ms: 30_000,
        timeout_ms: 3000,
        start_period_ms: 10_000,
        retries: 3,
    };
    HealthEvidence {
        image: digest('a'),
        image_reference: "myapp".into(),
        container: "c1".into(),
        started_at: None,
        used: Some(HealthcheckSeen { interval_ms: 500, ..declared.clone() }),
        declared: Some(declared),
        before_stop: HealthMoment { status: Some("healthy".into()), after_ms: Some(900) },
        after_stop: HealthMoment { status: Some("unhealthy".into()), after_ms: Some(10_500) },
        stopped_processes: Some(3),
        changes: vec![HealthChange { status: "healthy".into(), at_ms: 900 }],
        runs: vec![HealthRun { exit_code: -1, output: Text::default() }],
        state: running(),
        output: Output::default(),
    }
}

fn read(uptime: f64) -> Read {
    let sha = Taken { text: Some(COMMIT.into()), number: None };
    let uptime = Taken { text: Some(uptime.to_string()), number: Some(uptime) };
    Read {
        status: Some(200),
        took_ms: Some(4),
        content_type: Some("application/json".into()),
        json_object: Some(true),
        taken: [("sha".to_owned(), sha), ("uptime".to_owned(), uptime)].into(),
        ..Read::default()
    }
}

fn endpoint() -> EndpointEvidence {
    EndpointEvidence {
        image: digest('a'),
        image_reference: "myapp".into(),
        container: "c2".into(),
        started_at: None,
        path: "/healthz".into(),
        port: 8000,
        first: read(0.8),
        second: read(4.8),
        apart_s: Some(4.01),
        after_restart: read(0.7),
        since_restart_s: Some(1.9),
        state: running(),
        output: Output::default(),
    }
}

fn process(pid: u64, command: &str) -> ProcessSeen {
    ProcessSeen {
        pid,
        command: command.into(),
        uid: 10001,
        real_uid: 10001,
        saved_uid: 10001,
        gid: 10001,
        host_uid: 10001,
        host_gid: 10001,
        capabilities: Vec::new(),
        no_new_privileges: false,
        first_seen_ms: 12,
        last_seen_ms: 6010,
    }
}

pub(crate) fn container() -> ContainerEvidence {
    ContainerEvidence {
        image: digest('a'),
        image_reference: "myapp".into(),
        container: "c3".into(),
        started_at: Some("2026-11-24T10:00:01Z".into()),
        options: RunOptions::default(),
        watched: Watched {
            asked_ms: 6000,
            lasted_ms: 6000,
            looks: 24,
            longest_gap_ms: 260,
            left_out: 0,
            via: "proc".into(),
        },
        processes: vec![process(4711, "gunicorn"), process(4712, "gunicorn")],
        state: running(),
        mounts: Vec::new(),
        writes: Vec::new(),
        http: None,
        output: Output::default(),
    }
}

fn read_only() -> ContainerEvidence {
    let write = |path: &str, file_system: &str, outcome, error: Option<&str>| WriteAttempt {
        path: path.into(),
        file_system: Some(file_system.into()),
        outcome,
        error: error.map(str::to_owned),
    };
    let mut http = SeriesBuilder::new("/healthz", 10_000);
    http.look(100, 1, Err("connection refused".into()));
    for look in 0..=40 {
        http.look(700 + look * 250, 3, Ok(200));
    }
    ContainerEvidence {
        writes: vec![
            write("/", "overlay", WriteOutcome::Refused, Some("EROFS")),
            write("/app", "overlay", WriteOutcome::Refused, Some("EROFS")),
            write("/tmp", "tmpfs", WriteOutcome::Written, None),
            write("/dev/shm", "tmpfs", WriteOutcome::Written, None),
            write("/srv", "overlay", WriteOutcome::Absent, Some("ENOENT")),
        ],
        http: Some(http.finish()),
        ..container()
    }
}
