//! Containers that misbehave: each gets the right verdict, in time, within bounds, and is gone afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Bench, Course, Ended, container, engine};

/// Runs one check of a container; `keys` belong to its probe.
fn check(arguments: &[&str], keys: &str, rule: &str) -> (Bench, Ended) {
    let bench = Bench::new(&Course::default().engine("1.1", &container(arguments, keys), rule));
    let ended = bench.run_unless_busy(&["check", "1.1", "--json"]);
    (bench, ended)
}

/// What the probe saw, as the learner can read it.
fn seen(bench: &Bench) -> Value {
    let attempt = bench.progress().last("1.1".parse().unwrap()).unwrap().unwrap();
    bench.progress().attempt(attempt.number).unwrap().unwrap().evidence.seen["app"].clone()
}

#[track_caller]
fn gone(bench: &Bench) {
    bench.nothing_left_within(Duration::from_millis(500));
}

#[test]
fn a_container_that_exits_at_once_is_failed_with_its_exit_code_and_words() {
    let (bench, ended) = check(&["exit", "7"], "watch = \"2s\"", "app.state.running");
    ended.verdict("1.1", "failed");
    let app = seen(&bench);
    assert_eq!(app["state"]["exit_code"], 7);
    assert_eq!(app["output"]["stderr"]["head"], "it ends at once\n");
    let card = bench.run(&["show", "1.1"]);
    assert!(card.stdout.contains("it ends at once"), "{card:?}");
    gone(&bench);
}

#[test]
fn a_container_that_ends_while_it_is_looked_at_is_a_fact_and_no_error() {
    let mut course = Course::default();
    let mut ids = Vec::new();
    // Looks begin at once, the tries to write after 700 ms.
    for (nth, after) in (0..12).chain((690..726).step_by(3)).enumerate() {
        let id = format!("1.{}", nth + 1);
        let probe = container(&["exit-after", &after.to_string()], "watch = \"1s\"\ntry_writes = true");
        course = course.engine(&id, &probe, "app.state.running");
        ids.push(id);
    }
    let bench = Bench::new(&course);
    let ended = bench.run(&["check", "--all", "--json"]);
    for id in ids {
        ended.verdict(&id, "failed");
    }
    gone(&bench);
}

#[test]
fn a_container_that_someone_removes_meanwhile_is_an_error_and_no_failure() {
    let bench = Bench::new(&Course::default().engine(
        "1.1",
        &container(&["stay"], "watch = \"3s\""),
        "app.state.running",
    ));
    let mut going = bench.start_until_it_runs(&["check", "--json"]);
    for id in engine::running_ids(bench.progress().workspace_id()) {
        engine::ask("DELETE", &format!("/containers/{id}?force=1"));
    }
    let ended = going.end().code(4);
    let result = ended.verdict("1.1", "error");
    assert!(result["error"]["detail"].to_string().contains("container"), "{result}");
    gone(&bench);
}

#[test]
fn a_container_that_ignores_sigterm_is_killed_and_gone_in_time() {
    let (bench, ended) = check(&["stubborn"], "watch = \"1s\"", "app.state.running");
    ended.verdict("1.1", "passed");
    assert!(ended.took < Duration::from_secs(8), "no ten seconds of grace: {:?}", ended.took);
    gone(&bench);
}

#[test]
fn a_container_that_forks_without_end_meets_its_limit_and_is_gone() {
    let probe = "kind = \"container\"\nas = \"app\"\nwatch = \"2s\"\n\
                 run = { command = [\"fork\"], pids_limit = 60 }";
    let rule = "app.state.running && size(app.processes) > 20 && size(app.processes) <= 60";
    let bench = Bench::new(&Course::default().engine("1.1", probe, rule));
    let ended = bench.run_unless_busy(&["check", "1.1", "--json"]);
    ended.verdict("1.1", "passed");
    gone(&bench);
}

#[test]
fn a_container_that_forks_without_end_meets_the_limit_of_every_container() {
    let probe = container(&["fork"], "watch = \"2s\"");
    let bench = Bench::new(&Course::default().engine("1.1", &probe, "app.state.running"));
    let ended = bench.run(&["check", "1.1", "--json"]);
    // Hundreds of processes may be more than a busy machine can look at four times a second.
    let result = ended.result("1.1");
    assert!(
        result["verdict"] == "passed" || result["error"]["what"].to_string().contains("too busy"),
        "{result}"
    );
    assert!(ended.memory_kb < 150_000, "{} kB", ended.memory_kb);
    gone(&bench);
}

