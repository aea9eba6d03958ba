//! `grader completions`: what a shell runs to complete commands, and exercises with their titles.

use std::ffi::{OsStr, OsString};

use clap::CommandFactory;
use clap_complete::{CompleteEnv, Shell, engine::CompletionCandidate, env::Shells};

use super::{
    CliError, Exit, Face,
    args::{Cli, CompletionsArgs},
};
use crate::{
    course::{Course, Origin},
    term::variable,
};

/// The variable by which a shell asks for completions.
const VARIABLE: &str = "GRADER_COMPLETE";

/// Answers a shell that asks for completions; says whether one did.
pub(super) fn answer(arguments: &[OsString]) -> Result<bool, clap::Error> {
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(false);
    }
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).try_complete(arguments.to_vec(), here.as_deref())
}

pub(super) fn run(face: &Face, args: &CompletionsArgs) -> Result<Exit, CliError> {
    let system = |source| CliError::System { what: "cannot write completions".into(), source };
    let name = args.shell.to_string();
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&name) else {
        return Err(CliError::usage(format!("no completions for {name}"), "grader completions bash"));
    };
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "grader", "grader", "grader", &mut script).map_err(system)?;
    face.term.verbatim(&String::from_utf8_lossy(&script));
    face.term.say(&format!("{}\n", how_to_install(args.shell)));
    Ok(Exit::Done)
}

fn how_to_install(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "note: to install, add to ~/.bashrc: source <(grader completions bash)",
        Shell::Zsh => "note: to install, add to ~/.zshrc: source <(grader completions zsh)",
        Shell::Fish => "note: to install: grader completions fish > ~/.config/fish/completions/grader.fish",
        Shell::Elvish => "note: to install, add to rc.elv: eval (grader completions elvish | slurp)",
        Shell::PowerShell => {
            "note: to install, add to $PROFILE: grader completions powershell | Out-String | Invoke-Expression"
        }
        _ => "note: load this in the start-up file of your shell",
    }
}

/// Exercises and chapters, with their titles.
pub(super) fn exercises(current: &OsStr) -> Vec<CompletionCandidate> {
    let folder = variable("GRADER_WORKBOOK").map(std::path::PathBuf::from);
    // A shell that completes shows no errors: without a workbook there is nothing to offer.
    let Ok(course) = Course::open(Origin::of(folder.as_deref())) else { return Vec::new() };
    let workbook = &course.workbook;
    let exercises = workbook.manifest.exercises.iter().map(|exercise| {
        let title = workbook.checks.get(&exercise.id).map_or(&exercise.todo, |check| &check.title);
        (exercise.id.to_string(), title.clone())
    });
    let current = current.to_string_lossy();
    exercises
        .filter(|(id, _)| id.starts_with(&*current))
        .map(|(id, title)| CompletionCandidate::new(id).help(Some(title.into())))
        .collect()
}

/// Exercises and commands.
pub(super) fn words(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut words = exercises(current);
    let current = current.to_string_lossy();
    words.extend(
        Cli::command()
            .get_subcommands()
            .filter(|command| command.get_name().starts_with(&*current))
            .map(|command| CompletionCandidate::new(command.get_name()).help(command.get_about().cloned())),
    );
    words
}
