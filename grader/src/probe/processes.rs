//! The processes of a container over a time: every one that was seen, and as whom it acted.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use grader_core::evidence::{ProcessSeen, Watched as WatchedFor};
use grader_engine::{Id, Ids, KernelError, Process, ProcessLook, Via};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    Stop,
    app::{App, millis},
    container::kernel_stop,
};

/// Time between two looks at the processes.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// The fewest looks a second that count as watching.
const FEWEST_A_SECOND: u64 = 4;

/// So many processes are told one by one; after them only those that act as users not seen before, so that
/// a crowd cannot hide one.
const TOLD_PROCESSES: usize = 500;

/// Who a process is, and as whom it acts: one that changes its user is seen anew.
type Identity = (u32, u32, u64, [u64; 4]);

/// The processes of one watch.
#[derive(Default)]
pub(super) struct Processes {
    seen: BTreeMap<Identity, ProcessSeen>,
    looks: u64,
    left_out: u64,
    /// It was found not running: after its end, or between two of its lives.
    has_ended: bool,
    last_look_ms: u64,
    longest_gap_ms: u64,
    via: Option<Via>,
}

impl Processes {
    /// Looks again and again, until the span is over or the container has ended for good.
    pub(super) async fn watch(&mut self, app: &App, span: Duration) -> Result<(), Stop> {
        let end = app.started + span;
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            ticks.tick().await;
            match app.kernel.look(&app.container).await {
                Ok(look) => self.add(&look, app.age_ms()),
                // It may end, and with a restart policy begin again: both are facts, not faults.
                Err(KernelError::NotRunning { .. }) => {
                    self.has_ended = true;
                    if app.options.restarts_allowed == 0 {
                        return Ok(());
                    }
                }
                Err(error) => return Err(kernel_stop(error)),
            }
        }
        Ok(())
    }

    fn add(&mut self, look: &ProcessLook, at_ms: u64) {
        self.looks += 1;
        self.longest_gap_ms = self.longest_gap_ms.max(at_ms.saturating_sub(self.last_look_ms));
        self.last_look_ms = at_ms;
        self.via = Some(look.via);
        for process in &look.processes {
            // What has ended and was not collected yet acts no more.
            if process.state == 'Z' || is_the_runtimes(process, look) {
                continue;
            }
            self.add_one(process, process.pid, &process.uids, at_ms);
            for thread in &process.odd_threads {
                self.add_one(process, thread.tid, &thread.uids, at_ms);
            }
        }
    }

    fn add_one(&mut self, process: &Process, pid: u32, uids: &Ids, at_ms: u64) {
        let users = [uids.effective, uids.real, uids.saved, uids.filesystem].map(inside);
        let identity = (process.pid, pid, process.started_ticks, users);
        if let Some(known) = self.seen.get_mut(&identity) {
            known.last_seen_ms = at_ms;
            return;
        }
        let gid = inside(process.gids.effective);
        if self.seen.len() >= TOLD_PROCESSES {
            let alike = |(known, seen): (&Identity, &ProcessSeen)| known.3 == users && seen.gid == gid;
            if self.seen.iter().any(alike) {
                self.left_out += 1;
                return;
            }
        }
        let [uid, real_uid, saved_uid, _] = users;
        self.seen.insert(
            identity,
            ProcessSeen {
                pid: pid.into(),
                command: process.name.chars().filter(|c| !c.is_control()).collect(),
                uid,
                real_uid,
                saved_uid,
                gid,
                host_uid: uids.effective.host.into(),
                host_gid: process.gids.effective.host.into(),
                capabilities: process.capabilities.effective.clone(),
                no_new_privileges: process.no_new_privs,
                first_seen_ms: at_ms,
                last_seen_ms: at_ms,
            },
        );
    }

    /// Too few looks at a container that ran all the while prove nothing: the machine was too busy, and that
    /// is nobody's failure.
    pub(super) fn were_enough(&self, span: Option<Duration>) -> Result<(), Stop> {
        let Some(span) = span else { return Ok(()) };
        let needed = millis(span) * FEWEST_A_SECOND / 1000;
        // That one has ended is a fact, however seldom it was seen before.
        if !self.has_ended && self.looks < needed {
            return Err(Stop::Fault(grader_core::Fault {
                what: "this machine was too busy to watch the container closely enough".into(),
                detail: format!("{} looks in {} s, {needed} are the fewest", self.looks, span.as_secs_f64()),
            }));
        }
        Ok(())
    }

    /// Hands over what was seen, in the order in which it was seen.
    pub(super) fn into_evidence(self, watched: &mut WatchedFor, processes: &mut Vec<ProcessSeen>) {
        watched.looks = self.looks;
        watched.longest_gap_ms = self.longest_gap_ms;
        watched.left_out = self.left_out;
        watched.via = match self.via {
            None => "nothing".into(),
            Some(Via::Proc) => "proc".into(),
            Some(Via::Helper) => "helper".into(),
        };
        processes.extend(self.seen.into_values());
        processes.sort_by_key(|process| (process.first_seen_ms, process.pid));
    }
}

