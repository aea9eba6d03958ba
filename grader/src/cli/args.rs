//! The command line as it is typed. What it means is each subcommand's affair.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueHint};
use clap_complete::{ArgValueCompleter, Shell};

use super::completions::{exercises, words};
use crate::term::Color;

/// Checks what you built and deployed, from what the kernel, the engine and the network report.
#[derive(Debug, Parser)]
#[command(
    name = "grader",
    version,
    disable_help_subcommand = true,
    after_help = "Start with: grader init my-course",
    after_long_help = LONG_HELP
)]
pub(super) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; without one, where you stand.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const LONG_HELP: &str = "\
Start with: grader init my-course

Exit codes:
  0  done, all passed, clean       1  something failed, a finding
  2  wrong usage, broken workbook  3  something is blocked or not ready
  4  an error                      129, 130, 143  ended by a signal

Variables:
  GRADER_PLAIN     as --plain; so do TERM=dumb and CI
  GRADER_WIDTH     columns of the output, where the terminal's are not meant (else COLUMNS)
  GRADER_WORKBOOK  as --workbook
  GRADER_LOG       what to log to standard error, as grader=debug
  NO_COLOR         no colours
  LC_ALL, LC_CTYPE, LANG  a locale without UTF-8 gets ASCII alone
  DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG  the engine, as for docker";

/// What holds for every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// Folder of the workspace; else the nearest one upward with a workspace.toml
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Folder of another workbook than the one built in
    #[arg(long, value_name = "DIR", global = true, env = "GRADER_WORKBOOK", hide_env = true, value_hint = ValueHint::DirPath)]
    pub workbook: Option<PathBuf>,
    /// Print data as one JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// One fact a line, no boxes, nothing redrawn
    #[arg(long, global = true)]
    pub plain: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t)]
    pub color: Color,
    /// Print results alone
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Tell on standard error what is done; twice, in detail
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a workspace: exercises, answers, checklist, workspace.toml, a git repository
    Init(InitArgs),
    /// Judge exercises; without an id, the next that is due
    Check(CheckArgs),
    /// Check again whatever a change of a file, an image or a container can affect
    #[command(after_help = WATCH_HELP)]
    Watch(WatchArgs),
    /// All exercises and their state
    List,
    /// The exercise to do now
    Next,
    /// The last card of an exercise
    Show(ShowArgs),
    /// The task of an exercise, or the help of a command
    Help(HelpArgs),
    /// The next of an exercise's hints
    Hint(ExerciseArgs),
    /// The starting files of an exercise again; your own are put aside
    Reset(ExerciseArgs),
    /// What this machine has and lacks, by what it unlocks
    Doctor,
    /// Settings in workspace.toml
    Config(ConfigArgs),
    /// Judge recorded evidence again, without touching the world
    Rejudge(RejudgeArgs),
    /// One file about an exercise, for asking a teacher; it first says what is in it
    Bundle(BundleArgs),
    /// Prove that the workbook holds together
    Lint,
    /// JSON Schemas of the files
    Schema(SchemaArgs),
    /// Completions for a shell, with exercises and their titles
    Completions(CompletionsArgs),
    /// The manual page
    Man,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Folder to make; the current one if not given
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
    /// Name of your app, which is that of its image
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
    /// Folder of your app within the workspace
    #[arg(long, value_name = "PATH")]
    pub app_path: Option<String>,
    /// Your name, for reports
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Your id, for reports, as an e-mail address
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Ask nothing
    #[arg(short, long)]
    pub yes: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Exercises (4.2) or chapters (4)
    #[arg(value_name = "ID", add = ArgValueCompleter::new(exercises))]
    pub ids: Vec<String>,
    /// Every exercise that has a check
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Those whose last verdict is failed
    #[arg(long, conflicts_with_all = ["ids", "all"])]
    pub failed: bool,
    /// Those that passed, but what was judged has changed since
    #[arg(long, conflicts_with_all = ["ids", "all"])]
    pub stale: bool,
}

const WATCH_HELP: &str = "\
At the start it judges what is due: of the exercises named those that have not passed; without any, those
that are failed, blocked or stale, and the next one. Then it waits. Each run begins with a line `watching: …`
and ends with a line `done: …`. A change during a run leads to one more run after it.

With --once it ends after that first run, with the exit code of `grader check`. With --json each run prints
one document, the same as of `grader check --json`, in one line.

Keys, where standard input is a terminal:
  n  the next exercise    h  a hint    c  check again now    o  the last card
  q  quit                 ?  these keys";

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Exercises (4.2) or chapters (4); all that have a check if none is given
    #[arg(value_name = "ID", add = ArgValueCompleter::new(exercises))]
    pub ids: Vec<String>,
    /// Judge what is due now, and end
    #[arg(long)]
    pub once: bool,
    /// Look at the files again and again, where the system does not tell of changes
    #[arg(long, conflicts_with = "once")]
    pub poll: bool,
}

/// An exercise.
#[derive(Debug, Args)]
pub(super) struct ExerciseArgs {
    /// The exercise
    #[arg(value_name = "ID", add = ArgValueCompleter::new(exercises))]
    pub id: String,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The exercise
    #[arg(value_name = "ID", add = ArgValueCompleter::new(exercises))]
    pub id: String,
    /// What was seen, as a tree, with what was judged marked
    #[arg(long)]
    pub evidence: bool,
}

/// Arguments of `help`.
#[derive(Debug, Args)]
pub(super) struct HelpArgs {
    /// An exercise or a command
    #[arg(value_name = "ID", add = ArgValueCompleter::new(words))]
    pub word: Option<String>,
}

/// Arguments of `config`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What `config` does.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Set values in workspace.toml; its comments stay
    Set {
        /// As app.image=myapp
        #[arg(value_name = "KEY=VALUE", required = true)]
        assignments: Vec<String>,
    },
}

/// Arguments of `bundle`.
#[derive(Debug, Args)]
pub(super) struct BundleArgs {
    /// The exercise
    #[arg(value_name = "ID", add = ArgValueCompleter::new(exercises))]
    pub id: String,
    /// The file to write; bundle-ID-attempt-N.json in this folder if not given
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// Arguments of `rejudge`.
#[derive(Debug, Args)]
pub(super) struct RejudgeArgs {
    /// The attempt's number, or the path of a bundle or of recorded evidence
    #[arg(value_name = "ATTEMPT", value_hint = ValueHint::FilePath)]
    pub attempt: String,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of which file
    #[arg(value_enum, default_value_t)]
    pub of: SchemaOf,
    /// For `evidence`: the kind of probe
    #[arg(value_name = "KIND")]
    pub kind: Option<String>,
}

/// What there are schemas of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum SchemaOf {
    /// A check file
    #[default]
    Check,
    /// checks/workbook.toml
    Workbook,
    /// workspace.toml
    Workspace,
    /// What `check --json` prints
    Result,
    /// What `bundle` writes
    Bundle,
    /// What a kind of probe yields
    Evidence,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        super::Cli::command().debug_assert();
    }
}
