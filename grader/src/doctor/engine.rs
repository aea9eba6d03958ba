//! The container engine: whether it answers, who it is, and whether the app's image is there.

use std::time::Duration;

use grader_core::workspace_file::WorkspaceFile;
use grader_engine::{Endpoint, Engine, Origin};

use super::{Fact, Seen};
use crate::run::{engine_at, engine_for};

/// How long the engine may take to show a first sign of life.
const FIRST_SIGN: Duration = Duration::from_millis(500);

pub(super) async fn facts(names: Option<&WorkspaceFile>) -> Vec<Fact> {
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
    let mut facts = vec![who(&engine, &endpoint)];
    facts.extend(architecture(&engine));
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