#[test]
fn a_container_that_eats_memory_is_killed_by_its_limit_and_that_is_evidence() {
    let probe = "kind = \"container\"\nas = \"app\"\nwatch = \"5s\"\n\
                 run = { command = [\"eat\"], memory_mib = 32 }";
    let bench = Bench::new(&Course::default().engine("1.1", probe, "!app.state.oom_killed"));
    let ended = bench.run(&["check", "--json"]);
    ended.verdict("1.1", "failed");
    assert_eq!(seen(&bench)["state"]["exit_code"], 137);
    gone(&bench);
}

#[test]
fn a_gigabyte_of_output_stays_within_bounds_whatever_it_is_made_of() {
    const GIGABYTE: &str = "1000000000";
    let printed = |how: &str| {
        let (bench, ended) = check(&["print", how, GIGABYTE], "", "app.state.exit_code == 0");
        assert!(ended.memory_kb < 150_000, "{how}: {} kB", ended.memory_kb);
        assert!(ended.took < Duration::from_secs(45), "{how}: {:?}", ended.took);
        // Whether an engine writes it all down in the ten seconds that are waited is its own affair.
        let verdict = ended.result("1.1")["verdict"].clone();
        assert!(verdict == "passed" || verdict == "failed", "{how}: {ended:?}");
        let printed = &seen(&bench)["output"]["stdout"];
        assert!(printed.to_string().len() < 60_000, "{how}: {} bytes of evidence", printed.to_string().len());
        gone(&bench);
    };
    // At once, each by a grader of its own: what is waited for is the engine.
    std::thread::scope(|scope| {
        for how in ["lines", "flat", "binary"] {
            scope.spawn(move || printed(how));
        }
    });
}

#[test]
fn what_is_printed_is_shown_from_both_ends_with_how_much_was_cut() {
    let bench = Bench::new(&Course::default().engine(
        "1.1",
        &container(&["print", "lines", "1000000"], ""),
        "app.state.running",
    ));
    let card = bench.run(&["check"]).code(1);
    assert!(card.stdout.contains("the last words"), "{}", card.stdout);
    assert!(
        card.stdout.contains("1.0 MB") || card.stdout.contains("left out") || card.stdout.contains('…'),
        "{}",
        card.stdout
    );
    let printed = &seen(&bench)["output"]["stdout"];
    assert!(printed["head"].as_str().unwrap().starts_with("the first words\n"), "{printed}");
    assert!(printed["tail"].as_str().unwrap().ends_with("\nthe last words\n"), "{printed}");
}

/// Insists that a text drives no terminal: our own colours, where they were asked for, are its only sequences.
#[track_caller]
fn harmless(text: &str, coloured: bool) {
    let own = text.split("\u{1b}[").skip(1).all(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(0);
        rest[end..].starts_with('m') && coloured
    });
    let hostile =
        |c: char| (c.is_control() && c != '\n' && c != '\u{1b}') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(own && !text.contains(hostile), "{text:?}");
    assert_eq!(text.matches('\u{1b}').count(), text.matches("\u{1b}[").count(), "{text:?}");
}

/// All the ways in which a learner sees what was found.
const SHOWN: [&[&str]; 6] = [
    &["check", "1.1"],
    &["check", "1.1", "--plain"],
    &["check", "1.1", "--color=always"],
    &["show", "1.1"],
    &["show", "1.1", "--evidence"],
    &["check", "1.1", "--json"],
];

#[test]
fn terminal_escapes_of_a_container_reach_no_terminal() {
    let (bench, ended) = check(&["escapes"], "", "app.state.running");
    ended.verdict("1.1", "failed");
    for arguments in SHOWN {
        let shown = bench.run(arguments);
        let read = shown.stdout.contains("red") || shown.stdout.contains("on stderr");
        assert!(read || arguments.contains(&"--json"), "{shown:?}");
        harmless(&shown.stdout, arguments.contains(&"--color=always"));
        harmless(&shown.stderr, arguments.contains(&"--color=always"));
    }
}

