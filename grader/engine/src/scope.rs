//! The scope of one run: whatever it makes is registered before it exists and removed at the end.
//! Start at [`RunScope`].

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::RwLock,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    Engine, EngineError, Labels, Ledger, Made, MadeKind,
    sweep::{find, remove},
};

/// Makes things in an engine for one run, and removes them. Cheap to clone.
#[derive(Clone)]
pub struct RunScope {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    labels: Labels,
    ledger: Arc<dyn Ledger>,
    made: Mutex<Vec<Made>>,
    next: AtomicU32,
    closed: AtomicBool,
    /// Held shared while something is being made, alone while all is removed.
    making: RwLock<()>,
}

impl std::fmt::Debug for RunScope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RunScope").field("labels", &self.inner.labels).finish_non_exhaustive()
    }
}

/// What [`RunScope::remove_all`] did.
#[derive(Debug, Default)]
#[must_use = "what is left must be said"]
pub struct Removal {
    /// What is gone now.
    pub removed: Vec<Made>,
    /// What may still be there.
    pub left: Vec<Left>,
}

/// Something that may still be there, and why. The next sweep removes it.
#[derive(Debug)]
pub struct Left {
    /// What.
    pub made: Made,
    /// Why.
    pub error: EngineError,
}

impl RunScope {
    /// Begins a scope in which nothing was made yet.
    #[must_use]
    pub fn new(engine: Engine, labels: Labels, ledger: Arc<dyn Ledger>) -> Self {
        Self {
            inner: Arc::new(Inner {
                engine,
                labels,
                ledger,
                made: Mutex::default(),
                next: AtomicU32::new(1),
                closed: AtomicBool::new(false),
                making: RwLock::new(()),
            }),
        }
    }

