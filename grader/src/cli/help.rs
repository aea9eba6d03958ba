//! `grader help`: the task of an exercise, or the help of a command.

use clap::CommandFactory;
use grader_core::{ExerciseId, workbook::nearest};

use super::{
    CliError, Exit, Face,
    args::{Cli, HelpArgs},
    ids,
};
use crate::{
    course::Course,
    term::{
        Look, Word,
        card::heading,
        clean_line,
        layout::{self, beside, block, labelled, paragraphs, room},
    },
};

pub(super) fn run(face: &Face, args: &HelpArgs) -> Result<Exit, CliError> {
    let mut command = Cli::command();
    let Some(word) = &args.word else {
        face.term.result(&command.render_long_help().ansi().to_string());
        return Ok(Exit::Done);
    };
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        let course = face.course()?;
        let id = ids::exercise(&course.workbook.manifest, word)?;
        face.term.result(&task(&course, id, None, face.look()));
        return Ok(Exit::Done);
    }
    command.build();
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    match command.find_subcommand_mut(word) {
        Some(found) => {
            face.term.result(&found.render_long_help().ansi().to_string());
            Ok(Exit::Done)
        }
        None => {
            let near = nearest(word, names.iter().map(String::as_str));
            let fix = near.map_or("grader help lists the commands".into(), |near| {
                format!("did you mean {near}? grader help lists the commands")
            });
            Err(CliError::usage(format!("{} is neither a command nor an exercise", clean_line(word)), fix))
        }
    }
}

/// What to do for an exercise, and the commands for it.
pub(super) fn task(course: &Course, id: ExerciseId, state: Option<Word>, look: &Look) -> String {
    let workbook = &course.workbook;
    let Some(exercise) = workbook.manifest.exercise(id) else { return String::new() };
    let check = workbook.checks.get(&id);
    let title = check.map_or(exercise.todo.as_str(), |check| check.title.as_str());
    let word = state.unwrap_or(if exercise.pending { Word::Pending } else { Word::Open });
    let mut out = if look.plain {
        format!("exercise: {id}\ntitle: {}\n", clean_line(title))
    } else if state.is_some() || exercise.pending {
        heading(word, &id.to_string(), &clean_line(title), "", look)
    } else {
        layout::title(&format!("{id}  {title}"), look)
    };
    if look.plain && (state.is_some() || exercise.pending) {
        out.push_str(&format!("status: {}\n", word.as_str()));
    }
    if exercise.todo != title {
        out.push_str(&labelled("todo", &exercise.todo, look));
    }
    if !exercise.task.trim().is_empty() {
        let separator = if look.plain { "" } else { "\n" };
        out.push_str(&format!("{separator}{}{separator}", paragraphs(&exercise.task, look)));
    }
    if let Some(check) = check.filter(|check| !check.needs.is_empty()) {
        let needs: Vec<String> = check.needs.iter().map(ToString::to_string).collect();
        out.push_str(&labelled("after", &needs.join(", "), look));
    }
    if !exercise.files.is_empty() {
        out.push_str(&labelled("files", &exercise.files.join(", "), look));
        out.push_str(&labelled("start again", &format!("grader reset {id}"), look));
    }
    if exercise.pending {
        out.push_str(&labelled("check", "still to come", look));
        return out;
    }
    let parts = [format!("grader check {id}"), format!("hint: grader hint {id}")];
    if look.plain {
        parts.iter().for_each(|part| out.push_str(&format!("then: {part}\n")));
    } else {
        out.push_str(&block("then", &beside(&parts, room(look)), look));
    }
    out
}
