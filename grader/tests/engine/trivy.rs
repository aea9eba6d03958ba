//! A Trivy that is absent, too old, killed, mute, false or hanging, and a database that is missing or stale:
//! blocked or an error, never a pass. And settings of the learner's that change nothing.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use crate::support::{Bench, Ended, bench::Going};

/// An image with one package, which has a vulnerability that a newer version mends.
const OLD: &str = "grader-test/old-package";

/// What a Trivy says that the check would run.
const VERSION: &str = "if [ \"$1\" = --version ]; then echo 'Version: 0.74.0'; exit 0; fi\n";

/// A workspace whose image is the one with the old package, and a folder for programs before all others.
struct Scan {
    bench: Bench,
    path: String,
    cache: PathBuf,
}

impl Scan {
    fn new() -> Self {
        let bench = Bench::embedded(&format!("[app]\nimage = \"{}\"\n", image()));
        fs::create_dir(bench.path("bin")).unwrap();
        let before = bench.path("bin").display().to_string();
        let path = format!("{before}:{}", env::var("PATH").unwrap());
        Self { bench, path, cache: database() }
    }

    /// The same with a script in the place of Trivy.
    fn with(script: &str) -> Self {
        let scan = Self::new();
        let program = scan.bench.path("bin/trivy");
        fs::write(&program, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        scan
    }

    /// The same with a database of its own that says this of itself; without any words, with none.
    fn with_database(metadata: Option<&str>) -> Self {
        let mut scan = Self::new();
        scan.cache = scan.bench.path("cache");
        fs::create_dir_all(scan.cache.join("db")).unwrap();
        if let Some(metadata) = metadata {
            symlink(database().join("db/trivy.db"), scan.cache.join("db/trivy.db")).unwrap();
            fs::write(scan.cache.join("db/metadata.json"), metadata).unwrap();
        }
        scan
    }

    fn command(&self) -> Command {
        let mut command = self.bench.command(&["check", "4.1", "--json"]);
        command.env("PATH", &self.path).env("TRIVY_CACHE_DIR", &self.cache);
        command
    }

    fn check(&self) -> Ended {
        Going::start(self.command()).end()
    }

    /// Insists on a verdict, on what it says, and on nothing left behind.
    #[track_caller]
    fn ends(&self, verdict: &str, words: &[&str]) -> Ended {
        let ended = self.check();
        let said = ended.verdict("4.1", verdict).to_string();
        assert!(words.iter().all(|words| said.contains(words)), "{words:?}: {said}");
        let left = fs::read_dir(self.bench.workspace().join(".grader/tmp")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "a folder was left behind");
        ended
    }
}

/// The database that the set-up made, or that this machine has.
fn database() -> PathBuf {
    let cache = env::var_os("TRIVY_CACHE_DIR").map(PathBuf::from);
    let cache = cache.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache/trivy")));
    cache.filter(|cache| cache.join("db/trivy.db").exists()).expect("Trivy has a database: ./setup")
}

fn image() -> &'static str {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("Werkzeug-3.0.2.dist-info");
        fs::create_dir(&record).unwrap();
        fs::write(record.join("METADATA"), "Metadata-Version: 2.1\nName: Werkzeug\nVersion: 3.0.2\n")
            .unwrap();
        let site = "/usr/local/lib/python3.13/site-packages";
        let dockerfile =
            format!("FROM scratch\nCOPY Werkzeug-3.0.2.dist-info {site}/Werkzeug-3.0.2.dist-info\n");
        fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
        let built =
            Command::new("docker").args(["build", "-q", "-t", OLD]).arg(folder.path()).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    });
    OLD
}

#[test]
fn trivy_that_is_absent_blocks_and_says_where_to_get_it() {
    let mut scan = Scan::new();
    scan.path = scan.bench.path("bin").display().to_string();
    scan.ends("blocked", &["trivy is not in PATH", "https://trivy.dev/"]).code(3);
}

#[test]
fn trivy_that_is_too_old_or_was_tampered_with_blocks() {
    Scan::with("echo 'Version: 0.49.1'").ends("blocked", &["0.49.1", "too old", "0.50.0"]);
    Scan::with("echo 'Version: 0.69.5'").ends("blocked", &["0.69.5", "foreign code", "remove it"]);
}

#[test]
fn trivy_that_is_killed_fails_or_prints_no_report_is_an_error() {
    let with = |script: &str| Scan::with(&format!("{VERSION}{script}"));
    with("kill -9 $$").ends("error", &["a signal ended it"]).code(4);
    with("echo 'FATAL no such thing' >&2; exit 1").ends("error", &["exit code 1", "FATAL no such thing"]);
    with("echo all is well").ends("error", &["cannot be used", "it is none"]);
    with("echo '{\"SchemaVersion\":1,\"Results\":[]}'").ends("error", &["its schema is 1"]);
    Scan::with("echo nobody knows").ends("error", &["it says no version"]);
}

