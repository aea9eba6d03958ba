//! Engines that cannot be used at all: blocked at once, with what is missing and the command that mends it.

use std::{
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    thread,
    time::Duration,
};

use crate::support::{Bench, Course, Ended};

/// One check that asks the engine, and one that does not.
fn bench() -> Bench {
    let course = Course::stays().answer("1.2");
    let bench = Bench::with(&course, "[app]\nimage = \"hello-world\"\n");
    bench.write("answers/1.2.toml", "n = 1");
    bench
}

/// Insists that the one is blocked at once with these words, and the other judged.
#[track_caller]
fn blocked(bench: &Bench, what: &[&str], fix: &str) -> Ended {
    let ended = bench.run(&["check", "--all", "--json"]);
    let result = ended.verdict("1.1", "blocked");
    ended.verdict("1.2", "passed");
    assert_eq!(ended.code, 3, "{ended:?}");
    let (said, mend) = (result["blocked"]["what"].to_string(), result["blocked"]["fix"].to_string());
    assert!(what.iter().all(|what| said.contains(what)), "{said}");
    assert!(mend.contains(fix), "{mend}");
    // 500 ms, and what a busy machine takes to run at all.
    let took = ended.json()["duration_ms"].as_u64().unwrap();
    assert!(took <= 1000, "{took} ms");
    ended
}

#[test]
fn an_engine_that_is_absent_blocks_at_once_and_names_socket_and_mend() {
    let bench = bench();
    let socket = format!("unix://{}", bench.path("no-engine.sock").display());
    let bench = bench.at(&socket);
    blocked(&bench, &["no container engine", &socket], "systemctl start docker");
    let card = bench.run(&["check", "1.1"]).code(3);
    assert!(card.stdout.contains("blocked") && card.stdout.contains("systemctl start docker"), "{card:?}");
}

#[test]
fn a_socket_that_nobody_listens_on_blocks_at_once() {
    let bench = bench();
    let path = bench.path("engine.sock");
    drop(UnixListener::bind(&path).unwrap());
    let socket = format!("unix://{}", path.display());
    blocked(&bench.at(&socket), &["nobody listens", &socket], "systemctl start docker");
}

#[test]
fn an_engine_that_this_user_may_not_use_blocks_at_once() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: becoming another user needs root");
        return;
    }
    let bench = bench();
    let path = bench.path("engine.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let socket = format!("unix://{}", path.display());
    let bench = bench.at(&socket).run_by(65534, None);
    std::os::unix::fs::chown(&path, Some(0), Some(0)).unwrap();
    blocked(&bench, &["no permission", &socket], "usermod -aG docker");
}

#[test]
fn an_engine_that_accepts_and_never_answers_blocks_within_half_a_second() {
    let bench = bench();
    let path = bench.path("engine.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let socket = format!("unix://{}", path.display());
    blocked(&bench.at(&socket), &["did not answer", &socket], "restart docker");
}

#[test]
fn an_engine_that_is_too_old_blocks_and_says_which_is_needed() {
    let bench = bench();
    let path = bench.path("engine.sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut request) {
                    let asked = String::from_utf8_lossy(&request[..count]).into_owned();
                    let body = if asked.contains("/version") {
                        r#"{"Version":"17.03.0-ce","ApiVersion":"1.27","Os":"linux","Arch":"amd64"}"#
                    } else if asked.contains("/info") {
                        "{}"
                    } else {
                        "OK"
                    };
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
                    );
                    if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let socket = format!("unix://{}", path.display());
    blocked(&bench.at(&socket), &["API 1.27", "1.41"], "update the engine");
}

#[test]
fn an_engine_over_ssh_or_a_windows_pipe_is_told_how_it_can_be_reached() {
    let bench = bench().at("ssh://ada@example.org");
    blocked(&bench, &["ssh://ada@example.org", "over SSH"], "ssh -nNTL");
    let bench = bench.at("npipe:////./pipe/docker_engine");
    blocked(&bench, &["npipe:", "Windows pipe"], "WSL 2");
}

#[test]
fn a_context_of_docker_that_leads_over_ssh_is_told_like_a_variable() {
    use sha2::{Digest, Sha256};
    let bench = bench().at("");
    let docker = bench.path("home/.docker");
    let name: String = Sha256::digest(b"far").iter().map(|byte| format!("{byte:02x}")).collect();
    let meta = docker.join("contexts/meta").join(name);
    std::fs::create_dir_all(&meta).unwrap();
    std::fs::write(docker.join("config.json"), r#"{"currentContext":"far"}"#).unwrap();
    let text = r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"ssh://ada@example.org"}}}"#;
    std::fs::write(meta.join("meta.json"), text).unwrap();
    blocked(&bench, &["ssh://ada@example.org"], "ssh -nNTL");
    std::fs::remove_file(meta.join("meta.json")).unwrap();
    blocked(&bench, &["far", "does not exist"], "docker context use default");
}

#[test]
fn a_doctor_without_an_engine_says_what_is_missing_and_does_not_hang() {
    let bench = bench();
    let path = bench.path("engine.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let bench = bench.at(&format!("unix://{}", path.display()));
    let ended = bench.run(&["doctor"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.took < Duration::from_secs(10), "{ended:?}");
    let list = bench.run(&["list"]).code(0);
    assert!(list.took < Duration::from_secs(5), "{list:?}");
}
