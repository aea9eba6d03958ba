//! A container of ours that outlives its run: a question to the learner, who reads its limits.
//!
//! It bears a label of its own and none of a run's, so that no sweep takes it for a leftover. It ends by
//! itself, and the engine then removes it. Start at [`RunScope::ask_question`].

use std::{
    collections::{BTreeMap, HashMap, hash_map::RandomState},
    hash::{BuildHasher as _, Hasher as _},
    time::Duration,
};

use bollard::{
    models::{ContainerCreateBody, ContainerSummaryStateEnum},
    query_parameters::{CreateContainerOptions, InspectContainerOptions, ListContainersOptions},
};

use crate::{
    Container, ContainerPlan, ContainerState, Engine, EngineError, KeepOutput, Made, MadeKind, NetworkPlan,
    RunScope, kernel::image_archive, load::load, sweep::remove_labelled,
};

/// The label of a question: the workspace that it is put to.
pub const QUESTION_LABEL: &str = "grader.question";

/// A question that is open.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its container, which runs.
    pub container: Container,
    /// What the engine says of it.
    pub state: ContainerState,
    /// The limits that the engine was given.
    pub limits: QuestionLimits,
    /// How long it lasts from its start, in seconds.
    pub lasts_s: u64,
}

/// Limits, as the engine is told them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuestionLimits {
    /// Memory, in bytes; no whole number of pages, so that the kernel has to round it.
    pub memory_bytes: u64,
    /// Processor time in 10⁻⁹ processors.
    pub nano_cpus: u64,
    /// Processes and threads at once.
    pub pids: u32,
}

/// Why there is no question.
#[derive(Debug, thiserror::Error)]
pub enum NoQuestion {
    /// No container of ours can run in this engine.
    #[error("no container of the grader's own can run here: {0}")]
    Unfit(String),
    /// The engine failed us.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl QuestionLimits {
    /// Limits by chance: 24 to 120 MiB, a tenth to nine tenths of a processor, 20 to 419 processes.
    #[must_use]
    pub fn by_chance() -> Self {
        let between = |from: u64, count: u64| from + RandomState::new().build_hasher().finish() % count;
        Self {
            // Odd, so whole in no unit that a kernel counts pages in.
            memory_bytes: between(24 << 20, 96 << 20) | 1,
            nano_cpus: between(100, 800) * 1_000_000,
            pids: between(20, 400).try_into().unwrap_or(20),
        }
    }
}

impl RunScope {
    /// Starts a container with these limits that lasts beyond this run, for as long as said.
    ///
    /// # Errors
    /// No such container can run, or the engine cannot be asked.
    pub async fn ask_question(
        &self,
        limits: QuestionLimits,
        lasting: Duration,
    ) -> Result<Container, NoQuestion> {
        let workspace = self.labels().workspace.clone();
        let engine = self.engine();
        // What an earlier one has left, as its image, is not needed any more.
        engine.close_question(&workspace).await?;
        let number = RandomState::new().build_hasher().finish() & 0xffff_ffff;
        let name = format!("grader-question-{number:08x}");
        let labels = BTreeMap::from([(QUESTION_LABEL.to_owned(), workspace.clone())]);
        let tag = format!("grader-question:{number:08x}");
        let archive = image_archive(engine, &tag, &labels).map_err(NoQuestion::Unfit)?;
        let image = Made { kind: MadeKind::Image, name: tag };
        let image = self
            .make_lasting(image, |engine, name| async move { load(&engine, &name, archive).await })
            .await?;
        let container = Made { kind: MadeKind::Container, name };
        self.make_lasting(container, move |engine, name| async move {
            let container = create(&engine, name, &image.id, workspace, limits, lasting).await?;
            container.start().await?;
            Ok(container)
        })
        .await
        .map_err(NoQuestion::from)
    }
}

