//! A socket before the real engine's that forwards, waits, cuts or falls silent as a test wants.
//!
//! Start at [`Proxy`]. It reads the heads of requests, so that a fault strikes at a request and not at an
//! instant. Answers are forwarded byte by byte.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use super::engine;

/// What becomes of a request, and of every byte after it until the engine is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// All connections end before the engine has it.
    Cut,
    /// The engine carries it out; all connections end instead of its answer.
    CutAfterwards,
    /// The engine never has it, and nothing is answered any more.
    Silence,
    /// The engine carries it out, and nothing is answered any more.
    SilenceAfterwards,
}

/// A proxy; its socket goes with it.
pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    rule: Mutex<Option<(&'static str, &'static str, Act)>>,
    cut: AtomicBool,
    silent: AtomicBool,
    closed: AtomicBool,
    delay_ms: AtomicU64,
    bytes_a_second: AtomicU64,
    streams: Mutex<Vec<UnixStream>>,
    requests: Mutex<Vec<String>>,
}

impl Proxy {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        let shared = Arc::new(Shared::default());
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), shared) = (client, accepting.clone()) else { continue };
                // An end of the connection is what the test is about.
                thread::spawn(move || drop(serve(&client, &shared)));
            }
        });
        Self { folder, shared }
    }

    /// Lets every user of this machine reach it.
    pub(crate) fn for_all(self) -> Self {
        let everyone =
            |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        everyone(self.folder.path(), 0o755);
        everyone(&self.folder.path().join("engine.sock"), 0o666);
        self
    }

    /// As `DOCKER_HOST` gives it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("engine.sock").display())
    }

    /// Lets the first request of this method, with `part` in its path, be struck.
    pub(crate) fn at(&self, method: &'static str, part: &'static str, act: Act) {
        *self.shared.rule.lock().unwrap() = Some((method, part, act));
    }

    /// Whether the fault has struck.
    pub(crate) fn has_struck(&self) -> bool {
        self.shared.cut.load(Ordering::SeqCst) || self.shared.silent.load(Ordering::SeqCst)
    }

    /// Lets every request take so much longer, and answers come so slowly.
    pub(crate) fn slow(&self, delay: Duration, bytes_a_second: u64) {
        self.shared.delay_ms.store(delay.as_millis().try_into().unwrap(), Ordering::SeqCst);
        self.shared.bytes_a_second.store(bytes_a_second, Ordering::SeqCst);
    }

    /// The engine is well again.
    pub(crate) fn heal(&self) {
        *self.shared.rule.lock().unwrap() = None;
        self.shared.end_all();
        self.shared.cut.store(false, Ordering::SeqCst);
        self.shared.silent.store(false, Ordering::SeqCst);
    }

    /// What was asked so far, as `POST /containers/create?name=…`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.end_all();
        // Wakes the thread that accepts.
        let _ = UnixStream::connect(self.folder.path().join("engine.sock"));
    }
}

impl Shared {
    fn end_all(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn strike(&self, act: Act) {
        match act {
            Act::Cut | Act::CutAfterwards => {
                self.cut.store(true, Ordering::SeqCst);
                self.end_all();
            }
            Act::Silence | Act::SilenceAfterwards => self.silent.store(true, Ordering::SeqCst),
        }
    }

    fn struck_by(&self, line: &str) -> Option<Act> {
        let mut rule = self.rule.lock().unwrap();
        let (method, part, act) = (*rule)?;
        let path = line.split('?').next().unwrap_or(line);
        let hit = line.starts_with(method) && path.contains(part);
        if hit {
            *rule = None;
        }
        hit.then_some(act)
    }
}

/// A connection's part of a fault: the next answer strikes.
#[derive(Default)]
struct Armed(Mutex<Option<Act>>);

fn serve(client: &UnixStream, shared: &Arc<Shared>) -> io::Result<()> {
    if shared.cut.load(Ordering::SeqCst) {
        return client.shutdown(Shutdown::Both);
    }
    let mut server = UnixStream::connect(engine::socket())?;
    shared.streams.lock().unwrap().extend([client.try_clone()?, server.try_clone()?]);
    let armed = Arc::new(Armed::default());
    let back = (server.try_clone()?, client.try_clone()?, shared.clone(), armed.clone());
    thread::spawn(move || {
        let (server, client, shared, armed) = back;
        let _ = answers(&server, &client, &shared, &armed);
        let _ = client.shutdown(Shutdown::Both);
    });
    let done = requests(client, &mut server, shared, &armed);
    let _ = server.shutdown(Shutdown::Both);
    done
}

fn requests(client: &UnixStream, server: &mut UnixStream, shared: &Shared, armed: &Armed) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if reader.read_until(b'\n', &mut head)? == 0 {
                return Ok(());
            }
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut words = text.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let line = format!("{method} {}", without_version(target));
        shared.requests.lock().unwrap().push(line.clone());
        thread::sleep(Duration::from_millis(shared.delay_ms.load(Ordering::SeqCst)));
        match shared.struck_by(&line) {
            Some(act @ (Act::Cut | Act::Silence)) => shared.strike(act),
            Some(act) => *armed.0.lock().unwrap() = Some(act),
            None => {}
        }
        wait_while_silent(shared);
        server.write_all(&head)?;
        let lower = text.to_ascii_lowercase();
        let field = |name: &str| {
            lower
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(|it| it.trim().to_owned()))
        };
        if field("transfer-encoding").is_some() || field("upgrade").is_some() {
            // What follows is not read: it is forwarded to its end.
            return io::copy(&mut reader, server).map(drop);
        }
        let length = field("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        io::copy(&mut (&mut reader).take(length), server)?;
    }
}

fn answers(
    mut server: &UnixStream,
    mut client: &UnixStream,
    shared: &Shared,
    armed: &Armed,
) -> io::Result<()> {
    let mut piece = [0; 16 * 1024];
    loop {
        let slow = shared.bytes_a_second.load(Ordering::SeqCst);
        let most = if slow == 0 { piece.len() } else { piece.len().min(4096) };
        let count = server.read(&mut piece[..most])?;
        if count == 0 {
            return Ok(());
        }
        if let Some(act) = armed.0.lock().unwrap().take() {
            shared.strike(act);
        }
        wait_while_silent(shared);
        if let Some(pause) = (count as u64 * 1000).checked_div(slow) {
            thread::sleep(Duration::from_millis(pause));
        }
        client.write_all(&piece[..count])?;
    }
}

/// A silent engine takes what is sent and says nothing.
fn wait_while_silent(shared: &Shared) {
    while shared.silent.load(Ordering::SeqCst) && !shared.closed.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(10));
    }
}

fn without_version(target: &str) -> &str {
    match target.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..])) {
        Some(path) => path,
        None => target,
    }
}
