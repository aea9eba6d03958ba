//! Runs Trivy with nothing of the learner's: no settings, no list of exceptions, no cache but the database.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, Read},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use grader_core::{
    digest::hex,
    workbook::{KnownVulnerability, VulnerabilitiesSpec},
};
use grader_engine::OutputBounds;
use sha2::{Digest, Sha256};

use super::{DOWNLOAD, Stop, database::DatabaseSeen, faulty, format::Report, report::Unusable};
use crate::program::{Call, Program, Ran, Version, said_version};

/// Where to get one.
const INSTALL: &str = "install Trivy: https://trivy.dev/latest/getting-started/installation/";

/// How long one may take to say its version.
const VERSION_WITHIN: Duration = Duration::from_secs(10);

/// How long it may take to find what it must find first.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);

/// How long it may take to scan an image.
const SCAN_WITHIN: Duration = Duration::from_secs(150);

/// The most that a report may weigh, in bytes; those of large images have a few megabytes.
const LARGEST_REPORT: usize = 64 * 1024 * 1024;

/// A Trivy that is there.
#[derive(Clone, Debug)]
pub(crate) struct InstalledScanner {
    /// What is run.
    pub program: Program,
    /// Its version.
    pub version: Version,
    /// The same as it says it.
    pub said: String,
}

/// Whether there is a Trivy.
#[derive(Clone, Debug)]
pub(crate) enum ScannerState {
    /// It is there.
    Seen(InstalledScanner),
    /// None is in `PATH`.
    None,
    /// What is there says no version, and what happened instead.
    Silent { path: PathBuf, why: String },
}

/// Asks for it, within a time.
pub(crate) async fn installed(within: Duration) -> ScannerState {
    let Some(program) = Program::find("trivy") else { return ScannerState::None };
    let path = program.path().to_owned();
    let silent = |why: String| ScannerState::Silent { path: path.clone(), why };
    // An empty folder of ours: a settings file where it runs would be read even for this.
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return silent(error.to_string()),
    };
    let call = bare(Call::new(["--version"], folder.path(), within), folder.path());
    match program.run(&call).await {
        Ok(ran) if ran.timed_out => silent(format!("no answer within {} s", within.as_secs_f32())),
        Ok(ran) if ran.succeeded() => match said_version(&ran.stdout.to_text()) {
            Some(version) => {
                ScannerState::Seen(InstalledScanner { program, version, said: version.to_string() })
            }
            None => silent("it says no version".into()),
        },
        Ok(ran) => silent(ended(&ran)),
        Err(error) => silent(super::super::chain(&error)),
    }
}

/// One that this check may run, or blocked.
pub(super) async fn usable(spec: &VulnerabilitiesSpec) -> Result<InstalledScanner, Stop> {
    match installed(VERSION_WITHIN).await {
        ScannerState::Seen(found) => match found.refused(spec) {
            None => Ok(found),
            Some(why) => Err(Stop::blocked(why, INSTALL)),
        },
        ScannerState::None => Err(Stop::blocked("trivy is not in PATH", INSTALL)),
        ScannerState::Silent { path, why } => {
            Err(faulty(format!("`{} --version` told no version", path.display()), why))
        }
    }
}

impl InstalledScanner {
    /// Why a check will not have it; `None` if it will.
    pub(crate) fn refused(&self, spec: &VulnerabilitiesSpec) -> Option<String> {
        let (version, path) = (self.version, self.program.path().display());
        if spec.trivy_not.iter().any(|not| said_version(not) == Some(version)) {
            return Some(format!(
                "Trivy {version} at {path} was published with foreign code in it: remove it"
            ));
        }
        let least = said_version(&spec.trivy_at_least)?;
        (version < least).then(|| format!("Trivy {version} at {path} is too old; {least} or newer is needed"))
    }
}

/// SHA-256 of the file that is run.
pub(super) async fn digest(path: &Path) -> Result<String, Stop> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut hash = Sha256::new();
        let mut file = fs::File::open(path)?;
        let mut piece = vec![0; 1 << 16];
        loop {
            match file.read(&mut piece)? {
                0 => break,
                read => hash.update(&piece[..read]),
            }
        }
        io::Result::Ok(hex(&hash.finalize()))
    });
    match read.await {
        Ok(Ok(digest)) => Ok(digest),
        Ok(Err(error)) => Err(Stop::fault("the scanner's file could not be read", &error)),
        Err(error) => Err(Stop::fault("the scanner's file could not be read", &error)),
    }
}

/// Trivy in a folder of ours.
pub(super) struct Scanner {
    program: Program,
    folder: PathBuf,
}

