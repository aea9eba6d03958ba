//! Calls Compose, always under a project name of the check's own.

use std::{path::PathBuf, time::Duration};

use grader_core::evidence::{Text, ToolSeen};
use grader_engine::OutputBounds;
use serde_json::Value;

use crate::{
    probe::{Place, Stop},
    program::{Call, Program, Ran, Version, said_version},
};

/// The first version whose `up` has `--watch`.
const OLDEST: Version = Version::new(2, 25, 0);

/// How long Compose may take to normalise a file, or to say its version.
const CONFIG_WITHIN: Duration = Duration::from_secs(20);

/// The most that Compose may print as a configuration, in bytes.
const MOST_CONFIG: usize = 2_000_000;

/// How much of its words becomes evidence, in bytes.
pub(super) const SAID: usize = 3000;

/// Compose, for one project and some files.
#[derive(Clone)]
pub(super) struct Compose {
    pub docker: Program,
    pub project: String,
    /// Where paths of the files begin.
    pub folder: PathBuf,
    pub files: Vec<PathBuf>,
}

/// `docker`, with a Compose that can do what is asked of it.
pub(super) async fn found(place: &Place<'_>) -> Result<Program, Stop> {
    let mend = "install Docker Compose 2.25 or newer: https://docs.docker.com/compose/install/";
    let docker = Program::find("docker").ok_or_else(|| Stop::blocked("`docker` is not in PATH", mend))?;
    let call = Call::new(["compose", "version", "--short"], place.workspace.root(), CONFIG_WITHIN);
    let ran = docker.run(&call).await.map_err(|error| Stop::blocked(error.to_string(), mend))?;
    let said = String::from_utf8_lossy(&ran.stdout.first).trim().chars().take(100).collect::<String>();
    place.asked(ToolSeen {
        name: "docker compose".into(),
        path: docker.path().display().to_string(),
        version: said.clone(),
    });
    match said_version(&said).filter(|_| ran.succeeded()) {
        None => Err(Stop::blocked("`docker` has no command `compose`", mend)),
        Some(version) if version < OLDEST => Err(Stop::blocked(
            format!("Docker Compose {version} has no `up --watch`: it came with {OLDEST}"),
            mend,
        )),
        Some(_) => Ok(docker),
    }
}

impl Compose {
    /// A call with these arguments.
    pub(super) fn call(&self, arguments: &[&str], within: Duration) -> Call {
        let mut words: Vec<std::ffi::OsString> =
            ["compose", "--ansi", "never", "--progress", "plain", "-p"].map(Into::into).into();
        words.push((&self.project).into());
        words.push("--project-directory".into());
        words.push(self.folder.clone().into());
        for file in &self.files {
            words.push("-f".into());
            words.push(file.into());
        }
        words.extend(arguments.iter().map(Into::into));
        Call::new(words, &self.folder, within)
    }

    /// Runs it to its end.
    pub(super) async fn run(&self, arguments: &[&str], within: Duration) -> Result<Ran, Stop> {
        let call = self.call(arguments, within);
        self.docker.run(&call).await.map_err(|error| Stop::fault("`docker compose` could not be run", &error))
    }

    /// The files as Compose normalises them, or its words where it does not accept them.
    pub(super) async fn config(&self) -> Result<Result<Value, Text>, Stop> {
        let bounds = OutputBounds { first: MOST_CONFIG, last: 4096 };
        let call = self.call(&["config", "--format", "json"], CONFIG_WITHIN).keep(bounds);
        let ran = self
            .docker
            .run(&call)
            .await
            .map_err(|error| Stop::fault("`docker compose` could not be run", &error))?;
        if ran.timed_out {
            return Ok(Err(Text::bounded(b"`docker compose config` did not end", SAID)));
        }
        if !ran.succeeded() || ran.stdout.cut_bytes > 0 {
            // Paths as the learner knows them.
            let folder = format!("{}/", self.folder.display());
            return Ok(Err(last_of(&words(&ran).head.replace(&folder, ""))));
        }
        serde_json::from_slice(&ran.stdout.first)
            .map(Ok)
            .map_err(|error| Stop::fault("Compose's configuration could not be read", &error))
    }
}

/// What it said on standard error, and that its time was over if it was.
pub(super) fn words(ran: &Ran) -> Text {
    let mut said = ran.stderr.to_text();
    if ran.timed_out {
        said.push_str(&format!("\nended by the grader after {} s\n", ran.took.as_secs()));
    }
    last_of(&said)
}

/// The end of a text: there Compose says what went wrong.
pub(super) fn last_of(said: &str) -> Text {
    let start = said.ceil_char_boundary(said.len().saturating_sub(SAID));
    let kept = &said[start..];
    Text { head: kept.to_owned(), tail: String::new(), bytes: said.len() as u64, cut_bytes: start as u64 }
}