/// Whether it is the container runtime itself, on its way in to start a health test or an exec: still root,
/// not yet the program that it will become, whose user is then looked at like every other's.
///
/// A program of the image cannot pass for it: its parent is outside the container, which is so only for
/// what the engine starts, and the file that it runs is none of the image's (runc runs from a file
/// without a name or from a sealed copy in memory).
fn is_the_runtimes(process: &Process, look: &ProcessLook) -> bool {
    let from_outside = !look.processes.iter().any(|other| other.pid == process.ppid);
    let is_first = look.processes.first().is_some_and(|first| first.pid == process.pid);
    let foreign = match process.exe.as_deref() {
        None => process.name.starts_with("runc:["),
        Some(exe) => {
            exe == "/"
                || exe.starts_with("/memfd:")
                || ["/runc", "/crun"].iter().any(|own| exe.ends_with(own))
        }
    };
    from_outside && !is_first && foreign
}

/// The number inside the container's user namespace; what is not mapped is the kernel's overflow id.
fn inside(id: Id) -> u64 {
    id.inside.unwrap_or(65534).into()
}

#[cfg(test)]
mod tests {
    use grader_engine::{Capabilities, IdMap, Seccomp};

    use super::*;

    fn id(number: u32) -> Id {
        Id { host: number, inside: Some(number) }
    }

    fn ids(number: u32) -> Ids {
        Ids { real: id(number), effective: id(number), saved: id(number), filesystem: id(number) }
    }

    fn process(pid: u32, uid: u32) -> Process {
        Process {
            pid,
            pid_inside: None,
            ppid: 1,
            uids: ids(uid),
            gids: ids(uid),
            groups: Vec::new(),
            odd_threads: Vec::new(),
            capabilities: Capabilities {
                effective: Vec::new(),
                permitted: Vec::new(),
                inheritable: Vec::new(),
                bounding: Vec::new(),
                ambient: Vec::new(),
            },
            no_new_privs: false,
            seccomp: Seccomp::Filter,
            state: 'S',
            started_ticks: 7,
            name: "app".into(),
            args: Vec::new(),
            exe: Some("/app".into()),
            namespaces: BTreeMap::new(),
            cgroup: String::new(),
        }
    }

    fn look(processes: Vec<Process>) -> ProcessLook {
        ProcessLook {
            via: Via::Proc,
            at_unix_ms: 0,
            uid_map: IdMap(Vec::new()),
            gid_map: IdMap(Vec::new()),
            cgroups: Vec::new(),
            processes,
        }
    }

    fn evidence(seen: Processes) -> (WatchedFor, Vec<ProcessSeen>) {
        let (mut watched, mut processes) = (WatchedFor::default(), Vec::new());
        seen.into_evidence(&mut watched, &mut processes);
        (watched, processes)
    }

    #[test]
    fn a_crowd_cannot_hide_one_that_acts_as_another_user() {
        let mut seen = Processes::default();
        let mut crowd: Vec<Process> = (1..=800).map(|pid| process(pid, 10001)).collect();
        crowd.push(process(801, 0));
        seen.add(&look(crowd), 20);
        let (watched, processes) = evidence(seen);
        assert_eq!(watched.left_out, 300);
        assert!(processes.iter().any(|process| process.pid == 801 && process.uid == 0));
    }

    #[test]
    fn one_that_changes_its_user_is_seen_as_both() {
        let mut seen = Processes::default();
        seen.add(&look(vec![process(9, 10001)]), 20);
        seen.add(&look(vec![process(9, 0)]), 170);
        seen.add(&look(vec![process(9, 0)]), 320);
        let (_, processes) = evidence(seen);
        let told: Vec<(u64, u64, u64)> =
            processes.iter().map(|it| (it.uid, it.first_seen_ms, it.last_seen_ms)).collect();
        assert_eq!(told, [(10001, 20, 20), (0, 170, 320)]);
    }

    /// Whoever starts an exec from outside is root for a moment and none of the image's; a program of the
    /// image that takes its name is the image's all the same.
    #[test]
    fn the_runtime_is_told_apart_by_where_it_comes_from_and_what_it_runs() {
        let runtime =
            Process { ppid: 4000, exe: Some("/".into()), name: "runc:[2:INIT]".into(), ..process(5, 0) };
        let by_name = Process { name: "runc:[2:INIT]".into(), ..process(6, 0) };
        let from_inside = Process { ppid: 1, exe: Some("/".into()), ..process(7, 0) };
        let mut seen = Processes::default();
        seen.add(&look(vec![process(1, 10001), runtime, by_name, from_inside]), 20);
        let (_, processes) = evidence(seen);
        let told: Vec<u64> = processes.iter().map(|it| it.pid).collect();
        assert_eq!(told, [1, 6, 7]);
    }
}
