//! A container of the learner that runs, as the kernel has it, beside what the learner wrote down; and a
//! container of our own, whose limits nobody can know who has not read them.
//!
//! The question comes last: what can be said about the rest is looked at before it is asked.

mod forms;
mod question;

use grader_core::{
    evidence::{Compared, Form, NamespaceCompared, RunningContainer, RunningEvidence, Taken},
    workbook::RunningSpec,
};
use grader_engine::{Container, ContainerState, EngineError, Via};
use serde_json::Value;

use super::{Place, Stop, answers, container::kernel_stop};

pub use question::close;

/// The most that an answer may weigh, in bytes.
const LARGEST: u64 = 100_000;

/// The namespaces that Docker makes for every container.
const NAMESPACES: [&str; 5] = ["mnt", "pid", "net", "uts", "ipc"];

/// A command that starts a container which stays.
const START: &str = "docker run -d --name web redis:7";

pub(super) async fn look(spec: &RunningSpec, place: &Place<'_>) -> Result<RunningEvidence, Stop> {
    let answer = Answer::read(spec, place)?;
    let access = place.engine()?;
    let (container, state) = named(&answer, access.engine()).await?;
    place.doing(format!("asking the kernel about container {}", container.name()));
    let look = access.kernel.look(&container).await.map_err(kernel_stop)?;
    let mounts = access.kernel.root_mounts(&container).await.map_err(kernel_stop)?;
    let first = look.processes.first();
    let name = container.name();
    let pid = first.map(|process| process.pid).or(state.pid).ok_or_else(|| hidden(name, "first process"))?;
    let pid = vec![Form { value: pid.to_string(), source: "State.Pid of docker inspect".into() }];
    let mount = forms::mounts(&state, &mounts);
    let cgroup = forms::cgroups(&look.cgroups);
    if mount.is_empty() {
        return Err(hidden(name, "root mount"));
    }
    if cgroup.is_empty() {
        return Err(hidden(name, "control group"));
    }
    let namespaces = NAMESPACES
        .iter()
        .map(|kind| {
            let number = first.and_then(|process| process.namespaces.get(*kind)).copied();
            let accepted = forms::namespace(kind, number.ok_or_else(|| hidden(name, kind))?);
            let written = answer.taken(&format!("namespaces.{kind}"));
            Ok(NamespaceCompared { kind: (*kind).to_owned(), written, accepted })
        })
        .collect::<Result<_, Stop>>()?;
    let question = question::look(spec, &answer, place).await?;
    Ok(RunningEvidence {
        file: answer.file.clone(),
        sha256: answer.sha256.clone(),
        container: RunningContainer {
            name: name.to_owned(),
            id: container.id().to_owned(),
            image: state.image_reference.clone(),
            started_at: state.started_at.clone(),
            storage: state.storage.clone(),
            via: via(look.via).to_owned(),
            cgroups: forms::version(&look.cgroups).to_owned(),
        },
        pid: answer.compared("pid", pid),
        mount: answer.compared("merged", mount),
        cgroup: answer.compared("cgroup", cgroup),
        namespaces,
        question,
    })
}

/// What the learner wrote.
struct Answer {
    file: String,
    sha256: String,
    values: Value,
}

impl Answer {
    fn read(spec: &RunningSpec, place: &Place<'_>) -> Result<Self, Stop> {
        let answers::Answer { file, sha256, bytes } = answers::Answer::read(&spec.file, LARGEST, place)?;
        let (values, problem) = answers::read(&file, &bytes);
        match problem {
            Some(problem) => Err(Stop::blocked(format!("{file}: {problem}"), format!("edit {file}"))),
            None => Ok(Self { file, sha256, values }),
        }
    }

    /// One value, trimmed; `null` where nothing was filled in.
    fn taken(&self, key: &str) -> Taken {
        let value = key.split('.').try_fold(&self.values, |value, part| value.get(part));
        let mut taken = Taken::from_json(value);
        let text = taken.text.take().map(|text| text.trim().trim_end_matches('/').to_owned());
        taken.text = text.filter(|text| !text.is_empty() && text != "0");
        if taken.text.is_none() {
            taken.number = None;
        }
        taken
    }

    fn compared(&self, key: &str, accepted: Vec<Form>) -> Compared {
        Compared { written: self.taken(key), accepted }
    }
}

/// The container that the learner names, if it runs.
async fn named(answer: &Answer, engine: &grader_engine::Engine) -> Result<(Container, ContainerState), Stop> {
    let file = &answer.file;
    let Some(name) = answer.taken("container").text else {
        let fix = format!("{START}, and write its name into {file}: container = \"web\"");
        return Err(Stop::blocked(format!("{file} names no container"), fix));
    };
    let gone =
        |what: String| Stop::blocked(what, format!("{START}, and write down in {file} what is so now"));
    let container = match engine.container(&name).await {
        Ok(container) => container,
        Err(EngineError::NotFound { .. }) => {
            return Err(gone(format!("{file} names `{name}`, and the engine has no such container")));
        }
        Err(error) => return Err(error.into()),
    };
    match container.inspect().await {
        Ok(state) if state.running => Ok((container, state)),
        Ok(_) => Err(gone(format!("{file} names `{name}`, and that container does not run"))),
        Err(error) if error.is_not_found() => Err(gone(format!("container `{name}` has just gone"))),
        Err(error) => Err(error.into()),
    }
}

fn via(via: Via) -> &'static str {
    match via {
        Via::Proc => "proc",
        Via::Helper => "helper",
    }
}

/// Something that this user and this engine do not let us see.
fn hidden(container: &str, what: &str) -> Stop {
    Stop::blocked(
        format!("neither the engine nor the kernel lets us see the {what} of container `{container}`"),
        "run grader on the engine's own machine, as a user who may use sudo",
    )
}
