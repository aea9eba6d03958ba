//! Keeps `docker compose up --watch` running, edits files of the copy, and sees what comes of it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use grader_core::{
    evidence::{ComposeWatch, Text, WatchedEdit},
    workbook::ComposeSpec,
};
use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    command::{Compose, SAID, last_of},
    config::{below, text, watched},
    edit::{SourceEdit, make, manifest, new_word, source_edits, touch_manifest},
    project::Project,
};
use crate::probe::{Place, Stop, lock, millis};

/// How long `up --watch` may run at most: longer than all that is looked at meanwhile.
const WATCH_WITHIN: Duration = Duration::from_secs(20 * 60);

/// How long a rebuild that has begun may take.
const REBUILD_WITHIN: Duration = Duration::from_secs(100);

/// How long Compose may take to say that it watches, once the app answers: an edit that came before would be
/// lost, and nobody's fault. On a busy machine that takes longer than it seems.
const ENABLED_WITHIN: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(150);

/// `up --watch`, while it runs. Dropped, it is ended with all that it started.
pub(super) struct Watching {
    said: Arc<Mutex<Said>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Said {
    words: String,
    enabled: bool,
    rebuilding: bool,
    ended: bool,
}

impl Watching {
    /// Brings the project up, watched.
    pub(super) fn start(compose: &Compose) -> Result<Self, Stop> {
        let call = compose.call(&["up", "--watch", "--pull", "never"], WATCH_WITHIN);
        let mut running = compose
            .docker
            .start(&call)
            .map_err(|error| Stop::fault("`docker compose up --watch` could not be run", &error))?;
        let said: Arc<Mutex<Said>> = Arc::default();
        let into = Arc::clone(&said);
        let task = tokio::spawn(async move {
            let ended = running.pump(&mut |_, line| hear(&into, &String::from_utf8_lossy(line))).await;
            tracing::debug!(?ended, "`up --watch` ended");
            lock(&into).ended = true;
        });
        Ok(Self { said, task })
    }

    fn words(&self) -> Text {
        last_of(&lock(&self.said).words)
    }

    fn has_ended(&self) -> bool {
        lock(&self.said).ended
    }

    fn rebuilds(&self) -> bool {
        lock(&self.said).rebuilding
    }

