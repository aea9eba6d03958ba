//! The command line. Start at [`main`]: parse, dispatch, and say how it ended.
//!
//! One file a subcommand; each is thin: it asks the rooms below, lays out what they say, and returns
//! an [`Exit`]. Nothing below this module knows that there is a command line.

mod args;
mod bundle;
mod cards;
mod check;
mod completions;
mod config;
mod doctor;
mod error;
mod exit;
mod face;
mod help;
mod hint;
mod ids;
mod init;
mod lint;
mod list;
mod log;
mod man;
mod next;
mod overview;
mod rejudge;
mod reset;
mod schema;
mod show;
mod signals;
mod standing;
mod watch;

use std::{ffi::OsString, sync::Arc};

use clap::Parser;

pub use error::CliError;
pub use exit::Exit;

use args::{Cli, Command};
use face::Face;

use crate::term::{Options, Term, variable};

/// Does what the command line asks for, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match completions::answer(&arguments) {
        Ok(false) => {}
        Ok(true) => return Exit::Done,
        Err(error) => return usage(&error),
    }
    match Cli::try_parse_from(arguments) {
        Ok(cli) => ended(cli),
        Err(error) => usage(&error),
    }
}

/// Help and version are results; anything else is wrong usage.
fn usage(error: &clap::Error) -> Exit {
    let term = Term::open(Options::default());
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        term.complain(&text);
        return Exit::Usage;
    }
    term.result(&text);
    finished(&term, Exit::Done)
}

fn ended(cli: Cli) -> Exit {
    let global = cli.global;
    let logs = global.verbose > 0 || variable("GRADER_LOG").is_some();
    let options = Options { plain: global.plain, color: global.color, quiet: global.quiet, logs };
    let face = Face { term: Arc::new(Term::open(options)), global };
    let logs_itself = matches!(cli.command, Some(Command::Check(_) | Command::Watch(_)));
    if logs && !logs_itself {
        log::start(face.global.verbose, None);
    }
    let exit = match dispatch(&face, cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            face.term.complain(&error.laid_out(face.look()));
            error.exit()
        }
    };
    finished(&face.term, exit)
}

/// A result that could not be written is no result.
fn finished(term: &Term, exit: Exit) -> Exit {
    match term.finish() {
        Ok(()) => exit,
        Err(error) => {
            term.complain(&format!("error: cannot write the result to standard output: {error}\n"));
            Exit::Error
        }
    }
}

fn dispatch(face: &Face, command: Option<Command>) -> Result<Exit, CliError> {
    match command {
        None => overview::run(face),
        Some(Command::Init(args)) => init::run(face, &args),
        Some(Command::Check(args)) => check::run(face, &args),
        Some(Command::Watch(args)) => watch::run(face, &args),
        Some(Command::List) => list::run(face),
        Some(Command::Next) => next::run(face),
        Some(Command::Show(args)) => show::run(face, &args),
        Some(Command::Help(args)) => help::run(face, &args),
        Some(Command::Hint(args)) => hint::run(face, &args),
        Some(Command::Reset(args)) => reset::run(face, &args),
        Some(Command::Doctor) => doctor::run(face),
        Some(Command::Config(args)) => config::run(face, &args),
        Some(Command::Rejudge(args)) => rejudge::run(face, &args),
        Some(Command::Bundle(args)) => bundle::run(face, &args),
        Some(Command::Lint) => lint::run(face),
        Some(Command::Schema(args)) => schema::run(face, &args),
        Some(Command::Completions(args)) => completions::run(face, &args),
        Some(Command::Man) => man::run(face),
    }
}