#[test]
fn terminal_escapes_of_an_image_and_in_the_engines_words_reach_no_terminal() {
    let evil = "\u{1b}]0;t\u{7}\u{9b}31m\u{202e}nowhere";
    let config = json!({
        "Entrypoint": [format!("/{evil}")], "User": evil, "Labels": { evil: evil }, "Env": [format!("A={evil}")],
        "WorkingDir": format!("/{evil}"), "StopSignal": "SIGTERM",
    });
    let image = engine::Image::load("evil", engine::this_architecture(), &config);
    let head = "uses = [\"engine\"]\nwithin = \"40s\"";
    let probes =
        "kind = \"container\"\nas = \"app\"\nwatch = \"1s\"\n[[probe]]\nkind = \"image\"\nas = \"image\"";
    let actual = "image.config.user + (app.state.error == null ? '' : app.state.error)";
    let course = Course::default().check("1.1", head, probes, "app.state.running", actual);
    let bench = Bench::with(&course, &format!("[app]\nimage = \"{}\"\n", image.0));
    bench.run(&["check", "--json"]).verdict("1.1", "failed");
    for arguments in SHOWN {
        let shown = bench.run(arguments);
        assert!(shown.stdout.contains("nowhere"), "{shown:?}");
        harmless(&shown.stdout, arguments.contains(&"--color=always"));
        harmless(&shown.stderr, arguments.contains(&"--color=always"));
    }
}

#[test]
fn an_image_that_is_not_there_blocks_with_the_command_that_builds_it() {
    let bench = Bench::with(&Course::stays(), "[app]\nimage = \"grader-test/nowhere\"\n");
    let ended = bench.run(&["check", "--json"]);
    let blocked = &ended.verdict("1.1", "blocked")["blocked"];
    assert_eq!(ended.code, 3);
    assert!(blocked["what"].to_string().contains("no image `grader-test/nowhere`"), "{blocked}");
    assert!(blocked["fix"].to_string().contains("docker build -t grader-test/nowhere"), "{blocked}");
}

#[test]
fn an_image_for_another_platform_blocks_with_the_command_that_builds_it_for_this_one() {
    let other = if engine::this_architecture() == "amd64" { "arm64" } else { "amd64" };
    let image = engine::Image::load("other", other, &json!({ "Entrypoint": ["/guest"] }));
    for probe in [
        container(&["stay"], "watch = \"1s\""),
        "kind = \"endpoint\"\nas = \"app\"\npath = \"/\"\nport = 8000\nfirst_within = \"3s\"".to_owned(),
    ] {
        let settings = format!("[app]\nimage = \"{}\"\n", image.0);
        let bench = Bench::with(&Course::default().engine("1.1", &probe, "app.state.running"), &settings);
        let ended = bench.run(&["check", "--json"]);
        let blocked = &ended.verdict("1.1", "blocked")["blocked"];
        assert!(blocked["what"].to_string().contains(&format!("linux/{other}")), "{blocked}");
        assert!(blocked["fix"].to_string().contains("--platform linux/"), "{blocked}");
        gone(&bench);
    }
}

#[test]
fn an_entry_point_that_is_not_there_is_failed_with_the_engines_words() {
    let image =
        engine::Image::load("no-entry", engine::this_architecture(), &json!({ "Entrypoint": ["/nowhere"] }));
    let probe = "kind = \"container\"\nas = \"app\"\nwatch = \"1s\"";
    let actual = "app.state.error == null ? 'it ended' : app.state.error";
    let head = "uses = [\"engine\"]\nwithin = \"40s\"";
    let course = Course::default().check("1.1", head, probe, "app.state.running", actual);
    let bench = Bench::with(&course, &format!("[app]\nimage = \"{}\"\n", image.0));
    let ended = bench.run(&["check", "--json"]);
    let result = ended.verdict("1.1", "failed");
    assert!(result["failures"][0]["actual"].to_string().contains("/nowhere"), "{result}");
    gone(&bench);
}

#[test]
fn a_program_that_the_check_names_and_the_image_lacks_is_nothing_to_look_at() {
    let probe = "kind = \"container\"\nas = \"app\"\noptional = true\nrun = { entrypoint = [\"whoami\"] }";
    let bench = Bench::new(&Course::default().engine("1.1", probe, "app.state.running"));
    let ended = bench.run(&["check", "--json"]);
    ended.verdict("1.1", "failed");
    gone(&bench);
}

