//! Engines that are not there, refuse, hang, are too old, are slow or go away. No engine is needed.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test without its set-up must fail")]

#[path = "support/fake.rs"]
mod fake;

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use fake::{Act, Fake};
use futures_util::StreamExt as _;
use grader_engine::{ContainerPlan, Endpoint, Engine, EngineError, Labels, Limits, NoLedger, RunScope};

const CONNECT: Duration = Duration::from_millis(500);
const SHORT: Limits = Limits { request: Duration::from_millis(300), idle: Duration::from_millis(300) };

async fn connect(host: &str) -> Result<Engine, EngineError> {
    let endpoint = Endpoint::at(host).unwrap();
    Engine::connect_with(&endpoint, CONNECT, SHORT).await
}

/// Runs to an error, which must come within the limit.
async fn error_within<T>(limit: Duration, what: impl Future<Output = Result<T, EngineError>>) -> EngineError {
    let start = Instant::now();
    let error = what.await.err().unwrap();
    let took = start.elapsed();
    assert!(took <= limit, "{took:?}: {error}");
    error
}

fn fails(path: &'static str, act: Act) -> Fake {
    Fake::new(move |line| line.ends_with(path).then(|| act.clone()))
}

#[tokio::test]
async fn an_engine_that_is_not_there() {
    let error = error_within(CONNECT, connect("unix:///no/such/engine.sock")).await;
    assert!(matches!(error, EngineError::Absent { .. }), "{error:?}");
    assert!(error.is_missing());
    assert!(error.to_string().contains("/no/such/engine.sock"));
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on() {
    let fake = fails("", Act::Hang);
    let path = fake.path();
    std::fs::remove_file(&path).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let error = error_within(CONNECT, connect(&fake.host())).await;
    assert!(matches!(error, EngineError::Refused { .. }), "{error:?}");
    let tcp = error_within(CONNECT, connect("tcp://127.0.0.1:1")).await;
    assert!(matches!(tcp, EngineError::Refused { .. }), "{tcp:?}");
}

#[tokio::test]
async fn an_engine_that_accepts_and_never_answers() {
    let fake = fails("", Act::Hang);
    let limit = CONNECT + Duration::from_millis(100);
    let error = error_within(limit, connect(&fake.host())).await;
    assert!(matches!(error, EngineError::NoAnswer { .. }), "{error:?}");
    assert!(error.is_missing());
}

#[tokio::test]
async fn an_engine_that_is_too_old() {
    let old = r#"{"Version":"17.03","ApiVersion":"1.27"}"#;
    let fake = fails("/version", Act::Answer(200, old.into()));
    let error = error_within(CONNECT, connect(&fake.host())).await;
    assert!(
        matches!(&error, EngineError::TooOld { found, needs } if found == "1.27" && *needs == "1.41"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_engine_that_is_not_up_yet() {
    let starting = r#"{"message":"Docker Desktop is starting"}"#;
    let fake = fails("/_ping", Act::Answer(503, starting.into()));
    let error = error_within(CONNECT, connect(&fake.host())).await;
    assert!(error.is_missing(), "{error:?}");
    assert!(error.to_string().contains("Docker Desktop is starting"));
}

#[tokio::test]
async fn a_proxy_with_no_engine_behind_it() {
    let fake = fails("/_ping", Act::Cut);
    let error = error_within(CONNECT, connect(&fake.host())).await;
    assert!(matches!(error, EngineError::Unready { .. }), "{error:?}");
}

#[tokio::test]
async fn something_that_is_no_engine() {
    let page = Act::Answer(200, "<html>".into());
    let fake = fails("/version", page);
    let error = error_within(CONNECT, connect(&fake.host())).await;
    assert!(matches!(error, EngineError::Request { .. }), "{error:?}");
    assert!(!error.is_missing());
}

#[tokio::test]
async fn a_newer_engine_is_spoken_to_in_a_version_that_we_know() {
    let fake = Fake::new(|line| {
        let image = r#"{"Id":"sha256:1","RootFS":{"Type":"layers"}}"#;
        (line == "GET /v1.53/images/app/json").then(|| Act::Answer(200, image.into()))
    });
    let engine = connect(&fake.host()).await.unwrap();
    assert_eq!(engine.facts().api_version, "1.53");
    assert_eq!(engine.image("app").await.unwrap().id, "sha256:1");
}

#[tokio::test]
async fn an_engine_that_stops_answering() {
    let fake = fails("/json", Act::Hang);
    let engine = connect(&fake.host()).await.unwrap();
    let error = error_within(Duration::from_secs(1), engine.image("app")).await;
    assert!(matches!(error, EngineError::Stalled { .. }), "{error:?}");
    assert!(!error.is_missing());
}

#[tokio::test]
async fn an_engine_that_stops_in_the_middle_of_an_answer() {
    let one = r#"{"Id":"c1","Name":"/web"}"#;
    let fake = Fake::new(move |line| match line {
        line if line.ends_with("/containers/web/json") => Some(Act::Answer(200, one.into())),
        line if line.ends_with("/logs") => Some(Act::PieceThenHang),
        line if line.ends_with("/get") => Some(Act::PieceThenHang),
        _ => None,
    });
    let engine = connect(&fake.host()).await.unwrap();
    let container = engine.container("web").await.unwrap();
    let logs = container.logs(Default::default());
    let error = error_within(Duration::from_secs(1), logs).await;
    assert!(matches!(error, EngineError::Stalled { .. }), "{error:?}");

    let mut export = engine.export("app");
    assert!(export.next().await.unwrap().is_ok());
    let error = export.next().await.unwrap().unwrap_err();
    assert!(matches!(error, EngineError::Stalled { .. }), "{error:?}");
    assert!(export.next().await.is_none());
}

#[tokio::test]
async fn an_engine_that_goes_away() {
    for act in [Act::Cut, Act::HalfThenCut] {
        let fake = fails("/json", act.clone());
        let engine = connect(&fake.host()).await.unwrap();
        let error = error_within(SHORT.request, engine.image("app")).await;
        assert!(matches!(error, EngineError::Cut { .. }), "{act:?}: {error:?}");
        std::fs::remove_file(fake.path()).unwrap();
        let error = error_within(SHORT.request, engine.image("app")).await;
        assert!(matches!(error, EngineError::Cut { .. }), "{act:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_slow_engine_is_an_engine() {
    let late = |body: &str| Act::Late(Duration::from_millis(250), body.into());
    let version = late(r#"{"Version":"99.0","ApiVersion":"1.43"}"#);
    let (ping, info) = (late("OK"), late("{}"));
    let fake = Fake::new(move |line| match line {
        "GET /_ping" => Some(ping.clone()),
        "GET /version" => Some(version.clone()),
        "GET /info" => Some(info.clone()),
        _ => None,
    });
    let engine = connect(&fake.host()).await.unwrap();
    assert_eq!(engine.facts().api_version, "1.43");
}

#[tokio::test]
async fn removing_ends_in_time_whatever_the_engine_does() {
    let created = Act::Answer(201, r#"{"Id":"c1","Warnings":[]}"#.into());
    let fake = Fake::new(move |line| match line {
        line if line.ends_with("/containers/create") => Some(created.clone()),
        line if line.starts_with("DELETE") => Some(Act::Hang),
        _ => None,
    });
    let endpoint = Endpoint::at(&fake.host()).unwrap();
    let engine = Engine::connect(&endpoint, CONNECT).await.unwrap();
    let labels = Labels { workspace: "w".into(), run: "r".into() };
    let scope = RunScope::new(engine, labels, Arc::new(NoLedger));
    scope.create(&ContainerPlan::of("sha256:1")).await.unwrap();
    let start = Instant::now();
    let removal = scope.remove_all(Duration::from_secs(1)).await;
    assert!(start.elapsed() < Duration::from_millis(1500));
    assert_eq!(removal.left.len(), 1);
    assert_eq!(removal.left[0].made.name, "grader-r-1");
    let late = scope.create(&ContainerPlan::of("sha256:1")).await;
    assert!(matches!(late, Err(EngineError::Closed { .. })));
}

#[tokio::test]
async fn what_is_being_made_when_the_run_ends_is_removed_too() {
    let created = r#"{"Id":"c1","Warnings":[]}"#.to_owned();
    let fake = Fake::new(move |line| match line {
        line if line.ends_with("/containers/create") => {
            Some(Act::Late(Duration::from_millis(200), created.clone()))
        }
        line if line.starts_with("DELETE") => Some(Act::Answer(204, String::new())),
        _ => None,
    });
    let engine = connect(&fake.host()).await.unwrap();
    let labels = Labels { workspace: "w".into(), run: "r".into() };
    let scope = RunScope::new(engine, labels, Arc::new(NoLedger));
    let plan = ContainerPlan::of("sha256:1");
    let cancelled = tokio::time::timeout(Duration::from_millis(50), scope.create(&plan)).await;
    assert!(cancelled.is_err(), "dropped while the engine makes it");
    let removal = scope.remove_all(Duration::from_secs(2)).await;
    assert!(removal.left.is_empty());
    assert_eq!(removal.removed.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_registered_is_not_made() {
    struct Full;
    impl grader_engine::Ledger for Full {
        fn register(&self, _: &grader_engine::Made) -> std::io::Result<()> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn removed(&self, _: &grader_engine::Made) {}
    }
    let fake = Fake::new(|line| {
        assert!(!line.starts_with("POST"), "{line}");
        None
    });
    let engine = connect(&fake.host()).await.unwrap();
    let labels = Labels { workspace: "w".into(), run: "r".into() };
    let scope = RunScope::new(engine, labels, Arc::new(Full));
    let error = scope.create(&ContainerPlan::of("x")).await.unwrap_err();
    assert!(matches!(error, EngineError::Ledger { .. }), "{error:?}");
}
