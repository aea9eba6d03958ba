//! The containers that were run from an image of one name, as the engine has them on record.

use std::{collections::BTreeMap, time::Duration};

use grader_core::{
    evidence::{ContainersEvidence, ImageOnRecord, Output, RecordSource, RunOnRecord, Text},
    workbook::ContainersSpec,
};
use grader_engine::{Captured, Engine, ImageFacts, OutputBounds, RunGone, RunThere};
use jiff::Timestamp;
use tokio::time::timeout;

use super::{Place, Stop};

/// The most containers that are told one by one.
const MOST: usize = 20;

/// How far back events are asked for; the engine forgets them sooner.
const BACK: Duration = Duration::from_secs(24 * 60 * 60);

/// The most that is kept of what one container printed, in bytes.
const PRINTED: usize = 2_000;

/// How long reading it may take.
const READ_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn look(spec: &ContainersSpec, place: &Place<'_>) -> Result<ContainersEvidence, Stop> {
    place.doing(format!("asking which containers were run from {}", spec.image));
    let engine = place.engine()?.engine();
    let runs = engine.runs_of(&spec.image, BACK, MOST).await?;
    let mut images = Images { engine, known: BTreeMap::new() };
    let image = images.look_up(&spec.image).await?;
    let mut told = Vec::new();
    for run in &runs.there {
        told.push(there(run, &mut images).await?);
    }
    told.extend(runs.gone.iter().map(|run| gone(run, image.as_ref())));
    told.sort_by(|one, other| other.started_at.cmp(&one.started_at));
    told.truncate(MOST);
    Ok(ContainersEvidence {
        image_reference: spec.image.clone(),
        image,
        runs: told,
        run_count: runs.count,
        events_since: moment(u128::from(runs.events_since_unix) * 1_000_000_000).unwrap_or_default(),
    })
}

async fn there(run: &RunThere, images: &mut Images<'_>) -> Result<RunOnRecord, Stop> {
    let state = &run.state;
    let bounds = OutputBounds { first: PRINTED / 2, last: PRINTED / 2 };
    // One that was removed meanwhile has nothing more to say, another log driver keeps nothing for us,
    // and a log of gigabytes is not worth the time: no verdict rests on it.
    let output = match timeout(READ_WITHIN, run.container.logs(bounds)).await {
        Ok(Ok(output)) => Some(Output { stdout: text(&output.stdout), stderr: text(&output.stderr) }),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no output of an earlier container");
            None
        }
        Err(_) => None,
    };
    Ok(RunOnRecord {
        container: run.container.id().to_owned(),
        name: run.container.name().to_owned(),
        source: RecordSource::Container,
        image: images.look_up(&state.image).await?.unwrap_or_default(),
        started_at: state.started_at.clone(),
        finished_at: state.finished_at.clone(),
        exited_with_zero: state.exit_code == Some(0),
        exit_code: state.exit_code,
        oom_killed: Some(state.oom_killed),
        error: Some(state.error.clone()).filter(|error| !error.is_empty()),
        output_kept: output.is_some(),
        output: output.unwrap_or_default(),
    })
}

fn gone(run: &RunGone, image: Option<&ImageOnRecord>) -> RunOnRecord {
    let at = |time: Option<u64>| time.and_then(|time| moment(u128::from(time)));
    RunOnRecord {
        container: run.id.clone(),
        name: run.name.clone(),
        source: RecordSource::Events,
        image: image.cloned().unwrap_or_default(),
        started_at: at(run.started_unix_ns),
        finished_at: at(run.finished_unix_ns),
        exited_with_zero: run.exit_code == Some(0),
        exit_code: run.exit_code,
        oom_killed: run.oom_killed.then_some(true),
        error: None,
        output_kept: false,
        output: Output::default(),
    }
}

/// Images by id or name, each looked up once.
struct Images<'a> {
    engine: &'a Engine,
    known: BTreeMap<String, Option<ImageOnRecord>>,
}

impl Images<'_> {
    async fn look_up(&mut self, reference: &str) -> Result<Option<ImageOnRecord>, Stop> {
        if let Some(known) = self.known.get(reference) {
            return Ok(known.clone());
        }
        let found = match self.engine.image(reference).await {
            Ok(facts) => Some(described(&facts)),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        self.known.insert(reference.to_owned(), found.clone());
        Ok(found)
    }
}

fn described(facts: &ImageFacts) -> ImageOnRecord {
    ImageOnRecord {
        there: true,
        id: facts.id.clone(),
        repo_digests: facts.repo_digests.clone(),
        created: facts.created.clone(),
        engine_size_bytes: facts.size_bytes,
        layer_count: facts.diff_ids.len() as u64,
        command: [&facts.config.entrypoint, &facts.config.cmd]
            .into_iter()
            .flatten()
            .flatten()
            .cloned()
            .collect::<Vec<String>>()
            .join(" "),
        stand_in: facts.config.labels.get("stand-in").is_some_and(|value| value == "true"),
    }
}

fn text(captured: &Captured) -> Text {
    Text::cut(&captured.first, &captured.last, captured.total_bytes)
}

fn moment(unix_ns: u128) -> Option<String> {
    let at = i128::try_from(unix_ns).ok().and_then(|at| Timestamp::from_nanosecond(at).ok())?;
    Some(at.to_string())
}