#[test]
fn an_app_that_wants_a_variable_is_failed_with_that_and_passes_once_workspace_toml_has_it() {
    let head = "uses = [\"engine\"]\nwithin = \"40s\"";
    let actual = "'it ended: ' + app.output.stderr.head";
    let probe = container(&["need", "GREETING"], "watch = \"1s\"");
    let bench = Bench::new(&Course::default().check("1.1", head, &probe, "app.state.running", actual));
    let failed = bench.run(&["check", "--json"]);
    let result = failed.verdict("1.1", "failed");
    assert!(result["failures"][0]["actual"].to_string().contains("GREETING is not set"), "{result}");
    assert!(result["failures"][0]["fix"].to_string().contains("[app] env"), "{result}");
    for settings in ["env = { GREETING = \"hello\" }", "env_file = \"app/.env\""] {
        bench.write(
            "workspace.toml",
            format!("format = 1\n[app]\nimage = \"{}\"\n{settings}\n", engine::guest()),
        );
        bench.write("app/.env", "# what it needs\nGREETING=hello\n");
        bench.run_unless_busy(&["check", "1.1", "--json"]).verdict("1.1", "passed");
    }
}

#[test]
fn services_beside_the_app_are_reached_by_their_names_and_gone_afterwards() {
    let compose = format!(
        "services:\n  greeter:\n    image: {guest}\n    command: [\"serve\", \"ok\"]\n    ports: [\"8000:8000\"]\n    \
         volumes: [\"./data:/data\"]\n  web:\n    build: .\n",
        guest = engine::guest()
    );
    let python =
        "import urllib.request as u; print(u.urlopen('http://greeter:8000/', timeout=5).read().decode())";
    let probe = format!(
        "kind = \"container\"\nas = \"app\"\nrun = {{ entrypoint = [\"python3\", \"-c\", {python:?}] }}"
    );
    let rule = "app.state.exit_code == 0 && app.output.stdout.head.contains('ok')";
    let head = "uses = [\"engine\"]\nwithin = \"60s\"";
    let course = Course::default().check("1.1", head, &probe, rule, "app.output.stderr.tail");
    let bench = Bench::with(&course, "[app]\nimage = \"python:3.13-slim\"\nwith = [\"greeter\"]\n");
    bench.write("app/compose.yaml", compose);
    let ended = bench.run(&["check", "--json"]);
    ended.verdict("1.1", "passed");
    gone(&bench);
    assert!(!bench.workspace().join("app/data").exists(), "nothing of the learner's is mounted or made");

    bench.write("workspace.toml", "format = 1\n[app]\nimage = \"python:3.13-slim\"\nwith = [\"gretter\"]\n");
    let ended = bench.run(&["check", "--json", "1.1"]);
    let blocked = &ended.verdict("1.1", "blocked")["blocked"];
    assert!(blocked["what"].to_string().contains("no service `gretter`; it has: greeter"), "{blocked}");
    gone(&bench);
}

#[test]
fn a_container_that_fails_again_and_again_is_restarted_as_often_as_the_check_allows() {
    let probe = "kind = \"container\"\nas = \"app\"\nwatch = \"4s\"\n\
                 run = { command = [\"exit\", \"1\"], restarts = 2 }";
    let bench = Bench::new(&Course::default().engine("1.1", probe, "app.state.running"));
    let ended = bench.run(&["check", "--json"]);
    ended.verdict("1.1", "failed");
    let state = &seen(&bench)["state"];
    assert!(state["restarts"].as_u64().is_some_and(|restarts| (1..=2).contains(&restarts)), "{state}");
    gone(&bench);
}

#[test]
fn a_health_check_that_hangs_is_never_healthy_and_is_judged_in_time() {
    let config = json!({
        "Entrypoint": ["/guest"],
        "Healthcheck": { "Test": ["CMD", "/guest", "stubborn"], "Interval": 1_000_000_000, "Retries": 1 },
    });
    let image = engine::Image::load("hanging", engine::this_architecture(), &config);
    let probe = "kind = \"health\"\nas = \"app\"\nhealthy_within = \"8s\"\nunhealthy_within = \"1s\"";
    let course = Course::default().engine("1.1", probe, "app.before_stop.status == 'healthy'");
    let bench = Bench::with(&course, &format!("[app]\nimage = \"{}\"\n", image.0));
    let ended = bench.run(&["check", "--json"]);
    ended.verdict("1.1", "failed");
    assert!(ended.took < Duration::from_secs(30), "{:?}", ended.took);
    gone(&bench);
}
