//! What the tests on a real engine share: a connection, a scope that cleans up, a base image.
#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "a test without its set-up must fail")]

use std::{path::Path, sync::Arc, time::Duration};

use grader_engine::{ContainerPlan, Endpoint, Engine, ImageFacts, Labels, NoLedger, RunScope};

/// The base image that the set-up of the tests provides.
pub(crate) const BASE: &str = "python:3.13-slim";

/// Connects to the engine that `docker` would use.
pub(crate) async fn engine() -> Engine {
    let env = |name: &str| std::env::var(name).ok();
    let home = std::env::var("HOME").unwrap_or_default();
    let endpoint = Endpoint::resolve(&env, Path::new(&home)).unwrap();
    Engine::connect(&endpoint, Duration::from_secs(5)).await.unwrap()
}

/// A run of its own, under a workspace label that no other test has.
pub(crate) fn scope(engine: &Engine, test: &str) -> RunScope {
    let run = format!("{test}-{}", std::process::id());
    let labels = Labels { workspace: format!("test-{run}"), run };
    RunScope::new(engine.clone(), labels, Arc::new(NoLedger))
}

/// The base image.
pub(crate) async fn base(engine: &Engine) -> ImageFacts {
    engine.image(BASE).await.unwrap()
}

/// A container of the base image that runs a shell command.
pub(crate) fn shell(image: &ImageFacts, script: &str) -> ContainerPlan {
    let mut plan = ContainerPlan::of(&image.id);
    plan.entrypoint = Some(vec!["sh".into(), "-c".into()]);
    plan.command = Some(vec![script.into()]);
    plan.network = grader_engine::NetworkPlan::None;
    plan
}

/// Removes all that a scope made and insists that nothing is left.
pub(crate) async fn clean(scope: &RunScope) {
    let removal = scope.remove_all(Duration::from_secs(10)).await;
    assert!(removal.left.is_empty(), "{:?}", removal.left);
}

/// Rewrites an archive of `docker save`: another name, our labels, another health test.
pub(crate) fn reconfigured(
    archive: &[u8],
    name: &str,
    labels: &Labels,
    test: &[String],
) -> std::io::Result<bytes::Bytes> {
    use std::io::Read as _;
    let mut reader = tar::Archive::new(archive);
    let mut builder = tar::Builder::new(Vec::new());
    let mut config_path = String::new();
    let mut files = Vec::new();
    for entry in reader.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if path == "manifest.json" {
            let mut manifest: serde_json::Value = serde_json::from_slice(&bytes)?;
            config_path = manifest[0]["Config"].as_str().unwrap_or_default().to_owned();
            manifest[0]["RepoTags"] = serde_json::json!([name]);
            bytes = manifest.to_string().into_bytes();
        }
        // What older engines read beside the manifest would name the base again.
        if entry.header().entry_type().is_file() && path != "repositories" && path != "index.json" {
            files.push((path, bytes));
        }
    }
    for (path, bytes) in &mut files {
        if *path == config_path {
            let mut config: serde_json::Value = serde_json::from_slice(bytes)?;
            config["config"]["Healthcheck"] = serde_json::json!({ "Test": test });
            config["config"]["Labels"] = serde_json::json!(labels.to_map());
            *bytes = config.to_string().into_bytes();
        }
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, bytes.as_slice())?;
    }
    Ok(builder.into_inner()?.into())
}
