//! The question: a container of our own with limits by chance. Whoever has not read them cannot know them.

use std::time::Duration;

use grader_core::{
    evidence::{Compared, Form, QuestionEngine, QuestionSeen},
    workbook::RunningSpec,
};
use grader_engine::{CgroupLimits, Engine, EngineError, Limit, NoQuestion, Question, QuestionLimits};
use jiff::Timestamp;

use super::{Answer, Place, Stop, kernel_stop};

/// What is asked for, by its key in the learner's file.
const KEYS: [&str; 4] = ["memory_limit_bytes", "cpu_quota_us", "cpu_period_us", "pids_max"];

/// Looks at the open question, or asks one. An answer that is not there yet blocks.
pub(super) async fn look(
    spec: &RunningSpec,
    answer: &Answer,
    place: &Place<'_>,
) -> Result<QuestionSeen, Stop> {
    let access = place.engine()?;
    let workspace = &access.scope.labels().workspace;
    let Some(question) = access.engine().open_question(workspace).await? else {
        if place.all_shown {
            return Err(Stop::blocked(
                "no question is open, and none is needed: one was answered",
                "grader list",
            ));
        }
        place.doing("starting a container with limits of its own");
        return Err(ask(spec, answer, place).await?);
    };
    if KEYS.iter().all(|key| answer.taken(&format!("question.{key}")).text.is_none()) {
        return Err(open(answer, question.container.name(), left(&question)));
    }
    place.doing(format!("asking the kernel about container {}", question.container.name()));
    let limits = access.kernel.limits(&question.container).await.map_err(kernel_stop)?;
    seen(answer, &question, limits)
}

/// Removes what was asked in a workspace, if anything was.
///
/// # Errors
/// The engine cannot be asked, or will not remove it.
pub async fn close(engine: &Engine, workspace: &str) -> Result<(), EngineError> {
    engine.close_question(workspace).await
}

/// Starts the question, and says that it is open.
async fn ask(spec: &RunningSpec, answer: &Answer, place: &Place<'_>) -> Result<Stop, Stop> {
    let access = place.engine()?;
    let lasting = spec.question_for.0;
    let container = match access.scope.ask_question(QuestionLimits::by_chance(), lasting).await {
        Ok(container) => container,
        Err(NoQuestion::Engine(error)) => return Err(error.into()),
        Err(error @ NoQuestion::Unfit(_)) => {
            return Err(Stop::blocked(super::super::chain(&error), "grader doctor"));
        }
    };
    // What this engine cannot impose, nobody could read.
    let limits = access.kernel.limits(&container).await.map_err(kernel_stop)?;
    if let Some(lacking) = lacking(&limits) {
        close(access.engine(), &access.scope.labels().workspace).await?;
        return Err(unlimited(lacking));
    }
    Ok(open(answer, container.name(), lasting))
}

fn open(answer: &Answer, name: &str, left: Duration) -> Stop {
    let minutes = left.as_secs().div_ceil(60).max(1);
    let time = if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") };
    Stop::blocked(
        format!("a question is open: container {name} runs for {time}, with limits of its own"),
        format!(
            "read its memory, CPU and pids limits in its cgroup, write them under [question] in {}, and check again",
            answer.file
        ),
    )
}

/// How long a question still runs.
fn left(question: &Question) -> Duration {
    let started: Option<Timestamp> = question.state.started_at.as_ref().and_then(|at| at.parse().ok());
    let passed = started.map_or(0, |at| Timestamp::now().as_second() - at.as_second());
    Duration::from_secs(question.lasts_s.saturating_sub(passed.try_into().unwrap_or(0)))
}

fn lacking(limits: &CgroupLimits) -> Option<&'static str> {
    let all = [
        ("memory", &limits.memory_bytes),
        ("CPU time", &limits.cpu_quota_us),
        ("CPU time", &limits.cpu_period_us),
        ("processes", &limits.pids_max),
    ];
    all.into_iter().find(|(_, limit)| limit.is_none()).map(|(what, _)| what)
}

fn unlimited(what: &str) -> Stop {
    Stop::blocked(
        format!("no limit of {what} is found in the control group of a container of this engine"),
        "docker info: a rootless engine limits only with cgroup v2 and systemd",
    )
}

fn seen(answer: &Answer, question: &Question, limits: CgroupLimits) -> Result<QuestionSeen, Stop> {
    if let Some(lacking) = lacking(&limits) {
        return Err(unlimited(lacking));
    }
    let compared = |key: &str, limit: Option<Limit>| Compared {
        written: answer.taken(&format!("question.{key}")),
        accepted: limit
            .into_iter()
            .map(|limit| Form { value: limit.value.to_string(), source: limit.file })
            .collect(),
    };
    Ok(QuestionSeen {
        name: question.container.name().to_owned(),
        id: question.container.id().to_owned(),
        started_at: question.state.started_at.clone(),
        written_name: answer.taken("question.container"),
        engine: QuestionEngine {
            memory_bytes: question.limits.memory_bytes,
            nano_cpus: question.limits.nano_cpus,
            pids_limit: question.limits.pids.into(),
        },
        memory_limit_bytes: compared("memory_limit_bytes", limits.memory_bytes),
        cpu_quota_us: compared("cpu_quota_us", limits.cpu_quota_us),
        cpu_period_us: compared("cpu_period_us", limits.cpu_period_us),
        pids_max: compared("pids_max", limits.pids_max),
    })
}
