//! The learner's Compose file, brought up on a copy, under a project name of the check's own.
//!
//! What is brought up is the file as Compose itself normalises it, changed only where it would touch
//! something of the learner's ([`own`]): no name, port, volume or image of theirs is used. Stages follow
//! each other; what a stage needs and is not there ends the look with the facts up to then.

mod backing;
pub(super) mod command;
mod config;
mod data;
mod edit;
mod own;
mod project;
mod theirs;
mod watch;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use grader_core::{
    evidence::{ComposeEvidence, ComposeUp, Secrets},
    workbook::ComposeSpec,
};
use grader_engine::{ImageFacts, MadeKind, ProjectEvents};
use serde_json::Value;

use super::{Place, Stop, app, beside::image_of_service, millis};
use crate::workspace::{CopyError, Scratch, copy_folder};
use command::{Compose, words};
use config::{environment, services, text};
use own::Copy;
use project::Project;
use theirs::Theirs;

const BUILD_WITHIN: Duration = Duration::from_secs(150);
const UP_WITHIN: Duration = Duration::from_secs(75);
const DOWN_WITHIN: Duration = Duration::from_secs(40);

/// How long the app may take to answer once `up` has ended.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn look(spec: &ComposeSpec, place: &Place<'_>) -> Result<ComposeEvidence, Stop> {
    let docker = command::found(place).await?;
    let theirs = Theirs::find(spec, place)?;
    let scope = place.engine()?.scope.clone();
    let made = scope.register(MadeKind::Project)?;
    let mut seen = ComposeEvidence {
        files: theirs.shown.clone(),
        service: spec.service.clone(),
        probe: spec.probe.clone(),
        ..ComposeEvidence::default()
    };
    place.doing(format!("letting Compose read {}", spec.file));
    let compose = Compose {
        docker,
        project: made.name.clone(),
        folder: theirs.folder.clone(),
        files: theirs.files.clone(),
    };
    match compose.config().await? {
        Err(refused) => {
            theirs.is_complete(&refused)?;
            seen.refused = Some(refused);
        }
        Ok(config) => {
            let stage = Stage { spec, place, theirs: &theirs, compose, config };
            stage.run(&mut seen).await?;
            place.doing("removing what was brought up");
            scope.remove(&made).await?;
        }
    }
    Ok(seen)
}

/// One configuration, brought up.
struct Stage<'a> {
    spec: &'a ComposeSpec,
    place: &'a Place<'a>,
    theirs: &'a Theirs,
    compose: Compose,
    config: Value,
}

