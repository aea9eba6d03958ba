//! The real engine, asked past the program under test.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use grader_engine::Endpoint;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The tests' image: one static program, `support/guest.c`. It stays, as those of the specimens do.
const GUEST: &str = "grader-test/guest";

/// The engine as `DOCKER_HOST` gives it.
pub(crate) fn host() -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    let endpoint = Endpoint::resolve(&|name| std::env::var(name).ok(), Path::new(&home)).unwrap();
    endpoint.host().to_owned()
}

/// Its socket.
pub(crate) fn socket() -> PathBuf {
    host().strip_prefix("unix://").expect("these tests need an engine at a socket").into()
}

/// Asks it; an answer that is no JSON is null.
pub(crate) fn ask(method: &str, path: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket()).unwrap();
    write!(stream, "{method} /v1.41{path} HTTP/1.0\r\nHost: engine\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn by_label(workspace: &str) -> String {
    format!("filters=%7B%22label%22%3A%5B%22grader.workspace%3D{workspace}%22%5D%7D")
}

/// Containers, networks, volumes and images of a workspace, by name.
pub(crate) fn labelled(workspace: &str) -> Vec<String> {
    let filter = by_label(workspace);
    let mut found = Vec::new();
    for path in ["/containers/json?all=1&", "/networks?", "/images/json?"] {
        let (_, list) = ask("GET", &format!("{path}{filter}"));
        found.extend(list.as_array().into_iter().flatten().map(|it| format!("{path} {}", it["Id"])));
    }
    let (_, volumes) = ask("GET", &format!("/volumes?{filter}"));
    found.extend(
        volumes["Volumes"].as_array().into_iter().flatten().map(|it| format!("volume {}", it["Name"])),
    );
    found
}

/// Removes what is left of a workspace.
pub(crate) fn remove_labelled(workspace: &str) {
    for (path, filter) in [("/containers/json?all=1&", "/containers"), ("/networks?", "/networks")] {
        let (_, list) = ask("GET", &format!("{path}{}", by_label(workspace)));
        for id in list.as_array().into_iter().flatten().filter_map(|it| it["Id"].as_str()) {
            ask("DELETE", &format!("{filter}/{id}?force=1&v=1"));
        }
    }
}

/// The ids of a workspace's containers that run.
pub(crate) fn running_ids(workspace: &str) -> Vec<String> {
    let (_, list) = ask("GET", &format!("/containers/json?{}", by_label(workspace)));
    list.as_array().into_iter().flatten().filter_map(|it| it["Id"].as_str().map(str::to_owned)).collect()
}

/// Runs a program, which must succeed, and returns what it printed.
#[track_caller]
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("DOCKER_BUILDKIT", "1")
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "Ada")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "ada@example.org")))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The tests' image, built once.
pub(crate) fn guest() -> &'static str {
    static BUILT: LazyLock<()> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(program(), folder.path().join("guest")).unwrap();
        let text = "FROM scratch\nCOPY guest /guest\nENTRYPOINT [\"/guest\"]\nSTOPSIGNAL SIGTERM\n";
        std::fs::write(folder.path().join("Dockerfile"), text).unwrap();
        run(folder.path(), "docker", &["build", "-q", "-t", GUEST, "."]);
    });
    LazyLock::force(&BUILT);
    GUEST
}

/// The program in it, as a file.
pub(crate) fn program() -> &'static Path {
    static COMPILED: LazyLock<PathBuf> = LazyLock::new(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/support/guest.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Built aside and moved: another run of these tests may use the file.
        let aside = folder.join(format!("guest-{}", std::process::id()));
        let names = [source.to_string_lossy().into_owned(), aside.to_string_lossy().into_owned()];
        run(folder, "cc", &["-static", "-Os", "-o", &names[1], &names[0]]);
        let program = folder.join("guest");
        std::fs::rename(aside, &program).unwrap();
        program
    });
    &COMPILED
}

/// An image of a test's own, which goes with it.
pub(crate) struct Image(pub(crate) String);

impl Image {
    /// Loads one that holds the tests' program, for this processor or another, with this configuration.
    pub(crate) fn load(name: &str, architecture: &str, config: &Value) -> Self {
        let mut bytes = std::fs::read(program()).unwrap();
        if architecture != this_architecture() {
            // The byte of an ELF file's head that names the processor.
            bytes[18] = if architecture == "arm64" { 0xb7 } else { 0x3e };
        }
        let layer = archive(&[("guest", &bytes)]);
        let digest: String = Sha256::digest(&layer).iter().map(|byte| format!("{byte:02x}")).collect();
        let tag = format!("grader-test/{name}:{}", std::process::id());
        let config = json!({
            "architecture": architecture, "os": "linux", "config": config,
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
        });
        let manifest = json!([{ "Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"] }]);
        let (config, manifest) = (config.to_string(), manifest.to_string());
        let files: [(&str, &[u8]); 3] = [
            ("config.json", config.as_bytes()),
            ("layer.tar", &layer),
            ("manifest.json", manifest.as_bytes()),
        ];
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("image.tar"), archive(&files)).unwrap();
        run(folder.path(), "docker", &["load", "-q", "-i", "image.tar"]);
        Self(tag)
    }

    /// Takes over a name under which something is built; it goes with the test.
    pub(crate) fn named(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["image", "rm", "-f", &self.0]).output();
    }
}

/// The processor as images name it.
pub(crate) fn this_architecture() -> &'static str {
    if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" }
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}
