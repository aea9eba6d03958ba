//! The engine of a run: connected to once, swept of what ended runs have left.

use std::{path::PathBuf, sync::Arc, time::Duration};

use grader_core::Missing;
use grader_engine::{Endpoint, Engine, EngineError, Labels, RunScope, sweep};

use crate::{
    probe::{EngineAccess, chain},
    progress::{Progress, Run},
};

/// How long an engine may take to show a first sign of life.
const FIRST_SIGN: Duration = Duration::from_millis(500);

/// How long the sweep may take before a run goes on without it.
const SWEEP_WITHIN: Duration = Duration::from_secs(10);

/// The engine that the learner's own `docker` talks to, or what is missing.
pub fn engine_at() -> Result<Endpoint, Missing> {
    let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
    let env = |name: &str| std::env::var(name).ok();
    Endpoint::resolve(&env, &home).map_err(|error| Missing { what: chain(&error), fix: error.mend() })
}

/// How long removing an open question may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Connects to it within `first_sign`.
pub async fn engine_for(first_sign: Duration) -> Result<Engine, Missing> {
    let endpoint = engine_at()?;
    Engine::connect(&endpoint, first_sign).await.map_err(|error| missing(&error))
}

/// Removes the question that a check has put to this workspace, if one is open and an engine answers; it
/// would end by itself, so nobody is kept waiting for it.
pub async fn close_question(workspace: &str) {
    let closed = tokio::time::timeout(CLOSE_WITHIN, async {
        let Ok(engine) = engine_for(FIRST_SIGN).await else { return };
        if let Err(error) = crate::probe::close_question(&engine, workspace).await {
            tracing::warn!(error = chain(&error), "an open question is not removed");
        }
    });
    if closed.await.is_err() {
        tracing::warn!("removing an open question took too long");
    }
}

fn missing(error: &EngineError) -> Missing {
    Missing { what: chain(error), fix: error.mend() }
}

/// Connects for a run, and removes what ended runs of this workspace have left.
pub(super) async fn connect(progress: &Progress, run: &Run) -> Result<EngineAccess, Missing> {
    let engine = engine_for(FIRST_SIGN).await?;
    sweep_left_over(&engine, progress).await;
    let labels = Labels { workspace: progress.workspace_id().to_owned(), run: run.id().to_owned() };
    let ledger = progress.ledger(run.id(), &engine.facts().endpoint);
    Ok(EngineAccess::new(RunScope::new(engine, labels, Arc::new(ledger))))
}

/// What cannot be swept now is swept by a later run: it hinders none.
async fn sweep_left_over(engine: &Engine, progress: &Progress) {
    let endpoint = &engine.facts().endpoint;
    let left = match progress.left_over() {
        Ok(left) => left.into_iter().filter(|left| left.endpoint == *endpoint).collect::<Vec<_>>(),
        Err(error) => {
            tracing::warn!(error = chain(&error), "cannot tell what ended runs have left");
            return;
        }
    };
    // The ledger knows of everything that was made, so an engine is not asked for nothing.
    if left.is_empty() {
        return;
    }
    let is_free = |run: &str| progress.is_run_free(run);
    let registered: Vec<_> = left.iter().map(|left| left.made.clone()).collect();
    let sweep = sweep(engine, progress.workspace_id(), is_free, &registered);
    match tokio::time::timeout(SWEEP_WITHIN, sweep).await {
        Ok(Ok(removed)) => {
            tracing::info!(count = removed.len(), "removed what ended runs had left");
            for left in left {
                use grader_engine::Ledger;
                progress.ledger(&left.run, endpoint).removed(&left.made);
            }
        }
        Ok(Err(error)) => {
            tracing::warn!(error = chain(&error), "cannot remove all that ended runs have left")
        }
        Err(_) => tracing::warn!("removing what ended runs have left took too long"),
    }
}
