//! A container's processes at one moment, as the kernel sees them. Start at [`Kernel::look`].

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{
    Access, Kernel, KernelError, Via, about_the_first,
    capability::Capabilities,
    collect::{Raw, add_namespaces, read_all},
    first_pid,
    identity::{Id, IdMap, Ids, Seen},
    not_running,
    op::{Op, Reply},
    parse::{Cgroup, Seccomp, inode, limiting_path},
    unreadable,
};
use crate::Container;

/// A container's processes at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessLook {
    /// How they were seen.
    pub via: Via,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// How the container's user namespace numbers users.
    pub uid_map: IdMap,
    /// How it numbers groups.
    pub gid_map: IdMap,
    /// The control groups of its first process.
    pub cgroups: Vec<Cgroup>,
    /// Its first process first, then by pid.
    pub processes: Vec<Process>,
}

/// A process. Source: `/proc/PID/{status,stat,cmdline,cgroup,exe,ns,task}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// As the engine's host counts.
    pub pid: u32,
    /// As the container counts; null on kernels that do not say.
    pub pid_inside: Option<u32>,
    /// Its parent, as the engine's host counts.
    pub ppid: u32,
    /// In whose names it acts.
    pub uids: Ids,
    /// As which groups it acts.
    pub gids: Ids,
    /// Its other groups.
    pub groups: Vec<Id>,
    /// Threads whose users differ from the process's: the kernel keeps users by thread.
    pub odd_threads: Vec<OddThread>,
    /// What of root's powers it has.
    pub capabilities: Capabilities,
    /// It cannot gain powers by starting a program.
    pub no_new_privs: bool,
    /// What confines its system calls.
    pub seccomp: Seccomp,
    /// The kernel's letter: R runs, S and D wait, T stopped, Z ended and not yet collected.
    pub state: char,
    /// When it was started: hundredths of a second after the boot. With the pid, its identity.
    pub started_ticks: u64,
    /// Its name: what the process says of itself, 15 bytes at most.
    pub name: String,
    /// Its arguments, cut at 4 KiB: what the process says of itself.
    pub args: Vec<String>,
    /// The file that it runs, inside the container; null when we may not see it or it has none.
    pub exe: Option<String>,
    /// Its namespaces, by kind (`pid`, `mnt`, …) their inode. What we may not see is left out.
    pub namespaces: BTreeMap<String, u64>,
    /// The control group that limits it.
    pub cgroup: String,
}

/// A thread whose users differ from those of its process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddThread {
    /// As the engine's host counts.
    pub tid: u32,
    /// In whose names it acts.
    pub uids: Ids,
}

impl Kernel {
    /// Looks at every process of a container once. Processes that begin or end meanwhile may be
    /// missing. Costs about a millisecond through `/proc`.
    ///
    /// # Errors
    /// It does not run, or no way leads to its kernel.
    pub async fn look(&self, container: &Container) -> Result<ProcessLook, KernelError> {
        let access = self.to_look(container).await?;
        let at_unix_ms = now();
        let pids = access.find(container).await?;
        let mut raws = read_all(&access, container, &pids).await?;
        if raws.iter().any(|raw| !raw.namespaces.contains_key("user")) {
            add_namespaces(container, &mut raws).await;
        }
        let first = position_of_first(container, &raws).await?;
        let raw = raws.remove(first);
        raws.insert(0, raw);
        let maps = Maps::read(&access, container, &raws[0]).await?;
        let level = raws[0].ns_pids.len();
        let processes = raws.iter().map(|raw| maps.process(raw, level)).collect();
        Ok(ProcessLook {
            via: access.via(),
            at_unix_ms,
            cgroups: raws[0].cgroups.clone(),
            uid_map: maps.uids,
            gid_map: maps.gids,
            processes,
        })
    }
}

/// Both maps of the container's user namespace, and from which side we see it.
struct Maps {
    uids: IdMap,
    gids: IdMap,
    from_inside: bool,
}

impl Maps {
    async fn read(access: &Access, container: &Container, first: &Raw) -> Result<Self, KernelError> {
        let read = |file: &str| Op::Read { path: format!("{}/{file}", first.pid) };
        let observer = Op::Link { path: "self/ns/user".to_owned() };
        let replies = access.ask(vec![read("uid_map"), read("gid_map"), observer]).await?;
        let [uid_map, gid_map, observer] = three(replies);
        let map = |reply: Reply| {
            let text = reply
                .map_err(|refusal| about_the_first(container, "read the user namespace of", refusal.errno))?;
            IdMap::parse(&String::from_utf8_lossy(&text)).map_err(|source| unreadable(container, source))
        };
        let ours = observer.ok().and_then(|link| inode(&String::from_utf8_lossy(&link)).ok());
        let theirs = first.namespaces.get("user").copied();
        Ok(Self {
            uids: map(uid_map)?,
            gids: map(gid_map)?,
            // Where theirs is hidden even from the engine's `ps`, we take it for another one, which
            // makes no difference to the map of an ordinary engine.
            from_inside: ours.is_some() && ours == theirs,
        })
    }

    fn seen<'a>(&self, map: &'a IdMap) -> Seen<'a> {
        if self.from_inside { Seen::FromInside(map) } else { Seen::FromOutside(map) }
    }

    fn process(&self, raw: &Raw, level: usize) -> Process {
        let users = self.seen(&self.uids);
        let groups = self.seen(&self.gids);
        let status = &raw.status;
        Process {
            pid: raw.pid,
            pid_inside: level.checked_sub(1).and_then(|index| raw.ns_pids.get(index).copied()),
            ppid: status.ppid,
            uids: users.ids(status.uids),
            gids: groups.ids(status.gids),
            groups: status.groups.iter().map(|id| groups.id(*id)).collect(),
            odd_threads: raw
                .odd_threads
                .iter()
                .map(|(tid, uids)| OddThread { tid: *tid, uids: users.ids(*uids) })
                .collect(),
            capabilities: status.capabilities.clone(),
            no_new_privs: status.no_new_privs,
            seccomp: status.seccomp,
            state: status.state,
            started_ticks: raw.started_ticks,
            name: status.name.clone(),
            args: raw.args.clone(),
            exe: raw.exe.clone(),
            namespaces: raw.namespaces.clone(),
            cgroup: limiting_path(&raw.cgroups),
        }
    }
}

/// The first process is number 1 of the outermost namespace among those that are number 1
/// somewhere; where numbers are shared with the host, the engine knows.
async fn position_of_first(container: &Container, raws: &[Raw]) -> Result<usize, KernelError> {
    if raws.is_empty() {
        return Err(not_running(container));
    }
    let by_number = raws
        .iter()
        .enumerate()
        .filter(|(_, raw)| raw.ns_pids.len() > 1 && raw.ns_pids.last() == Some(&1))
        .min_by_key(|(_, raw)| raw.ns_pids.len())
        .map(|(index, _)| index);
    if let Some(index) = by_number {
        return Ok(index);
    }
    let pid = first_pid(container).await?;
    raws.iter().position(|raw| raw.pid == pid).ok_or_else(|| not_running(container))
}

fn three(replies: Vec<Reply>) -> [Reply; 3] {
    // As many answers as questions, by construction of every way.
    replies.try_into().unwrap_or_else(|_| [Ok(Vec::new()), Ok(Vec::new()), Ok(Vec::new())])
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is shown as 1970.
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX))
}