async fn create(
    engine: &Engine,
    name: String,
    image: &str,
    workspace: String,
    limits: QuestionLimits,
    lasting: Duration,
) -> Result<Container, EngineError> {
    let mut plan = ContainerPlan::of(image);
    plan.command = Some(vec![lasting.as_secs().to_string()]);
    plan.read_only = true;
    plan.network = NetworkPlan::None;
    plan.output = KeepOutput::Nobody;
    plan.cap_drop = vec!["ALL".to_owned()];
    plan.security_opt = vec!["no-new-privileges".to_owned()];
    plan.memory_bytes = Some(limits.memory_bytes);
    plan.nano_cpus = Some(limits.nano_cpus);
    plan.pids_limit = Some(limits.pids);
    // No run's: its labels are replaced.
    let labels = crate::Labels { workspace: String::new(), run: String::new() };
    let mut body = plan.to_body(&labels, ContainerCreateBody::default());
    body.labels = Some(HashMap::from([(QUESTION_LABEL.to_owned(), workspace)]));
    if let Some(host) = &mut body.host_config {
        host.auto_remove = Some(true);
    }
    let options = CreateContainerOptions { name: Some(name.clone()), ..Default::default() };
    let request = || format!("create container {name}");
    let created = engine.ask(request, engine.docker().create_container(Some(options), body)).await?;
    Ok(Container::made(engine, created.id, name, created.warnings))
}

impl Engine {
    /// Finds the question that is put to a workspace and still runs.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn open_question(&self, workspace: &str) -> Result<Option<Question>, EngineError> {
        for (id, running) in self.questions(workspace).await? {
            if !running {
                continue;
            }
            let answer = self.docker().inspect_container(&id, None::<InspectContainerOptions>);
            let response = match self.ask(|| format!("inspect container {id}"), answer).await {
                Ok(response) => response,
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error),
            };
            let host = response.host_config.clone().unwrap_or_default();
            let positive =
                |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
            let command = response.config.as_ref().and_then(|config| config.cmd.clone()).unwrap_or_default();
            let limits = QuestionLimits {
                memory_bytes: positive(host.memory),
                nano_cpus: positive(host.nano_cpus),
                pids: positive(host.pids_limit).try_into().unwrap_or(u32::MAX),
            };
            let container = Container::found(self, &response);
            let lasts_s = command.first().and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
            return Ok(Some(Question { container, state: response.into(), limits, lasts_s }));
        }
        Ok(None)
    }

    /// Removes whatever questions were put to a workspace, with their images.
    ///
    /// # Errors
    /// The engine cannot be asked, or will not remove one.
    pub async fn close_question(&self, workspace: &str) -> Result<(), EngineError> {
        remove_labelled(self, &format!("{QUESTION_LABEL}={workspace}")).await
    }

    /// The containers of questions to a workspace, the newest first, and whether each runs.
    async fn questions(&self, workspace: &str) -> Result<Vec<(String, bool)>, EngineError> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{QUESTION_LABEL}={workspace}")])]);
        let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let answer = self.docker().list_containers(Some(options));
        let listed = self.ask(|| "list containers".to_owned(), answer).await?;
        Ok(listed
            .into_iter()
            .filter_map(|summary| {
                let running = summary.state == Some(ContainerSummaryStateEnum::RUNNING);
                summary.id.map(|id| (id, running))
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_questions_are_alike_and_the_kernel_has_to_round() {
        let many: Vec<QuestionLimits> = (0..200).map(|_| QuestionLimits::by_chance()).collect();
        for limits in &many {
            assert_ne!(limits.memory_bytes % 4096, 0);
            assert!((24 << 20..=120 << 20).contains(&limits.memory_bytes));
            assert!((100_000_000..900_000_000).contains(&limits.nano_cpus));
            // A quota of whole microseconds in the usual period of 100 ms.
            assert_eq!(limits.nano_cpus % 10_000, 0);
            assert!((20..420).contains(&limits.pids));
        }
        let different: std::collections::BTreeSet<u64> =
            many.iter().map(|limits| limits.memory_bytes).collect();
        assert!(different.len() > 150, "{}", different.len());
    }
}
