//! The engine's kernel: processes, mounts and files of a container, seen and touched from outside.
//!
//! Start at [`Kernel`]. There are two ways to ask a kernel the same few questions: through our own
//! `/proc`, where the engine runs on this kernel and we may look, else through a small program of
//! ours in a container of its own. Every answer says by which way it came ([`Via`]).

mod act;
mod archive;
mod capability;
mod collect;
mod connections;
mod helper;
mod here;
mod identity;
mod limits;
mod look;
mod mount;
mod op;
mod parse;
mod wire;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

pub use act::{Frozen, SignalAll, WriteOutcome, WriteTry, Writes};
pub use capability::Capabilities;
pub use connections::Connection;
pub use identity::{Id, IdMap, IdRange, Ids};
pub use limits::{CgroupLimits, Limit};
pub use look::{OddThread, Process, ProcessLook};
pub use mount::{Mount, Mounts, RootMounts, parse_mounts};
pub use parse::{Cgroup, ParseError, Seccomp};

use crate::{Container, EngineError, RunScope};
pub(crate) use helper::image_archive;
use helper::{Helper, NoHelper};
use op::{Errno, Op, Reply};

/// By which way a kernel was asked. Part of the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// Through `/proc` of the machine that the grader runs on, which is the engine's too.
    Proc,
    /// Through a program of ours in a container in the host's pid namespace.
    Helper,
}

/// Which ways may be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// `/proc` where it serves, else the helper.
    #[default]
    Either,
    /// `/proc` or nothing.
    ProcOnly,
    /// The helper or nothing: for tests, which compare the two.
    HelperOnly,
}

/// Why a kernel could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The container has no process.
    #[error("container {container} does not run")]
    NotRunning {
        /// Its name.
        container: String,
    },
    /// Neither way leads to the engine's kernel: the caller says `blocked`.
    #[error("the kernel of the engine cannot be asked: {proc}; {helper}")]
    NoWay {
        /// Why `/proc` does not serve.
        proc: &'static str,
        /// Why the helper does not.
        helper: String,
    },
    /// The engine could not be asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The kernel refused what it grants to others.
    #[error("cannot {what}: {errno}")]
    Refused {
        /// What we asked.
        what: String,
        /// The kernel's name for it, as `EACCES`.
        errno: String,
    },
    /// The kernel's text is not what it should be.
    #[error("cannot read what the kernel says about container {container}")]
    Unreadable {
        /// Its name.
        container: String,
        /// What is wrong.
        source: ParseError,
    },
    /// Not every process obeyed a signal in time.
    #[error("{} processes of container {container} did not obey in time", left.len())]
    NotAll {
        /// Its name.
        container: String,
        /// Pids of the host.
        left: Vec<u32>,
    },
}

impl KernelError {
    /// Says whether something is missing, which is nobody's failure: the caller says `blocked`.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::NoWay { .. } => true,
            Self::Engine(error) => error.is_missing(),
            Self::NotRunning { .. }
            | Self::Refused { .. }
            | Self::Unreadable { .. }
            | Self::NotAll { .. } => false,
        }
    }

    /// Returns the way out, with a command to type.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::Engine(error) => error.mend(),
            Self::NoWay { .. } => {
                "run grader on the engine's own machine, as a user who may use sudo".to_owned()
            }
            Self::NotRunning { container } => format!("docker logs {container}"),
            Self::Refused { .. } | Self::Unreadable { .. } | Self::NotAll { .. } => {
                "run the check again".to_owned()
            }
        }
    }
}

/// The engine's kernel, for the containers of one run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kernel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    scope: RunScope,
    way: Way,
    /// Whether the engine's kernel is ours; settled by the first container that runs.
    is_ours: OnceCell<bool>,
    /// Started when it is first needed, for all containers of the run.
    helper: OnceCell<Helper>,
}

impl Kernel {
    /// Begins with nothing asked yet. The helper, where it is needed, is made in this scope.
    #[must_use]
    pub fn new(scope: &RunScope) -> Self {
        Self::by(scope, Way::Either)
    }

    /// Begins with a choice of ways.
    #[must_use]
    pub fn by(scope: &RunScope, way: Way) -> Self {
        Self {
            inner: Arc::new(Inner {
                scope: scope.clone(),
                way,
                is_ours: OnceCell::new(),
                helper: OnceCell::new(),
            }),
        }
    }