    /// Returns the engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Returns whose the things of this scope are.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.inner.labels
    }

    /// Registers a thing that another program is about to make, as `docker build` an image, and
    /// returns the name that it must bear, beside the labels of [`RunScope::labels`].
    ///
    /// # Errors
    /// The ledger cannot be written, the run is ending.
    pub fn register(&self, kind: MadeKind) -> Result<Made, EngineError> {
        let inner = &self.inner;
        let number = inner.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("grader-{}-{number}", inner.labels.run);
        let name = match kind {
            // Compose allows no capitals and no dots in a project's name.
            MadeKind::Project => name.to_lowercase().replace('.', "-"),
            MadeKind::Container | MadeKind::Network | MadeKind::Volume => name,
            // A repository's name has no capitals, a tag may.
            MadeKind::Image => format!("grader:{name}"),
        };
        let made = Made { kind, name };
        self.write_down(&made)?;
        Ok(made)
    }

    /// Writes down what is about to be made, unless the run is ending.
    fn write_down(&self, made: &Made) -> Result<(), EngineError> {
        let inner = &self.inner;
        if inner.closed.load(Ordering::SeqCst) {
            return Err(EngineError::Closed { request: format!("make {made}") });
        }
        inner
            .ledger
            .register(made)
            .map_err(|source| EngineError::Ledger { made: made.to_string(), source })?;
        inner.remember(made.clone());
        Ok(())
    }

    /// Registers a thing under a name of ours, then makes it.
    ///
    /// Making goes on when the caller's future is dropped: a request that the engine has taken
    /// is carried out whether or not anyone listens, and `remove_all` has to wait for its end.
    pub(crate) async fn make<T, F>(
        &self,
        kind: MadeKind,
        make: impl FnOnce(Engine, String, Labels) -> F + Send + 'static,
    ) -> Result<T, EngineError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
    {
        let scope = self.clone();
        self.whatever_happens(async move {
            let made = scope.register(kind)?;
            make(scope.inner.engine.clone(), made.name, scope.inner.labels.clone()).await
        })
        .await
    }

    /// Makes something to its end, even when the caller's future is dropped; `remove_all` waits for it.
    async fn whatever_happens<T: Send + 'static>(
        &self,
        make: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let scope = self.clone();
        let making = tokio::spawn(async move {
            let _making = scope.inner.making.read().await;
            make.await
        });
        match making.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(EngineError::Closed { request: format!("make something: {error}") }),
            },
        }
    }

    /// Makes a thing that outlives this run and sees to its own end: it is registered for as long as it is
    /// being made, and then no run's any more.
    pub(crate) async fn make_lasting<T, F>(
        &self,
        made: Made,
        make: impl FnOnce(Engine, String) -> F + Send + 'static,
    ) -> Result<T, EngineError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
    {
        let scope = self.clone();
        self.whatever_happens(async move {
            scope.write_down(&made)?;
            let outcome = make(scope.inner.engine.clone(), made.name.clone()).await;
            if outcome.is_ok() {
                scope.inner.forget(&made);
            }
            outcome
        })
        .await
    }

    /// Removes one thing now.
    ///
    /// # Errors
    /// The engine cannot be asked, or will not remove it; it is removed with the run then.
    pub async fn remove(&self, made: &Made) -> Result<(), EngineError> {
        remove(&self.inner.engine, made).await?;
        self.inner.forget(made);
        Ok(())
    }

    /// Removes everything that this scope made, containers first, those of a kind at once. Nothing
    /// is made any more from its beginning on. Fit for the way out of a cancelled run: it ends by
    /// `deadline`, whatever the engine does.
    pub async fn remove_all(&self, deadline: Duration) -> Removal {
        let inner = &self.inner;
        let end = Instant::now() + deadline;
        inner.closed.store(true, Ordering::SeqCst);
        // Half of the time for what is being made right now: its end is safer than its beginning.
        let quiet = timeout(deadline / 2, inner.making.write()).await.is_ok();
        let mut removal = Removal::default();
        for kind in MadeKind::ALL {
            let mut of_kind = inner.of_kind(kind);
            if !quiet && kind == MadeKind::Container {
                self.add_unseen(&mut of_kind, end).await;
            }
            let tries = of_kind.into_iter().map(|made| async move {
                match timeout_at(end, remove_patiently(&inner.engine, &made, end)).await {
                    Ok(Ok(())) => Ok(made),
                    Ok(Err(error)) => Err(Left { made, error }),
                    Err(_) => Err(Left {
                        error: EngineError::Stalled { request: format!("remove {made}"), after: deadline },
                        made,
                    }),
                }
            });
            for outcome in join_all(tries).await {
                match outcome {
                    Ok(made) => {
                        inner.forget(&made);
                        removal.removed.push(made);
                    }
                    Err(left) => removal.left.push(left),
                }
            }
        }
        removal
    }

    /// Adds containers that bear our labels and that we do not know of: there are none, unless the
    /// engine has put another name to one.
    async fn add_unseen(&self, known: &mut Vec<Made>, end: Instant) {
        let labels = &self.inner.labels;
        let found = timeout_at(end, find(&self.inner.engine, &labels.workspace)).await;
        match found {
            Ok(Ok(found)) => {
                for (run, made) in found {
                    let ours = run == labels.run && made.kind == MadeKind::Container;
                    if ours && !known.contains(&made) {
                        known.push(made);
                    }
                }
            }
            // Removing what we know of goes on; the sweep of the next start looks again.
            Ok(Err(error)) => tracing::warn!(%error, "cannot list what a run made"),
            Err(_) => tracing::warn!("no time left to list what a run made"),
        }
    }
}

/// Tries again what the engine will not remove yet: a network whose last container is still going.
async fn remove_patiently(engine: &Engine, made: &Made, end: Instant) -> Result<(), EngineError> {
    const PAUSE: Duration = Duration::from_millis(100);
    loop {
        match remove(engine, made).await {
            Err(EngineError::Rejected { .. }) if Instant::now() + 2 * PAUSE < end => {
                sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

impl Inner {
    fn remember(&self, made: Made) {
        self.list().push(made);
    }

    fn forget(&self, made: &Made) {
        self.list().retain(|other| other != made);
        self.ledger.removed(made);
    }

    fn of_kind(&self, kind: MadeKind) -> Vec<Made> {
        let made = self.list();
        made.iter().filter(|m| m.kind == kind).cloned().collect()
    }

    /// A list is whole after every push and retain, so a poisoned lock still holds the truth.
    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
