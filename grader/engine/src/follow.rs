//! Following what a program prints while it runs: however much it is, its true beginning, its end
//! and its length are known. Start at [`Container::follow`].

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bollard::query_parameters::AttachContainerOptions;
use futures_util::StreamExt as _;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::{Container, EngineError, Output, OutputBounds, error::sorted, output::Both};

/// Follows what a container prints; dropping it lets go.
#[derive(Debug)]
pub struct Follow {
    seen: Arc<Mutex<Both>>,
    end: watch::Receiver<bool>,
    reader: JoinHandle<Result<(), EngineError>>,
}

impl Container {
    /// Follows what it prints from now on; called before [`Container::start`], from the beginning.
    ///
    /// The engine's own record keeps the last 10 to 20 MB, so of a program that prints more only
    /// this sees the first lines. Source: `POST /containers/{id}/attach`.
    ///
    /// # Errors
    /// It is gone, or the engine cannot be asked.
    pub async fn follow(&self, bounds: OutputBounds) -> Result<Follow, EngineError> {
        let options =
            AttachContainerOptions { stream: true, stdout: true, stderr: true, ..Default::default() };
        let engine = self.engine();
        let answer = engine.docker().attach_container(self.id(), Some(options));
        let attached = engine.ask(|| self.request("attach to"), answer).await?;
        let seen = Arc::new(Mutex::new(Both::new(bounds)));
        let (ended, end) = watch::channel(false);
        let request = self.request("follow the output of");
        let (into, mut output, input) = (Arc::clone(&seen), attached.output, attached.input);
        let reader = tokio::spawn(async move {
            // Held until the end: without it the engine would take us for gone.
            let _input = input;
            let outcome = loop {
                match output.next().await {
                    Some(Ok(piece)) => lock(&into).push(&piece),
                    Some(Err(error)) => break Err(sorted(request, error)),
                    None => break Ok(()),
                }
            };
            // Nobody may wait for it any more.
            let _ = ended.send(true);
            outcome
        });
        Ok(Follow { seen, end, reader })
    }
}

impl Follow {
    /// Returns what was printed up to now.
    #[must_use]
    pub fn so_far(&self) -> Output {
        lock(&self.seen).so_far()
    }

    /// Says whether the program has ended, and with it its output.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        *self.end.borrow()
    }

    /// Waits for the end of the output, `limit` at most, and returns what was printed.
    ///
    /// # Errors
    /// The engine went away before the output ended.
    pub async fn finish(mut self, limit: Duration) -> Result<Output, EngineError> {
        match timeout(limit, &mut self.reader).await {
            Ok(Ok(outcome)) => outcome?,
            Ok(Err(error)) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
            // It goes on printing; what came so far is what we have.
            Err(_) => {}
        }
        Ok(self.so_far())
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// What is kept is whole after every piece, so a poisoned lock still holds the truth.
fn lock(both: &Mutex<Both>) -> std::sync::MutexGuard<'_, Both> {
    both.lock().unwrap_or_else(PoisonError::into_inner)
}
