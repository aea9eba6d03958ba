//! Names of capabilities. Source: `include/uapi/linux/capability.h`.

use serde::{Deserialize, Serialize};

use super::parse::ParseError;

/// In the order of their bits.
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// A process's sets of capabilities, each as sorted names. Source: `Cap…:` of `/proc/PID/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// What it may do now.
    pub effective: Vec<String>,
    /// What it may give itself.
    pub permitted: Vec<String>,
    /// What a program with file capabilities would keep of it.
    pub inheritable: Vec<String>,
    /// Beyond which nothing that it starts can go.
    pub bounding: Vec<String>,
    /// What any program that it starts keeps.
    pub ambient: Vec<String>,
}

/// Reads a set as the kernel prints it, 16 hexadecimal digits.
pub(crate) fn names(hex: &str) -> Result<Vec<String>, ParseError> {
    let bits = u64::from_str_radix(hex, 16).map_err(|_| ParseError::new("capabilities", hex))?;
    let mut names: Vec<String> = (0..64)
        .filter(|bit| bits & (1 << bit) != 0)
        .map(|bit| match NAMES.get(bit) {
            Some(name) => (*name).to_owned(),
            // A kernel newer than the list.
            None => format!("CAP_{bit}"),
        })
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_set_of_a_container() {
        let names = names("00000000a80425fb").unwrap();
        assert_eq!(names.len(), 14);
        assert_eq!(names.first().unwrap(), "CAP_AUDIT_WRITE");
        assert!(names.contains(&"CAP_NET_RAW".to_owned()));
    }

    #[test]
    fn none_and_unknown() {
        assert!(names("0000000000000000").unwrap().is_empty());
        assert_eq!(names("8000000000000000").unwrap(), ["CAP_63"]);
        assert!(names("xyz").is_err());
    }
}
