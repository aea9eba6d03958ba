//! `grader reset`: the starting files of an exercise again.

use grader_core::ExerciseId;
use jiff::Timestamp;
use serde_json::json;

use super::{CliError, Exit, Face, args::ExerciseArgs, ids};
use crate::{
    course::Course,
    progress::Progress,
    run,
    term::layout::labelled,
    workspace::{
        Workspace,
        reset::{ResetError, reset},
    },
};

pub(super) fn run(face: &Face, args: &ExerciseArgs) -> Result<Exit, CliError> {
    let workspace = face.workspace()?;
    let course = face.course()?;
    let id = ids::exercise(&course.workbook.manifest, &args.id)?;
    let done = match reset(&workspace, &course, id, Timestamp::now()) {
        Err(ResetError::NoFiles { exercise }) => {
            let what = format!("{exercise} has no starting files: nothing was changed");
            return Err(CliError::usage(what, format!("grader help {exercise} shows the task")));
        }
        done => done?,
    };
    close_question(&workspace, &course, id)?;
    if face.global.json {
        face.term.json(&json!({
            "format": 1, "exercise": id, "restored": done.restored, "kept": done.kept,
            "unchanged": done.unchanged, "aside": done.aside,
        }))?;
        return Ok(Exit::Done);
    }
    let look = face.look();
    let mut out = String::new();
    done.restored.iter().for_each(|path| out.push_str(&labelled("restored", path, look)));
    done.unchanged.iter().for_each(|path| out.push_str(&labelled("as before", path, look)));
    if let Some(aside) = &done.aside {
        out.push_str(&labelled("yours", &format!("kept in {aside}/"), look));
        if let Some(path) = done.kept.first() {
            out.push_str(&labelled("to compare", &format!("diff {aside}/{path} {path}"), look));
        }
    }
    face.term.result(&out);
    Ok(Exit::Done)
}

/// A question that a check has asked is not open any more once its exercise starts anew.
fn close_question(workspace: &Workspace, course: &Course, id: ExerciseId) -> Result<(), CliError> {
    let check = course.workbook.checks.get(&id);
    if !check.is_some_and(|check| check.asks_question()) {
        return Ok(());
    }
    let progress = Progress::open_to_read(workspace.root())?;
    let system = |source| CliError::System { what: "cannot ask the engine".into(), source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    runtime.block_on(run::close_question(progress.workspace_id()));
    Ok(())
}
