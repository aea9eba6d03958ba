//! A process with all that it started: signalled together, and never left behind.

use std::{io, time::Duration};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process_group};
use tokio::{process::Child, time::timeout};

/// A process group, led by the process that was started.
#[derive(Debug)]
pub struct Group {
    child: Child,
    leader: Option<Pid>,
}

impl Group {
    /// The group that `child` leads.
    pub(super) fn of(child: Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, leader }
    }

    /// Waits for the leader's end; returns its exit code, `None` if a signal ended it.
    pub(super) async fn wait(&mut self) -> io::Result<Option<i32>> {
        Ok(self.child.wait().await?.code())
    }

    /// Sends all of them a signal. That nobody is left to take it is no fault.
    pub fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader
            && let Err(error) = kill_process_group(leader, signal)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(%error, "cannot signal a program's group");
        }
    }

    /// Asks them to end; whoever has not after `grace` is killed.
    pub(super) async fn end(&mut self, grace: Duration) {
        self.signal(Signal::TERM);
        let ended = timeout(grace, self.child.wait()).await;
        self.signal(Signal::KILL);
        if ended.is_err()
            && let Err(error) = self.child.wait().await
        {
            tracing::warn!(%error, "cannot wait for a killed program");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Whoever is left: a leader that ended may have left children, and their group keeps its number.
        self.signal(Signal::KILL);
    }
}
