//! A container's processes at one moment, as the kernel sees them. Start at [`Kernel::look`].

use std::{
    collections::{BTreeMap, HashMap},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{
    Access, Kernel, KernelError, Via,
    capability::Capabilities,
    first_pid,
    identity::{Id, IdMap, Ids, Seen},
    not_running,
    op::{Op, Reply},
    parse::{
        Cgroup, ParseError, Seccomp, StatusFile, arguments, cgroups, inode, limiting_path,
        started_ticks,
    },
    refused, unreadable,
};
use crate::Container;

/// The kinds of namespaces, as `/proc/PID/ns` names them.
const NAMESPACES: [&str; 8] = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
/// What `ps` calls those that a user without rights can have from the engine alone.
const PS_NAMESPACES: [(&str, &str); 6] = [
    ("PIDNS", "pid"),
    ("MNTNS", "mnt"),
    ("NETNS", "net"),
    ("UTSNS", "uts"),
    ("IPCNS", "ipc"),
    ("USERNS", "user"),
];
const PS_ARGUMENTS: &str = "-eo pid,pidns,mntns,netns,utsns,ipcns,userns";
/// Arguments that are longer are cut, in bytes.
const LONGEST_COMMAND: usize = 4096;

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

/// What was read of a process, before the numbers of its users are known on both sides.
struct Raw {
    pid: u32,
    status: StatusFile,
    ns_pids: Vec<u32>,
    started_ticks: u64,
    args: Vec<String>,
    exe: Option<String>,
    cgroups: Vec<Cgroup>,
    namespaces: BTreeMap<String, u64>,
    odd_threads: Vec<(u32, [u32; 4])>,
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
    async fn read(
        access: &Access,
        container: &Container,
        first: &Raw,
    ) -> Result<Self, KernelError> {
        let read = |file: &str| Op::Read {
            path: format!("{}/{file}", first.pid),
        };
        let observer = Op::Link {
            path: "self/ns/user".to_owned(),
        };
        let replies = access
            .ask(vec![read("uid_map"), read("gid_map"), observer])
            .await?;
        let [uid_map, gid_map, observer] = three(replies);
        let map = |reply: Reply| {
            let text = reply.map_err(|refusal| {
                refused(container, "read the user namespace of", refusal.errno)
            })?;
            IdMap::parse(&String::from_utf8_lossy(&text))
                .map_err(|source| unreadable(container, source))
        };
        let ours = observer
            .ok()
            .and_then(|link| inode(&String::from_utf8_lossy(&link)).ok());
        let theirs = first.namespaces.get("user").copied();
        Ok(Self {
            uids: map(uid_map)?,
            gids: map(gid_map)?,
            // Where theirs is hidden from us we are not in it: a process may see its own.
            from_inside: ours.is_some() && ours == theirs,
        })
    }

    fn seen<'a>(&self, map: &'a IdMap) -> Seen<'a> {
        if self.from_inside {
            Seen::FromInside(map)
        } else {
            Seen::FromOutside(map)
        }
    }

    fn process(&self, raw: &Raw, level: usize) -> Process {
        let users = self.seen(&self.uids);
        let groups = self.seen(&self.gids);
        let status = &raw.status;
        Process {
            pid: raw.pid,
            pid_inside: level
                .checked_sub(1)
                .and_then(|index| raw.ns_pids.get(index).copied()),
            ppid: status.ppid,
            uids: users.ids(status.uids),
            gids: groups.ids(status.gids),
            groups: status.groups.iter().map(|id| groups.id(*id)).collect(),
            odd_threads: raw
                .odd_threads
                .iter()
                .map(|(tid, uids)| OddThread {
                    tid: *tid,
                    uids: users.ids(*uids),
                })
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

/// Reads what the kernel says about each process; those that ended meanwhile are left out.
async fn read_all(
    access: &Access,
    container: &Container,
    pids: &[u32],
) -> Result<Vec<Raw>, KernelError> {
    let ops: Vec<Op> = pids.iter().flat_map(|pid| questions(*pid)).collect();
    let per_process = questions(0).len();
    let replies = access.ask(ops).await?;
    let mut raws = Vec::new();
    for (pid, replies) in pids.iter().zip(replies.chunks(per_process)) {
        match raw(*pid, container.id(), replies) {
            Ok(Some(raw)) => raws.push(raw),
            Ok(None) => {}
            Err(Trouble::Parse(source)) => return Err(unreadable(container, source)),
            Err(Trouble::Refused(errno)) => {
                return Err(refused(container, "look at the processes of", errno));
            }
        }
    }
    read_threads(access, &mut raws).await?;
    Ok(raws)
}

fn questions(pid: u32) -> Vec<Op> {
    let read = |file: &str| Op::Read {
        path: format!("{pid}/{file}"),
    };
    let link = |file: &str| Op::Link {
        path: format!("{pid}/{file}"),
    };
    let mut ops = vec![
        read("cgroup"),
        read("status"),
        read("stat"),
        read("cmdline"),
        link("exe"),
    ];
    ops.extend(NAMESPACES.iter().map(|kind| link(&format!("ns/{kind}"))));
    ops
}

enum Trouble {
    Parse(ParseError),
    Refused(super::op::Errno),
}

impl From<ParseError> for Trouble {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

/// Puts one process's answers together; `None` when it ended meanwhile, or when its number was
/// given to a process of another container.
fn raw(pid: u32, container: &str, replies: &[Reply]) -> Result<Option<Raw>, Trouble> {
    let [cgroup, status, stat, cmdline, exe, namespaces @ ..] = replies else {
        return Ok(None);
    };
    let text = |reply: &Reply| match reply {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
        Err(refusal) if refusal.errno.is_gone() => Ok(None),
        Err(refusal) => Err(Trouble::Refused(refusal.errno)),
    };
    let (Some(cgroup), Some(status), Some(stat)) = (text(cgroup)?, text(status)?, text(stat)?)
    else {
        return Ok(None);
    };
    if !cgroup.contains(container) {
        return Ok(None);
    }
    let mut found = BTreeMap::new();
    for (kind, reply) in NAMESPACES.iter().zip(namespaces) {
        // Denied, or a kernel without this kind.
        if let Ok(link) = reply {
            found.insert((*kind).to_owned(), inode(&String::from_utf8_lossy(link))?);
        }
    }
    Ok(Some(Raw {
        pid,
        ns_pids: ns_pids(&status),
        status: StatusFile::parse(&status)?,
        started_ticks: started_ticks(&stat)?,
        args: match cmdline {
            Ok(bytes) => arguments(&bytes[..bytes.len().min(LONGEST_COMMAND)]),
            Err(_) => Vec::new(),
        },
        exe: exe
            .as_ref()
            .ok()
            .map(|path| String::from_utf8_lossy(path).into_owned()),
        cgroups: cgroups(&cgroup)?,
        namespaces: found,
        odd_threads: Vec::new(),
    }))
}

/// The pids of one process in each pid namespace that it is in, ours first.
fn ns_pids(status: &str) -> Vec<u32> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))
        .map(|rest| {
            rest.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect()
        })
        .unwrap_or_default()
}

