//! Finding what runs left behind, by label, and removing it. Start at [`sweep`].

use std::{collections::HashMap, time::Duration};

use bollard::query_parameters::{
    ListContainersOptions, ListImagesOptions, ListNetworksOptions, ListVolumesOptions,
    RemoveContainerOptions, RemoveImageOptions, RemoveVolumeOptions,
};
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{Engine, EngineError, Made, MadeKind, RUN_LABEL, WORKSPACE_LABEL, project::PROJECT_LABEL};

/// Removes what ended runs of this workspace left behind, and returns it.
///
/// `is_free` says of a run whether its lock is free, so that no living run is robbed. What bears
/// another workspace's label, or none, is never touched, but for Compose projects: what Compose makes
/// bears Compose's label alone, so they are those of `registered`, which the ledger knows as ours.
///
/// # Errors
/// The engine cannot be asked, or something could not be removed; the rest was removed all the same.
pub async fn sweep(
    engine: &Engine,
    workspace: &str,
    is_free: impl Fn(&str) -> bool,
    registered: &[Made],
) -> Result<Vec<Made>, EngineError> {
    let mut ended: HashMap<String, bool> = HashMap::new();
    let mut left: Vec<Made> = find(engine, workspace)
        .await?
        .into_iter()
        .filter(|(run, _)| *ended.entry(run.clone()).or_insert_with(|| is_free(run)))
        .map(|(_, made)| made)
        .collect();
    left.extend(registered.iter().filter(|made| made.kind == MadeKind::Project).cloned());
    left.sort();
    let mut first_error = None;
    let mut removed = Vec::new();
    for kind in MadeKind::ALL {
        let of_kind = left.iter().filter(|made| made.kind == kind);
        let tries = of_kind.map(|made| async move { (made, remove(engine, made).await) });
        for (made, outcome) in join_all(tries).await {
            match outcome {
                Ok(()) => removed.push(made.clone()),
                Err(error) => {
                    tracing::warn!(%made, %error, "cannot sweep");
                    first_error.get_or_insert(error);
                }
            }
        }
    }
    match first_error {
        Some(error) => Err(error),
        None => Ok(removed),
    }
}

/// How often a project is looked at again after it was empty or could be emptied.
const LOOKS: u32 = 8;

/// Between two looks: what Compose asked for just before it was killed is made all the same.
const PAUSE: Duration = Duration::from_millis(250);

/// Removes all that Compose made under a project's name, until twice nothing is left.
async fn remove_project(engine: &Engine, project: &str) -> Result<(), EngineError> {
    let label = format!("{PROJECT_LABEL}={project}");
    let (mut empty, mut outcome) = (0, Ok(()));
    for look in 0..LOOKS {
        if look > 0 {
            sleep(PAUSE).await;
        }
        let made = labelled(engine, label.clone()).await?;
        if made.is_empty() {
            empty += 1;
            if empty == 2 {
                return Ok(());
            }
            continue;
        }
        outcome = remove_each(engine, made.into_iter().map(|(_, made)| made).collect()).await;
    }
    outcome
}

/// Removes all that bears a label; what has gone meanwhile is as good as removed.
pub(crate) async fn remove_labelled(engine: &Engine, label: &str) -> Result<(), EngineError> {
    let made = labelled(engine, label.to_owned()).await?;
    remove_each(engine, made.into_iter().map(|(_, made)| made).collect()).await
}

/// Removes them in their order, those of a kind at once; tells the first that could not be removed.
async fn remove_each(engine: &Engine, mut made: Vec<Made>) -> Result<(), EngineError> {
    made.sort();
    let mut outcome = Ok(());
    for kind in MadeKind::ALL {
        let of_kind = made.iter().filter(|made| made.kind == kind);
        for removed in join_all(of_kind.map(|made| Box::pin(remove(engine, made)))).await {
            outcome = outcome.and(removed);
        }
    }
    outcome
}

