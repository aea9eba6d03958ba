//! Collecting what the kernel says about each process, before it is made sense of together.

use std::collections::{BTreeMap, HashMap};

use super::{
    Access, KernelError,
    op::{Errno, Op, Reply},
    parse::{Cgroup, ParseError, StatusFile, arguments, cgroups, inode, started_ticks},
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

/// What was read of a process, before the numbers of its users are known on both sides.
pub(super) struct Raw {
    pub(super) pid: u32,
    pub(super) status: StatusFile,
    pub(super) ns_pids: Vec<u32>,
    pub(super) started_ticks: u64,
    pub(super) args: Vec<String>,
    pub(super) exe: Option<String>,
    pub(super) cgroups: Vec<Cgroup>,
    pub(super) namespaces: BTreeMap<String, u64>,
    pub(super) odd_threads: Vec<(u32, [u32; 4])>,
}

/// Reads what the kernel says about each process; those that ended meanwhile are left out.
pub(super) async fn read_all(
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
    let read = |file: &str| Op::Read { path: format!("{pid}/{file}") };
    let link = |file: &str| Op::Link { path: format!("{pid}/{file}") };
    let mut ops = vec![read("cgroup"), read("status"), read("stat"), read("cmdline"), link("exe")];
    ops.extend(NAMESPACES.iter().map(|kind| link(&format!("ns/{kind}"))));
    ops
}

enum Trouble {
    Parse(ParseError),
    Refused(Errno),
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
    let (Some(cgroup), Some(status), Some(stat)) = (text(cgroup)?, text(status)?, text(stat)?) else {
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
        exe: exe.as_ref().ok().map(|path| String::from_utf8_lossy(path).into_owned()),
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
        .map(|rest| rest.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
        .unwrap_or_default()
}

/// Looks for threads that act as others than their process.
async fn read_threads(access: &Access, raws: &mut [Raw]) -> Result<(), KernelError> {
    let many: Vec<usize> = (0..raws.len()).filter(|index| raws[*index].status.threads > 1).collect();
    if many.is_empty() {
        return Ok(());
    }
    let lists = many.iter().map(|index| Op::List { path: format!("{}/task", raws[*index].pid) }).collect();
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
        .map(|(index, tid)| Op::Read { path: format!("{}/task/{tid}/status", raws[*index].pid) })
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
pub(super) async fn add_namespaces(container: &Container, raws: &mut [Raw]) {
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