/// Looks for threads that act as others than their process.
async fn read_threads(access: &Access, raws: &mut [Raw]) -> Result<(), KernelError> {
    let many: Vec<usize> = (0..raws.len())
        .filter(|index| raws[*index].status.threads > 1)
        .collect();
    if many.is_empty() {
        return Ok(());
    }
    let lists = many
        .iter()
        .map(|index| Op::List {
            path: format!("{}/task", raws[*index].pid),
        })
        .collect();
    let lists = access.ask(lists).await?;
    let mut threads: Vec<(usize, u32)> = Vec::new();
    for (index, list) in many.iter().zip(lists) {
        // A process that has ended meanwhile has no threads.
        let list = list.unwrap_or_default();
        let tids = String::from_utf8_lossy(&list)
            .lines()
            .filter_map(|tid| tid.parse().ok())
            .filter(|tid| *tid != raws[*index].pid)
            .map(|tid| (*index, tid))
            .collect::<Vec<_>>();
        threads.extend(tids);
    }
    let statuses = threads
        .iter()
        .map(|(index, tid)| Op::Read {
            path: format!("{}/task/{tid}/status", raws[*index].pid),
        })
        .collect();
    for ((index, tid), reply) in threads.iter().zip(access.ask(statuses).await?) {
        let Ok(text) = reply else { continue };
        let Ok(status) = StatusFile::parse(&String::from_utf8_lossy(&text)) else {
            continue;
        };
        if status.uids != raws[*index].status.uids {
            raws[*index].odd_threads.push((*tid, status.uids));
        }
    }
    Ok(())
}

/// Has the engine's own `ps` name the namespaces that this user may not see.
async fn add_namespaces(container: &Container, raws: &mut [Raw]) {
    let rows = match container.top(PS_ARGUMENTS).await {
        Ok(rows) => rows,
        Err(error) => {
            // They stay out of the evidence, which says so.
            tracing::debug!(%error, "the engine does not name namespaces");
            return;
        }
    };
    let mut by_pid: HashMap<u32, &BTreeMap<String, String>> = HashMap::new();
    for row in &rows {
        if let Some(Ok(pid)) = row.get("PID").map(|pid| pid.parse()) {
            by_pid.insert(pid, row);
        }
    }
    for raw in raws {
        let Some(row) = by_pid.get(&raw.pid) else {
            continue;
        };
        for (title, kind) in PS_NAMESPACES {
            if let Some(Ok(inode)) = row.get(title).map(|text| text.parse()) {
                raw.namespaces.entry(kind.to_owned()).or_insert(inode);
            }
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
    raws.iter()
        .position(|raw| raw.pid == pid)
        .ok_or_else(|| not_running(container))
}

fn three(replies: Vec<Reply>) -> [Reply; 3] {
    // As many answers as questions, by construction of every way.
    replies
        .try_into()
        .unwrap_or_else(|_| [Ok(Vec::new()), Ok(Vec::new()), Ok(Vec::new())])
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is shown as 1970.
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX))
}
