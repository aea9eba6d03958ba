//! One limit on engine work: what starts containers waits for its turn.

use std::thread::available_parallelism;

use tokio::sync::{Semaphore, SemaphorePermit};

/// How much may go on at once.
pub(super) struct Limits {
    engine: Semaphore,
}

impl Limits {
    /// Twice as many engine checks at once as there are cores: most of their time they wait.
    pub(super) fn of_this_machine() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { engine: Semaphore::new(2 * cores) }
    }

    /// Waits for a turn at the engine. `None` only if the limit was closed, which nobody does.
    pub(super) async fn engine(&self) -> Option<SemaphorePermit<'_>> {
        self.engine.acquire().await.ok()
    }
}
