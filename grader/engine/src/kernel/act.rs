//! Acting on a container's processes from outside: signals to all of them, and tries to write.
//! Start at [`Kernel::signal_all`] and [`Kernel::try_write`].

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{
    Access, Kernel, KernelError, Via, first_pid, not_running,
    op::{Errno, Op, Refusal, Reply, Step},
    refused,
};
use crate::Container;

/// What is sent to every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalAll {
    /// SIGSTOP: it answers nothing more, and its connections stay open. PID 1 obeys too, since
    /// the signal comes from outside.
    Stop,
    /// SIGCONT: it goes on.
    Continue,
}

impl SignalAll {
    /// The same on x86-64 and arm64.
    fn number(self) -> i32 {
        match self {
            Self::Stop => 19,
            Self::Continue => 18,
        }
    }

    fn is_obeyed_in(self, state: char) -> bool {
        match self {
            // What has ended cannot be stopped, and answers nothing either.
            Self::Stop => matches!(state, 'T' | 't' | 'Z' | 'X'),
            Self::Continue => !matches!(state, 'T' | 't'),
        }
    }
}

/// How a signal to all went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// How they were reached.
    pub via: Via,
    /// How many processes obeyed.
    pub processes: usize,
    /// How often all were looked at, the last time with nothing left to do.
    pub passes: u32,
}

/// Which folders of a container can be written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writes {
    /// How they were reached.
    pub via: Via,
    /// In the order of the question.
    pub tries: Vec<WriteTry>,
}

/// A try to make a file in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteTry {
    /// The folder, inside the container.
    pub path: String,
    /// What came of it.
    pub outcome: WriteOutcome,
}

/// What came of a try to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum WriteOutcome {
    /// A file could be made there; it was removed again.
    Written,
    /// The kernel said no.
    Refused {
        /// Its name for it, as `EROFS`.
        errno: String,
    },
    /// There is no such folder.
    Absent,
}