    /// Finds a way to look at a container's processes.
    async fn to_look(&self, container: &Container) -> Result<Access, KernelError> {
        match self.inner.way {
            Way::HelperOnly => self.helper("it was not to be used").await,
            Way::Either | Way::ProcOnly => {
                if self.is_ours(container).await? {
                    Ok(Access::Here)
                } else {
                    self.helper("the engine runs on another kernel").await
                }
            }
        }
    }

    /// Finds a way to signal a container's processes and to write into its root.
    async fn to_act(&self, container: &Container, pid: u32) -> Result<Access, KernelError> {
        match self.to_look(container).await? {
            Access::Here if !here::may_act(pid).await => {
                self.helper("this user may not touch its processes").await
            }
            access => Ok(access),
        }
    }

    async fn helper(&self, proc: &'static str) -> Result<Access, KernelError> {
        if self.inner.way == Way::ProcOnly {
            return Err(KernelError::NoWay { proc, helper: "the helper was not to be used".to_owned() });
        }
        let start = || Helper::start(&self.inner.scope);
        match self.inner.helper.get_or_try_init(start).await {
            Ok(helper) => Ok(Access::Helper(helper.clone())),
            Err(NoHelper::Unfit(helper)) => Err(KernelError::NoWay { proc, helper }),
            Err(NoHelper::Engine(error)) => Err(error.into()),
        }
    }

    /// Proves that the engine runs on this kernel: the pid that it reports for a container bears,
    /// in our `/proc`, a control group with that container's id.
    async fn is_ours(&self, container: &Container) -> Result<bool, KernelError> {
        let proven = self.inner.is_ours.get_or_try_init(|| async {
            let pid = first_pid(container).await?;
            let pids = Access::Here.find(container).await?;
            Ok::<_, KernelError>(pids.contains(&pid))
        });
        proven.await.copied()
    }
}

/// A way to a kernel, found.
#[derive(Debug, Clone)]
enum Access {
    Here,
    Helper(Helper),
}

impl Access {
    fn via(&self) -> Via {
        match self {
            Self::Here => Via::Proc,
            Self::Helper(_) => Via::Helper,
        }
    }

    async fn ask(&self, ops: Vec<Op>) -> Result<Vec<Reply>, KernelError> {
        match self {
            Self::Here => Ok(here::ask(ops).await),
            Self::Helper(helper) => Ok(helper.ask(ops).await?),
        }
    }

    async fn ask_one(&self, op: Op) -> Result<Reply, KernelError> {
        let replies = self.ask(vec![op]).await?;
        // As many answers as questions, by construction of every way.
        Ok(replies.into_iter().next().unwrap_or(Ok(Vec::new())))
    }

    /// Lists the pids of a container's processes.
    async fn find(&self, container: &Container) -> Result<Vec<u32>, KernelError> {
        let op = Op::Find { container: container.id().to_owned() };
        let text = self
            .ask_one(op)
            .await?
            .map_err(|refusal| refused(container, "list the processes of", refusal.errno))?;
        let mut pids: Vec<u32> =
            String::from_utf8_lossy(&text).lines().filter_map(|line| line.parse().ok()).collect();
        pids.sort_unstable();
        Ok(pids)
    }
}

/// Returns the pid of a container's first process.
async fn first_pid(container: &Container) -> Result<u32, KernelError> {
    let state = container.inspect().await?;
    state.pid.ok_or_else(|| not_running(container))
}

fn not_running(container: &Container) -> KernelError {
    KernelError::NotRunning { container: container.name().to_owned() }
}

fn refused(container: &Container, verb: &str, errno: Errno) -> KernelError {
    KernelError::Refused { what: format!("{verb} container {}", container.name()), errno: errno.to_string() }
}

/// What keeps from asking about the first process: one that is gone, or is just going, takes its container with it.
fn about_the_first(container: &Container, verb: &str, errno: Errno) -> KernelError {
    if errno.is_gone() || errno == Errno::EINVAL {
        not_running(container)
    } else {
        refused(container, verb, errno)
    }
}

fn unreadable(container: &Container, source: ParseError) -> KernelError {
    KernelError::Unreadable { container: container.name().to_owned(), source }
}
