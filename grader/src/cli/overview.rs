//! `grader` alone: where one stands in five lines, and the commands that fit now.

use serde_json::json;

use super::{CliError, Exit, Face, standing::Standing};
use crate::term::{
    Word,
    layout::{self, block, paragraph, room, wrap},
};

pub(super) fn run(face: &Face) -> Result<Exit, CliError> {
    if face.workspace_if_any()?.is_none() {
        return outside(face);
    }
    let session = face.session_to_read()?;
    let standing = Standing::of(&session)?;
    let title = &session.course.workbook.manifest.title;
    let commands = commands(&standing);
    if face.global.json {
        let passed = standing.count(Word::Passed) + standing.count(Word::TornDown);
        face.term.json(&json!({
            "format": 1,
            "title": title,
            "workspace": session.workspace.root(),
            "passed": passed,
            "exercises": standing.rows.len(),
            "next": standing.next,
            "stale": standing.ids(Word::Stale),
            "commands": commands.iter().map(|(command, _)| command).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    let look = face.look();
    let status = paragraph(&standing.in_a_line(), look);
    // Where one stands takes two lines at times; five it shall be in all, and the title is known.
    let mut out = if status.lines().count() == 1 { layout::title(title, look) } else { String::new() };
    out.push_str(&status);
    for (command, what) in commands {
        out.push_str(&command_line(&command, what, look));
    }
    face.term.result(&out);
    Ok(Exit::Done)
}

/// Outside of any workspace there is one thing to do.
fn outside(face: &Face) -> Result<Exit, CliError> {
    let course = face.course()?;
    let manifest = &course.workbook.manifest;
    if face.global.json {
        let commands = ["grader init my-course"];
        face.term.json(&json!({
            "format": 1, "title": manifest.title, "workspace": null, "passed": 0,
            "exercises": manifest.exercises.len(), "next": null, "stale": [], "commands": commands,
        }))?;
        return Ok(Exit::Done);
    }
    let look = face.look();
    let mut out = layout::title(&manifest.title, look);
    let what = format!("{} exercises. You are in no workspace yet.", manifest.exercises.len());
    out.push_str(&paragraph(&what, look));
    out.push_str(&command_line("grader init my-course", "makes a workspace", look));
    out.push_str(&command_line("grader doctor", "what this machine has and lacks", look));
    out.push_str(&command_line("grader help", "all commands", look));
    face.term.result(&out);
    Ok(Exit::Done)
}

/// The three commands that fit now.
fn commands(standing: &Standing) -> Vec<(String, &'static str)> {
    let list = ("grader list".to_owned(), "all exercises");
    let stale = ("grader check --stale".to_owned(), "judges again what has changed");
    let any_stale = standing.count(Word::Stale) > 0;
    match standing.next {
        None if any_stale => vec![stale, list, ("grader help".into(), "all commands")],
        None => vec![
            ("grader check --all".into(), "judges everything once more"),
            list,
            ("grader help".into(), "all commands"),
        ],
        Some(next) => {
            let blocked = standing.row(next).is_some_and(|row| row.state == Word::Blocked);
            let failed = standing.row(next).is_some_and(|row| row.state == Word::Failed);
            let second = if failed {
                (format!("grader hint {next}"), "the next of three hints")
            } else {
                (format!("grader help {next}"), "what to do")
            };
            let third = if blocked {
                ("grader doctor".into(), "what is missing here")
            } else if any_stale {
                stale
            } else {
                list
            };
            vec![(format!("grader check {next}"), "judges it"), second, third]
        }
    }
}

fn command_line(command: &str, what: &str, look: &crate::term::Look) -> String {
    if look.plain {
        return format!("{command}: {what}\n");
    }
    if look.width < 50 {
        return block(command, &wrap(what, room(look)), look);
    }
    format!("  {command:<26}{what}\n")
}