/// Lists what bears this workspace's label, each with its run.
pub(crate) async fn find(engine: &Engine, workspace: &str) -> Result<Vec<(String, Made)>, EngineError> {
    let found = labelled(engine, format!("{WORKSPACE_LABEL}={workspace}")).await?;
    // What lacks a run is not ours, whoever labelled it.
    Ok(found
        .into_iter()
        .filter_map(|(mut labels, made)| labels.remove(RUN_LABEL).map(|run| (run, made)))
        .collect())
}

/// Lists what bears a label, each with all its labels.
async fn labelled(
    engine: &Engine,
    label: String,
) -> Result<Vec<(HashMap<String, String>, Made)>, EngineError> {
    let filters = Some(HashMap::from([("label".to_owned(), vec![label])]));
    let docker = engine.docker();
    let containers = ListContainersOptions { all: true, filters: filters.clone(), ..Default::default() };
    let networks = ListNetworksOptions { filters: filters.clone() };
    let volumes = ListVolumesOptions { filters: filters.clone() };
    let images = ListImagesOptions { filters, ..Default::default() };
    let (containers, networks, volumes, images) = tokio::try_join!(
        engine.ask(|| "list containers".into(), docker.list_containers(Some(containers))),
        engine.ask(|| "list networks".into(), docker.list_networks(Some(networks))),
        engine.ask(|| "list volumes".into(), docker.list_volumes(Some(volumes))),
        engine.ask(|| "list images".into(), docker.list_images(Some(images))),
    )?;

    let mut found = Vec::new();
    let mut add = |labels: Option<HashMap<String, String>>, kind, name: Option<String>| {
        if let (Some(labels), Some(name)) = (labels, name) {
            found.push((labels, Made { kind, name }));
        }
    };
    for container in containers {
        let name = container.names.into_iter().flatten().next();
        let name = name.map(|name| name.trim_start_matches('/').to_owned());
        add(container.labels, MadeKind::Container, name.or(container.id));
    }
    for network in networks {
        add(network.labels, MadeKind::Network, network.name);
    }
    for volume in volumes.volumes.into_iter().flatten() {
        add(Some(volume.labels), MadeKind::Volume, Some(volume.name));
    }
    for image in images {
        // Without a tag the id names it (older engines then call the tag `<none>`); with several, each is removed by itself.
        let tags: Vec<String> = image.repo_tags.into_iter().filter(|tag| tag != "<none>:<none>").collect();
        if tags.is_empty() {
            add(Some(image.labels), MadeKind::Image, Some(image.id));
        } else {
            for tag in tags {
                add(Some(image.labels.clone()), MadeKind::Image, Some(tag));
            }
        }
    }
    Ok(found)
}

/// Removes one thing, by force. What is gone already, or going, is success.
pub(crate) async fn remove(engine: &Engine, made: &Made) -> Result<(), EngineError> {
    let docker = engine.docker();
    let request = || format!("remove {made}");
    let outcome = match made.kind {
        MadeKind::Project => return remove_project(engine, &made.name).await,
        MadeKind::Container => {
            let options = RemoveContainerOptions { force: true, v: true, link: false };
            let answer = docker.remove_container(&made.name, Some(options));
            engine.ask(request, answer).await
        }
        MadeKind::Network => engine.ask(request, docker.remove_network(&made.name)).await,
        MadeKind::Volume => {
            let options = RemoveVolumeOptions { force: true };
            let answer = docker.remove_volume(&made.name, Some(options));
            engine.ask(request, answer).await
        }
        MadeKind::Image => {
            let options = RemoveImageOptions { force: true, ..Default::default() };
            let answer = docker.remove_image(&made.name, Some(options), None);
            engine.ask(request, answer).await.map(drop)
        }
    };
    match outcome {
        Ok(()) | Err(EngineError::NotFound { .. }) => Ok(()),
        Err(EngineError::Rejected { status: 409, message, .. })
            if message.contains("already in progress") =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}
