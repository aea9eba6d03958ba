//! `grader init`: makes a workspace, after at most four questions.

use std::path::Path;

use serde_json::json;

use super::{CliError, Exit, Face, args::InitArgs, doctor};
use crate::{
    course::{Course, Origin},
    term::{
        Term, clean_line,
        layout::{command, count, labelled},
        variable,
    },
    workspace::{
        FirstCommit, Workspace, first_commit, form,
        lay_out::{Choices, Plan, is_free, plan},
    },
};

pub(super) fn run(face: &Face, args: &InitArgs) -> Result<Exit, CliError> {
    let course = face.course()?;
    let folder = match (&face.global.directory, &args.folder) {
        (None, None) => ".".into(),
        (None, Some(folder)) | (Some(folder), None) => folder.clone(),
        (Some(directory), Some(folder)) => directory.join(folder),
    };
    is_free(&folder)?;
    let asks = !args.yes && !face.global.json && face.term.can_ask();
    let Some(choices) = choose(face, args, &Choices::usual(&course), asks)? else {
        return stopped(face);
    };
    let plan = plan(&course, &choices)?;
    if asks && !agreed(face, &folder, &plan)? {
        return stopped(face);
    }
    plan.write(&folder)?;
    let folder = folder.canonicalize().map_err(|source| CliError::System {
        what: format!("cannot find `{}` again", folder.display()),
        source,
    })?;
    let title = &course.workbook.manifest.title;
    let committed = first_commit(&folder, title, &choices.name, &choices.id);
    let workspace = Workspace::open(&folder)?;
    if face.global.json {
        face.term.json(&json!({
            "format": 1,
            "workspace": folder,
            "files": plan.paths().collect::<Vec<_>>(),
            "committed": committed == FirstCommit::Made,
        }))?;
        return Ok(Exit::Done);
    }
    tell(face, &folder, &plan, &committed);
    if let Origin::Folder(workbook) = &course.origin
        && variable("GRADER_WORKBOOK").is_none()
    {
        let workbook = workbook.canonicalize().unwrap_or_else(|_| workbook.clone());
        let words = format!("export GRADER_WORKBOOK={}", quoted(&workbook.display().to_string()));
        face.term.result(&command("workbook", &words, face.look()));
    }
    doctor::after_init(face, &course, &workspace)?;
    face.term.result(&command("then", &next_command(face, args, &course, &folder), face.look()));
    Ok(Exit::Done)
}

/// Asks what was not given as an option; `None` where the learner went away.
fn choose(face: &Face, args: &InitArgs, usual: &Choices, asks: bool) -> Result<Option<Choices>, CliError> {
    let term = &face.term;
    let question = |given: &Option<String>, words: &str, usual: &str, form: Form| {
        if let Some(given) = given {
            return form(given)
                .map(|()| Some(given.clone()))
                .map_err(|error| CliError::usage(error.to_string(), "grader help init"));
        }
        if !asks {
            return Ok(Some(usual.to_owned()));
        }
        answer(term, words, usual, form)
    };
    let image: Form = |text| form::image(text);
    let path: Form = |text| form::path_inside(text);
    let free: Form = |_| Ok(());
    let Some(app) = question(&args.app, "Name of your app, and of its image", &usual.app, image)? else {
        return Ok(None);
    };
    let Some(folder) = question(&args.app_path, "Its folder", &usual.folder, path)? else { return Ok(None) };
    let Some(name) = question(&args.name, "Your name, for reports", "", free)? else { return Ok(None) };
    let Some(id) = question(&args.id, "Your id, for reports, as an e-mail address", "", free)? else {
        return Ok(None);
    };
    Ok(Some(Choices { app, folder, name, id }))
}

type Form = fn(&str) -> Result<(), form::FormError>;

/// Asks until the answer has the right form; `None` at the end of input.
fn answer(term: &Term, words: &str, usual: &str, form: Form) -> Result<Option<String>, CliError> {
    let offered = if usual.is_empty() { "leave empty".to_owned() } else { usual.to_owned() };
    loop {
        let Some(text) = asked(term, &format!("{words} [{offered}]: "))? else { return Ok(None) };
        let text = if text.is_empty() { usual.to_owned() } else { text };
        match form(&text) {
            Ok(()) => return Ok(Some(text)),
            Err(error) => term.complain(&format!("{}\n", clean_line(&error.to_string()))),
        }
    }
}

/// Shows what will be written, and asks once.
fn agreed(face: &Face, folder: &Path, plan: &Plan) -> Result<bool, CliError> {
    let mut words = format!("These files will be written into {}:\n", face.shown(folder));
    plan.paths().for_each(|path| words.push_str(&format!("  {path}\n")));
    face.term.complain(&words);
    let answer = asked(&face.term, "Write them? [Y/n]: ")?;
    Ok(answer.is_some_and(|text| text.is_empty() || text.to_lowercase().starts_with('y')))
}

fn asked(term: &Term, question: &str) -> Result<Option<String>, CliError> {
    term.ask(question).map_err(|source| CliError::System { what: "cannot read your answer".into(), source })
}

fn stopped(face: &Face) -> Result<Exit, CliError> {
    face.term.complain("Nothing was written.\n");
    Ok(Exit::Blocked)
}

fn tell(face: &Face, folder: &Path, plan: &Plan, committed: &FirstCommit) {
    let look = face.look();
    let files = count(plan.paths().count(), "file");
    let mut out = labelled("workspace", &format!("{}, {files}", face.shown(folder)), look);
    match committed {
        FirstCommit::Made => out.push_str(&labelled("git", "a repository with a first commit", look)),
        FirstCommit::NoGit => {
            let words = "git is not on this machine, so there is no repository yet; checks that ask for a commit wait for it";
            out.push_str(&labelled("git", words, look));
        }
        FirstCommit::Refused { command, said } => {
            out.push_str(&labelled("git", &format!("no first commit: {said}"), look));
            out.push_str(&labelled("do", &format!("in the workspace: {command}"), look));
        }
    }
    face.term.result(&out);
}

/// The one command to type now: the task of the first exercise that has a check.
fn next_command(face: &Face, args: &InitArgs, course: &Course, folder: &Path) -> String {
    let first =
        course.workbook.manifest.exercises.iter().find(|it| course.workbook.checks.contains_key(&it.id));
    let next = first.map_or_else(|| "grader list".into(), |exercise| format!("grader check {}", exercise.id));
    let here =
        face.global.directory.is_none() && args.folder.as_deref().is_none_or(|it| it == Path::new("."));
    if here { next } else { format!("cd {} && {next}", quoted(&face.shown(folder))) }
}

/// A path as a shell reads it.
fn quoted(path: &str) -> String {
    let text = path.strip_prefix("./").unwrap_or(path).to_owned();
    let plain = |c: char| c.is_alphanumeric() || "/._-~+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("./my-course"), "my-course");
        assert_eq!(quoted("my course's"), r"'my course'\''s'");
    }
}
