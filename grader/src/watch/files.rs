//! Tells of files that change: by notification where the system has it, else by looking. Start at [`Files`].

use std::{
    collections::BTreeMap,
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use notify::{
    ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind},
};
use tokio::sync::mpsc::UnboundedSender;

use super::{Change, Plan, noise::is_ref, places::Places, poll::Poll};
use crate::workspace::Repository;

/// Something stirred in the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stirred {
    /// A file changed.
    At(PathBuf),
    /// A file or folder came, went or got another name: what was watched there may be watched no more.
    Moved(PathBuf),
    /// More happened than could be told.
    Lost,
}

/// How changes are noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The system tells of them.
    Told,
    /// The files are looked at again and again: why.
    Looked(String),
}

/// Watches the files that a plan reads, until it is dropped.
pub struct Files {
    places: Places,
    by: By,
    into: UnboundedSender<Stirred>,
}

enum By {
    /// With the folders that are watched, and which folders they were then.
    Notify {
        watcher: RecommendedWatcher,
        watched: BTreeMap<PathBuf, Which>,
    },
    Poll {
        _poll: Poll,
        why: String,
    },
}

/// Which folder it is: one that was made again under the same name is another one.
type Which = (u64, u64, Option<SystemTime>);

impl Files {
    /// Watches what `plan` reads; `poll` looks without trying notification.
    pub fn watch(plan: &Plan, app: &Path, poll: bool, into: UnboundedSender<Stirred>) -> Self {
        let git = if plan.reads_commits() { Repository::folders_of_git(app) } else { Vec::new() };
        let places = Places::of(plan, git);
        let asked = poll.then(|| "as asked for".to_owned());
        let why = asked.or_else(|| silent(places.root())).map_or_else(|| told(&places, &into), Err);
        let by = why.unwrap_or_else(|why| looked(&places, &into, why));
        Self { places, by, into }
    }

    /// How changes are noticed.
    pub fn way(&self) -> Way {
        match &self.by {
            By::Notify { .. } => Way::Told,
            By::Poll { why, .. } => Way::Looked(why.clone()),
        }
    }

    /// Takes note of folders that came, went or were made again; called once it is quiet again.
    /// It may have to fall back to looking: [`Files::way`] says so.
    pub fn look_around(&mut self, stirred: &[Stirred]) {
        let moved = |it: &Stirred| !matches!(it, Stirred::At(_));
        if !stirred.iter().any(moved) {
            return;
        }
        let By::Notify { watcher, watched } = &mut self.by else { return };
        for it in stirred {
            let gone = |at: &Path| match it {
                Stirred::At(_) => false,
                Stirred::Moved(path) => at.starts_with(path),
                Stirred::Lost => true,
            };
            watched.retain(|at, _| {
                let gone = gone(at);
                if gone {
                    // One that is gone has taken its watch along.
                    let _unwatched = watcher.unwatch(at);
                }
                !gone
            });
        }
        if let Err(why) = watch_all(&self.places, watcher, watched) {
            self.by = looked(&self.places, &self.into, why);
        }
    }

    /// What changed, from what stirred: each change once.
    pub fn changes(&self, stirred: &[Stirred]) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for it in stirred {
            let change = match it {
                Stirred::Lost => Change::Everything,
                Stirred::At(path) | Stirred::Moved(path) => {
                    if self.places.git.iter().any(|git| is_ref(git, path) || git.starts_with(path)) {
                        Change::Commit
                    } else {
                        Change::Path(path.clone())
                    }
                }
            };
            // Thousands of paths: the last is enough to compare with, since those of one file come together.
            if changes.last() != Some(&change) {
                changes.push(change);
            }
        }
        changes
    }
}

fn looked(places: &Places, into: &UnboundedSender<Stirred>, why: String) -> By {
    By::Poll { _poll: Poll::start(places.clone(), into.clone()), why }
}

