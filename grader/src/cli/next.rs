//! `grader next`: the exercise to do now.

use serde_json::json;

use super::{CliError, Exit, Face, help, standing::Standing};
use crate::term::{Word, layout::paragraph};

pub(super) fn run(face: &Face) -> Result<Exit, CliError> {
    let session = face.session_to_read()?;
    let standing = Standing::of(&session)?;
    let row = standing.next.and_then(|next| standing.row(next));
    if face.global.json {
        let commands = row.map(|row| [format!("grader check {}", row.exercise)]);
        face.term.json(&json!({ "format": 1, "next": row, "commands": commands }))?;
        return Ok(Exit::Done);
    }
    match row {
        Some(row) => {
            face.term.result(&help::task(&session.course, row.exercise, Some(row.state), face.look()))
        }
        None => {
            let passed = standing.count(Word::Passed) + standing.count(Word::TornDown);
            let mut words = format!("Nothing is due: {passed} of {} passed.", standing.rows.len());
            if let Some(to_come) = standing.to_come() {
                words.push_str(&format!(" {to_come}."));
            }
            face.term.result(&paragraph(&words, face.look()));
        }
    }
    Ok(Exit::Done)
}
