//! Compose files that cannot be brought up, that share names with what the learner runs, and a check of one
//! that is interrupted: nothing of the learner's is touched, nothing of the check's is left.

use std::{collections::BTreeSet, thread, time::Duration};

use rustix::process::Signal;

use crate::support::{Bench, Course, engine};

const PROBE: &str =
    "kind = \"compose\"\nas = \"it\"\nfile = \"app/compose.yaml\"\nservice = \"web\"\nprobe = \"/\"";

/// A check that asks for no more than that the file comes up and answers.
fn course() -> Course {
    let head = "uses = [\"engine\", \"compose\"]\nwithin = \"3m\"";
    Course::default().check("1.1", head, PROBE, "it.up.started && it.up.answered", "'it does not'")
}

/// A workspace whose app is the tests' program, with this Compose file.
fn bench(file: &str) -> Bench {
    let bench = Bench::new(&course());
    bench.write("app/Dockerfile", format!("FROM {}\n", engine::guest()));
    bench.write("app/compose.yaml", file);
    bench
}

/// What bears Compose's label, of each kind, with the project's name.
fn of_project(project: &str) -> Vec<String> {
    let filter = format!("label=com.docker.compose.project={project}");
    [&["ps", "-aq"][..], &["volume", "ls", "-q"], &["network", "ls", "-q"], &["images", "-q"]]
        .iter()
        .flat_map(|command| {
            let arguments = [command, &["--filter", filter.as_str()][..]].concat();
            let listed = engine::run(std::path::Path::new("/"), "docker", &arguments);
            listed.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// The projects of this workspace's copies that have containers now.
fn projects(bench: &Bench) -> BTreeSet<String> {
    let format =
        "{{.Label \"com.docker.compose.project\"}} {{.Label \"com.docker.compose.project.working_dir\"}}";
    let listed = engine::run(std::path::Path::new("/"), "docker", &["ps", "-a", "--format", format]);
    let here = bench.workspace().join(".grader").display().to_string();
    let ours = listed.lines().filter_map(|line| line.split_once(' ').filter(|(_, at)| at.starts_with(&here)));
    ours.map(|(project, _)| project.to_owned()).collect()
}

#[test]
fn a_file_that_compose_refuses_has_failed_in_composes_own_words() {
    let bench = bench("services:\n  web:\n    build: .\n    port: 8000\n");
    let head = "uses = [\"engine\", \"compose\"]\nwithin = \"3m\"";
    let words = Course::default().check("1.1", head, PROBE, "size(it.refused.head) == 0", "it.refused.head");
    words.write(&bench.path("book"));
    let ended = bench.run(&["check", "1.1", "--json"]).code(1);
    let actual = ended.verdict("1.1", "failed")["failures"][0]["actual"].to_string();
    assert!(actual.contains("port") && actual.contains("not allowed"), "{actual}");
    assert!(!actual.contains(&bench.workspace().display().to_string()), "{actual}");
}

#[test]
fn a_variable_that_is_set_nowhere_is_missing_and_with_an_env_file_it_is_wrong() {
    let bench = bench("services:\n  web:\n    build: .\n    environment: { A: \"${NEEDED:?}\" }\n");
    let ended = bench.run(&["check", "1.1", "--json"]).code(3);
    let blocked = ended.verdict("1.1", "blocked")["blocked"].clone();
    assert!(blocked["what"].to_string().contains("NEEDED"), "{blocked}");
    assert!(blocked["fix"].to_string().contains("app/.env"), "{blocked}");
    bench.write("app/.env", "OTHER=1\n");
    bench.run(&["check", "1.1", "--json"]).code(1).verdict("1.1", "failed");
    bench.write("app/compose.yaml", "services:\n  web:\n    build: .\n    env_file: [secret.env]\n");
    let ended = bench.run(&["check", "1.1", "--json"]).code(3);
    assert!(ended.verdict("1.1", "blocked")["blocked"]["what"].to_string().contains("app/secret.env"));
}

#[test]
fn an_image_that_is_not_there_is_missing_and_is_not_pulled() {
    let bench = bench("services:\n  web:\n    build: .\n  db:\n    image: nowhere.example/db:1\n");
    let ended = bench.run(&["check", "1.1", "--json"]).code(3);
    let blocked = ended.verdict("1.1", "blocked")["blocked"].clone();
    assert_eq!(blocked["fix"], "docker pull nowhere.example/db:1");
}

/// The same names, ports and volumes as the learner's own project, which runs.
const THEIRS: &str = r#"
services:
  web:
    build: .
    image: NAME-image
    container_name: NAME-web
    command: [serve, ok]
    ports: ["127.0.0.1::8000"]
    volumes: ["kept:/kept", "./folder:/folder"]
    networks: [inner]
networks:
  inner: { name: NAME-net }
volumes:
  kept: { name: NAME-kept }
"#;

#[test]
fn what_the_learner_runs_from_the_same_file_is_left_alone() {
    let name = format!("grader-test-compose-{}", std::process::id());
    let text = THEIRS.replace("NAME", &name);
    let bench = bench(&text);
    let app = bench.workspace().join("app");
    let compose = |arguments: &[&str]| {
        engine::run(&app, "docker", &[&["compose", "-p", &name], arguments].concat());
    };
    compose(&["up", "-d", "--build"]);
    // The port that the learner's own has got is asked for by the file from now on: it is in use.
    let inspect = || {
        [
            format!("/containers/{name}-web/json"),
            format!("/volumes/{name}-kept"),
            format!("/networks/{name}-net"),
            format!("/images/{name}-image/json"),
        ]
        .map(|path| {
            let mut about = engine::ask("GET", &path).1;
            if let Some(mounts) = about["Mounts"].as_array_mut() {
                mounts.sort_by_key(|mount| mount["Destination"].to_string());
            }
            about
        })
    };
    let before = inspect();
    let port = before[0]["NetworkSettings"]["Ports"]["8000/tcp"][0]["HostPort"].as_str().unwrap().to_owned();
    bench.write("app/compose.yaml", text.replace("127.0.0.1::8000", &format!("127.0.0.1:{port}:8000")));
    let ended = bench.run(&["check", "1.1", "--json"]);
    let after = inspect();
    compose(&["down", "-v", "--rmi", "all"]);
    // It came up beside it and answered; this app's answer is in no file, which is what stopped the look.
    let blocked = ended.verdict("1.1", "blocked")["blocked"]["what"].to_string();
    assert!(blocked.contains("no text of the answer"), "{blocked}");
    for (now, then) in after.iter().zip(&before) {
        assert_eq!(now, then);
    }
    assert!(before[1]["Name"].is_string() && before[3]["Id"].is_string());
    assert_eq!(projects(&bench), BTreeSet::new());
}

/// An app that never answers, so that the check waits.
const SILENT: &str = "services:\n  web:\n    build: .\n    command: [stay]\n    volumes: [\"kept:/kept\"]\n    \
                      ports: [\"8000\"]\nvolumes:\n  kept: {}\n";

fn interrupted(signal: Signal) -> (Bench, String) {
    let bench = bench(SILENT);
    let mut going = bench.start(&["check", "1.1"]);
    let project = loop {
        assert!(going.still(), "it ended before it was interrupted: {:?}", going.end());
        if let Some(project) = projects(&bench).pop_first() {
            break project;
        }
        thread::sleep(Duration::from_millis(20));
    };
    going.signal(signal);
    going.end();
    (bench, project)
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing_of_the_project() {
    let (bench, project) = interrupted(Signal::INT);
    assert_eq!(of_project(&project), [""; 0]);
    assert_eq!(std::fs::read_dir(bench.workspace().join(".grader/tmp")).unwrap().count(), 0);
}

#[test]
fn what_kill_9_leaves_is_removed_by_the_next_check() {
    let (bench, project) = interrupted(Signal::KILL);
    assert_ne!(of_project(&project), [""; 0]);
    bench.write("app/compose.yaml", "services:\n  web:\n    build: .\n    port: 1\n");
    bench.run(&["check", "1.1"]).code(1);
    assert_eq!(of_project(&project), [""; 0]);
}