impl Stage<'_> {
    async fn run(self, seen: &mut ComposeEvidence) -> Result<(), Stop> {
        let (spec, place) = (self.spec, self.place);
        self.service_is_there()?;
        let mut images = self.images().await?;
        let scratch = Scratch::make(&self.theirs.root)
            .map_err(|error| Stop::fault("no folder could be made for a copy", &error))?;
        let from = self.theirs.to_copy(&self.config).to_owned();
        let (to, spare) = (scratch.path().join("copy"), scratch.path().join("spare"));
        self.copy(&from, &to, &spare, &images)?;
        let access = place.engine()?;
        let project = Project {
            engine: access.engine().clone(),
            kernel: access.kernel.clone(),
            scope: access.scope.clone(),
            name: self.compose.project.clone(),
            service: spec.service.clone(),
            port: app::port(&spec.port)?,
            probe: spec.probe.clone(),
            secrets: self.secrets(),
        };
        let events = project.engine.follow_project(&project.name);
        let mut up = ComposeUp::default();
        let made = |round, images: &BTreeMap<String, ImageFacts>| {
            let copy = Copy {
                from: &from,
                to: &to,
                spare: &spare,
                service: &spec.service,
                port: project.port,
                images,
                round,
            };
            let (own, changed) = own::made_own(&self.config, &copy);
            let file = scratch.path().join(format!("compose-{round}.json"));
            fs::write(&file, own.to_string())
                .map_err(|error| Stop::fault("the check's own Compose file could not be written", &error))?;
            let folder = to.join(self.theirs.folder.strip_prefix(&from).unwrap_or(Path::new("")));
            Ok::<_, Stop>((Compose { files: vec![file], folder, ..self.compose.clone() }, own, changed))
        };

        place.doing("building what has to be built");
        let (compose, own, changed) = made(0, &images)?;
        seen.changed = changed;
        let began = Instant::now();
        let built = compose.run(&["build"], BUILD_WITHIN).await?;
        up.build_ms = millis(began.elapsed());
        up.built = built.succeeded();
        for (name, _) in services(&own).filter(|(_, service)| up.built && service.get("build").is_some()) {
            images.insert(name.clone(), project.engine.image(&format!("{}-{name}", project.name)).await?);
        }
        seen.services = services(&self.config)
            .map(|(name, service)| config::service(name, service, &self.config, images.get(name)))
            .collect();
        if !up.built {
            up.said = project.without_secrets(words(&built));
            seen.up = Some(up);
            return Ok(());
        }

        place.doing("bringing it up");
        let (compose, own, _) = made(1, &images)?;
        self.bring_up(&project, &compose, &events, &mut up).await?;
        let usable = up.started && up.answered;
        seen.up = Some(up);
        if !usable {
            return Ok(());
        }

        place.doing("looking at the app's connections");
        let of_kind = |kind: &str| seen.services.iter().find(|service| service.kind == kind).cloned();
        let (database, cache) = (of_kind("postgres"), of_kind("redis"));
        let both: Vec<_> = database.iter().chain(&cache).collect();
        let backing = backing::look(&project, &both, &own, &events.so_far()).await?;
        let of = |service: &Option<grader_core::evidence::ComposeService>| {
            let name = &service.as_ref()?.name;
            backing.iter().find(|backing| backing.service == *name).cloned()
        };
        (seen.database, seen.cache) = (of(&database), of(&cache));

        let mut kept = match &database {
            Some(service) => Some(data::write(&project, &compose, service).await?),
            None => None,
        };
        place.doing("taking it down, and bringing it up again, watched");
        compose.run(&["down", "--remove-orphans", "--timeout", "10"], DOWN_WITHIN).await?;
        let (compose, own, _) = made(2, &images)?;
        let Some(service) = own.get("services").and_then(|all| all.get(&spec.service)) else { return Ok(()) };
        let sources = watch::Sources::of(service);
        let watching = if sources.watched() {
            Some(watch::Watching::start(&compose)?)
        } else {
            compose.run(&["up", "-d", "--no-build", "--pull", "never"], UP_WITHIN).await?;
            None
        };
        project.ask_until(UP_WITHIN, |_| true).await?.map_or_else(
            |error| tracing::info!(error, "the app does not answer after `down` and `up`"),
            drop,
        );
        if let Some(kept) = &mut kept {
            data::look(&project, &compose, kept).await?;
        }
        seen.data = kept;
        seen.watch = Some(watch::look(&project, &compose, &sources, watching.as_ref(), spec, place).await?);
        Ok(())
    }

    /// Brings the project up and waits for the app's answer.
    async fn bring_up(
        &self,
        project: &Project,
        compose: &Compose,
        events: &ProjectEvents,
        up: &mut ComposeUp,
    ) -> Result<(), Stop> {
        let began = Instant::now();
        let ran = compose.run(&["up", "-d", "--no-build", "--pull", "never"], UP_WITHIN).await?;
        up.up_ms = millis(began.elapsed());
        up.started = ran.succeeded();
        up.said = project.without_secrets(words(&ran));
        if up.started {
            match project.ask_until(ANSWERS_WITHIN, |_| true).await? {
                Ok(answer) => {
                    up.answered = true;
                    up.status = Some(answer.status.into());
                }
                Err(error) => up.error = Some(error),
            }
        }
        if !up.answered {
            up.app_said = project.printed(&project.service).await?;
        }
        up.order = project::times(&events.so_far());
        Ok(())
    }

    fn service_is_there(&self) -> Result<(), Stop> {
        let known: Vec<&str> = services(&self.config).map(|(name, _)| name.as_str()).collect();
        if known.contains(&self.spec.service.as_str()) {
            return Ok(());
        }
        let fix = match known.as_slice() {
            [] => "describe your services in it".to_owned(),
            _ => format!("grader config set compose.service=NAME, one of: {}", known.join(", ")),
        };
        Err(Stop::blocked(format!("{} has no service `{}`", self.spec.file, self.spec.service), fix))
    }

    /// The images of services that are not built.
    async fn images(&self) -> Result<BTreeMap<String, ImageFacts>, Stop> {
        let engine = self.place.engine()?.engine();
        let mut images = BTreeMap::new();
        for (name, service) in services(&self.config) {
            let (Some(reference), None) = (text(service, "image"), service.get("build")) else { continue };
            images.insert(name.clone(), image_of_service(name, reference, engine).await?);
        }
        Ok(images)
    }

    /// Copies the learner's folder; data that a service has written beside the code stays behind, since it
    /// belongs to users of containers and is not needed.
    fn copy(
        &self,
        from: &Path,
        to: &Path,
        spare: &Path,
        images: &BTreeMap<String, ImageFacts>,
    ) -> Result<(), Stop> {
        let mut data = Vec::new();
        for (name, service) in services(&self.config).filter(|(_, service)| service.get("build").is_none()) {
            for mount in config::list(service, "volumes") {
                let path = Path::new(text(mount, "source").unwrap_or(""));
                if text(mount, "type") == Some("bind") && own::is_for_data(mount, path, images.get(name)) {
                    data.push(path.to_owned());
                }
            }
        }
        let root = &self.theirs.root;
        let below = from.strip_prefix(root).unwrap_or(from).to_string_lossy();
        let below = if below.is_empty() { "." } else { &*below };
        copy_folder(root, below, to, &|path| data.iter().any(|one| one == path)).map_err(
            |error| match error {
                CopyError::TooLarge { .. } => {
                    Stop::blocked(error.to_string(), "move what is not needed elsewhere")
                }
                error => Stop::fault("the folder could not be copied", &error),
            },
        )?;
        fs::create_dir_all(spare).map_err(|error| Stop::fault("no folder could be made for a copy", &error))
    }

    /// The values of the learner's variables that must not become evidence.
    fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        for (_, service) in services(&self.config) {
            for (name, value) in environment(service) {
                if grader_core::evidence::looks_secret(&name) || value.contains('@') {
                    secrets.add(&value);
                }
            }
        }
        secrets
    }
}
