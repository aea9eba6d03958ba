//! The one place that prints. Start at [`Term`]; the other modules lay texts out and print nothing.
//!
//! Results and data go to standard output, words of a conversation to standard error. Texts bear the
//! terminal's own colours; the streams take them off where they are not wanted.

pub mod card;
mod clean;
mod diagnostics;
mod evidence_tree;
mod keys;
pub mod layout;
mod look;
mod printed;
mod progress;

use std::{
    io::{self, BufRead, IsTerminal, Write},
    sync::{Mutex, PoisonError},
};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

pub use clean::{clean_line, clean_lines};
pub use diagnostics::diagnostics;
pub use evidence_tree::evidence_tree;
pub use keys::Keys;
pub use look::{BOLD, Look, Word, paint};
pub use progress::RunDisplay;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What was asked for on the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// `--plain`.
    pub plain: bool,
    /// `--color`.
    pub color: Color,
    /// `--quiet`.
    pub quiet: bool,
    /// Whether a log goes to standard error, so that nothing else there may be redrawn.
    pub logs: bool,
}

/// The terminal, or whatever takes its place.
pub struct Term {
    look: Look,
    quiet: bool,
    logs: bool,
    out: Mutex<Stream<io::Stdout>>,
    err: Mutex<Stream<io::Stderr>>,
}

/// A stream that colours can be taken off.
trait Raw: anstream::stream::RawStream + anstream::stream::AsLockedWrite {}

impl<S: anstream::stream::RawStream + anstream::stream::AsLockedWrite> Raw for S {}

struct Stream<S: Raw> {
    stream: AutoStream<S>,
    /// The first write that failed; nothing is written after it.
    broken: Option<io::Error>,
}

impl Term {
    /// Opens the terminal as asked for by options and environment.
    pub fn open(options: Options) -> Self {
        Self {
            look: Look::read(&variable, options.plain, terminal_width()),
            quiet: options.quiet,
            logs: options.logs,
            out: Mutex::new(Stream::open(io::stdout(), options.color)),
            err: Mutex::new(Stream::open(io::stderr(), options.color)),
        }
    }

    /// How output shall look.
    pub const fn look(&self) -> &Look {
        &self.look
    }

    /// Whether words beside the results are unwanted.
    pub const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a result: to standard output.
    pub fn result(&self, text: &str) {
        self.to_out(&self.legible(text));
    }

    /// Prints data as one JSON document: to standard output, the same on every terminal.
    pub fn json(&self, data: &impl Serialize) -> Result<(), serde_json::Error> {
        let json = serde_json::to_string_pretty(data)?;
        self.to_out(&(clean::clean_json(&json) + "\n"));
        Ok(())
    }

    /// Prints data as one line of JSON: to standard output, for those who read document after document.
    pub fn json_line(&self, data: &impl Serialize) -> Result<(), serde_json::Error> {
        let json = serde_json::to_string(data)?;
        self.to_out(&(clean::clean_json(&json) + "\n"));
        Ok(())
    }

    /// Prints a text for other programs, as it is: to standard output.
    pub fn verbatim(&self, text: &str) {
        self.to_out(text);
    }

    /// Says something beside the result: to standard error, unless quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Says what went wrong: to standard error, always.
    pub fn complain(&self, text: &str) {
        let text = self.legible(text);
        self.err.lock().unwrap_or_else(PoisonError::into_inner).write(text.as_bytes());
    }

    /// Whether a person can be asked.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks, and reads one line; `None` at the end of input.
    pub fn ask(&self, question: &str) -> io::Result<Option<String>> {
        self.complain(question);
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim().to_owned()))
    }

    /// Whether standard error is a terminal that may be redrawn.
    pub fn can_redraw(&self) -> bool {
        !self.look.plain && !self.quiet && !self.logs && io::stderr().is_terminal()
    }

    /// Ends the output. A reader that went away (`| head`) is no fault; a full disk is.
    pub fn finish(&self) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.attempt(|stream| stream.flush());
        match out.broken.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Some(_) | None => Ok(()),
        }
    }

    fn to_out(&self, text: &str) {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).write(text.as_bytes());
    }

    fn legible(&self, text: &str) -> String {
        if self.look.unicode { text.to_owned() } else { look::to_ascii(text) }
    }
}

impl<S: Raw> Stream<S> {
    fn open(raw: S, color: Color) -> Self {
        let choice = match color {
            Color::Auto => AutoStream::choice(&raw),
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { stream: AutoStream::new(raw, choice), broken: None }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.attempt(|stream| stream.write_all(bytes).and_then(|()| stream.flush()));
    }

    fn attempt(&mut self, write: impl FnOnce(&mut AutoStream<S>) -> io::Result<()>) {
        if self.broken.is_none() {
            self.broken = write(&mut self.stream).err();
        }
    }
}

/// A variable of the environment; an empty one counts as unset.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Columns of the terminal that shows results, or else of the one that shows the words beside them.
fn terminal_width() -> Option<usize> {
    let width = |size: rustix::termios::Winsize| usize::from(size.ws_col);
    rustix::termios::tcgetwinsize(io::stdout())
        .or_else(|_| rustix::termios::tcgetwinsize(io::stderr()))
        .ok()
        .map(width)
        .filter(|width| *width > 0)
}
