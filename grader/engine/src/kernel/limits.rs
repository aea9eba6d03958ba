//! What the kernel enforces on a container: the limits in the files of its control group.
//! Start at [`Kernel::limits`].

use serde::{Deserialize, Serialize};

use super::{
    Access, Cgroup, Kernel, KernelError, Via, about_the_first, first_pid, op::Op, parse::cgroups, unreadable,
};
use crate::Container;

/// What the kernel enforces. Null where there is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupLimits {
    /// How it was read.
    pub via: Via,
    /// Memory, in bytes: in whole pages.
    pub memory_bytes: Option<Limit>,
    /// Processor time in a period, in microseconds.
    pub cpu_quota_us: Option<Limit>,
    /// The period, in microseconds.
    pub cpu_period_us: Option<Limit>,
    /// Processes and threads at once.
    pub pids_max: Option<Limit>,
}

/// A limit, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The figure.
    pub value: u64,
    /// The file, as a reader on the engine's machine finds it.
    pub file: String,
}

/// Above this a memory limit of version 1 means none: the kernel writes the largest number of whole pages.
const NO_LIMIT: u64 = 1 << 62;

impl Kernel {
    /// Reads the limits of a container's control group, of version 1 or 2.
    ///
    /// # Errors
    /// It does not run, no way leads to its kernel.
    pub async fn limits(&self, container: &Container) -> Result<CgroupLimits, KernelError> {
        let pid = first_pid(container).await?;
        let mut access = self.to_look(container).await?;
        let text = access
            .ask_one(Op::Read { path: format!("{pid}/cgroup") })
            .await?
            .map_err(|refusal| about_the_first(container, "read the control groups of", refusal.errno))?;
        let groups =
            cgroups(&String::from_utf8_lossy(&text)).map_err(|source| unreadable(container, source))?;
        let mut found = read(&access, &groups, pid).await?;
        // Our own view of the tree may be another one, as inside of a container.
        if found.memory_bytes.is_none() && matches!(access, Access::Here) {
            access = self.to_act(container, pid).await?;
            found = read(&access, &groups, pid).await?;
        }
        Ok(found)
    }
}

async fn read(access: &Access, groups: &[Cgroup], pid: u32) -> Result<CgroupLimits, KernelError> {
    let memory =
        first_of(access, files(groups, "memory", "memory.limit_in_bytes", "memory.max"), pid).await?;
    let pids = first_of(access, files(groups, "pids", "pids.max", "pids.max"), pid).await?;
    let quota = first_of(access, files(groups, "cpu", "cpu.cfs_quota_us", "cpu.max"), pid).await?;
    let period = first_of(access, files(groups, "cpu", "cpu.cfs_period_us", "cpu.max"), pid).await?;
    let word = |found: &Option<(String, String)>, nth: usize| {
        let (file, text) = found.as_ref()?;
        let value = text.split_whitespace().nth(nth)?.parse().ok()?;
        Some(Limit { value, file: file.clone() })
    };
    // Version 2 has quota and period in one file.
    let period_at = usize::from(period.as_ref().is_some_and(|(file, _)| file.ends_with("cpu.max")));
    Ok(CgroupLimits {
        via: access.via(),
        memory_bytes: word(&memory, 0).filter(|limit| limit.value < NO_LIMIT),
        cpu_quota_us: word(&quota, 0),
        cpu_period_us: word(&period, period_at),
        pids_max: word(&pids, 0),
    })
}

/// Where a limit stands: the file of version 1 if the controller is there, else that of version 2.
fn files(groups: &[Cgroup], controller: &str, old: &str, new: &str) -> Vec<String> {
    let named = |group: &&Cgroup| group.controllers.iter().any(|name| name == controller);
    if let Some(group) = groups.iter().find(named) {
        let mut folders = vec![controller.to_owned(), group.controllers.join(",")];
        folders.dedup();
        return folders
            .iter()
            .flat_map(|folder| {
                // In the container's own tree its group is the top.
                [
                    format!("/sys/fs/cgroup/{folder}{}/{old}", group.path),
                    format!("/sys/fs/cgroup/{folder}/{old}"),
                ]
            })
            .collect();
    }
    let unified = groups.iter().find(|group| group.hierarchy == 0);
    unified.map_or_else(Vec::new, |group| {
        let path = if group.path == "/" { "" } else { &group.path };
        vec![format!("/sys/fs/cgroup{path}/{new}"), format!("/sys/fs/cgroup/{new}")]
    })
}

/// The first of the files that can be read: by its whole path in the machine's tree, else in the tree that
/// the container itself sees.
async fn first_of(
    access: &Access,
    files: Vec<String>,
    pid: u32,
) -> Result<Option<(String, String)>, KernelError> {
    let machine = match access {
        Access::Here => "self/root",
        Access::Helper(_) => "1/root",
    };
    let mut tries = Vec::new();
    for (nth, file) in files.iter().enumerate() {
        // The top of the machine's tree is nobody's limit.
        let root = if nth % 2 == 0 { machine.to_owned() } else { format!("{pid}/root") };
        tries.push((file.clone(), Op::Read { path: format!("{root}{file}") }));
    }
    let (files, ops): (Vec<String>, Vec<Op>) = tries.into_iter().unzip();
    let replies = access.ask(ops).await?;
    Ok(files.into_iter().zip(replies).find_map(|(file, reply)| {
        let text = String::from_utf8_lossy(&reply.ok()?).trim().to_owned();
        (!text.is_empty()).then_some((file, text))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, controller: &str, old: &str, new: &str) -> Vec<String> {
        files(&cgroups(text).unwrap(), controller, old, new)
    }

    #[test]
    fn version_1_has_a_tree_for_each_controller() {
        let text = "9:name=systemd:/docker/x\n4:memory:/docker/x\n2:cpu,cpuacct:/docker/x\n0::/docker/x\n";
        let memory = of(text, "memory", "memory.limit_in_bytes", "memory.max");
        assert_eq!(memory[0], "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes");
        let cpu = of(text, "cpu", "cpu.cfs_quota_us", "cpu.max");
        assert!(cpu.contains(&"/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us".to_owned()));
        assert!(cpu.contains(&"/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us".to_owned()));
    }

    // The line is that of https://docs.docker.com/engine/containers/runmetrics/ ("Find the cgroup for a
    // given container") for cgroup v2 with the systemd driver.
    #[test]
    fn version_2_has_one_tree() {
        let memory = of("0::/system.slice/docker-x.scope\n", "memory", "memory.limit_in_bytes", "memory.max");
        assert_eq!(memory[0], "/sys/fs/cgroup/system.slice/docker-x.scope/memory.max");
        assert_eq!(of("0::/\n", "pids", "pids.max", "pids.max")[0], "/sys/fs/cgroup/pids.max");
    }
}
