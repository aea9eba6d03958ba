//! What the kernel says of a container, and does to it, on a real engine.
#![cfg(feature = "engine-tests")]
#![expect(clippy::unwrap_used, reason = "a test without its set-up must fail")]

mod support;

use std::time::{Duration, Instant};

use grader_engine::{Container, Kernel, ProcessLook, RunScope, Seccomp, SignalAll, Via, Way, WriteOutcome};
use support::{base, clean, engine, scope, shell};

/// A script that says when it is ready, since a look may come before its first command.
async fn running(
    scope: &RunScope,
    script: &str,
    adjust: impl Fn(&mut grader_engine::ContainerPlan),
) -> Container {
    let mut plan = shell(&base(scope.engine()).await, script);
    adjust(&mut plan);
    let container = scope.create(&plan).await.unwrap();
    container.start().await.unwrap();
    for _ in 0..100 {
        let output = container.logs(Default::default()).await.unwrap();
        if output.stdout.to_text().contains("ready") {
            return container;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    panic!("the container never said that it is ready");
}

#[tokio::test]
async fn every_process_is_seen_with_its_user() {
    let engine = engine().await;
    let scope = scope(&engine, "look");
    let script = "setpriv --reuid 4711 --regid 4712 --clear-groups sleep 61 & \
                  sleep 60 & echo ready; wait";
    let container = running(&scope, script, |_| {}).await;
    let kernel = Kernel::new(&scope);
    let look = kernel.look(&container).await.unwrap();
    let first = &look.processes[0];
    assert_eq!(first.pid_inside, Some(1));
    assert_eq!(first.name, "sh");
    assert_eq!(first.uids.effective.inside, Some(0));
    assert!(first.capabilities.effective.contains(&"CAP_NET_RAW".to_owned()));
    assert_eq!(first.seccomp, Seccomp::Filter);
    assert!(first.namespaces.contains_key("pid") && first.cgroup.contains(container.id()));
    let other = look.processes.iter().find(|p| p.args == ["sleep", "61"]).unwrap();
    assert_eq!(other.uids.effective.inside, Some(4711));
    assert_eq!(other.gids.filesystem.inside, Some(4712));
    assert!(other.capabilities.effective.is_empty());
    // An ordinary user is not shown which file a process of another runs.
    assert!(matches!(other.exe.as_deref(), Some("/usr/bin/sleep") | None));
    assert_eq!(look.processes.len(), 3);
    clean(&scope).await;
}

#[tokio::test]
async fn a_thread_that_stayed_root_is_seen() {
    let engine = engine().await;
    let scope = scope(&engine, "thread");
    // The C library sets users of all threads; the bare system call sets that of one.
    let script = r#"exec python3 -c '
import ctypes, platform, threading, time
number = {"x86_64": 117, "aarch64": 147}[platform.machine()]
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
ctypes.CDLL(None).syscall(number, 4711, 4711, 4711)
print("ready", flush=True)
time.sleep(60)
'"#;
    let container = running(&scope, script, |_| {}).await;
    let look = Kernel::new(&scope).look(&container).await.unwrap();
    let first = &look.processes[0];
    assert_eq!(first.uids.effective.inside, Some(4711));
    assert_eq!(first.odd_threads.len(), 1);
    assert_eq!(first.odd_threads[0].uids.effective.inside, Some(0));
    clean(&scope).await;
}

#[tokio::test]
async fn a_look_is_cheap() {
    let engine = engine().await;
    let scope = scope(&engine, "cheap");
    let container = running(&scope, "echo ready; sleep 60", |_| {}).await;
    let kernel = Kernel::new(&scope);
    kernel.look(&container).await.unwrap();
    let start = Instant::now();
    for _ in 0..10 {
        kernel.look(&container).await.unwrap();
    }
    let each = start.elapsed() / 10;
    println!("one look: {each:?}");
    // Four a second, on a machine that runs the other tests too.
    assert!(each < Duration::from_millis(250), "{each:?}");
    clean(&scope).await;
}

#[tokio::test]
async fn a_read_only_root_refuses_and_its_tmpfs_does_not() {
    let engine = engine().await;
    let scope = scope(&engine, "write");
    // A link of the image's must not lead out of the container.
    let script = "ln -s /etc /tmp/link; echo ready; sleep 60";
    let container = running(&scope, script, |plan| {
        plan.read_only = true;
        plan.tmpfs.insert("/tmp".into(), String::new());
    })
    .await;
    let kernel = Kernel::new(&scope);
    let folders = ["/", "/tmp", "/usr/local", "/dev/shm", "/no/such", "/tmp/link"];
    let writes = kernel.try_write(&container, &folders).await.unwrap();
    let refused = WriteOutcome::Refused { errno: "EROFS".into() };
    let outcomes: Vec<_> = writes.tries.into_iter().map(|t| t.outcome).collect();
    assert_eq!(
        outcomes,
        [
            refused.clone(),
            WriteOutcome::Written,
            refused.clone(),
            WriteOutcome::Written,
            WriteOutcome::Absent,
            refused,
        ]
    );
    let mounts = kernel.mounts(&container).await.unwrap().mounts;
    let at = |path: &str| mounts.iter().rfind(|m| m.mount_point == path).unwrap();
    assert!(at("/").read_only && !at("/tmp").read_only);
    assert_eq!(at("/tmp").fs_type, "tmpfs");
    clean(&scope).await;
}

#[tokio::test]
async fn all_processes_stop_and_go_on() {
    let engine = engine().await;
    let scope = scope(&engine, "stop");
    let script = "for i in 1 2 3 4 5; do (while :; do sleep 0.01; done) & done; echo ready; wait";
    let container = running(&scope, script, |_| {}).await;
    let kernel = Kernel::new(&scope);
    let limit = Duration::from_secs(5);
    let frozen = kernel.signal_all(&container, SignalAll::Stop, limit).await.unwrap();
    assert!(frozen.processes >= 6, "{frozen:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let look = kernel.look(&container).await.unwrap();
    assert!(look.processes.iter().all(|p| matches!(p.state, 'T' | 'Z')));
    assert!(container.inspect().await.unwrap().running);
    kernel.signal_all(&container, SignalAll::Continue, limit).await.unwrap();
    let look = kernel.look(&container).await.unwrap();
    assert!(look.processes.iter().all(|p| p.state != 'T'));
    clean(&scope).await;
}

#[tokio::test]
async fn a_container_that_ended_has_nothing_to_look_at() {
    let engine = engine().await;
    let scope = scope(&engine, "ended");
    let container = running(&scope, "echo ready", |_| {}).await;
    container.wait(Duration::from_secs(5)).await.unwrap();
    let error = Kernel::new(&scope).look(&container).await.unwrap_err();
    assert!(error.to_string().contains("does not run"), "{error}");
    clean(&scope).await;
}

/// Leaves out what may differ between two looks: how and when they were, and what an ordinary user
/// is not shown.
fn comparable(mut look: ProcessLook, shown: &ProcessLook) -> ProcessLook {
    look.via = Via::Proc;
    look.at_unix_ms = 0;
    for (process, shown) in look.processes.iter_mut().zip(&shown.processes) {
        process.state = 'S';
        process.exe = process.exe.take().filter(|_| shown.exe.is_some());
        process.namespaces.retain(|kind, _| shown.namespaces.contains_key(kind));
    }
    look
}

#[tokio::test]
async fn the_helper_sees_and_does_what_proc_does() {
    let engine = engine().await;
    let scope = scope(&engine, "helper");
    let script = "setpriv --reuid 4711 --clear-groups sleep 61 & sleep 60 & echo ready; wait";
    let container = running(&scope, script, |plan| {
        plan.read_only = true;
        plan.tmpfs.insert("/tmp".into(), String::new());
    })
    .await;
    let proc = Kernel::by(&scope, Way::ProcOnly);
    let helper = Kernel::by(&scope, Way::HelperOnly);

    let seen = helper.look(&container).await.unwrap();
    assert_eq!(seen.via, Via::Helper);
    let ours = proc.look(&container).await.unwrap();
    assert_eq!(ours.via, Via::Proc);
    assert!(ours.processes[0].namespaces.len() >= 6, "{ours:?}");
    assert_eq!(comparable(seen, &ours), comparable(ours.clone(), &ours));

    let folders = ["/", "/tmp", "/dev/shm", "/no/such", "/etc/passwd"];
    let theirs = helper.try_write(&container, &folders).await.unwrap();
    assert_eq!(theirs.via, Via::Helper);
    match proc.try_write(&container, &folders).await {
        Ok(ours) => assert_eq!((ours.via, ours.tries), (Via::Proc, theirs.tries)),
        // As an ordinary user; then the helper is the only way.
        Err(error) => assert!(error.is_missing(), "{error}"),
    }
    let theirs = helper.mounts(&container).await.unwrap();
    let ours = proc.mounts(&container).await.unwrap();
    assert_eq!(theirs.mounts, ours.mounts);

    let limit = Duration::from_secs(5);
    helper.signal_all(&container, SignalAll::Stop, limit).await.unwrap();
    let look = proc.look(&container).await.unwrap();
    assert!(look.processes.iter().all(|p| p.state == 'T'), "{look:?}");
    helper.signal_all(&container, SignalAll::Continue, limit).await.unwrap();

    let start = Instant::now();
    for _ in 0..10 {
        helper.look(&container).await.unwrap();
    }
    println!("one look through the helper: {:?}", start.elapsed() / 10);
    clean(&scope).await;
    assert!(engine.image("grader:grader-helper").await.is_err());
}

#[tokio::test]
async fn the_helper_ends_with_its_grader() {
    let engine = engine().await;
    let scope = scope(&engine, "leash");
    let container = running(&scope, "echo ready; sleep 60", |_| {}).await;
    let kernel = Kernel::by(&scope, Way::HelperOnly);
    kernel.look(&container).await.unwrap();
    // What was made: the container, the helper's image, the helper.
    let name = format!("grader-{}-3", scope.labels().run);
    let helper = engine.container(&name).await.unwrap();
    drop(kernel);
    for _ in 0..100 {
        if helper.inspect().await.is_err_and(|error| error.is_not_found()) {
            clean(&scope).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the helper outlives its grader");
}
