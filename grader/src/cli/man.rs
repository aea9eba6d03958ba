//! `grader man`: the manual page, every command in it.

use clap::CommandFactory;
use clap_mangen::Man;

use super::{CliError, Exit, Face, args::Cli};

pub(super) fn run(face: &Face) -> Result<Exit, CliError> {
    let system = |source| CliError::System { what: "cannot write the manual page".into(), source };
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).map_err(system)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    for subcommand in command.get_subcommands() {
        page.push_str(&section(subcommand));
    }
    face.term.verbatim(&page);
    Ok(Exit::Done)
}

/// One command: its help as it is printed, so that page and help cannot differ.
fn section(command: &clap::Command) -> String {
    let help = command.clone().disable_help_flag(true).render_long_help().to_string();
    let lines = help.lines().map(|line| {
        // A dot or quote at the beginning, and a backslash anywhere, would be read as a request.
        let line = line.replace('\\', "\\e");
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    });
    let name = command.get_name().to_uppercase();
    format!(".SH \"GRADER {name}\"\n.nf\n{}\n.fi\n", lines.collect::<Vec<_>>().join("\n"))
}
