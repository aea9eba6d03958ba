//! `grader config set`: values in workspace.toml.

use serde_json::json;

use super::{
    CliError, Exit, Face,
    args::{ConfigArgs, ConfigCommand},
};
use crate::{
    term::layout::{and, labelled},
    workspace::edit::{Assignment, set, users_of},
};

pub(super) fn run(face: &Face, args: &ConfigArgs) -> Result<Exit, CliError> {
    let ConfigCommand::Set { assignments } = &args.command;
    let workspace = face.workspace()?;
    let assignments =
        assignments.iter().map(|text| Assignment::parse(text)).collect::<Result<Vec<_>, _>>()?;
    set(workspace.root(), &assignments)?;
    let course = face.course()?;
    let users = |key: &str| users_of(key, &course.workbook);
    if face.global.json {
        let set: Vec<_> = assignments
            .iter()
            .map(|it| json!({ "key": it.key, "value": it.value, "used_by": users(&it.key) }))
            .collect();
        face.term.json(&json!({ "format": 1, "set": set }))?;
        return Ok(Exit::Done);
    }
    let look = face.look();
    let mut out = String::new();
    for assignment in &assignments {
        out.push_str(&labelled("set", &format!("{} = {}", assignment.key, assignment.value), look));
        let ids: Vec<String> = users(&assignment.key).iter().map(ToString::to_string).collect();
        let used = match ids.as_slice() {
            [] => "no check yet".to_owned(),
            [only] => format!("the check of {only}"),
            many => format!("the checks of {}", and(many)),
        };
        out.push_str(&labelled("used by", &used, look));
    }
    face.term.result(&out);
    Ok(Exit::Done)
}
