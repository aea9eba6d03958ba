//! What we ask a kernel, and what it answers: one small set, whichever way it is asked.

use std::fmt;

/// A question about processes of the engine's kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// Which processes' control groups name this container? Answer: pids, one a line.
    Find { container: String },
    /// The text of a file below `/proc`, `LONGEST` bytes at most.
    Read { path: String },
    /// Where a link below `/proc` leads.
    Link { path: String },
    /// The names in a folder below `/proc`, one a line.
    List { path: String },
    /// Sends a signal, if the process's control group names this container.
    Signal { pid: u32, signal: i32, container: String },
    /// Makes a file of this name in a folder of the process's root, and removes it again.
    TryWrite { pid: u32, folder: String, name: String },
}

/// The longest answer, in bytes: a container with thousands of mounts fits.
pub(crate) const LONGEST: usize = 1 << 20;

/// The kernel's answer.
pub(crate) type Reply = Result<Vec<u8>, Refusal>;

/// The kernel's no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) errno: Errno,
    pub(crate) step: Step,
}

/// At which step a try to write ended; `Whole` for all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Whole,
    OpenFolder,
    Create,
    Remove,
}

impl Step {
    /// As the helper writes it.
    pub(crate) fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::OpenFolder,
            2 => Self::Create,
            3 => Self::Remove,
            _ => Self::Whole,
        }
    }
}

/// A number of the kernel's for what went wrong. The numbers are the same on x86-64 and arm64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

impl Errno {
    pub(crate) const ENOENT: Self = Self(2);
    pub(crate) const ESRCH: Self = Self(3);
    pub(crate) const ENOTDIR: Self = Self(20);
    pub(crate) const EINVAL: Self = Self(22);
    pub(crate) const ENOSYS: Self = Self(38);
    pub(crate) const EOVERFLOW: Self = Self(75);

    /// The process ended before it was asked.
    pub(crate) fn is_gone(self) -> bool {
        self == Self::ENOENT || self == Self::ESRCH
    }
}

/// Source: `include/uapi/asm-generic/errno-base.h` and `errno.h`.
const NAMES: [(i32, &str); 27] = [
    (1, "EPERM"),
    (2, "ENOENT"),
    (3, "ESRCH"),
    (4, "EINTR"),
    (5, "EIO"),
    (6, "ENXIO"),
    (9, "EBADF"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (18, "EXDEV"),
    (19, "ENODEV"),
    (20, "ENOTDIR"),
    (21, "EISDIR"),
    (22, "EINVAL"),
    (24, "EMFILE"),
    (26, "ETXTBSY"),
    (28, "ENOSPC"),
    (30, "EROFS"),
    (36, "ENAMETOOLONG"),
    (38, "ENOSYS"),
    (40, "ELOOP"),
    (75, "EOVERFLOW"),
    (95, "EOPNOTSUPP"),
    (116, "ESTALE"),
    (122, "EDQUOT"),
];

impl fmt::Display for Errno {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => formatter.write_str(name),
            None => write!(formatter, "errno {}", self.0),
        }
    }
}