    async fn enabled(&self) {
        let end = Instant::now() + ENABLED_WITHIN;
        while !lock(&self.said).enabled && !self.has_ended() && Instant::now() < end {
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps what Compose says itself; what services print has the service before a bar.
fn hear(into: &Mutex<Said>, line: &str) {
    if line.contains("  | ") {
        return;
    }
    let mut said = lock(into);
    let lower = line.to_lowercase();
    said.enabled |= lower.contains("watch enabled") || lower.contains("watch configuration");
    said.rebuilding |= lower.contains("rebuilding");
    if said.words.len() < 64 * SAID {
        said.words.push_str(line);
        said.words.push('\n');
    }
}

/// Where the app's sources lie, and what is watched there.
pub(super) struct Sources {
    /// The app's build context, in the copy.
    pub context: PathBuf,
    entries: Vec<(PathBuf, String)>,
}

impl Sources {
    /// Of a service of the configuration that is brought up.
    pub(super) fn of(service: &Value) -> Self {
        let build = service.get("build");
        let context = build.and_then(|build| text(build, "context")).unwrap_or("").into();
        let entries = watched(service)
            .filter_map(|entry| {
                Some((PathBuf::from(text(entry, "path")?), text(entry, "action")?.to_owned()))
            })
            .collect();
        Self { context, entries }
    }

    /// Whether anything is watched.
    pub(super) fn watched(&self) -> bool {
        !self.entries.is_empty()
    }

    fn actions(&self, path: &Path) -> Vec<String> {
        let of_path = self.entries.iter().filter(|(watched, _)| path.starts_with(watched));
        of_path.map(|(_, action)| action.clone()).collect()
    }

    fn is_synced(&self, path: &Path) -> bool {
        let actions = self.actions(path);
        actions.iter().any(|action| action.starts_with("sync"))
            && !actions.iter().any(|action| action == "rebuild")
    }

    fn edited(&self, path: &Path) -> WatchedEdit {
        WatchedEdit {
            path: Some(below(&path.to_string_lossy(), &self.context.to_string_lossy())),
            actions: self.actions(path),
            ..WatchedEdit::default()
        }
    }
}

/// Edits a source file and the manifest, one after the other, and sees what comes of it.
pub(super) async fn look(
    project: &Project,
    compose: &Compose,
    sources: &Sources,
    watching: Option<&Watching>,
    spec: &ComposeSpec,
    place: &Place<'_>,
) -> Result<ComposeWatch, Stop> {
    let mut seen = ComposeWatch { asked_for: sources.watched(), ..ComposeWatch::default() };
    let answer = match project.ask().await? {
        Ok(answer) => answer,
        Err(_) => return Ok(seen),
    };
    let page = String::from_utf8_lossy(&answer.body).into_owned();
    let found = source_edits(&sources.context, &page, &|path| sources.is_synced(path)).into_iter().next();
    if found.is_none() && answer.status < 400 {
        return Err(Stop::blocked(
            format!(
                "no text of the answer to `{}` stands in a source file, so no edit would show",
                spec.probe
            ),
            "name a page with such a text: grader config set compose.probe=PATH",
        ));
    }
    let found_manifest =
        manifest(&sources.context, &|path| sources.actions(path).iter().any(|a| a == "rebuild")).ok_or_else(
            || {
                Stop::blocked(
                    "no file is there that names what the app needs, as requirements.txt or package.json",
                    "write one beside the Dockerfile",
                )
            },
        )?;
    if let Some(watching) = watching {
        watching.enabled().await;
    }
    let word = new_word().map_err(|error| Stop::fault("no word could be made up for an edit", &error))?;
    if let Some(found) = &found {
        place.doing("editing a source file, and waiting until the edit is served");
        seen.edit = source_edited(project, sources, watching, spec, found, &word).await?;
    }
    place.doing("editing the manifest, and waiting for the rebuild");
    seen.manifest = manifest_edited(project, sources, watching, spec, &found_manifest).await?;
    if let Some(watching) = watching {
        seen.said = project.without_secrets(watching.words());
    }
    if found.is_some() && !seen.edit.served {
        shows_when_built(project, compose, spec, &word, &seen).await?;
    }
    Ok(seen)
}

/// Edits a source file and waits until the edit is served.
async fn source_edited(
    project: &Project,
    sources: &Sources,
    watching: Option<&Watching>,
    spec: &ComposeSpec,
    edit: &SourceEdit,
    word: &str,
) -> Result<WatchedEdit, Stop> {
    let before = project.listed(&project.service).await?;
    let mut seen = sources.edited(&edit.path);
    make(edit, word).map_err(|error| Stop::fault("a file of the copy could not be edited", &error))?;
    let began = Instant::now();
    loop {
        if let Ok(answer) = project.ask().await? {
            seen.served = memchr::memmem::find(&answer.body, word.as_bytes()).is_some();
        }
        seen.waited_ms = millis(began.elapsed());
        let rebuilds = watching.is_some_and(Watching::rebuilds);
        // A rebuild is awaited, so that the edit of the manifest finds a project at rest.
        let within = if rebuilds { REBUILD_WITHIN } else { spec.edit_within.0 };
        let ended = watching.is_none_or(Watching::has_ended);
        if seen.served || ended || began.elapsed() >= within {
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    let after = project.listed(&project.service).await?;
    seen.same_image = before.as_ref().map(|one| &one.image) == after.as_ref().map(|one| &one.image);
    seen.same_container = before.map(|one| one.id) == after.map(|one| one.id);
    Ok(seen)
}

/// Edits the manifest and waits until another container runs.
async fn manifest_edited(
    project: &Project,
    sources: &Sources,
    watching: Option<&Watching>,
    spec: &ComposeSpec,
    path: &Path,
) -> Result<WatchedEdit, Stop> {
    let before = project.listed(&project.service).await?;
    let mut seen = sources.edited(path);
    (seen.same_image, seen.same_container) = (true, true);
    if let Some(watching) = watching {
        lock(&watching.said).rebuilding = false;
    }
    touch_manifest(path).map_err(|error| Stop::fault("a file of the copy could not be edited", &error))?;
    let began = Instant::now();
    loop {
        let after = project.listed(&project.service).await?;
        seen.waited_ms = millis(began.elapsed());
        if let (Some(before), Some(after)) = (&before, &after)
            && after.running
        {
            seen.same_container = before.id == after.id;
            seen.same_image = before.image == after.image;
        }
        let rebuilds = watching.is_some_and(Watching::rebuilds);
        let within = if rebuilds { REBUILD_WITHIN } else { spec.rebuild_begins_within.0 };
        let ended = watching.is_none_or(Watching::has_ended);
        if !seen.same_container || ended || began.elapsed() >= within {
            return Ok(seen);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Whether the edit would be seen at all: if it does not show in an image that is built from it either, the
/// place was badly chosen, and nobody's watch is to blame.
async fn shows_when_built(
    project: &Project,
    compose: &Compose,
    spec: &ComposeSpec,
    word: &str,
    seen: &ComposeWatch,
) -> Result<(), Stop> {
    if seen.manifest.same_container {
        let ran =
            compose.run(&["up", "-d", "--build", "--no-deps", &project.service], REBUILD_WITHIN).await?;
        if !ran.succeeded() {
            // Nothing is known then; that the edit was not served is.
            return Ok(());
        }
    }
    let shows =
        |answer: &crate::probe::http::Answer| memchr::memmem::find(&answer.body, word.as_bytes()).is_some();
    let answer = project.ask_until(Duration::from_secs(40), shows).await?;
    if answer.as_ref().is_ok_and(shows) {
        return Ok(());
    }
    Err(Stop::blocked(
        format!(
            "an edit of {} does not show in the answer to `{}`, not even in a new image",
            seen.edit.path.as_deref().unwrap_or("a source file"),
            spec.probe
        ),
        "name a page with text from a source file: grader config set compose.probe=PATH",
    ))
}
