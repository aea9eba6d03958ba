//! Looks at the files again and again, where nobody tells of their changes: WSL 2, network mounts,
//! a system whose watches are used up.

use std::{
    collections::BTreeMap,
    fs::Metadata,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use tokio::sync::mpsc::UnboundedSender;

use super::{files::Stirred, places::Places};

/// The least time between two looks.
const EVERY: Duration = Duration::from_millis(700);

/// How many times as long as a look took nothing is done after it, so that idling costs nothing to speak of.
const REST: u32 = 250;

/// A thread that looks; it ends when this is dropped.
pub(super) struct Poll {
    over: Arc<AtomicBool>,
    thread: Thread,
}

/// What tells a changed file: times of content and of status, size, and which file it is.
type Mark = (i64, i64, i64, i64, u64, u64);

impl Poll {
    pub(super) fn start(places: Places, into: UnboundedSender<Stirred>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut seen = look(&places);
        let thread = thread::spawn({
            let over = over.clone();
            move || {
                let mut rest = EVERY;
                loop {
                    thread::park_timeout(rest);
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let clock = Instant::now();
                    let now = look(&places);
                    for path in differences(&seen, &now) {
                        if into.send(Stirred::At(path)).is_err() {
                            return;
                        }
                    }
                    seen = now;
                    rest = EVERY.max(clock.elapsed() * REST);
                }
            }
        });
        Self { over, thread: thread.thread().clone() }
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

fn look(places: &Places) -> BTreeMap<PathBuf, Mark> {
    let mut seen = BTreeMap::new();
    places.visit(&mut |path, metadata| {
        if !metadata.is_dir() {
            seen.insert(path.to_owned(), mark(metadata));
        }
    });
    seen
}

fn mark(of: &Metadata) -> Mark {
    (of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec(), of.size(), of.ino())
}

/// Files that came, went or changed.
fn differences(before: &BTreeMap<PathBuf, Mark>, now: &BTreeMap<PathBuf, Mark>) -> Vec<PathBuf> {
    let gone = before.keys().filter(|path| !now.contains_key(*path));
    let other = now.iter().filter(|(path, mark)| before.get(*path) != Some(mark)).map(|(path, _)| path);
    gone.chain(other).cloned().collect()
}
