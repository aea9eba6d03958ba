//! All that a watch listens to: files, the engine, keys and signals.

use std::{io, path::Path};

use grader_core::workspace_file::LARGEST;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
};

use super::pending::Batch;
use crate::{
    cli::{Exit, args::WatchArgs, signals::Signals},
    run::Session,
    term::Keys,
    watch::{
        Change, Files, Plan, Stirred, Way,
        engine::{self, Noticed, Wants},
    },
    workspace::read_inside,
};

/// Something that was heard.
pub(super) enum Heard {
    Stirred(Stirred),
    Engine(Noticed),
    Key(char),
    Signal(Exit),
}

/// All that a watch listens to.
pub(super) struct Sources {
    files: Option<Files>,
    poll: bool,
    stir: UnboundedSender<Stirred>,
    stirred: UnboundedReceiver<Stirred>,
    wants: watch::Sender<Wants>,
    noticed: UnboundedReceiver<Noticed>,
    pressed: UnboundedReceiver<char>,
    keys: Option<Keys>,
    signals: Signals,
    /// Ctrl-Z, and going on after it.
    stop: Signal,
    go_on: Signal,
}

impl Sources {
    /// Opens them. With `--once` there are signals alone.
    pub(super) fn open(session: &Session, plan: &Plan, args: &WatchArgs) -> io::Result<Self> {
        let (stir, stirred) = unbounded_channel();
        let (notice, noticed) = unbounded_channel();
        let (press, pressed) = unbounded_channel();
        let (wants, wanted) = watch::channel(Wants::default());
        let mut sources = Self {
            files: None,
            poll: args.poll,
            stir,
            stirred,
            wants,
            noticed,
            pressed,
            keys: None,
            signals: Signals::listen()?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            go_on: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        };
        if !args.once {
            sources.watch_other(session, plan);
            tokio::spawn(engine::follow(wanted, notice));
            sources.keys = Keys::read(move |key| {
                // Nobody may listen any more: it is about to end.
                let _sent = press.send(key);
            });
        }
        Ok(sources)
    }

    /// Watches what another plan reads.
    pub(super) fn watch_other(&mut self, session: &Session, plan: &Plan) {
        let app = session.workspace.root().join(&session.workspace.file().app.path);
        self.files = Some(Files::watch(plan, &app, self.poll, self.stir.clone()));
        self.wants.send_replace(Wants { images: plan.images(), containers: plan.reads_containers() });
    }

    /// Why files are looked at again and again; `None` where the system tells of changes.
    pub(super) fn polls(&self) -> Option<String> {
        match self.files.as_ref().map(Files::way) {
            Some(Way::Looked(why)) => Some(why),
            Some(Way::Told) | None => None,
        }
    }

    /// Whether keys are read.
    pub(super) fn reads_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Waits for whatever comes next.
    pub(super) async fn heard(&mut self) -> Heard {
        loop {
            tokio::select! {
                exit = self.signals.next() => return Heard::Signal(exit),
                Some(key) = self.pressed.recv() => return Heard::Key(key),
                Some(it) = self.noticed.recv() => return Heard::Engine(it),
                Some(it) = self.stirred.recv() => return Heard::Stirred(it),
                _ = self.stop.recv() => self.stop_here(),
                _ = self.go_on.recv() => {
                    if let Some(keys) = &self.keys
                        && let Err(error) = keys.take()
                    {
                        tracing::warn!(%error, "cannot read keys any more");
                    }
                }
            }
        }
    }

    /// The shell gets its terminal as it was, and we stop until we are told to go on.
    fn stop_here(&self) {
        if let Some(keys) = &self.keys {
            keys.put_back();
        }
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        if let Err(error) = stopped {
            tracing::warn!(%error, "cannot stop");
        }
    }

    /// What changed, each with words for why something is judged again.
    pub(super) fn changes(&mut self, batch: &Batch, plan: &Plan) -> Vec<(Change, String)> {
        let mut changes = Vec::new();
        if let Some(files) = &mut self.files {
            files.look_around(&batch.stirred);
            changes.extend(files.changes(&batch.stirred).into_iter().map(|change| {
                let words = words(&change, plan.root());
                (change, words)
            }));
        }
        for name in &batch.images {
            changes.push((Change::Image(name.clone()), format!("{name} is another image")));
        }
        for (id, name, image) in &batch.containers {
            let named_in = |file: &&Path| names(plan.root(), file, id, name);
            let named_in = plan.naming_files().into_iter().filter(named_in).map(Path::to_owned).collect();
            let change = Change::Container { image: image.clone(), named_in };
            changes.push((change, format!("container {name} of {image} changed")));
        }
        changes
    }
}

/// Whether a file names a container: by its name as a whole word, or by at least 12 digits of its id.
fn names(root: &Path, file: &Path, id: &str, name: &str) -> bool {
    let Some(path) = file.strip_prefix(root).ok().and_then(Path::to_str) else { return false };
    let Ok(bytes) = read_inside(root, path, LARGEST) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')));
    words.any(|word| word == name || word.len() >= 12 && id.starts_with(word))
}

fn words(change: &Change, root: &Path) -> String {
    match change {
        Change::Path(path) => format!("{} changed", path.strip_prefix(root).unwrap_or(path).display()),
        Change::Commit => "there is another commit".into(),
        Change::Image(_) | Change::Container { .. } => "the engine changed".into(),
        Change::Everything => "much changed at once".into(),
    }
}
