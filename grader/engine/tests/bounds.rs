//! Programs that print without end, fork without end, eat memory, ignore signals, restart for ever
//! or hang in their health test, on a real engine: bounded, and told as they are.
#![cfg(feature = "engine-tests")]
#![expect(clippy::unwrap_used, reason = "a test without its set-up must fail")]

mod support;

use std::time::{Duration, Instant};

use grader_engine::{Exit, HealthOverride, HealthStatus, KeepOutput, OutputBounds, Restart, Status};
use support::{base, clean, engine, scope, shell};

/// 2 s on a machine with nothing else to do; these tests run beside each other.
const IN_TIME: Duration = Duration::from_secs(5);

const SMALL: OutputBounds = OutputBounds { first: 100, last: 100 };

#[tokio::test]
async fn a_program_that_prints_much_is_known_by_both_ends() {
    let engine = engine().await;
    let scope = scope(&engine, "much");
    let script = "echo first; echo complaint >&2; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last";
    let container = scope.create(&shell(&base(&engine).await, script)).await.unwrap();
    let follow = container.follow(SMALL).await.unwrap();
    container.start().await.unwrap();
    let exit = container.wait(Duration::from_secs(60)).await.unwrap();
    assert_eq!(exit, Exit::Code(0));
    let output = follow.finish(Duration::from_secs(10)).await.unwrap();
    assert_eq!(output.stdout.total_bytes, 100_000_000 + 6 + 1 + 5);
    assert_eq!(output.stdout.cut_bytes, output.stdout.total_bytes - 200);
    assert!(output.stdout.first.starts_with(b"first\nxxx"));
    assert!(output.stdout.last.ends_with(b"xxx\nlast\n"));
    assert_eq!(output.stderr.to_text(), "complaint\n");

    // The engine keeps the end of it alone, and can still be asked.
    let kept = container.logs(SMALL).await.unwrap();
    assert!(kept.stdout.last.ends_with(b"xxx\nlast\n"));
    assert!(kept.stdout.total_bytes > 1_000_000, "{kept:?}");
    assert!(kept.stdout.total_bytes < 25_000_000, "{kept:?}");
    clean(&scope).await;
}

#[tokio::test]
async fn a_program_that_goes_on_printing_can_be_left() {
    let engine = engine().await;
    let scope = scope(&engine, "yes");
    let mut plan = shell(&base(&engine).await, "yes");
    plan.output = KeepOutput::Nobody;
    let container = scope.create(&plan).await.unwrap();
    let follow = container.follow(SMALL).await.unwrap();
    container.start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!follow.has_ended());
    let output = follow.finish(Duration::from_millis(100)).await.unwrap();
    assert!(output.stdout.first.starts_with(b"y\ny\n"));
    let start = Instant::now();
    clean(&scope).await;
    let took = start.elapsed();
    assert!(took < IN_TIME, "{took:?}");
}

#[tokio::test]
async fn binary_output_is_kept_as_it_is() {
    let engine = engine().await;
    let scope = scope(&engine, "binary");
    let script = r"printf 'a\000b\377c\r\n\357\273\277d'";
    let container = scope.create(&shell(&base(&engine).await, script)).await.unwrap();
    let follow = container.follow(SMALL).await.unwrap();
    container.start().await.unwrap();
    let output = follow.finish(Duration::from_secs(10)).await.unwrap();
    assert_eq!(output.stdout.first, b"a\0b\xffc\r\n\xef\xbb\xbfd");
    clean(&scope).await;
}

#[tokio::test]
async fn a_fork_bomb_meets_its_limit_and_is_removed_in_time() {
    let engine = engine().await;
    let scope = scope(&engine, "fork");
    let mut plan = shell(&base(&engine).await, "f() { f | f & }; f; sleep 60");
    plan.pids_limit = Some(64);
    let container = scope.create(&plan).await.unwrap();
    container.start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let start = Instant::now();
    clean(&scope).await;
    let took = start.elapsed();
    assert!(took < IN_TIME, "{took:?}");
}

#[tokio::test]
async fn a_program_that_eats_memory_is_killed_and_said_to_be() {
    let engine = engine().await;
    let scope = scope(&engine, "oom");
    let mut plan = shell(&base(&engine).await, "exec python3 -c 'x = bytearray(1 << 30)'");
    plan.memory_bytes = Some(64 << 20);
    let container = scope.create(&plan).await.unwrap();
    container.start().await.unwrap();
    let exit = container.wait(Duration::from_secs(20)).await.unwrap();
    assert_eq!(exit, Exit::Code(137));
    assert!(container.inspect().await.unwrap().oom_killed);
    clean(&scope).await;
}

#[tokio::test]
async fn a_container_that_dies_again_and_again_is_counted() {
    let engine = engine().await;
    let scope = scope(&engine, "again");
    let mut plan = shell(&base(&engine).await, "exit 3");
    plan.restart = Restart::OnFailure { at_most: 2 };
    let container = scope.create(&plan).await.unwrap();
    container.start().await.unwrap();
    let end = Instant::now() + Duration::from_secs(15);
    let state = loop {
        let state = container.inspect().await.unwrap();
        if state.status == Status::Exited || Instant::now() > end {
            break state;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((state.restart_count, state.exit_code), (2, Some(3)));
    clean(&scope).await;
}

#[tokio::test]
async fn times_of_a_health_test_can_be_shortened() {
    let engine = engine().await;
    let scope = scope(&engine, "health");
    // An image with a health test of its own, made from the base by its configuration alone.
    let image = with_healthcheck(&scope, &["CMD-SHELL", "sleep 60"]).await;
    assert_eq!(image.config.healthcheck.as_ref().unwrap().test[1], "sleep 60");
    let mut plan = shell(&image, "sleep 60");
    plan.health = Some(HealthOverride {
        interval: Duration::from_millis(100),
        timeout: Duration::from_millis(300),
        start_period: Duration::ZERO,
        retries: 2,
    });
    let container = scope.create(&plan).await.unwrap();
    container.start().await.unwrap();
    let end = Instant::now() + Duration::from_secs(15);
    loop {
        let state = container.inspect().await.unwrap();
        let health = state.health.unwrap();
        if health.status == HealthStatus::Unhealthy {
            assert!(health.failing_streak >= 2 && health.log[0].exit_code != 0);
            break;
        }
        assert!(Instant::now() < end, "{health:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    clean(&scope).await;
}

/// Exports the base image, and loads it again under another configuration.
async fn with_healthcheck(scope: &grader_engine::RunScope, test: &[&str]) -> grader_engine::ImageFacts {
    use futures_util::StreamExt as _;
    let base = base(scope.engine()).await;
    let mut bytes = Vec::new();
    let mut export = scope.engine().export(&base.id);
    while let Some(piece) = export.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    let test: Vec<String> = test.iter().map(|word| (*word).to_owned()).collect();
    scope.load_image(move |name, labels| support::reconfigured(&bytes, name, labels, &test)).await.unwrap()
}
