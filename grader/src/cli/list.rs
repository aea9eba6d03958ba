//! `grader list`: all exercises by chapter, each with its state.

use serde_json::json;

use super::{
    CliError, Exit, Face,
    standing::{Row, Standing},
};
use crate::term::{
    Look, Word, clean_line,
    layout::{self, paragraph, wrap},
    paint,
};

pub(super) fn run(face: &Face) -> Result<Exit, CliError> {
    let session = face.session_to_read()?;
    let standing = Standing::of(&session)?;
    let manifest = &session.course.workbook.manifest;
    if face.global.json {
        face.term.json(&json!({
            "format": 1,
            "workbook": manifest.id,
            "title": manifest.title,
            "workspace": session.workspace.root(),
            "next": standing.next,
            "exercises": standing.rows,
        }))?;
        return Ok(Exit::Done);
    }
    let look = face.look();
    let mut out = String::new();
    for chapter in &manifest.chapters {
        let rows: Vec<&Row> =
            standing.rows.iter().filter(|row| row.exercise.chapter == chapter.number).collect();
        if rows.is_empty() {
            continue;
        }
        let title = clean_line(&chapter.title);
        if look.plain {
            out.push_str(&format!("chapter: {} {title}\n", chapter.number));
        } else {
            out.push_str(&layout::title(&format!("{}  {title}", chapter.number), look));
        }
        rows.iter().for_each(|row| out.push_str(&line(row, look)));
    }
    out.push_str(&paragraph(&standing.in_a_line(), look));
    face.term.result(&out);
    Ok(Exit::Done)
}

/// One exercise. The title may take more lines; the state is always on the first.
pub(super) fn line(row: &Row, look: &Look) -> String {
    let title = clean_line(&row.title);
    let word = row.state;
    let changed: Vec<&str> = row.changed.iter().map(|change| change.part.as_str()).collect();
    let changed = if changed.is_empty() {
        String::new()
    } else {
        format!(" (changed: {})", clean_line(&changed.join(", ")))
    };
    if look.plain {
        return format!("{}: {}: {title}{changed}\n", row.exercise, word.as_str());
    }
    let state_width = Word::TornDown.as_str().len();
    let symbol = paint(word.style(), word.symbol(look));
    let id = row.exercise.to_string();
    let before = 2 + 2 + 6 + state_width + 1;
    if look.width < before + 20 {
        let mut out = format!("{symbol} {id} {}\n", word.painted());
        wrap(&format!("{title}{changed}"), look.width - 4)
            .iter()
            .for_each(|part| out.push_str(&format!("    {part}\n")));
        return out;
    }
    let padding = " ".repeat(state_width - word.as_str().len() + 1);
    let lines = wrap(&format!("{title}{changed}"), look.width - before);
    let mut out = String::new();
    for (at, part) in lines.iter().enumerate() {
        if at == 0 {
            out.push_str(&format!("  {symbol} {id:<6}{}{padding}{part}\n", word.painted()));
        } else {
            out.push_str(&format!("{:before$}{part}\n", ""));
        }
    }
    out
}
