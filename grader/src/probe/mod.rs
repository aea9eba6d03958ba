//! Probes: each looks at one kind of thing and returns evidence; none judges.
//!
//! A probe is a function behind the one `match` of [`look`]. It ends in facts, in "there is nothing
//! to look at" (for an optional probe), in "something is missing" (blocked), or in a fault.

mod answers;
mod app;
mod archive;
mod beside;
mod build;
mod comment;
mod compose;
mod container;
mod containers;
mod endpoint;
mod git;
mod globs;
mod hashing;
mod health;
mod http;
mod image;
mod images;
mod kind;
mod layer;
mod markers;
mod place;
mod processes;
mod prose;
mod running;
mod vulnerabilities;

use std::collections::BTreeMap;

use grader_core::{
    Fault, Missing,
    workbook::{Probe, ProbeSpec},
};
use grader_engine::EngineError;
use serde::Serialize;
use serde_json::Value;

pub(crate) use app::{app_environment, millis};
pub use archive::{FoundInLayer, search_layers};
pub(crate) use git::missing as no_repository;
pub use images::Images;
pub use markers::Markers;
pub use place::{EngineAccess, Place};
pub(crate) use place::{engine_seen, lock};
pub use running::close as close_question;
pub(crate) use vulnerabilities::{DOWNLOAD, DatabaseState, ScannerState, installed as installed_scanner};

/// What a probe came back with.
#[derive(Debug)]
pub enum Looked {
    /// Facts, and what besides the engine answered.
    Seen(Value),
    /// There is nothing to look at, and why. A fact only for an optional probe.
    Absent(String),
}

/// Why a probe could not look.
#[derive(Debug)]
pub enum Stop {
    /// Something is missing that a person can provide.
    Blocked(Missing),
    /// The grader or the engine could not do its work.
    Fault(Fault),
}

impl Stop {
    /// A stop for want of something, with the command that provides it.
    pub fn blocked(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Blocked(Missing { what: what.into(), fix: fix.into() })
    }

    /// A stop by a fault.
    pub fn fault(what: impl Into<String>, cause: &dyn std::error::Error) -> Self {
        Self::Fault(Fault { what: what.into(), detail: chain(cause) })
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        if error.is_missing() {
            Self::blocked(chain(&error), error.mend())
        } else {
            Self::fault("the container engine could not do its part", &error)
        }
    }
}

/// Lets one probe look. Each is on the heap: together they would be more than a thread's stack holds.
///
/// `seen` is what earlier probes of the same check saw.
pub async fn look(probe: &Probe, place: &Place<'_>, seen: &BTreeMap<String, Value>) -> Result<Looked, Stop> {
    match &probe.spec {
        ProbeSpec::Image(spec) => facts(&Box::pin(image::look(spec, place)).await?),
        ProbeSpec::Container(spec) => match Box::pin(container::look(spec, place)).await? {
            container::Watched::Seen(evidence) => facts(&*evidence),
            container::Watched::NoSuchProgram(why) => Ok(Looked::Absent(why)),
        },
        ProbeSpec::Endpoint(spec) => facts(&Box::pin(endpoint::look(spec, place)).await?),
        ProbeSpec::Health(spec) => facts(&Box::pin(health::look(spec, place)).await?),
        ProbeSpec::Git(spec) => facts(&git::look(spec, place, seen)?),
        ProbeSpec::Answers(spec) => facts(&answers::look(spec, place)?),
        ProbeSpec::Containers(spec) => facts(&Box::pin(containers::look(spec, place)).await?),
        ProbeSpec::Prose(spec) => facts(&prose::look(spec, place)?),
        ProbeSpec::Running(spec) => facts(&Box::pin(running::look(spec, place)).await?),
        ProbeSpec::Build(spec) => facts(&Box::pin(build::look(spec, place)).await?),
        ProbeSpec::Compose(spec) => facts(&Box::pin(compose::look(spec, place)).await?),
        ProbeSpec::Vulnerabilities(spec) => facts(&Box::pin(vulnerabilities::look(spec, place)).await?),
    }
}

/// Puts evidence into the form in which it is stored and judged.
fn facts<T: Serialize>(evidence: &T) -> Result<Looked, Stop> {
    serde_json::to_value(evidence)
        .map(Looked::Seen)
        .map_err(|error| Stop::fault("what was seen could not be written down", &error))
}