impl Scanner {
    /// Lays out what it reads: an empty folder to run in, empty settings, the database and nothing else of
    /// the learner's cache, in which layers could have been noted as clean.
    pub(super) fn in_folder(program: Program, scratch: &Path, database: &DatabaseSeen) -> io::Result<Self> {
        let folder = scratch.join("trivy");
        for name in ["run", "home", "cache/db", "cache/java-db"] {
            fs::create_dir_all(folder.join(name))?;
        }
        for name in ["settings.yaml", "no-exceptions"] {
            fs::write(folder.join(name), "")?;
        }
        // Links to the files and not to their folder: Trivy removes a file that it takes for broken.
        let source = database.folder.canonicalize()?;
        for name in ["trivy.db", "metadata.json"] {
            symlink(source.join(name), folder.join("cache/db").join(name))?;
        }
        let java = source.with_file_name("java-db");
        for name in ["trivy-java.db", "metadata.json"] {
            if java.join(name).is_file() {
                symlink(java.join(name), folder.join("cache/java-db").join(name))?;
            }
        }
        Ok(Self { program, folder })
    }

    /// Scans an image's archive.
    pub(super) async fn scan(&self, archive: &Path) -> Result<Report, Stop> {
        let target = [OsStr::new("--input"), archive.as_os_str()];
        self.run("image", &target, SCAN_WITHIN).await
    }

    /// Insists that scanner and database find what both must know.
    pub(super) async fn finds_known(
        &self,
        known: &KnownVulnerability,
        database: &DatabaseSeen,
    ) -> Result<(), Stop> {
        let root = self.folder.join("known");
        let record = format!("usr/lib/python3/site-packages/{}-{}.dist-info", known.package, known.version);
        let folder = root.join(record);
        let text = format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", known.package, known.version);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("METADATA"), text))
            .map_err(|error| super::no_room(&error))?;
        let report = self.run("rootfs", &[root.as_os_str()], KNOWN_WITHIN).await?;
        if report.names(&known.id) {
            return Ok(());
        }
        Err(Stop::blocked(
            format!(
                "Trivy does not find {} in {} {}: it, or its database, is not what it should be",
                known.id, known.package, known.version
            ),
            format!("rm -r {} && {DOWNLOAD}", database.folder.display()),
        ))
    }

    async fn run(&self, what: &str, target: &[&OsStr], within: Duration) -> Result<Report, Stop> {
        let keep = OutputBounds { first: LARGEST_REPORT, last: 4096 };
        let call = Call::new(self.arguments(what, target), &self.folder.join("run"), within).keep(keep);
        let ran = self
            .program
            .run(&bare(call, &self.folder.join("home")))
            .await
            .map_err(|error| Stop::fault("Trivy could not be run", &error))?;
        if ran.timed_out {
            return Err(faulty(format!("Trivy did not end within {} s", within.as_secs()), ran.last_words()));
        }
        if !ran.succeeded() {
            let words = ran.stderr.to_text();
            if words.contains("java-db") || words.contains("Java DB") {
                return Err(Stop::blocked(
                    "the image holds Java archives, for which Trivy needs a second database",
                    "trivy image --download-java-db-only",
                ));
            }
            return Err(faulty(format!("Trivy failed: {}", ended(&ran)), ran.last_words()));
        }
        Report::read(&ran.stdout).map_err(|Unusable(why)| faulty("Trivy's report cannot be used", why))
    }

    /// Every setting that matters is given, so that no other place is asked for it. What only newer
    /// versions know is given as a variable, which an older one passes over.
    fn arguments(&self, what: &str, target: &[&OsStr]) -> Vec<OsString> {
        let ours = |name: &str| self.folder.join(name).into_os_string();
        let mut arguments: Vec<OsString> = vec![what.into()];
        for (flag, value) in [
            ("--config", ours("settings.yaml")),
            ("--ignorefile", ours("no-exceptions")),
            ("--cache-dir", ours("cache")),
            ("--cache-backend", "fs".into()),
            ("--format", "json".into()),
            ("--scanners", "vuln".into()),
            ("--severity", "UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL".into()),
            ("--exit-code", "0".into()),
        ] {
            arguments.extend([flag.into(), value]);
        }
        let switches = [
            "--list-all-pkgs",
            "--ignore-unfixed=false",
            "--skip-db-update",
            "--skip-java-db-update",
            "--offline-scan",
            "--no-progress",
        ];
        arguments.extend(switches.map(OsString::from));
        arguments.extend(target.iter().map(OsString::from));
        arguments
    }
}

/// A call that sees no variable of Trivy's, and another home.
fn bare(mut call: Call, home: &Path) -> Call {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("TRIVY_") || text.starts_with("XDG_") {
            call = call.without(name);
        }
    }
    for name in ["HOME", "TMPDIR"] {
        call = call.env(name, home);
    }
    for name in ["TRIVY_SKIP_VERSION_CHECK", "TRIVY_DISABLE_TELEMETRY", "TRIVY_SHOW_SUPPRESSED"] {
        call = call.env(name, "true");
    }
    call
}

/// How a run that did not succeed ended.
fn ended(ran: &Ran) -> String {
    match ran.exit_code {
        Some(code) => format!("it ended with exit code {code}"),
        None => "a signal ended it".into(),
    }
}
