//! The life of a container on a real engine: made, started, looked at, ended, gone.
#![cfg(feature = "engine-tests")]

mod support;

use std::time::Duration;

use grader_engine::{Exit, OutputBounds, Status};
use support::{base, clean, engine, scope, shell};

#[tokio::test]
async fn facts_are_read_once() {
    let engine = engine().await;
    let facts = engine.facts();
    assert!(!facts.version.is_empty() && !facts.engine_id.is_empty());
    assert!(["amd64", "arm64"].contains(&facts.architecture.as_str()));
    assert!(facts.cpus > 0 && facts.memory_bytes > 0);
}

#[tokio::test]
async fn a_container_from_start_to_end() {
    let engine = engine().await;
    let scope = scope(&engine, "life");
    let image = base(&engine).await;
    let plan = shell(&image, "echo out; echo err >&2; exit 7");
    let container = scope.create(&plan).await.unwrap();
    let created = container.inspect().await.unwrap();
    assert_eq!((created.status, created.exit_code), (Status::Created, None));
    container.start().await.unwrap();
    let exit = container.wait(Duration::from_secs(10)).await.unwrap();
    assert_eq!(exit, Exit::Code(7));
    let state = container.inspect().await.unwrap();
    assert_eq!(state.exit_code, Some(7));
    assert_eq!(state.image, image.id);
    let output = container.logs(OutputBounds::default()).await.unwrap();
    assert_eq!(output.stdout.to_text(), "out\n");
    assert_eq!(output.stderr.to_text(), "err\n");
    scope.remove_container(&container).await.unwrap();
    let gone = container.inspect().await.unwrap_err();
    assert!(gone.is_not_found(), "{gone}");
    clean(&scope).await;
}

#[tokio::test]
async fn a_running_container_can_be_waited_for_stopped_and_killed() {
    let engine = engine().await;
    let scope = scope(&engine, "run");
    let mut plan = shell(&base(&engine).await, "trap '' TERM; sleep 60");
    plan.publish = vec![8000];
    plan.network = grader_engine::NetworkPlan::Default;
    let container = scope.create(&plan).await.unwrap();
    container.start().await.unwrap();
    let exit = container.wait(Duration::from_millis(100)).await.unwrap();
    assert_eq!(exit, Exit::StillRunning);
    let state = container.inspect().await.unwrap();
    assert!(state.running && state.pid.is_some());
    assert!(state.ports.contains_key(&8000), "{:?}", state.ports);
    assert_eq!(state.addresses.len(), 1);
    let rows = container.top("-eo pid,uid,args").await.unwrap();
    assert!(rows.iter().any(|row| row["UID"] == "0"), "{rows:?}");
    // It ignores SIGTERM, so the grace passes and SIGKILL ends it.
    container.stop(Duration::from_secs(1)).await.unwrap();
    let exit = container.wait(Duration::from_secs(5)).await.unwrap();
    assert_eq!(exit, Exit::Code(137));
    clean(&scope).await;
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let engine = engine().await;
    let scope = scope(&engine, "nostart");
    let mut plan = shell(&base(&engine).await, "");
    plan.entrypoint = Some(vec!["/no/such/program".into()]);
    let container = scope.create(&plan).await.unwrap();
    let error = container.start().await.unwrap_err();
    assert!(error.to_string().contains("no such file"), "{error}");
    clean(&scope).await;
}

#[tokio::test]
async fn an_image_that_is_not_there() {
    let error = engine().await.image("no-such-image:1").await.unwrap_err();
    assert!(error.is_not_found());
    assert!(error.to_string().contains("no-such-image:1"));
}