#[test]
fn a_flood_is_an_error_and_fills_no_memory() {
    let flood = format!("{VERSION}head -c 1000000000 /dev/zero");
    let ended = Scan::with(&flood).ends("error", &["larger than a report can be: 1000000000 bytes"]);
    assert!(ended.memory_kb < 400_000, "{} kB", ended.memory_kb);
}

#[test]
fn trivy_that_hangs_is_ended() {
    let ended = Scan::with("sleep 600").ends("error", &["no answer within 10 s"]);
    assert!(ended.took < Duration::from_secs(30), "{:?}", ended.took);
}

#[test]
fn a_report_without_findings_is_believed_only_of_a_scanner_that_finds_what_is_known() {
    let empty = format!("{VERSION}echo '{{\"SchemaVersion\":2,\"Results\":[]}}'");
    Scan::with(&empty).ends("blocked", &["does not find CVE-2023-30861", "--download-db-only"]);
    // One that plays along there, and reports an image that it never saw.
    let known =
        r#"{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-2023-30861"}]}]}"#;
    let false_one = format!("{VERSION}echo '{known}'");
    Scan::with(&false_one).ends("error", &["of another image"]);
}

#[test]
fn a_database_that_is_missing_stale_or_broken_blocks() {
    Scan::with_database(None).ends("blocked", &["no database", "trivy image --download-db-only"]);
    let nine_days = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(9 * 24 + 1);
    let stale = format!(r#"{{"Version":2,"UpdatedAt":"{nine_days}","DownloadedAt":"{nine_days}"}}"#);
    Scan::with_database(Some(&stale))
        .ends("blocked", &["9 days old", "at most 7", "--download-db-only"])
        .code(3);
    Scan::with_database(Some("{}")).ends("blocked", &["cannot be read", "rm -r "]);
}

#[test]
fn no_setting_of_the_learner_changes_what_is_found() {
    let scan = Scan::new();
    let plain = scan.ends("failed", &["CVE-2024-34069", "3.0.3"]);
    let excuse = "CVE-2024-34069\n";
    let settings = "severity: [LOW]\nscan:\n  skip-dirs: [\"usr\"]\n";
    let vex = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"Ada","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2024-34069"},"products":[{"@id":"pkg:pypi/werkzeug@3.0.2"}],"status":"not_affected","justification":"vulnerable_code_not_present"}]}"#;
    let policy = "package trivy\nimport rego.v1\ndefault ignore = true\n";
    for folder in ["", "app/"] {
        scan.bench.write(&format!("{folder}.trivyignore"), excuse);
        scan.bench.write(&format!("{folder}.trivyignore.yaml"), "vulnerabilities:\n  - id: CVE-2024-34069\n");
        scan.bench.write(&format!("{folder}trivy.yaml"), settings);
    }
    scan.bench.write("vex.json", vex);
    scan.bench.write("policy.rego", policy);
    let file = |name: &str| scan.bench.workspace().join(name);
    let mut command = scan.command();
    command
        .env("TRIVY_IGNOREFILE", file(".trivyignore"))
        .env("TRIVY_CONFIG", file("trivy.yaml"))
        .env("TRIVY_VEX", file("vex.json"))
        .env("TRIVY_IGNORE_POLICY", file("policy.rego"))
        .env("TRIVY_SEVERITY", "LOW")
        .env("TRIVY_SKIP_DIRS", "usr")
        .env("TRIVY_SKIP_FILES", "**/METADATA")
        .env("TRIVY_PKG_TYPES", "os")
        .env("TRIVY_IGNORE_STATUS", "fixed,affected")
        .env("TRIVY_FORMAT", "table")
        .env("TRIVY_OUTPUT", file("report.json"))
        .env("TRIVY_QUIET", "true");
    let ended = Going::start(command).end();
    let failures = |ended: &Ended| ended.verdict("4.1", "failed")["failures"].clone();
    assert_eq!(failures(&ended), failures(&plain));
    assert!(!file("report.json").exists());
}

#[test]
fn the_learners_cache_stays_as_it_is() {
    let now = jiff::Timestamp::now();
    let scan = Scan::with_database(Some(&format!(r#"{{"Version":2,"UpdatedAt":"{now}"}}"#)));
    let names = || {
        let mut names: Vec<PathBuf> =
            fs::read_dir(&scan.cache).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.extend(fs::read_dir(scan.cache.join("db")).unwrap().map(|entry| entry.unwrap().path()));
        names
    };
    let before = names();
    scan.ends("failed", &["CVE-2024-34069"]);
    assert_eq!(names(), before);
}
