//! A workspace, and the real program in it, with nothing inherited.

use std::{
    fs,
    io::Read,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use grader::progress::Progress;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Course, engine};

/// What no run of the program may take.
const FAR_TOO_LONG: Duration = Duration::from_secs(180);

/// A folder with a workspace, a workbook and a home.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    host: String,
    user: Option<User>,
    workspace: PathBuf,
}

/// Another user to run the program as.
#[derive(Clone, Copy)]
struct User {
    id: u32,
    group: Option<u32>,
}

impl Bench {
    /// A workspace whose image is the tests' own.
    pub(crate) fn new(course: &Course) -> Self {
        Self::with(course, &format!("[app]\nimage = \"{}\"\n", engine::guest()))
    }

    /// A workspace of these settings.
    pub(crate) fn with(course: &Course, settings: &str) -> Self {
        let bench = Self::embedded(settings);
        course.write(&bench.path("book"));
        bench
    }

    /// The same for the workbook that is built in, as long as nobody writes another one.
    pub(crate) fn embedded(settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("grader-engine-test-").tempdir().unwrap();
        let workspace = folder.path().join("work");
        for name in ["home", "work", "work/answers", "work/app"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(workspace.join("workspace.toml"), format!("format = 1\n{settings}")).unwrap();
        Self { folder, host: engine::host(), user: None, workspace }
    }

    /// Lets it talk to another engine.
    pub(crate) fn at(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Lets it run as an ordinary user, who owns the folder; in `group` beside the user's own.
    pub(crate) fn run_by(mut self, id: u32, group: Option<u32>) -> Self {
        self.user = Some(User { id, group });
        let owner = format!("{id}:{id}");
        let given = Command::new("chown").args(["-R", &owner]).arg(self.folder.path()).status();
        assert!(given.unwrap().success(), "this test needs root");
        self
    }

    /// Says that the workspace is elsewhere.
    pub(crate) fn in_workspace(mut self, workspace: &Path) -> Self {
        workspace.clone_into(&mut self.workspace);
        self
    }

    /// A path in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The workspace.
    pub(crate) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Writes a file of the workspace.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.workspace.join(name), bytes).unwrap();
    }

    /// The progress of the workspace, made where there is none yet.
    pub(crate) fn progress(&self) -> Progress {
        Progress::open(&self.workspace).unwrap()
    }

    /// What the engine has of this workspace, by name.
    pub(crate) fn left(&self) -> Vec<String> {
        engine::labelled(self.progress().workspace_id())
    }

    /// Waits until nothing of this workspace is in the engine, at most so long.
    #[track_caller]
    pub(crate) fn nothing_left_within(&self, limit: Duration) {
        let began = Instant::now();
        loop {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            assert!(began.elapsed() < limit, "still there after {limit:?}: {left:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The program with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = assert_cmd::cargo::cargo_bin!("grader");
        let mut command = match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={}", user.id)).arg(format!("--regid={}", user.id));
                match user.group {
                    None => command.arg("--clear-groups"),
                    Some(group) => command.arg(format!("--groups={group}")),
                };
                command.arg(program);
                command
            }
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8")
            .env("DOCKER_HOST", &self.host)
            .current_dir(&self.workspace)
            .args(arguments)
            .stdin(Stdio::null());
        if self.path("book").exists() {
            command.env("GRADER_WORKBOOK", self.path("book"));
        }
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }

    /// The same, again as long as the machine is too busy to watch a container closely, as the grader says then.
    pub(crate) fn run_unless_busy(&self, arguments: &[&str]) -> Ended {
        for _ in 0..4 {
            let ended = self.run(arguments);
            if !ended.stdout.contains("too busy to watch") {
                return ended;
            }
        }
        self.run(arguments)
    }

    /// Starts it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Going {
        Going::start(self.command(arguments))
    }

    /// Starts it and waits until a container of its check runs.
    pub(crate) fn start_until_it_runs(&self, arguments: &[&str]) -> Going {
        let workspace = self.progress().workspace_id().to_owned();
        let mut going = self.start(arguments);
        let began = Instant::now();
        while engine::running_ids(&workspace).is_empty() {
            assert!(going.still(), "it ended before a container ran: {:?}", going.end());
            assert!(began.elapsed() < Duration::from_secs(60), "no container runs");
            thread::sleep(Duration::from_millis(30));
        }
        going
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A test that failed on the way leaves nothing in the engine either.
        if thread::panicking()
            && let Ok(progress) = Progress::open_to_read(&self.workspace)
        {
            engine::remove_labelled(progress.workspace_id());
        }
    }
}

/// A program that runs.
pub(crate) struct Going {
    child: Child,
    began: Instant,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<()>>,
    said: Arc<Mutex<Vec<u8>>>,
    memory: Arc<AtomicU64>,
}

impl Going {
    pub(crate) fn start(mut command: Command) -> Self {
        let began = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let stdout = thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut err = child.stderr.take().unwrap();
        let into = said.clone();
        let stderr = thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = err.read(&mut piece) {
                into.lock().unwrap().extend_from_slice(&piece[..count]);
            }
        });
        let memory = Arc::new(AtomicU64::new(0));
        let (most, status) = (memory.clone(), format!("/proc/{}/status", child.id()));
        // The kernel keeps the peak; it is gone once the process has ended.
        thread::spawn(move || {
            while let Some(peak) = fs::read_to_string(&status).ok().as_deref().and_then(peak_kb) {
                most.fetch_max(peak, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
        });
        Self { child, began, stdout: Some(stdout), stderr: Some(stderr), said, memory }
    }

    /// Whether it still runs.
    pub(crate) fn still(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until it has said something on standard error.
    #[track_caller]
    pub(crate) fn until_it_says(&mut self, words: &str) {
        let began = Instant::now();
        while !self.said().contains(words) {
            assert!(self.still() && began.elapsed() < Duration::from_secs(60), "{words}: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Ended {
        let from_here = Instant::now();
        while self.still() {
            if self.began.elapsed() > FAR_TOO_LONG {
                self.child.kill().unwrap();
                panic!("it did not end within {FAR_TOO_LONG:?}: {}", self.said());
            }
            thread::sleep(Duration::from_millis(10));
        }
        let (took, after) = (self.began.elapsed(), from_here.elapsed());
        let status = self.child.wait().unwrap();
        let stdout = self.stdout.take().map(|it| it.join().unwrap()).unwrap_or_default();
        if let Some(stderr) = self.stderr.take() {
            stderr.join().unwrap();
        }
        Ended {
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: self.said(),
            took,
            after,
            memory_kb: self.memory.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // A test that failed on the way leaves no process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peak_kb(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// From its start to its end.
    pub(crate) took: Duration,
    /// From the call that waited for its end.
    pub(crate) after: Duration,
    /// The most memory that it had at once.
    pub(crate) memory_kb: u64,
}

impl Ended {
    /// The document that it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The result of one exercise.
    #[track_caller]
    pub(crate) fn result(&self, id: &str) -> Value {
        let document = self.json();
        let results = document["results"].as_array().cloned().unwrap_or_default();
        results
            .into_iter()
            .find(|result| result["exercise"] == id)
            .unwrap_or_else(|| panic!("{id}: {self:?}"))
    }

    /// Insists on one verdict and returns the result.
    #[track_caller]
    pub(crate) fn verdict(&self, id: &str, verdict: &str) -> Value {
        let result = self.result(id);
        assert_eq!(result["verdict"], verdict, "{id}: {result:#}\n{}", self.stderr);
        result
    }

    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}
