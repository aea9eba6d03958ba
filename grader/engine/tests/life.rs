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

#[tokio::test]
async fn a_question_outlives_its_run_has_rounded_limits_and_ends_by_itself() {
    let engine = engine().await;
    let scope = scope(&engine, "question");
    let workspace = scope.labels().workspace.clone();
    let limits = grader_engine::QuestionLimits::by_chance();
    let container = scope.ask_question(limits, Duration::from_secs(6)).await.unwrap();
    let kernel = grader_engine::Kernel::new(&scope);
    let found = kernel.limits(&container).await.unwrap();
    let memory = found.memory_bytes.unwrap();
    // The kernel has rounded to whole pages, and says where.
    assert!(memory.value < limits.memory_bytes && memory.value.is_multiple_of(4096), "{memory:?}");
    assert!(limits.memory_bytes - memory.value < 65536);
    assert!(memory.file.contains(container.id()), "{memory:?}");
    let per_period = limits.nano_cpus * found.cpu_period_us.unwrap().value / 1_000_000_000;
    assert_eq!(found.cpu_quota_us.unwrap().value, per_period);
    assert_eq!(found.pids_max.unwrap().value, u64::from(limits.pids));
    // By the helper the same: as on an engine of another machine.
    let helper = grader_engine::Kernel::by(&scope, grader_engine::Way::HelperOnly);
    let by_helper = helper.limits(&container).await.unwrap();
    assert_eq!(by_helper.memory_bytes.unwrap().value, memory.value);
    // Neither the run's end nor a sweep of ended runs takes it for theirs.
    clean(&scope).await;
    grader_engine::sweep(&engine, &workspace, |_| true, &[]).await.unwrap();
    let open = engine.open_question(&workspace).await.unwrap().expect("it is still open");
    assert_eq!((open.container.id(), open.limits, open.lasts_s), (container.id(), limits, 6));
    let end = tokio::time::Instant::now() + Duration::from_secs(15);
    while container.inspect().await.is_ok() {
        assert!(tokio::time::Instant::now() < end, "it does not end by itself");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(engine.open_question(&workspace).await.unwrap().is_none());
    engine.close_question(&workspace).await.unwrap();
}
