//! Asking the kernel that we run on, through `/proc`.

use super::op::{Op, Reply};

/// Answers all questions, in their order, off the async threads: a file system may be slow.
pub(crate) async fn ask(ops: Vec<Op>) -> Vec<Reply> {
    let count = ops.len();
    let answers = tokio::task::spawn_blocking(move || ops.iter().map(imp::answer).collect());
    match answers.await {
        Ok(replies) => replies,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down; nobody will read this.
            Err(_) => vec![Err(imp::INTERRUPTED); count],
        },
    }
}

/// Says whether this process may act inside a process's root: only who may also looks at all of it.
pub(crate) async fn may_act(pid: u32) -> bool {
    imp::may_act(pid)
}

#[cfg(target_os = "linux")]
mod imp {
    use std::{
        ffi::OsStr,
        fs::File,
        io::{self, Read as _},
        os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
        path::Path,
    };

    use rustix::{
        fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, openat, openat2, unlinkat},
        process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal},
    };

    use super::super::op::{Errno, LONGEST, Op, Refusal, Reply, Step};

    pub(super) const INTERRUPTED: Refusal = refusal(4, Step::Whole);

    pub(super) fn answer(op: &Op) -> Reply {
        match op {
            Op::Find { container } => find(container),
            Op::Read { path } => read(path),
            Op::Link { path } => std::fs::read_link(in_proc(path))
                .map(|target| target.into_os_string().into_encoded_bytes())
                .map_err(of_io),
            Op::List { path } => list(path),
            Op::Signal { pid, signal, container } => signal_checked(*pid, *signal, container),
            Op::TryWrite { pid, folder, name } => try_write(*pid, folder, name),
        }
    }

    pub(super) fn may_act(pid: u32) -> bool {
        open_root(pid).is_ok()
    }

    fn find(container: &str) -> Reply {
        let mut pids = Vec::new();
        for entry in std::fs::read_dir("/proc").map_err(of_io)? {
            let name = entry.map_err(of_io)?.file_name();
            let Some(pid) = name.to_str().filter(|name| is_number(name)) else {
                continue;
            };
            if names_container(pid, container) {
                pids.extend_from_slice(pid.as_bytes());
                pids.push(b'\n');
            }
        }
        Ok(pids)
    }

    /// A process that ends while we look, or that hides from us, is none of the container's.
    fn names_container(pid: &str, container: &str) -> bool {
        read(&format!("{pid}/cgroup")).is_ok_and(|text| String::from_utf8_lossy(&text).contains(container))
    }

    fn read(path: &str) -> Reply {
        let file = File::open(in_proc(path)).map_err(of_io)?;
        let mut text = Vec::new();
        file.take(LONGEST as u64).read_to_end(&mut text).map_err(of_io)?;
        Ok(text)
    }

    fn list(path: &str) -> Reply {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(in_proc(path)).map_err(of_io)? {
            names.extend_from_slice(entry.map_err(of_io)?.file_name().as_bytes());
            names.push(b'\n');
        }
        Ok(names)
    }

    /// The handle is opened first and the control group read after it, so the signal reaches the
    /// process that was looked at or none: a number that was given away again names another.
    fn signal_checked(pid: u32, signal: i32, container: &str) -> Reply {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let (Some(number), Some(signal)) = (number, Signal::from_named_raw(signal)) else {
            return Err(refusal(22, Step::Whole));
        };
        let handle = pidfd_open(number, PidfdFlags::empty());
        if !names_container(&pid.to_string(), container) {
            return Err(refusal(Errno::ESRCH.0, Step::Whole));
        }
        match handle {
            Ok(handle) => pidfd_send_signal(handle, signal),
            // Before Linux 5.3 there are no handles.
            Err(rustix::io::Errno::NOSYS) => kill_process(number, signal),
            Err(error) => Err(error),
        }
        .map_err(|error| refusal(error.raw_os_error(), Step::Whole))?;
        Ok(Vec::new())
    }

    fn open_root(pid: u32) -> rustix::io::Result<OwnedFd> {
        let root = format!("/proc/{pid}/root");
        openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    /// The folder is resolved inside the process's root, so that no link in an image leads out.
    fn try_write(pid: u32, folder: &str, name: &str) -> Reply {
        let at = |step| move |error: rustix::io::Errno| refusal(error.raw_os_error(), step);
        let root = open_root(pid).map_err(at(Step::Whole))?;
        let folder = openat2(
            &root,
            folder,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::IN_ROOT,
        )
        .map_err(at(Step::OpenFolder))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&folder, name, flags, Mode::RUSR | Mode::WUSR).map_err(at(Step::Create))?;
        unlinkat(&folder, name, AtFlags::empty()).map_err(at(Step::Remove))?;
        Ok(Vec::new())
    }

    fn in_proc(path: &str) -> impl AsRef<Path> + use<> {
        Path::new("/proc").join(OsStr::new(path))
    }

    fn is_number(name: &str) -> bool {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn of_io(error: io::Error) -> Refusal {
        // Every error of these calls is the kernel's; EIO stands for one that is not.
        refusal(error.raw_os_error().unwrap_or(5), Step::Whole)
    }

    const fn refusal(errno: i32, step: Step) -> Refusal {
        Refusal { errno: Errno(errno), step }
    }
}

/// Only Linux has the files that we read; elsewhere the engine's kernel is another one anyway.
#[cfg(not(target_os = "linux"))]
mod imp {
    use super::super::op::{Errno, Op, Refusal, Reply, Step};

    pub(super) const INTERRUPTED: Refusal = Refusal { errno: Errno(4), step: Step::Whole };

    pub(super) fn answer(op: &Op) -> Reply {
        match op {
            Op::Find { .. } => Ok(Vec::new()),
            _ => Err(Refusal { errno: Errno::ENOENT, step: Step::Whole }),
        }
    }

    pub(super) fn may_act(_pid: u32) -> bool {
        false
    }
}
