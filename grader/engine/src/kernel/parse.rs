//! Reading the kernel's texts about a process: `status`, `stat`, `cgroup`, `cmdline`. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::capability::{Capabilities, names};

/// A text of the kernel's that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    what: &'static str,
    found: String,
}

impl ParseError {
    pub(crate) fn new(what: &'static str, found: &str) -> Self {
        Self { what, found: found.chars().take(120).collect() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no {} can be read in {:?}", self.what, self.found)
    }
}

impl std::error::Error for ParseError {}

/// What confines a process's system calls. Source: `Seccomp:` of `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seccomp {
    /// Nothing.
    Disabled,
    /// Four calls only.
    Strict,
    /// A filter, as the engine's profile.
    Filter,
    /// The kernel does not say, or says something new.
    Unknown,
}

/// `/proc/PID/status`, as far as we read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusFile {
    pub(crate) name: String,
    pub(crate) state: char,
    pub(crate) ppid: u32,
    pub(crate) uids: [u32; 4],
    pub(crate) gids: [u32; 4],
    pub(crate) groups: Vec<u32>,
    /// In the innermost pid namespace; null on kernels that do not say.
    pub(crate) pid_inside: Option<u32>,
    pub(crate) threads: u32,
    pub(crate) capabilities: Capabilities,
    pub(crate) no_new_privs: bool,
    pub(crate) seccomp: Seccomp,
}

impl StatusFile {
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let field = |name: &'static str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        let needed = |name: &'static str| field(name).ok_or_else(|| ParseError::new(name, text));
        let numbers = |name: &'static str| -> Result<Vec<u32>, ParseError> {
            let value = needed(name)?;
            let parsed: Result<_, _> = value.split_whitespace().map(str::parse).collect();
            parsed.map_err(|_| ParseError::new(name, value))
        };
        let four = |name: &'static str| -> Result<[u32; 4], ParseError> {
            let list = numbers(name)?;
            list.try_into().map_err(|_| ParseError::new(name, text))
        };
        let one = |name: &'static str| -> Result<u32, ParseError> {
            let list = numbers(name)?;
            list.first().copied().ok_or_else(|| ParseError::new(name, text))
        };
        let state = needed("State")?;
        Ok(Self {
            name: needed("Name")?.to_owned(),
            state: state.chars().next().ok_or_else(|| ParseError::new("State", text))?,
            ppid: one("PPid")?,
            uids: four("Uid")?,
            gids: four("Gid")?,
            groups: numbers("Groups")?,
            pid_inside: field("NSpid").and_then(|value| value.split_whitespace().last()?.parse().ok()),
            threads: one("Threads")?,
            capabilities: Capabilities {
                effective: names(needed("CapEff")?)?,
                permitted: names(needed("CapPrm")?)?,
                inheritable: names(needed("CapInh")?)?,
                bounding: names(needed("CapBnd")?)?,
                ambient: names(needed("CapAmb")?)?,
            },
            no_new_privs: needed("NoNewPrivs")? == "1",
            seccomp: match field("Seccomp") {
                Some("0") => Seccomp::Disabled,
                Some("1") => Seccomp::Strict,
                Some("2") => Seccomp::Filter,
                _ => Seccomp::Unknown,
            },
        })
    }
}

/// Reads the start of a process from `/proc/PID/stat`: clock ticks after the boot, 100 a second.
pub(crate) fn started_ticks(stat: &str) -> Result<u64, ParseError> {
    // The name stands in brackets and may hold brackets and spaces itself.
    let after_name = stat.rfind(')').map(|end| &stat[end + 1..]);
    // Field 22 of proc_pid_stat(5); the first after the name is field 3.
    after_name
        .and_then(|rest| rest.split_whitespace().nth(22 - 3)?.parse().ok())
        .ok_or_else(|| ParseError::new("start time", stat))
}

/// Reads `/proc/PID/cmdline`; a kernel thread or a dead process has none.
pub(crate) fn arguments(cmdline: &[u8]) -> Vec<String> {
    let text = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// One control group of a process. Source: a line of `/proc/PID/cgroup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroup {
    /// 0 is the unified hierarchy (v2).
    pub hierarchy: u32,
    /// As `memory`, `name=systemd`; empty for the unified hierarchy.
    pub controllers: Vec<String>,
    /// Below the hierarchy's mount point.
    pub path: String,
}

