//! The container engine: whether it answers, who it is, and whether the app's image is there.

use std::{path::Path, time::Duration};

use grader_core::workspace_file::WorkspaceFile;
use grader_engine::{Endpoint, Engine, ImageStore, Origin};
use jiff::Timestamp;
use tokio::time::timeout;

use super::{Fact, Seen};
use crate::run::{engine_at, engine_for};

/// How long the engine may take to show a first sign of life.
const FIRST_SIGN: Duration = Duration::from_millis(500);

/// How long all of it may take: an engine that begins to answer and hangs holds nobody up.
const WITHIN: Duration = Duration::from_secs(2);

/// How far its clock may be from this machine's.
const SKEW: i64 = 2;

pub(super) async fn facts(names: Option<&WorkspaceFile>) -> Vec<Fact> {
    match timeout(WITHIN, examined(names)).await {
        Ok(facts) => facts,
        Err(_) => vec![
            Fact::new("engine", Seen::Missing, "it begins to answer, and then hangs")
                .mend("restart the engine"),
        ],
    }
}

async fn examined(names: Option<&WorkspaceFile>) -> Vec<Fact> {
    let endpoint = match engine_at() {
        Ok(endpoint) => endpoint,
        Err(missing) => return vec![Fact::new("engine", Seen::Missing, missing.what).mend(missing.fix)],
    };
    let engine = match engine_for(FIRST_SIGN).await {
        Ok(engine) => engine,
        Err(missing) => {
            let detail = format!("{} ({})", missing.what, named_by(&endpoint));
            return vec![Fact::new("engine", Seen::Missing, detail).mend(missing.fix)];
        }
    };
    let mut facts = vec![who(&engine, &endpoint), kinds(&engine)];
    facts.extend(architecture(&engine));
    facts.extend(clock(engine.facts().system_time.as_deref(), Timestamp::now()));
    facts.extend(room(&engine));
    if let Some(names) = names {
        facts.push(image(&engine, names).await);
    }
    facts
}

fn who(engine: &Engine, endpoint: &Endpoint) -> Fact {
    let facts = engine.facts();
    let rootless = if facts.rootless { ", rootless" } else { "" };
    let detail = format!(
        "{} {}, {}/{}{rootless}, at {} ({})",
        facts.product,
        facts.version,
        facts.os,
        facts.architecture,
        endpoint.host(),
        named_by(endpoint)
    );
    Fact::new("engine", Seen::Ok, detail)
}

/// Why this engine and no other.
fn named_by(endpoint: &Endpoint) -> String {
    match (endpoint.origin(), endpoint.context()) {
        (Origin::DockerHost, _) => "by DOCKER_HOST".into(),
        (Origin::DockerContext, name) => format!("by DOCKER_CONTEXT: {}", name.unwrap_or("default")),
        (Origin::CurrentContext, Some(name)) => format!("context {name}"),
        (Origin::CurrentContext | Origin::Default, _) => "Docker's default".into(),
    }
}

/// Said only where engine and machine differ: then images of one do not run on the other.
fn architecture(engine: &Engine) -> Option<Fact> {
    let theirs = engine.facts().architecture.clone();
    let ours = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    (theirs != ours).then(|| {
        Fact::new("processor", Seen::Note, format!("the engine's is {theirs}, this machine's {ours}"))
    })
}

/// What decides how images and limits look in evidence.
fn kinds(engine: &Engine) -> Fact {
    let facts = engine.facts();
    let store = match facts.image_store {
        ImageStore::Graphdriver => "the engine's own store",
        ImageStore::Containerd => "containerd's store",
    };
    let groups = match facts.cgroup_version.as_deref() {
        Some(version) => format!("control groups v{version}"),
        None => "control groups of a version that it does not say".into(),
    };
    Fact::new("kinds", Seen::Ok, format!("images in {store} ({}), {groups}", facts.storage_driver))
}

/// Said only where it matters: certificates, logs and databases are judged by the clock.
fn clock(theirs: Option<&str>, ours: Timestamp) -> Option<Fact> {
    let theirs: Timestamp = theirs?.parse().ok()?;
    let apart = theirs.duration_since(ours);
    (apart.abs().as_secs() > SKEW).then(|| {
        let seconds = apart.abs().as_secs();
        let side = if apart.is_negative() { "behind" } else { "ahead of" };
        Fact::new("clock", Seen::Note, format!("the engine's is {seconds} s {side} this machine's"))
            .mend("restart the engine's virtual machine, or set the clock")
    })
}

/// Room where the engine keeps its images, if that is a disk of this machine and another one than is told
/// of already.
fn room(engine: &Engine) -> Option<Fact> {
    use std::os::unix::fs::MetadataExt;
    let facts = engine.facts();
    let folder = Path::new(&facts.root_folder);
    let disk_of = |folder: &Path| folder.metadata().map(|found| found.dev()).ok();
    let is_another = disk_of(folder)? != disk_of(Path::new("."))?;
    (facts.endpoint.starts_with("unix://") && folder.is_absolute() && is_another)
        .then(|| super::machine::disk("engine disk", folder))
}

async fn image(engine: &Engine, names: &WorkspaceFile) -> Fact {
    let reference = &names.app.image;
    match engine.image(reference).await {
        Ok(found) => {
            let id: String = found.id.chars().take(19).collect();
            Fact::new("image", Seen::Ok, format!("{reference}, {id}, {}/{}", found.os, found.architecture))
        }
        Err(error) if error.is_not_found() => {
            Fact::new("image", Seen::Note, format!("{reference} is not built yet"))
                .mend(format!("docker build -t {reference} {}", names.app.path))
        }
        Err(error) => Fact::new("image", Seen::Missing, error.to_string()).mend(error.mend()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_told_only_where_it_is_wrong() {
        let ours: Timestamp = "2026-11-25T04:00:00Z".parse().unwrap();
        assert_eq!(clock(Some("2026-11-25T04:00:01.9Z"), ours), None);
        assert_eq!(clock(None, ours), None);
        let behind = clock(Some("2026-11-25T03:59:30Z"), ours).map(|fact| fact.detail);
        assert_eq!(behind.as_deref(), Some("the engine's is 30 s behind this machine's"));
    }
}
