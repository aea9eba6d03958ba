//! What is mounted where, as the kernel sees it for one process. Start at [`Kernel::mounts`].

use serde::{Deserialize, Serialize};

use super::{Kernel, KernelError, Via, about_the_first, first_pid, op::Op, parse::ParseError, unreadable};
use crate::Container;

/// What is mounted in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounts {
    /// How it was seen.
    pub via: Via,
    /// In the kernel's order: what lies on another mount comes after it.
    pub mounts: Vec<Mount>,
}

/// A mount. Source: a line of `/proc/PID/mountinfo`, proc_pid_mountinfo(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The mount's id.
    pub id: u32,
    /// The id of the mount that it lies on.
    pub parent: u32,
    /// `major:minor` of its device.
    pub device: String,
    /// Which folder of its file system is mounted.
    pub root: String,
    /// Where it is, inside the container.
    pub mount_point: String,
    /// Of this mount, as `ro`, `nosuid`.
    pub options: Vec<String>,
    /// As `overlay`, `tmpfs`.
    pub fs_type: String,
    /// As the file system names its source.
    pub source: String,
    /// Of the file system, as `rw`, `size=65536k`.
    pub super_options: Vec<String>,
    /// Nothing on it can be written: by the mount's options or by the file system's.
    pub read_only: bool,
}

impl Kernel {
    /// Lists what is mounted for a container's first process: tmpfs too, of which the engine does
    /// not tell. Source: `/proc/PID/mountinfo`.
    ///
    /// # Errors
    /// It does not run, or no way leads to its kernel.
    pub async fn mounts(&self, container: &Container) -> Result<Mounts, KernelError> {
        let access = self.to_look(container).await?;
        let pid = first_pid(container).await?;
        let op = Op::Read { path: format!("{pid}/mountinfo") };
        let text = access
            .ask_one(op)
            .await?
            .map_err(|refusal| about_the_first(container, "read the mounts of", refusal.errno))?;
        let mounts =
            parse_mounts(&String::from_utf8_lossy(&text)).map_err(|source| unreadable(container, source))?;
        Ok(Mounts { via: access.via(), mounts })
    }
}

/// Reads the text of `mountinfo`.
///
/// # Errors
/// A line lacks a field.
pub fn parse_mounts(text: &str) -> Result<Vec<Mount>, ParseError> {
    text.lines().map(mount).collect()
}

fn mount(line: &str) -> Result<Mount, ParseError> {
    let bad = || ParseError::new("mount", line);
    // Between the two parts stand any number of optional fields.
    let (left, right) = line.split_once(" - ").ok_or_else(bad)?;
    let mut left = left.split(' ');
    let mut right = right.splitn(3, ' ');
    let mut next = || left.next().ok_or_else(bad);
    let id = next()?.parse().map_err(|_| bad())?;
    let parent = next()?.parse().map_err(|_| bad())?;
    let device = next()?.to_owned();
    let root = unescaped(next()?);
    let mount_point = unescaped(next()?);
    let options = list(next()?);
    let fs_type = unescaped(right.next().ok_or_else(bad)?);
    let source = unescaped(right.next().ok_or_else(bad)?);
    let super_options = list(right.next().ok_or_else(bad)?);
    let says_ro = |options: &[String]| options.iter().any(|option| option == "ro");
    Ok(Mount {
        id,
        parent,
        device,
        root,
        mount_point,
        read_only: says_ro(&options) || says_ro(&super_options),
        options,
        fs_type,
        source,
        super_options,
    })
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(unescaped).collect()
}

/// The kernel writes space, tab, newline, backslash and `#` as three octal digits.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) = (first, tail) {
            bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_only_root_and_a_tmpfs() {
        let text = "73 49 0:39 / / ro,relatime master:2 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/u\n\
                    89 75 0:47 / /dev/shm rw,nosuid,nodev - tmpfs shm rw,size=65536k\n";
        let mounts = parse_mounts(text).unwrap();
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].mount_point, "/");
        assert!(mounts[0].read_only, "the mount says ro, its file system rw");
        assert_eq!(mounts[1].fs_type, "tmpfs");
        assert_eq!(mounts[1].source, "shm");
        assert!(!mounts[1].read_only);
    }

    #[test]
    fn optional_fields_may_be_none_or_many() {
        let none = parse_mounts("1 0 8:1 / / rw - ext4 /dev/vda rw").unwrap();
        let many = parse_mounts("1 0 8:1 / / rw shared:1 master:2 - ext4 /dev/vda ro").unwrap();
        assert!(!none[0].read_only && many[0].read_only);
    }

    #[test]
    fn escapes_are_undone() {
        let mounts = parse_mounts(r"1 0 8:1 / /a\040b\134c rw - tmpfs none rw").unwrap();
        assert_eq!(mounts[0].mount_point, r"/a b\c");
        assert_eq!(unescaped(r"\04"), r"\04");
        assert_eq!(unescaped(r"\777"), r"\777");
    }

    #[test]
    fn a_cut_line_is_an_error() {
        for bad in ["", "1 0 8:1 / / rw", "1 0 8:1 / / rw - ext4", "x 0 8:1 / / rw - a b c"] {
            assert!(parse_mounts(&format!("{bad}\n")).is_err(), "{bad:?}");
        }
    }
}
