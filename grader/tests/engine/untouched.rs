//! A check changes nothing of the learner's: not a byte of the folder, nothing in the engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    thread,
    time::Duration,
};

use serde_json::json;

use crate::support::{
    Bench, Course, Proxy, container,
    engine::{self, Image},
};

/// Every path of a folder with its kind and mode, the time of its last change, and its bytes.
fn snapshot(folder: &Path) -> BTreeMap<String, (u32, i64, i64, Vec<u8>)> {
    fn walk(root: &Path, folder: &Path, into: &mut BTreeMap<String, (u32, i64, i64, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path == root.join(".grader") {
                continue;
            }
            let about = path.symlink_metadata().unwrap();
            let bytes = if about.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            let name = path.strip_prefix(root).unwrap().display().to_string();
            into.insert(name, (about.mode(), about.mtime(), about.mtime_nsec(), bytes));
            if about.is_dir() {
                walk(root, &path, into);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// What the learner has in the engine, in the engine's own words.
struct Theirs {
    image: Image,
    name: String,
}

impl Theirs {
    fn make() -> Self {
        let config = json!({
            "Entrypoint": ["/guest"], "Cmd": ["serve", "ok"], "Volumes": { "/data": {} },
            "Healthcheck": { "Test": ["CMD", "/guest", "exit", "0"], "Interval": 1_000_000_000_u64 },
        });
        let image = Image::load("learner", engine::this_architecture(), &config);
        let name = format!("grader-test-learner-{}", std::process::id());
        let here = Path::new("/");
        engine::run(here, "docker", &["volume", "create", &name]);
        engine::run(here, "docker", &["network", "create", &name]);
        let volume = format!("{name}:/kept");
        let started =
            ["run", "-d", "--name", &name, "--network", &name, "-v", &volume, "--no-healthcheck", &image.0];
        engine::run(here, "docker", &started);
        engine::run(here, "docker", &["create", "--name", &format!("{name}-stopped"), &image.0]);
        Self { image, name }
    }

    fn inspected(&self) -> Vec<serde_json::Value> {
        let name = &self.name;
        [
            format!("/containers/{name}/json"),
            format!("/containers/{name}-stopped/json"),
            format!("/networks/{name}"),
            format!("/volumes/{name}"),
            format!("/images/{}/json", self.image.0),
        ]
        .iter()
        .map(|path| {
            let mut about = engine::ask("GET", path).1;
            // The engine tells mounts in an order of chance.
            if let Some(mounts) = about["Mounts"].as_array_mut() {
                mounts.sort_by_key(|mount| mount["Destination"].to_string());
            }
            about
        })
        .collect()
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let name = &self.name;
        for path in [
            format!("/containers/{name}?force=1&v=1"),
            format!("/containers/{name}-stopped?force=1&v=1"),
            format!("/networks/{name}"),
            format!("/volumes/{name}"),
        ] {
            engine::ask("DELETE", &path);
        }
    }
}

#[test]
fn a_check_changes_nothing_of_the_learners_in_folder_or_engine() {
    let theirs = Theirs::make();
    let proxy = Proxy::new();
    let run = "run = { command = [\"serve\", \"ok\"] }";
    let writes = "try_writes = true\nserve = { path = \"/\", for = \"1s\" }";
    let endpoint = format!("kind = \"endpoint\"\nas = \"app\"\npath = \"/\"\ngap = \"200ms\"\n{run}");
    let course = Course::default()
        .answer("1.1")
        .engine("1.2", "kind = \"image\"\nas = \"app\"\nlayers = true", "app.size_bytes > 0")
        .engine("1.3", &container(&["serve", "ok"], writes), "app.state.running")
        .engine("1.4", &endpoint, "app.first.json_object")
        .engine(
            "1.5",
            "kind = \"health\"\nas = \"app\"\nunhealthy_within = \"2s\"",
            "app.before_stop.status == 'healthy'",
        )
        .check(
            "1.6",
            "uses = [\"git\"]\nwithin = \"9s\"",
            "kind = \"git\"\nas = \"app\"",
            "app.head != ''",
            "'no'",
        )
        .engine(
            "1.7",
            "kind = \"running\"\nas = \"app\"\nfile = \"1.7.toml\"",
            "app.pid.written.text == app.pid.accepted[0].value",
        );
    let settings = format!("[app]\nimage = \"{}\"\nwith = [\"db\"]\n", theirs.image.0);
    let bench = Bench::with(&course, &settings).at(&proxy.host());
    bench.write("answers/1.1.toml", "n = 1");
    bench.write("answers/1.7.toml", format!("container = \"{}\"", theirs.name));
    let compose =
        format!("services:\n  db:\n    image: {}\n    volumes: [\"./data:/data\"]\n", theirs.image.0);
    bench.write("app/compose.yaml", compose);
    bench.write(".gitignore", ".grader/\n");
    for arguments in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-q", "-m", "The app"]] {
        engine::run(bench.workspace(), "git", arguments);
    }
    bench.write("app/not-committed.txt", "mine");
    // Its folder is there before, so that the workspace's own times can be compared too.
    let id = bench.progress().workspace_id().to_owned();
    let status =
        || engine::run(bench.workspace(), "git", &["--no-optional-locks", "status", "--porcelain=v2"]);
    let (before, files, said) = (theirs.inspected(), snapshot(bench.workspace()), status());

    let mut going = bench.start(&["check", "--all", "--json"]);
    let mut volumes = BTreeSet::new();
    while going.still() {
        for container in engine::running_ids(&id) {
            let (_, about) = engine::ask("GET", &format!("/containers/{container}/json"));
            let mounts = about["Mounts"].as_array().cloned().unwrap_or_default();
            volumes.extend(mounts.iter().filter_map(|mount| mount["Name"].as_str().map(str::to_owned)));
        }
        thread::sleep(Duration::from_millis(200));
    }
    let ended = going.end();
    for id in ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6"] {
        ended.verdict(id, "passed");
    }
    // It asks a question, which is open from now on.
    ended.verdict("1.7", "blocked");

    assert!(snapshot(bench.workspace()) == files, "a file, a mode or a time of the workspace is another");
    assert_eq!(status(), said);
    for (now, then) in theirs.inspected().iter().zip(&before) {
        assert_eq!(now, then);
    }
    bench.nothing_left_within(Duration::from_millis(500));
    question_alone(&id);
    assert!(!volumes.is_empty(), "the image declares a volume");
    for volume in &volumes {
        assert_eq!(engine::ask("GET", &format!("/volumes/{volume}")).0, 404, "{volume} is still there");
    }
    only_its_own(&proxy.requests());
}

/// The question and the image that it is made of are all that a check leaves behind: limited, shut off from
/// every network, and bound to end and go by itself.
#[track_caller]
fn question_alone(workspace: &str) {
    let filter = format!("filters=%7B%22label%22%3A%5B%22grader.question%3D{workspace}%22%5D%7D");
    let (_, containers) = engine::ask("GET", &format!("/containers/json?all=1&{filter}"));
    let (_, images) = engine::ask("GET", &format!("/images/json?all=1&{filter}"));
    let (containers, images) = (containers.as_array().unwrap(), images.as_array().unwrap());
    assert_eq!((containers.len(), images.len()), (1, 1), "{containers:?} {images:?}");
    let id = containers[0]["Id"].as_str().unwrap();
    let (_, about) = engine::ask("GET", &format!("/containers/{id}/json"));
    assert_eq!(about["Image"], images[0]["Id"]);
    assert_eq!(about["State"]["Running"], true);
    assert_eq!(about["HostConfig"]["AutoRemove"], true);
    assert_eq!(about["HostConfig"]["NetworkMode"], "none");
    assert_eq!(about["HostConfig"]["ReadonlyRootfs"], true);
    assert_eq!(about["Config"]["Cmd"], json!(["3600"]), "it sleeps for an hour, and ends");
    assert_eq!(about["Mounts"], json!([]));
    assert_eq!(about["Config"]["Labels"], json!({ "grader.question": workspace }));
    assert!(images[0]["Size"].as_u64().unwrap() < 100_000);
    engine::ask("DELETE", &format!("/containers/{id}?force=1"));
    engine::ask("DELETE", &format!("/images/{}?force=1", images[0]["Id"].as_str().unwrap()));
}

/// Of all that the engine was told to do, nothing meant what a run had not made itself.
#[track_caller]
fn only_its_own(requests: &[String]) {
    let mut made = 0;
    for request in
        requests.iter().filter(|request| !request.starts_with("GET ") && !request.starts_with("HEAD "))
    {
        if request.starts_with("POST /containers/create") {
            assert!(request.contains("name=grader-"), "{request}");
            made += 1;
        } else if request.starts_with("DELETE ") {
            let own = ["/containers/", "/networks/", "/images/"]
                .iter()
                .any(|kind| request.contains(&format!("{kind}grader")));
            let by_id = request.starts_with("DELETE /containers/") && request.contains("force=true");
            assert!(own || by_id, "{request}");
        } else {
            let allowed = ["/networks/create", "/images/load"]
                .iter()
                .any(|path| request.starts_with(&format!("POST {path}")))
                || (request.starts_with("POST /containers/") && !request.contains("grader-test-learner"));
            assert!(allowed, "{request}");
        }
    }
    assert!(made >= 4, "{made} containers");
}