/// Starts to be told, or says why that cannot be.
fn told(places: &Places, into: &UnboundedSender<Stirred>) -> Result<By, String> {
    let handler = {
        let (into, places) = (into.clone(), places.clone());
        move |event: notify::Result<Event>| {
            stirred(event, &places).into_iter().for_each(|it| {
                // Nobody listens any more: it is about to end.
                let _sent = into.send(it);
            });
        }
    };
    let mut watcher = notify::recommended_watcher(handler).map_err(|error| why(&error))?;
    let mut watched = BTreeMap::new();
    watch_all(places, &mut watcher, &mut watched)?;
    Ok(By::Notify { watcher, watched })
}

/// Watches each folder that is there and not watched yet.
fn watch_all(
    places: &Places,
    watcher: &mut RecommendedWatcher,
    watched: &mut BTreeMap<PathBuf, Which>,
) -> Result<(), String> {
    let mut folders = Vec::new();
    places.visit(&mut |path, metadata| {
        if metadata.is_dir() {
            folders.push((path.to_owned(), which(metadata)));
        }
    });
    for (folder, which) in folders {
        match watched.get(&folder) {
            Some(known) if *known == which => continue,
            Some(_) => {
                let _unwatched = watcher.unwatch(&folder);
            }
            None => {}
        }
        match watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                watched.insert(folder, which);
            }
            // Gone since it was seen: whoever holds it tells of it.
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(why(&error)),
        }
    }
    Ok(())
}

fn which(metadata: &Metadata) -> Which {
    (metadata.dev(), metadata.ino(), metadata.created().ok())
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => true,
        ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        ErrorKind::Generic(_) | ErrorKind::InvalidConfig(_) | ErrorKind::MaxFilesWatch => false,
    }
}

const LIMIT: &str = "the system's limit on watches of files is reached";

fn why(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => LIMIT.into(),
        // The limit on those who watch, which others may have used up.
        ErrorKind::Io(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            LIMIT.into()
        }
        ErrorKind::Io(error) => format!("the system cannot tell of changes: {error}"),
        ErrorKind::Generic(what) => format!("the system cannot tell of changes: {what}"),
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound | ErrorKind::InvalidConfig(_) => {
            "the system cannot tell of changes".into()
        }
    }
}

/// What an event comes to; nothing for what only reads, and for what nobody reads.
fn stirred(event: notify::Result<Event>, places: &Places) -> Vec<Stirred> {
    let event = match event {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(%error, "watching files");
            return vec![Stirred::Lost];
        }
    };
    if event.need_rescan() {
        return vec![Stirred::Lost];
    }
    let moved = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Create(CreateKind::File) => {
            false
        }
        EventKind::Access(_) => return Vec::new(),
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Modify(_) | EventKind::Any | EventKind::Other => false,
    };
    let paths = event.paths.into_iter().filter(|path| places.matters(path));
    paths.map(|path| if moved { Stirred::Moved(path) } else { Stirred::At(path) }).collect()
}

/// Why the system would say nothing of changes in `root`: its files are on another machine, or behind a layer
/// that changes pass by, as Windows' own files in WSL 2.
#[cfg(target_os = "linux")]
fn silent(root: &Path) -> Option<String> {
    /// Magic numbers of file systems, from statfs(2).
    const SILENT: [(u32, &str); 9] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB 2"),
        (0x0102_1997, "9p"),
        (0x786f_4256, "VirtualBox's shared folders"),
        (0x6573_5546, "FUSE"),
        (0x6a65_6a63, "virtiofs"),
        (0x00c3_6400, "Ceph"),
    ];
    let found = rustix::fs::statfs(root).ok()?;
    let magic = u32::try_from(found.f_type & 0xffff_ffff).ok()?;
    let (_, name) = SILENT.into_iter().find(|(number, _)| *number == magic)?;
    Some(format!("the workspace is on {name}, which does not tell of every change"))
}

/// Elsewhere the system's own service tells of every file system that it knows.
#[cfg(not(target_os = "linux"))]
fn silent(_root: &Path) -> Option<String> {
    None
}
