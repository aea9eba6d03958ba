//! What is mounted where, as the kernel sees it for one process. Start at [`Kernel::mounts`].

use serde::{Deserialize, Serialize};

use super::{
    Access, Kernel, KernelError, Via, about_the_first, first_pid, op::Op, parse::ParseError, unreadable,
};
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

/// Where a container's root file system is mounted on the engine's machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootMounts {
    /// How it was seen.
    pub via: Via,
    /// Folders of the machine at which it is mounted.
    pub places: Vec<String>,
    /// The writable layer, as the mount's options name it; null if we may not see it, or it is no overlay.
    pub upper_dir: Option<String>,
}

impl Kernel {
    /// Finds where a container's root file system is mounted outside of it. Sources:
    /// `/proc/PID/mountinfo` of its first process, and that of the machine.
    ///
    /// # Errors
    /// It does not run, or no way leads to its kernel.
    pub async fn root_mounts(&self, container: &Container) -> Result<RootMounts, KernelError> {
        let access = self.to_look(container).await?;
        let pid = first_pid(container).await?;
        let machine = match access {
            Access::Here => "self/mountinfo",
            Access::Helper(_) => "1/mountinfo",
        };
        let read = |path: String| Op::Read { path };
        let replies = access.ask(vec![read(format!("{pid}/mountinfo")), read(machine.to_owned())]).await?;
        let mut parsed = replies.into_iter().map(|reply| match reply {
            Ok(text) => {
                parse_mounts(&String::from_utf8_lossy(&text)).map_err(|source| unreadable(container, source))
            }
            // Without rights over its processes their mounts stay hidden; the machine's own may do.
            Err(_) => Ok(Vec::new()),
        });
        let theirs = parsed.next().unwrap_or(Ok(Vec::new()))?;
        let machines = parsed.next().unwrap_or(Ok(Vec::new()))?;
        let (places, upper_dir) = root_places(&theirs, &machines, container.id());
        Ok(RootMounts { via: access.via(), places, upper_dir })
    }
}

/// The machine's mounts of what is the root in a container: those of the same device, which every overlay
/// has for itself, or with the container's id in the path, as containerd's store has.
fn root_places(theirs: &[Mount], machines: &[Mount], id: &str) -> (Vec<String>, Option<String>) {
    // What lies on another mount comes after it.
    let root = theirs.iter().rev().find(|mount| mount.mount_point == "/");
    let upper = root
        .filter(|root| root.fs_type.contains("overlay"))
        .and_then(|root| root.super_options.iter().find_map(|option| option.strip_prefix("upperdir=")));
    let mut places: Vec<String> = machines
        .iter()
        .filter(|mount| mount.fs_type.contains("overlay"))
        .filter(|mount| {
            root.is_some_and(|root| root.device == mount.device && root.root == mount.root)
                || (!id.is_empty() && mount.mount_point.contains(id))
        })
        .map(|mount| mount.mount_point.clone())
        .filter(|place| place != "/")
        .collect();
    places.sort();
    places.dedup();
    (places, upper.map(str::to_owned))
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
    fn a_root_is_found_outside_by_its_device() {
        let theirs = "75 51 0:39 / / rw - overlay overlay rw,upperdir=/l/x/diff,workdir=/l/x/work\n";
        let machines = "49 42 0:39 / /l/x/merged rw shared:2 - overlay overlay rw,upperdir=/l/x/diff\n\
                        50 42 0:40 / /l/y/merged rw shared:3 - overlay overlay rw,upperdir=/l/y/diff\n";
        let (theirs, machines) = (parse_mounts(theirs).unwrap(), parse_mounts(machines).unwrap());
        let found = root_places(&theirs, &machines, "c0ffee");
        assert_eq!(found, (vec!["/l/x/merged".to_owned()], Some("/l/x/diff".to_owned())));
        // Hidden from us, an engine of the classic store says it itself.
        assert_eq!(root_places(&[], &machines, "c0ffee"), (Vec::new(), None));
    }

    // Paths as in https://docs.docker.com/engine/storage/containerd/ and moby's daemon/snapshotter/mount.go
    // (`rootfs/SNAPSHOTTER/CONTAINER` below the data folder).
    #[test]
    fn with_containerds_store_the_path_has_the_containers_id() {
        let machines = "61 29 0:52 / /var/lib/docker/rootfs/overlayfs/c0ffee rw - overlay overlay rw,\
                        upperdir=/var/lib/docker/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs\n";
        let machines = parse_mounts(machines).unwrap();
        assert_eq!(root_places(&[], &machines, "c0ffee").0, ["/var/lib/docker/rootfs/overlayfs/c0ffee"]);
        let (places, upper) =
            root_places(&[Mount { mount_point: "/".into(), ..machines[0].clone() }], &machines, "");
        assert_eq!(places.len(), 1);
        assert!(upper.unwrap().ends_with("/snapshots/7/fs"));
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
