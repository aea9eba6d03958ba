//! Asking another machine's kernel, through a small program of ours in a container of its own.
//!
//! It is needed where the engine runs on another kernel (Docker Desktop, Colima) or where this user
//! may not touch its processes. The program stays for the run, so that a look costs a round trip
//! and not a container. It ends when its input does: with this process, however that dies.

use std::{collections::BTreeMap, io, pin::Pin};

use bollard::{container::LogOutput, query_parameters::AttachContainerOptions};
use bytes::Bytes;
use futures_util::Stream;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::{mpsc, oneshot},
};

use super::{
    archive,
    op::{Op, Reply},
    wire::{Incoming, question},
};
use crate::{
    Container, ContainerPlan, Engine, EngineError, KeepOutput, NetworkPlan, RunScope, connect::within,
};

/// The program, where it could be built.
#[cfg(grader_helper)]
const PROGRAM: Option<&[u8]> = Some(include_bytes!(concat!(env!("OUT_DIR"), "/helper")));
/// The program could not be built; the build said why.
#[cfg(not(grader_helper))]
const PROGRAM: Option<&[u8]> = None;

/// The processor that it is built for, as Go names it.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

const REQUEST: &str = "talk to our helper";

type BollardError = bollard::errors::Error;
type FromHelper = Pin<Box<dyn Stream<Item = Result<LogOutput, BollardError>> + Send>>;
type ToHelper = Pin<Box<dyn AsyncWrite + Send>>;

/// Why there is no helper.
#[derive(Debug)]
pub(super) enum NoHelper {
    /// It cannot be had here: the caller says `blocked`.
    Unfit(String),
    /// The engine failed us.
    Engine(EngineError),
}

/// A running helper. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Helper {
    questions: mpsc::Sender<Questions>,
}

struct Questions {
    ops: Vec<Op>,
    replies: oneshot::Sender<Result<Vec<Reply>, EngineError>>,
}

impl Helper {
    /// Loads the program's image, starts it in the host's pid namespace, and holds on
    /// to its input and output.
    pub(super) async fn start(scope: &RunScope) -> Result<Self, NoHelper> {
        let engine = scope.engine();
        let program = fitting(engine)?;
        let image = scope
            .load_image(move |name, labels| {
                let labels = labels.to_map().into_iter().collect();
                archive::of(program, ARCHITECTURE, name, &labels)
            })
            .await
            .map_err(NoHelper::from)?;
        let container = scope.create_open(&plan(image.id)).await.map_err(NoHelper::from)?;
        let (from, to) = attach(&container).await.map_err(NoHelper::from)?;
        container.start().await.map_err(NoHelper::from)?;
        let (questions, inbox) = mpsc::channel(8);
        let connection = Connection { engine: engine.clone(), from, to, incoming: Incoming::default() };
        tokio::spawn(connection.serve(inbox));
        Ok(Self { questions })
    }

