//! Where learners begin, and where they arrive: `init`, the images built, and the embedded checks for real.

use std::{fs, path::Path, time::Duration};

use rustix::process::Signal;

use crate::support::{
    Bench,
    engine::{self, Image},
};

/// The exercises that have a check now.
const EXERCISES: [&str; 4] = ["2.2", "2.3", "4.2", "4.3"];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name == "__pycache__" || name == ".pytest_cache" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn the_start_fails_every_check_and_the_sample_app_laid_over_it_passes_each() {
    let name = format!("grader-test/begin-{}", std::process::id());
    let _images = [Image::named(&name), Image::named(&format!("{name}:before"))];
    let bench = Bench::embedded("");
    let folder = bench.path("course");
    bench.run(&["init", "--yes", "--app", &name, &folder.display().to_string()]).code(0);
    let bench = bench.in_workspace(&folder);
    engine::run(&folder, "docker", &["build", "-q", "-t", &name, "-t", &format!("{name}:before"), "app"]);

    let ended = bench.run_unless_busy(&[&["check", "--json"][..], &EXERCISES].concat());
    for id in EXERCISES {
        ended.verdict(id, "failed");
    }
    assert_eq!(ended.code, 1);
    assert_eq!(bench.left(), [""; 0]);

    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-app");
    copy(&sample, &folder.join("app"));
    engine::run(&folder, "git", &["add", "-A"]);
    engine::run(&folder, "git", &["commit", "-q", "-m", "The finished app"]);
    let head = engine::run(&folder, "git", &["rev-parse", "HEAD"]);
    // As the sample's README builds it.
    let argument = format!("GIT_SHA={}", head.trim());
    engine::run(&folder.join("app"), "docker", &["build", "-q", "-t", &name, "--build-arg", &argument, "."]);
    let megabytes = |image: &str| {
        let size = engine::run(&folder, "docker", &["image", "inspect", "--format", "{{.Size}}", image]);
        size.trim().parse::<f64>().unwrap() / 1e6
    };
    let noted = format!(
        "before_mb = {:.1}\nafter_mb = {:.1}\n",
        megabytes(&format!("{name}:before")),
        megabytes(&name)
    );
    fs::write(folder.join("answers/2.2.toml"), noted).unwrap();

    let ended = bench.run_unless_busy(&[&["check", "--json"][..], &EXERCISES].concat());
    for id in EXERCISES {
        ended.verdict(id, "passed");
    }
    assert_eq!(ended.code, 0);
    assert!(ended.memory_kb < 150_000, "{} kB, whatever the images weigh", ended.memory_kb);
    assert_eq!(bench.left(), [""; 0]);

    // What was judged is there still: nothing is stale until something of it changes, and then that alone.
    let states = |wanted: &str| {
        let listed = bench.run(&["list", "--json"]);
        let document: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
        let of = |id: &str| {
            let exercises = document["exercises"].as_array().unwrap();
            exercises.iter().find(|exercise| exercise["exercise"] == *id).unwrap()["state"].clone()
        };
        for id in EXERCISES {
            assert_eq!(of(id), wanted, "{id}: {document}");
        }
    };
    states("passed");
    engine::run(&folder, "docker", &["tag", &format!("{name}:before"), &name]);
    states("stale");
    engine::run(&folder.join("app"), "docker", &["build", "-q", "-t", &name, "--build-arg", &argument, "."]);
    states("passed");

    // Stopped in the middle and continued, it has not failed: passed, or an error of nobody's.
    let mut going = bench.start_until_it_runs(&["check", "4.2", "4.3", "--json"]);
    going.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(5));
    going.signal(Signal::CONT);
    let ended = going.end();
    for id in ["4.2", "4.3"] {
        assert_ne!(ended.result(id)["verdict"], "failed", "{ended:?}");
    }
}
