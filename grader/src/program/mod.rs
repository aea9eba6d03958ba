//! Runs programs of the learner's machine within bounds: a limit of time, a bound on what is kept of
//! what they print, and nothing of them left running. Start at [`Program::find`].
//!
//! `PATH` may hold a counterfeit, so who calls one keeps its path and version as evidence, and what
//! the engine or the kernel can say is asked there.

mod group;
mod plugin;
mod versions;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use grader_engine::{Capture, Captured, OutputBounds};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::timeout,
};

pub use group::{Group, Signal};
pub use plugin::{BUILDX, COMPOSE, Installed, Plugin, PluginState};
pub use versions::{Version, said_version};

/// How long a program that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// The longest line that is handed on whole; the rest of a longer one is dropped.
const LONGEST_LINE: usize = 256 * 1024;

/// A program that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    name: String,
    path: PathBuf,
}

/// One call of a program.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it is told.
    pub arguments: Vec<OsString>,
    /// Where it runs.
    pub folder: PathBuf,
    /// Variables beside those of the grader.
    pub env: Vec<(OsString, OsString)>,
    /// Variables that it must not see.
    pub env_without: Vec<OsString>,
    /// How long it may take.
    pub within: Duration,
    /// How much of each stream is kept.
    pub keep: OutputBounds,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None` if a signal ended it, ours included.
    pub exit_code: Option<i32>,
    /// Whether it was ended since its time was over.
    pub timed_out: bool,
    /// What it printed on its standard output.
    pub stdout: Captured,
    /// What it printed on its standard error.
    pub stderr: Captured,
    /// How long it took.
    pub took: Duration,
}

/// Why a program could not be run at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot run `{}`: {source}", path.display())]
pub struct ProgramError {
    /// The program.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// A stream of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Ran {
    /// Whether it ended by itself and said that all went well.
    pub fn succeeded(&self) -> bool {
        self.exit_code == Some(0)
    }

    /// The last line that it printed on standard error with something in it, at most 200 characters.
    pub fn last_words(&self) -> String {
        let text = self.stderr.to_text();
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
        line.chars().take(200).collect()
    }
}

impl Call {
    /// A call with these arguments, in a folder, within a time; 64 KiB from either end of each stream are kept.
    pub fn new<A: Into<OsString>>(
        arguments: impl IntoIterator<Item = A>,
        folder: &Path,
        within: Duration,
    ) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            folder: folder.to_owned(),
            env: Vec::new(),
            env_without: Vec::new(),
            within,
            keep: OutputBounds { first: 64 * 1024, last: 64 * 1024 },
        }
    }

    /// The same with a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The same without a variable.
    #[must_use]
    pub fn without(mut self, name: impl Into<OsString>) -> Self {
        self.env_without.push(name.into());
        self
    }

    /// The same with other bounds on what is kept.
    #[must_use]
    pub fn keep(mut self, keep: OutputBounds) -> Self {
        self.keep = keep;
        self
    }
}

impl Program {
    /// The first program of this name in `PATH`, as a shell would find it; only absolute folders count.
    pub fn find(name: &str) -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let path = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file())?;
        Some(Self { name: name.to_owned(), path })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to its end, or to the end of its time.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn run(&self, call: &Call) -> Result<Ran, ProgramError> {
        self.run_telling(call, &mut |_, _| {}).await
    }

    /// The same, and hands on each line as it comes, without its end.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn run_telling(
        &self,
        call: &Call,
        tell: &mut (dyn FnMut(Stream, &[u8]) + Send),
    ) -> Result<Ran, ProgramError> {
        let started = Instant::now();
        let mut running = self.start(call)?;
        let ended = timeout(call.within, running.pump(tell)).await;
        let (exit_code, timed_out) = match ended {
            Ok(Ok(code)) => (code, false),
            Ok(Err(source)) => return Err(ProgramError { path: self.path.clone(), source }),
            Err(_) => {
                running.group.end(GRACE).await;
                (None, true)
            }
        };
        Ok(Ran {
            exit_code,
            timed_out,
            stdout: running.stdout.capture.so_far(),
            stderr: running.stderr.capture.so_far(),
            took: started.elapsed(),
        })
    }

    /// Starts it and leaves it running; when the value is dropped, it is killed with all that it started.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, call: &Call) -> Result<Running, ProgramError> {
        let failed = |source| ProgramError { path: self.path.clone(), source };
        let mut command = Command::new(&self.path);
        command
            .args(&call.arguments)
            .current_dir(&call.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in &call.env_without {
            command.env_remove(name);
        }
        command.envs(call.env.iter().map(|(name, value)| (name, value)));
        // A group of its own: what it starts ends with it, and Ctrl-C in our terminal does not reach it.
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let none = || io::Error::other("a stream is missing");
        let stdout = child.stdout.take().ok_or_else(none).map_err(failed)?;
        let stderr = child.stderr.take().ok_or_else(none).map_err(failed)?;
        Ok(Running {
            stdout: Lines::new(Stream::Stdout, Box::new(stdout), call.keep),
            stderr: Lines::new(Stream::Stderr, Box::new(stderr), call.keep),
            group: Group::of(child),
        })
    }
}

/// A program that runs.
pub struct Running {
    group: Group,
    stdout: Lines,
    stderr: Lines,
}

impl Running {
    /// Reads what it prints until it ends; returns its exit code. May be cancelled and called again.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub async fn pump(&mut self, tell: &mut (dyn FnMut(Stream, &[u8]) + Send)) -> io::Result<Option<i32>> {
        while self.stdout.open || self.stderr.open {
            tokio::select! {
                read = self.stdout.piece(), if self.stdout.open => self.stdout.take(read?, tell),
                read = self.stderr.piece(), if self.stderr.open => self.stderr.take(read?, tell),
                // A program's child may hold the streams open for ever.
                ended = self.group.wait() => {
                    let code = ended?;
                    self.drain(tell).await;
                    return Ok(code);
                }
            }
        }
        self.group.wait().await
    }

    /// Sends it a signal, with all that it started.
    pub fn signal(&self, signal: Signal) {
        self.group.signal(signal);
    }

    /// Asks it to end, and kills it when it has not after `grace`.
    pub async fn end(mut self, grace: Duration) {
        self.group.end(grace).await;
    }

    /// What it has printed up to now.
    pub fn so_far(&self) -> (Captured, Captured) {
        (self.stdout.capture.so_far(), self.stderr.capture.so_far())
    }

    async fn drain(&mut self, tell: &mut (dyn FnMut(Stream, &[u8]) + Send)) {
        const LAST: Duration = Duration::from_millis(200);
        for lines in [&mut self.stdout, &mut self.stderr] {
            while lines.open
                && let Ok(Ok(read)) = timeout(LAST, lines.piece()).await
            {
                lines.take(read, tell);
            }
        }
    }
}

/// One stream, in lines.
struct Lines {
    stream: Stream,
    reader: Box<dyn AsyncRead + Send + Unpin>,
    capture: Capture,
    buffer: Vec<u8>,
    line: Vec<u8>,
    open: bool,
}

impl Lines {
    fn new(stream: Stream, reader: Box<dyn AsyncRead + Send + Unpin>, keep: OutputBounds) -> Self {
        let capture = Capture::new(keep);
        Self { stream, reader, capture, buffer: vec![0; 64 * 1024], line: Vec::new(), open: true }
    }

    async fn piece(&mut self) -> io::Result<usize> {
        self.reader.read(&mut self.buffer).await
    }

    fn take(&mut self, read: usize, tell: &mut (dyn FnMut(Stream, &[u8]) + Send)) {
        if read == 0 {
            self.open = false;
            if !self.line.is_empty() {
                tell(self.stream, &std::mem::take(&mut self.line));
            }
            return;
        }
        let piece = &self.buffer[..read];
        self.capture.push(piece);
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            push_bounded(&mut self.line, &rest[..end]);
            tell(self.stream, &self.line);
            self.line.clear();
            rest = &rest[end + 1..];
        }
        push_bounded(&mut self.line, rest);
    }
}

fn push_bounded(line: &mut Vec<u8>, piece: &[u8]) {
    let room = LONGEST_LINE.saturating_sub(line.len());
    line.extend_from_slice(&piece[..piece.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, within: Duration) -> (Program, Call) {
        let sh = Program::find("sh").expect("a shell");
        (sh, Call::new(["-c", script], Path::new("/"), within))
    }

    #[tokio::test]
    async fn lines_come_one_by_one_and_the_last_may_lack_its_end() {
        let (sh, call) = shell("printf 'one\\ntwo'; exit 3", Duration::from_secs(10));
        let mut lines = Vec::new();
        let ran = sh
            .run_telling(&call, &mut |stream, line| {
                lines.push((stream, String::from_utf8_lossy(line).into_owned()));
            })
            .await
            .unwrap();
        assert_eq!(lines, [(Stream::Stdout, "one".to_owned()), (Stream::Stdout, "two".to_owned())]);
        assert_eq!((ran.exit_code, ran.timed_out), (Some(3), false));
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_all_that_it_started() {
        let script = "trap '' TERM; sh -c 'trap \"\" TERM; exec sleep 60' & echo $!; wait";
        let (sh, call) = shell(script, Duration::from_millis(300));
        let ran = sh.run(&call).await.unwrap();
        assert!(ran.timed_out);
        let child = String::from_utf8(ran.stdout.first).unwrap();
        assert!(gone(child.trim()), "process {child} still runs");
    }

    #[tokio::test]
    async fn a_child_that_keeps_the_streams_open_does_not_hold_us() {
        let (sh, call) = shell("sleep 60 & echo $!", Duration::from_secs(20));
        let ran = sh.run(&call).await.unwrap();
        assert!(ran.took < Duration::from_secs(5), "{:?}", ran.took);
        let child = String::from_utf8(ran.stdout.first).unwrap();
        assert!(gone(child.trim()), "process {child} still runs");
    }

    #[tokio::test]
    async fn a_flood_is_counted_and_not_kept() {
        let (sh, call) = shell("yes | head -c 50000000", Duration::from_secs(60));
        let ran = sh.run(&call.keep(OutputBounds { first: 10, last: 10 })).await.unwrap();
        assert_eq!(ran.stdout.total_bytes, 50_000_000);
        assert_eq!(ran.stdout.first.len() + ran.stdout.last.len(), 20);
    }

    /// Killed and waited for by nobody, it is a zombie until its parent looks: that counts as gone.
    fn gone(pid: &str) -> bool {
        for _ in 0..50 {
            match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
                Err(_) => return true,
                Ok(stat) if stat.contains(") Z") => return true,
                Ok(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        false
    }
}