/// Reads `/proc/PID/cgroup`: one line for v2, several for v1 and hybrid.
pub(crate) fn cgroups(text: &str) -> Result<Vec<Cgroup>, ParseError> {
    text.lines()
        .map(|line| {
            let mut parts = line.splitn(3, ':');
            let (Some(hierarchy), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
            else {
                return Err(ParseError::new("control group", line));
            };
            Ok(Cgroup {
                hierarchy: hierarchy.parse().map_err(|_| ParseError::new("control group", line))?,
                controllers: controllers
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect(),
                path: path.to_owned(),
            })
        })
        .collect()
}

/// Returns the path that limits a process: of the memory controller where there is one (v1 and
/// hybrid), else of the unified hierarchy.
pub(crate) fn limiting_path(cgroups: &[Cgroup]) -> String {
    let memory = cgroups.iter().find(|cgroup| cgroup.controllers.iter().any(|name| name == "memory"));
    let unified = || cgroups.iter().find(|cgroup| cgroup.hierarchy == 0);
    memory.or_else(unified).map(|cgroup| cgroup.path.clone()).unwrap_or_default()
}

/// Reads the number from a namespace link as `pid:[4026532183]`.
pub(crate) fn inode(link: &str) -> Result<u64, ParseError> {
    link.split_once(":[")
        .and_then(|(_, rest)| rest.strip_suffix(']')?.parse().ok())
        .ok_or_else(|| ParseError::new("namespace", link))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tpython3\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t27828\nPid:\t27828\nPPid:\t27791\nUid:\t10001\t10001\t0\t10001\nGid:\t10001\t10001\t10001\t10001\nGroups:\t10001 27 \nNStgid:\t27828\t1\nNSpid:\t27828\t1\nThreads:\t3\nCapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

    #[test]
    fn a_status_is_read_whole() {
        let status = StatusFile::parse(STATUS).unwrap();
        assert_eq!(status.name, "python3");
        assert_eq!(status.uids, [10001, 10001, 0, 10001]);
        assert_eq!(status.groups, [10001, 27]);
        assert_eq!(status.pid_inside, Some(1));
        assert_eq!((status.state, status.threads), ('S', 3));
        assert!(status.capabilities.effective.is_empty());
        assert_eq!(status.capabilities.permitted.len(), 14);
        assert!(status.no_new_privs);
        assert_eq!(status.seccomp, Seccomp::Filter);
    }

    #[test]
    fn a_status_without_users_is_an_error_and_no_panic() {
        let cut = STATUS.replace("Uid:", "Xid:");
        assert!(StatusFile::parse(&cut).is_err());
        assert!(StatusFile::parse("").is_err());
        for end in 0..STATUS.len() {
            let _ = StatusFile::parse(&STATUS[..end]);
        }
    }

    #[test]
    fn a_name_with_brackets_hides_nothing() {
        let stat = "12 (a) R 1) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0";
        assert_eq!(started_ticks(stat).unwrap(), 987_654);
        assert!(started_ticks("12 (a").is_err());
    }

    #[test]
    fn arguments_keep_empty_ones() {
        assert_eq!(arguments(b"sh\0-c\0\0"), ["sh", "-c", ""]);
        assert!(arguments(b"").is_empty());
    }

    #[test]
    fn control_groups_of_all_three_kinds() {
        let v1 = cgroups(
            "9:name=systemd:/docker/ffc9\n4:memory:/docker/ffc9\n2:cpu,cpuacct:/x\n0::/docker/ffc9\n",
        )
        .unwrap();
        assert_eq!(limiting_path(&v1), "/docker/ffc9");
        assert_eq!(v1[2].controllers, ["cpu", "cpuacct"]);
        let v2 = cgroups("0::/system.slice/docker-ffc9.scope\n").unwrap();
        assert_eq!(limiting_path(&v2), "/system.slice/docker-ffc9.scope");
        assert!(cgroups("nonsense").is_err());
        let colon = cgroups("0::/a:b\n").unwrap();
        assert_eq!(colon[0].path, "/a:b");
    }

    #[test]
    fn a_namespace_is_its_inode() {
        assert_eq!(inode("pid:[4026532183]").unwrap(), 4_026_532_183);
        assert!(inode("pid:[x]").is_err());
    }
}