impl Kernel {
    /// Sends a signal to every process of a container, again and again until a look finds no
    /// process that does not obey: what was forked meanwhile gets it too.
    ///
    /// # Errors
    /// It does not run, no way leads to its kernel, or the limit passed before all obeyed.
    pub async fn signal_all(
        &self,
        container: &Container,
        signal: SignalAll,
        limit: Duration,
    ) -> Result<Frozen, KernelError> {
        let end = Instant::now() + limit;
        let access = self.to_act(container, first_pid(container).await?).await?;
        let mut passes = 0;
        loop {
            let states = states(&access, container).await?;
            passes += 1;
            let left: Vec<u32> = states
                .iter()
                .filter(|(_, state)| !signal.is_obeyed_in(*state))
                .map(|(pid, _)| *pid)
                .collect();
            if left.is_empty() {
                return Ok(Frozen { via: access.via(), processes: states.len(), passes });
            }
            if Instant::now() >= end {
                return Err(KernelError::NotAll { container: container.name().to_owned(), left });
            }
            send(&access, container, signal, &left).await?;
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Tries to make a file in each folder of a container, and removes it again.
    ///
    /// The file is made with the rights of the engine's root, so what refuses is the mount, not
    /// the folder's owner: it says what is writable in the container, for whoever runs in it.
    ///
    /// # Errors
    /// It does not run, no way leads to its kernel, or a file that was made could not be removed.
    pub async fn try_write(&self, container: &Container, folders: &[&str]) -> Result<Writes, KernelError> {
        let pid = first_pid(container).await?;
        let access = self.to_act(container, pid).await?;
        let name = unused_name();
        let ops = folders
            .iter()
            .map(|folder| Op::TryWrite { pid, folder: (*folder).to_owned(), name: name.clone() })
            .collect();
        let replies = access.ask(ops).await?;
        let tries = folders
            .iter()
            .zip(replies)
            .map(|(folder, reply)| {
                Ok(WriteTry { path: (*folder).to_owned(), outcome: outcome(container, folder, reply)? })
            })
            .collect::<Result<_, KernelError>>()?;
        Ok(Writes { via: access.via(), tries })
    }
}

fn outcome(container: &Container, folder: &str, reply: Reply) -> Result<WriteOutcome, KernelError> {
    outcome_of(reply).map_err(|Refusal { errno, step }| match step {
        Step::Whole if errno.is_gone() => not_running(container),
        Step::Whole => refused(container, "enter", errno),
        Step::OpenFolder | Step::Create => {
            let verb = format!("try to write in {folder} of");
            refused(container, &verb, errno)
        }
        Step::Remove => {
            let verb = format!("remove the file that was tried in {folder} of");
            refused(container, &verb, errno)
        }
    })
}

/// What a reply says about the folder; the refusal itself, when it says nothing about it.
fn outcome_of(reply: Reply) -> Result<WriteOutcome, Refusal> {
    let Err(refusal) = reply else {
        return Ok(WriteOutcome::Written);
    };
    match (refusal.step, refusal.errno) {
        (Step::Whole | Step::Remove, _) => Err(refusal),
        // Before Linux 5.6 a folder cannot be resolved inside a root.
        (_, Errno::ENOSYS | Errno::EINVAL) => Err(refusal),
        (_, Errno::ENOENT | Errno::ENOTDIR) => Ok(WriteOutcome::Absent),
        // The kernel asks whether the mount is writable before it asks whether its user namespace
        // has a number for us (fs/namei.c, lookup_open): for those inside, it is.
        (Step::Create, Errno::EOVERFLOW) => Ok(WriteOutcome::Written),
        (Step::OpenFolder | Step::Create, errno) => Ok(WriteOutcome::Refused { errno: errno.to_string() }),
    }
}

/// The state of every process that is there.
async fn states(access: &Access, container: &Container) -> Result<Vec<(u32, char)>, KernelError> {
    let pids = access.find(container).await?;
    let ops = pids.iter().map(|pid| Op::Read { path: format!("{pid}/stat") }).collect();
    let replies = access.ask(ops).await?;
    let mut states = Vec::new();
    for (pid, reply) in pids.into_iter().zip(replies) {
        match reply {
            Ok(text) => states.extend(state(&text).map(|state| (pid, state))),
            Err(refusal) if refusal.errno.is_gone() => {}
            Err(refusal) => {
                return Err(refused(container, "look at the processes of", refusal.errno));
            }
        }
    }
    if states.is_empty() {
        return Err(not_running(container));
    }
    Ok(states)
}

/// Field 3 of proc_pid_stat(5), after the name in brackets.
fn state(stat: &[u8]) -> Option<char> {
    let text = String::from_utf8_lossy(stat);
    let after_name = &text[text.rfind(')')? + 1..];
    after_name.trim_start().chars().next()
}

async fn send(
    access: &Access,
    container: &Container,
    signal: SignalAll,
    pids: &[u32],
) -> Result<(), KernelError> {
    let ops = pids
        .iter()
        .map(|pid| Op::Signal { pid: *pid, signal: signal.number(), container: container.id().to_owned() })
        .collect();
    for reply in access.ask(ops).await? {
        match reply {
            Err(refusal) if !refusal.errno.is_gone() => {
                return Err(refused(container, "signal the processes of", refusal.errno));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// A name that nobody else uses; should someone, the kernel refuses to make the file twice.
fn unused_name() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!(".grader-{random:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(step: Step, errno: i32) -> Option<WriteOutcome> {
        outcome_of(Err(Refusal { errno: Errno(errno), step })).ok()
    }

    #[test]
    fn only_the_mounts_no_is_a_refusal() {
        let read_only = WriteOutcome::Refused { errno: "EROFS".to_owned() };
        assert_eq!(outcome_of(Ok(Vec::new())).ok(), Some(WriteOutcome::Written));
        assert_eq!(of(Step::Create, 30), Some(read_only));
        assert_eq!(of(Step::OpenFolder, 2), Some(WriteOutcome::Absent));
        assert_eq!(of(Step::Create, 75), Some(WriteOutcome::Written));
        // What could not be tried says nothing about the folder.
        assert_eq!(of(Step::OpenFolder, 38), None);
        assert_eq!(of(Step::Whole, 13), None);
        assert_eq!(of(Step::Remove, 30), None);
    }

    #[test]
    fn a_stopped_or_ended_process_has_obeyed() {
        assert!(SignalAll::Stop.is_obeyed_in('T'));
        assert!(SignalAll::Stop.is_obeyed_in('Z'));
        assert!(!SignalAll::Stop.is_obeyed_in('S'));
        assert!(SignalAll::Continue.is_obeyed_in('S'));
        assert!(!SignalAll::Continue.is_obeyed_in('T'));
    }

    #[test]
    fn a_state_is_found_behind_any_name() {
        assert_eq!(state(b"12 (a) R 1) T 1 12"), Some('T'));
        assert_eq!(state(b"12"), None);
    }

    #[test]
    fn names_differ() {
        assert_ne!(unused_name(), unused_name());
    }
}
