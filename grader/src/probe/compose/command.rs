//! Calls Compose, always under a project name of the check's own.

use std::{path::PathBuf, time::Duration};

use grader_core::evidence::{Text, ToolSeen};
use grader_engine::OutputBounds;
use serde_json::Value;

use crate::{
    probe::{Place, Stop},
    program::{COMPOSE, Call, Installed, PluginState, Program, Ran},
};

const MEND: &str = "install Docker Compose 2.25 or newer: https://docs.docker.com/compose/install/";

/// How long Compose may take to normalise a file, or to say its version.
const CONFIG_WITHIN: Duration = Duration::from_secs(20);

/// The most that Compose may print as a configuration, in bytes.
const MOST_CONFIG: usize = 2_000_000;

/// How much of its words becomes evidence, in bytes.
pub(super) const SAID: usize = 3000;

/// Compose, for one project and some files.
#[derive(Clone)]
pub(in crate::probe) struct Compose {
    pub docker: Program,
    pub project: String,
    /// Where paths of the files begin.
    pub folder: PathBuf,
    pub files: Vec<PathBuf>,
}

/// `docker`, with a Compose that can do what is asked of it.
pub(super) async fn found(place: &Place<'_>) -> Result<Program, Stop> {
    match installed(place).await? {
        (found, true) => Ok(found.docker),
        (found, false) => Err(Stop::blocked(
            format!("Docker Compose {} has no `up --watch`: it came with {}", found.version, COMPOSE.oldest),
            MEND,
        )),
    }
}

/// A Compose of whatever version, and whether it is new enough for [`found`].
pub(in crate::probe) async fn installed(place: &Place<'_>) -> Result<(Installed, bool), Stop> {
    let (found, is_new) = match COMPOSE.state(CONFIG_WITHIN).await {
        PluginState::Ready(found) => (found, true),
        PluginState::Old(found) => (found, false),
        PluginState::Silent(why) => {
            tracing::debug!(why, "no Compose");
            return Err(Stop::blocked("`docker` has no command `compose`", MEND));
        }
        PluginState::NoDocker => return Err(Stop::blocked("`docker` is not in PATH", MEND)),
    };
    place.asked(ToolSeen {
        name: "docker compose".into(),
        path: found.docker.path().display().to_string(),
        version: found.said.clone(),
    });
    Ok((found, is_new))
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
    pub(in crate::probe) async fn config(&self) -> Result<Result<Value, Text>, Stop> {
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
