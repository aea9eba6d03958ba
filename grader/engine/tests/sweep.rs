//! What a run that died left behind is removed; what lives, or is another's, is not.
#![cfg(feature = "engine-tests")]
#![expect(clippy::unwrap_used, reason = "a test without its set-up must fail")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use grader_engine::{Kernel, Labels, Ledger, Made, MadeKind, NetworkPlan, NoLedger, RunScope, Way, sweep};
use support::{base, clean, engine, scope, shell};

#[tokio::test]
async fn only_ended_runs_of_this_workspace_are_swept() {
    let engine = engine().await;
    let dead = scope(&engine, "dead");
    let workspace = dead.labels().workspace.clone();
    let living = RunScope::new(
        engine.clone(),
        Labels { workspace: workspace.clone(), run: format!("{}-living", dead.labels().run) },
        Arc::new(NoLedger),
    );
    let other = scope(&engine, "other");
    let image = base(&engine).await;

    // A container, a network, a helper with its image: as after a kill.
    let network = dead.create_network(true).await.unwrap();
    let mut plan = shell(&image, "sleep 60");
    plan.network = NetworkPlan::Of { name: network.name().to_owned(), aliases: vec!["db".into()] };
    let container = dead.create(&plan).await.unwrap();
    container.start().await.unwrap();
    assert_eq!(container.inspect().await.unwrap().addresses.len(), 1);
    let kernel = Kernel::by(&dead, Way::HelperOnly);
    kernel.look(&container).await.unwrap();
    let kept = living.create(&shell(&image, "sleep 60")).await.unwrap();
    let others = other.create(&shell(&image, "sleep 60")).await.unwrap();

    let dead_run = dead.labels().run.clone();
    let swept = sweep(&engine, &workspace, |run| run == dead_run, &[]).await.unwrap();
    let kinds: Vec<MadeKind> = swept.iter().map(|made| made.kind).collect();
    assert_eq!(kinds, [MadeKind::Container, MadeKind::Container, MadeKind::Network, MadeKind::Image]);
    assert!(container.inspect().await.unwrap_err().is_not_found());
    assert!(kept.inspect().await.is_ok() && others.inspect().await.is_ok());
    let again = sweep(&engine, &workspace, |run| run == dead_run, &[]).await.unwrap();
    assert_eq!(again, []);
    for scope in [&dead, &living, &other] {
        clean(scope).await;
    }
}

#[derive(Default)]
struct Written(Mutex<Vec<String>>);

impl Ledger for Written {
    fn register(&self, made: &Made) -> io::Result<()> {
        self.0.lock().unwrap().push(format!("+ {made}"));
        Ok(())
    }

    fn removed(&self, made: &Made) {
        self.0.lock().unwrap().push(format!("- {made}"));
    }
}

#[tokio::test]
async fn ten_running_containers_are_gone_within_two_seconds() {
    let engine = engine().await;
    let labels = scope(&engine, "ten").labels().clone();
    let ledger = Arc::new(Written::default());
    let scope = RunScope::new(engine.clone(), labels, ledger.clone());
    // One that exists under no name that the ledger knows cannot be; one that does not, may.
    let mut plan = shell(&base(&engine).await, "");
    plan.image = "sha256:".to_owned() + &"0".repeat(64);
    assert!(scope.create(&plan).await.is_err());
    let plan = shell(&base(&engine).await, "trap '' TERM; sleep 60");
    for _ in 0..10 {
        scope.create(&plan).await.unwrap().start().await.unwrap();
    }
    let start = Instant::now();
    let removal = scope.remove_all(Duration::from_secs(10)).await;
    println!("removed ten in {:?}", start.elapsed());
    // 2 s on a machine with nothing else to do.
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!((removal.removed.len(), removal.left.len()), (11, 0));
    let lines = ledger.0.lock().unwrap();
    assert_eq!(lines.iter().filter(|line| line.starts_with('+')).count(), 11);
    assert_eq!(lines.iter().filter(|line| line.starts_with('-')).count(), 11);
}
