//! `grader doctor`: what this machine has and lacks, by what it unlocks.

use serde_json::json;

use super::{CliError, Exit, Face};
use crate::{
    course::Course,
    doctor::{Fact, Group, Report, Seen, examine},
    term::{
        Look, Word, clean_line,
        layout::{self, wrap},
        paint,
    },
    workspace::Workspace,
};

pub(super) fn run(face: &Face) -> Result<Exit, CliError> {
    let course = face.course()?;
    // A broken workspace is a fact like others: doctor never stops at the first fault.
    let (workspace, problem) = match face.workspace() {
        Ok(workspace) => (Some(workspace), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let report = look_around(&course, workspace.as_ref(), problem)?;
    let exit = if report.is_ready() { Exit::Done } else { Exit::Blocked };
    if face.global.json {
        face.term.json(&json!({ "format": 1, "ready": report.is_ready(), "groups": report.groups }))?;
        return Ok(exit);
    }
    face.term.result(&laid_out(&report, face.look()));
    Ok(exit)
}

/// The same after a workspace was made, as its last words.
pub(super) fn after_init(face: &Face, course: &Course, workspace: &Workspace) -> Result<(), CliError> {
    let report = look_around(course, Some(workspace), None)?;
    face.term.result(&laid_out(&report, face.look()));
    Ok(())
}

fn look_around(
    course: &Course,
    workspace: Option<&Workspace>,
    problem: Option<String>,
) -> Result<Report, CliError> {
    let system = |source| CliError::System { what: "cannot look around".into(), source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    Ok(runtime.block_on(examine(course, workspace, problem)))
}

fn laid_out(report: &Report, look: &Look) -> String {
    report.groups.iter().map(|group| group_of(group, look)).collect()
}

fn group_of(group: &Group, look: &Look) -> String {
    let title = clean_line(&group.title);
    let state = group.state.words();
    if look.plain {
        let facts: String = group.facts.iter().map(plain).collect();
        return format!("{title}: {state}\n{facts}");
    }
    let mut out = layout::title(&format!("{title}  {state}"), look);
    group.facts.iter().for_each(|fact| out.push_str(&laid_out_fact(fact, look)));
    out
}

fn plain(fact: &Fact) -> String {
    let mend = fact.mend.as_ref().map(|mend| format!("; do: {}", clean_line(mend))).unwrap_or_default();
    format!("{}: {}: {}{mend}\n", fact.name, fact.seen.as_str(), clean_line(&fact.detail))
}

/// `  missing  az          not found` with the command that mends it to the right, or below.
fn laid_out_fact(fact: &Fact, look: &Look) -> String {
    let word = match fact.seen {
        Seen::Ok => Word::Passed,
        Seen::Note => Word::Open,
        Seen::Missing | Seen::Old => Word::Blocked,
    };
    let verdict = paint(word.style(), fact.seen.as_str());
    let padding = " ".repeat(Seen::WIDEST - fact.seen.as_str().len());
    let before = 2 + Seen::WIDEST + 2 + 12;
    if look.width < before + 20 {
        let mut out = format!("  {verdict}{padding} {}\n", fact.name);
        let mut below = |text: &str| {
            wrap(&clean_line(text), look.width - 4)
                .iter()
                .for_each(|line| out.push_str(&format!("    {line}\n")));
        };
        below(&fact.detail);
        if let Some(mend) = &fact.mend {
            below(&format!("do: {mend}"));
        }
        return out;
    }
    let mut out = String::new();
    let mut lines = wrap(&clean_line(&fact.detail), look.width - before);
    if let Some(mend) = &fact.mend {
        lines.extend(wrap(&format!("do: {}", clean_line(mend)), look.width - before));
    }
    for (at, line) in lines.iter().enumerate() {
        if at == 0 {
            out.push_str(&format!("  {verdict}{padding}  {:<12}{line}\n", fact.name));
        } else {
            out.push_str(&format!("{:before$}{line}\n", ""));
        }
    }
    out
}
