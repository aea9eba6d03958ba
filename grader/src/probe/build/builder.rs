//! Runs the learner's own `docker build`, with BuildKit, and keeps what it tells. Start at [`Builder::find`].

use std::{ffi::OsString, path::Path, time::Duration};

use grader_core::{
    Fault,
    evidence::{BuildSeen, Text, ToolSeen},
};
use grader_engine::{ImageFacts, Made, MadeKind, OutputBounds, RUN_LABEL, WORKSPACE_LABEL};

use super::{
    super::{EngineAccess, Place, Stop, app::millis},
    record::Record,
};
use crate::program::{BUILDX, Call, PluginState, Program, Stream};

/// How long it may take to say its version.
const VERSION_WITHIN: Duration = Duration::from_secs(20);

/// How much of an error or a step becomes evidence, in bytes.
const WORDS: usize = 2000;

/// How much of what the builder prints is kept besides its record, in bytes.
const KEEP: OutputBounds = OutputBounds { first: 1024, last: 16 * 1024 };

/// Variables that would have another builder, another form of output, or another result. Which engine is
/// asked (`DOCKER_HOST`, `DOCKER_CONTEXT`) and for which platform stays the learner's choice.
const WITHOUT: [&str; 8] = [
    "BUILDX_BUILDER",
    "BUILDX_EXPERIMENTAL",
    "BUILDX_METADATA_PROVENANCE",
    "BUILDX_NO_DEFAULT_ATTESTATIONS",
    "BUILDX_NO_DEFAULT_LOAD",
    "BUILDKIT_PROGRESS",
    "BUILDKIT_SYNTAX",
    "SOURCE_DATE_EPOCH",
];

const MEND: &str =
    "install Docker's buildx plugin, 0.13 or newer: https://docs.docker.com/build/install-buildx/";

/// The learner's `docker build`.
pub(super) struct Builder<'a> {
    docker: Program,
    access: &'a EngineAccess,
    within: Duration,
}

/// A build that came to its end.
pub(super) struct Built {
    pub seen: BuildSeen,
    pub record: Record,
    /// What the engine says of the image; `None` if there is none.
    pub image: Option<ImageFacts>,
    /// Under which name it was registered.
    pub made: Made,
}

impl<'a> Builder<'a> {
    /// Finds it, or says what is missing.
    pub(super) async fn find(place: &'a Place<'_>, within: Duration) -> Result<Self, Stop> {
        let access = place.engine()?;
        let found = match BUILDX.state(VERSION_WITHIN).await {
            PluginState::Ready(found) => found,
            PluginState::Old(found) => {
                let what = format!("`docker buildx` is {}, {} is needed", found.version, BUILDX.oldest);
                return Err(Stop::blocked(what, MEND));
            }
            PluginState::Silent(why) => {
                tracing::debug!(why, "no buildx");
                return Err(Stop::blocked("`docker buildx` is not there", MEND));
            }
            PluginState::NoDocker => {
                let what = "the command `docker` is not there";
                return Err(Stop::blocked(what, "install Docker's command line"));
            }
        };
        place.asked(ToolSeen {
            name: "docker buildx".into(),
            path: found.docker.path().display().to_string(),
            version: found.said,
        });
        let docker = found.docker;
        Ok(Self { docker, access, within })
    }

    /// Builds `folder`. A build that fails, or that does not end, is a fact.
    pub(super) async fn build(
        &self,
        folder: &Path,
        dockerfile: &str,
        argument: Option<&str>,
        of: &str,
    ) -> Result<Built, Stop> {
        let made = self.access.scope.register(MadeKind::Image)?;
        let mut call = Call::new(self.arguments(&made, dockerfile, argument), folder, self.within).keep(KEEP);
        call.env_without = WITHOUT.iter().map(OsString::from).collect();
        let mut record = Record::default();
        let mut tell = |stream: Stream, line: &[u8]| {
            if stream == Stream::Stderr {
                record.line(line);
            }
        };
        let ran = self.docker.run_telling(&call, &mut tell).await;
        let ran = ran.map_err(|error| Stop::fault("docker cannot be run", &error))?;
        let image = match self.access.engine().image(&made.name).await {
            Ok(facts) => Some(facts),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        let fault = |what: &str| {
            let detail = Text::bounded(ran.last_words().as_bytes(), WORDS).head;
            Err(Stop::Fault(Fault { what: what.to_owned(), detail }))
        };
        if ran.succeeded() && image.is_none() {
            return fault("the build went well, and its image is not in the engine that is asked");
        }
        if !ran.succeeded() && !record.has_begun() {
            return fault("`docker buildx build` could not begin");
        }
        let culprit = if ran.succeeded() { None } else { record.culprit() };
        let error = culprit.and_then(|vertex| vertex.error.clone());
        if error.as_ref().is_some_and(|error| error.contains("no space left on device")) {
            return fault("the engine has no space left to build");
        }
        let words = |text: &str| Text::bounded(text.as_bytes(), WORDS);
        let printed = culprit.map(super::record::Vertex::printed).unwrap_or_default();
        let seen = BuildSeen {
            of: of.to_owned(),
            exit_code: ran.exit_code,
            timed_out: ran.timed_out,
            took_ms: millis(ran.took),
            failed_step: culprit.map(|vertex| words(&vertex.name)),
            error: (!ran.succeeded()).then(|| words(&error.unwrap_or_else(|| ran.last_words()))),
            last_words: Text::cut(&printed.first, &printed.last, printed.total_bytes),
            log_bytes: record.log_bytes,
            image: image.as_ref().filter(|_| ran.succeeded()).map(|facts| facts.id.clone()),
        };
        Ok(Built { seen, record, image, made })
    }

    fn arguments(&self, made: &Made, dockerfile: &str, argument: Option<&str>) -> Vec<OsString> {
        let labels = self.access.scope.labels();
        let mut arguments: Vec<String> = ["buildx", "build", "--builder", "default", "--progress", "rawjson"]
            .into_iter()
            .chain(["--load", "--provenance=false", "--file", dockerfile, "--tag", &made.name])
            .map(str::to_owned)
            .collect();
        for (label, value) in [(WORKSPACE_LABEL, &labels.workspace), (RUN_LABEL, &labels.run)] {
            arguments.extend(["--label".to_owned(), format!("{label}={value}")]);
        }
        if let Some(argument) = argument {
            arguments.extend(["--build-arg".to_owned(), argument.to_owned()]);
        }
        arguments.push(".".into());
        arguments.into_iter().map(OsString::from).collect()
    }

    /// Removes an image now; what cannot be removed now is removed with the run.
    pub(super) async fn remove(&self, made: &Made) {
        if let Err(error) = self.access.scope.remove(made).await {
            tracing::warn!(%error, %made, "not removed yet");
        }
    }
}