    /// Asks all questions, and returns as many answers in their order.
    pub(super) async fn ask(&self, ops: Vec<Op>) -> Result<Vec<Reply>, EngineError> {
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        let (replies, answer) = oneshot::channel();
        let questions = Questions { ops, replies };
        self.questions.send(questions).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// One exchange after the other, each carried to its end even when nobody waits any more: half an
/// answer left over would be taken for the next one's.
struct Connection {
    engine: Engine,
    from: FromHelper,
    to: ToHelper,
    incoming: Incoming,
}

impl Connection {
    async fn serve(mut self, mut inbox: mpsc::Receiver<Questions>) {
        while let Some(Questions { ops, replies }) = inbox.recv().await {
            let outcome = self.exchange(&ops).await;
            let broken = outcome.is_err();
            // Whoever asked may have been cancelled.
            let _ = replies.send(outcome);
            if broken {
                return;
            }
        }
    }

    async fn exchange(&mut self, ops: &[Op]) -> Result<Vec<Reply>, EngineError> {
        let mut bytes = Vec::new();
        for op in ops {
            let question = question(op).ok_or_else(|| broken(io::ErrorKind::InvalidInput.into()))?;
            bytes.extend(question);
        }
        let Self { engine, from, to, incoming } = self;
        let send = async {
            let written = async {
                to.write_all(&bytes).await?;
                to.flush().await
            };
            let limit = engine.limits().request;
            let written = async { written.await.map_err(BollardError::from) };
            within(limit, || REQUEST.to_owned(), written).await
        };
        let receive = async {
            let mut replies = Vec::with_capacity(ops.len());
            while replies.len() < ops.len() {
                match incoming.next() {
                    Ok(Some(reply)) => replies.push(reply),
                    Ok(None) => match engine.next(|| REQUEST.to_owned(), from).await? {
                        Some(LogOutput::StdOut { message } | LogOutput::Console { message }) => {
                            incoming.push(&message);
                        }
                        Some(_) => {}
                        None => return Err(gone()),
                    },
                    Err(_) => return Err(broken(io::ErrorKind::InvalidData.into())),
                }
            }
            Ok(replies)
        };
        // Both at once: the helper answers the first before it has read the last.
        let ((), replies) = tokio::try_join!(send, receive)?;
        Ok(replies)
    }
}

/// The archive of an image of this program, by a name and with labels of the caller's.
pub(crate) fn image_archive(
    engine: &Engine,
    name: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Bytes, String> {
    let program = match fitting(engine) {
        Ok(program) => program,
        Err(NoHelper::Unfit(why)) => return Err(why),
        Err(NoHelper::Engine(error)) => return Err(error.to_string()),
    };
    archive::of(program, ARCHITECTURE, name, labels).map_err(|error| error.to_string())
}

fn fitting(engine: &Engine) -> Result<&'static [u8], NoHelper> {
    let unfit = |why: String| NoHelper::Unfit(why);
    let program = PROGRAM.ok_or_else(|| unfit("this grader was built without its helper".into()))?;
    let facts = engine.facts();
    if facts.os != "linux" {
        return Err(unfit(format!("the engine runs {} containers", facts.os)));
    }
    if facts.architecture != ARCHITECTURE {
        return Err(unfit(format!(
            "the helper is built for {ARCHITECTURE}, the engine is {}",
            facts.architecture
        )));
    }
    Ok(program)
}

fn plan(image: String) -> ContainerPlan {
    let mut plan = ContainerPlan::of(image);
    plan.read_only = true;
    plan.network = NetworkPlan::None;
    plan.output = KeepOutput::Nobody;
    plan.memory_bytes = Some(64 << 20);
    plan.pids_limit = Some(8);
    // No more than it needs, so that it runs where "privileged" is not allowed: see into any process
    // and act on it. The profiles that confine containers forbid just that.
    plan.cap_drop = vec!["ALL".to_owned()];
    plan.cap_add = ["SYS_PTRACE", "KILL", "DAC_OVERRIDE", "DAC_READ_SEARCH"].map(str::to_owned).to_vec();
    plan.security_opt =
        ["seccomp=unconfined", "apparmor=unconfined", "label=disable"].map(str::to_owned).to_vec();
    plan.pid_mode = Some("host".to_owned());
    plan.userns_mode = Some("host".to_owned());
    plan
}

async fn attach(container: &Container) -> Result<(FromHelper, ToHelper), EngineError> {
    let options = AttachContainerOptions {
        stream: true,
        stdin: true,
        stdout: true,
        stderr: true,
        ..Default::default()
    };
    let engine = container.engine();
    let answer = engine.docker().attach_container(container.id(), Some(options));
    let attached = engine.ask(|| container.request("attach to"), answer).await?;
    Ok((attached.output, attached.input))
}

impl From<EngineError> for NoHelper {
    fn from(error: EngineError) -> Self {
        match error {
            // As engines do that allow no such container.
            EngineError::Rejected { .. } => Self::Unfit(error.to_string()),
            other => Self::Engine(other),
        }
    }
}

fn gone() -> EngineError {
    broken(io::ErrorKind::UnexpectedEof.into())
}

fn broken(source: io::Error) -> EngineError {
    EngineError::Cut { request: REQUEST.to_owned(), source: Box::new(source) }
}
