//! Where a probe looks: the workspace, the engine, and what the run has found out already.

use std::sync::Mutex;

use grader_core::{
    evidence::{EngineSeen, Subject, ToolSeen},
    workbook::Files,
    workspace_file::WorkspaceFile,
};
use grader_engine::{Engine, ImageFacts, Kernel, RunScope};

use tokio_util::sync::CancellationToken;

use super::{Images, Stop};
use crate::workspace::Workspace;

/// The engine, for a run that has one.
#[derive(Clone)]
pub struct EngineAccess {
    /// Makes and removes containers for this run.
    pub scope: RunScope,
    /// Asks the engine's kernel about them.
    pub kernel: Kernel,
}

impl EngineAccess {
    /// The engine of a run, with whatever helper its kernel needs made in the run's scope.
    pub fn new(scope: RunScope) -> Self {
        Self { kernel: Kernel::new(&scope), scope }
    }

    /// The engine itself.
    pub fn engine(&self) -> &Engine {
        self.scope.engine()
    }
}

/// Where the probes of one check look.
pub struct Place<'a> {
    /// The learner's folder.
    pub workspace: &'a Workspace,
    /// The engine; `None` for a check that uses none.
    pub engine: Option<EngineAccess>,
    /// Images that this run has resolved, by the learner's name: one id for all probes of a run.
    pub images: &'a Images,
    /// What is being judged, as far as the probes have found it.
    pub subject: &'a Mutex<Subject>,
    /// The workbook's own files: what a learner could have copied from.
    pub texts: &'a Files,
    /// Whether earlier attempts have shown all that the check asks: then nobody is asked anew.
    pub all_shown: bool,
    /// Tools besides the engine that answered.
    pub tools: Mutex<Vec<ToolSeen>>,
    /// Set once what this probe looks at has been started: those who look during it begin then, so that
    /// two starts do not slow each other down.
    pub settled: CancellationToken,
    /// Tells those who watch what is being done.
    pub step: &'a (dyn Fn(String) + Send + Sync),
}

impl Place<'_> {
    /// The learner's names.
    pub fn names(&self) -> &WorkspaceFile {
        self.workspace.file()
    }

    /// Says what is being done.
    pub fn doing(&self, what: impl Into<String>) {
        (self.step)(what.into());
    }

    /// Keeps who answered besides the engine.
    pub fn asked(&self, tool: ToolSeen) {
        let mut tools = lock(&self.tools);
        if !tools.contains(&tool) {
            tools.push(tool);
        }
    }

    /// The engine, or blocked.
    pub fn engine(&self) -> Result<&EngineAccess, Stop> {
        self.engine.as_ref().ok_or_else(|| {
            Stop::blocked(
                "this check asks the container engine, and does not say so",
                "add \"engine\" to `uses`",
            )
        })
    }

    /// Resolves an image once in a run; the app's own becomes a part of what is judged.
    pub async fn image(&self, reference: &str) -> Result<ImageFacts, Stop> {
        let facts = match self.images.known(reference) {
            Some(known) => known,
            None => self.resolved(reference).await?,
        };
        if reference == self.names().app.image {
            lock(self.subject).image = Some(facts.id.clone());
        }
        Ok(facts)
    }

    async fn resolved(&self, reference: &str) -> Result<ImageFacts, Stop> {
        let engine = self.engine()?.engine();
        let facts = engine.image(reference).await.map_err(|error| {
            if error.is_not_found() {
                Stop::blocked(format!("the engine has no image `{reference}`"), self.build_command(reference))
            } else if matches!(error, grader_engine::EngineError::BadReference { .. }) {
                Stop::blocked(error.to_string(), "grader config set app.image=NAME")
            } else {
                error.into()
            }
        })?;
        self.images.keep(reference, &facts);
        Ok(facts)
    }

    /// The command that makes an image of this name.
    fn build_command(&self, reference: &str) -> String {
        let app = &self.names().app;
        let argument = if app.sha_arg.is_empty() {
            String::new()
        } else {
            format!(" --build-arg {}=$(git rev-parse HEAD)", app.sha_arg)
        };
        format!("docker build -t {reference}{argument} {}", app.path)
    }
}

/// Locks, whoever panicked before: what is kept here is never half written.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The engine as evidence names it.
pub(crate) fn engine_seen(engine: &Engine) -> EngineSeen {
    let facts = engine.facts();
    EngineSeen {
        product: facts.product.clone(),
        version: facts.version.clone(),
        api_version: facts.api_version.clone(),
        platform: format!("{}/{}", facts.os, facts.architecture),
        kernel: facts.kernel.clone(),
        endpoint: facts.endpoint.clone(),
        context: facts.context.clone(),
        cgroup_version: facts.cgroup_version.clone(),
        image_store: match facts.image_store {
            grader_engine::ImageStore::Graphdriver => "graphdriver".into(),
            grader_engine::ImageStore::Containerd => "containerd".into(),
        },
        rootless: facts.rootless,
        userns_remap: facts.userns_remap,
    }
}
