//! Exercises as a learner names them: `4.2`, or `4` for a chapter.

use grader_core::{
    ExerciseId,
    workbook::{Manifest, nearest},
};

use super::CliError;
use crate::term::clean_line;

/// The exercise that a text names.
pub(super) fn exercise(manifest: &Manifest, text: &str) -> Result<ExerciseId, CliError> {
    let id: Option<ExerciseId> = text.parse().ok();
    id.filter(|id| manifest.exercise(*id).is_some()).ok_or_else(|| unknown(manifest, text))
}

/// The exercises that several texts name, each once, in the order of the texts.
///
/// A chapter names those that have a check, unless none has: then it names them all.
pub(super) fn exercises(manifest: &Manifest, texts: &[String]) -> Result<Vec<ExerciseId>, CliError> {
    let mut ids = Vec::new();
    for text in texts {
        let chapter = text.parse::<u16>().ok().map(|number| in_chapter(manifest, number));
        let named = match chapter {
            Some(ids) if ids.is_empty() => return Err(unknown(manifest, text)),
            Some(ids) => {
                let pending = |id: &ExerciseId| manifest.exercise(*id).is_some_and(|it| it.pending);
                let due: Vec<ExerciseId> = ids.iter().copied().filter(|id| !pending(id)).collect();
                if due.is_empty() { ids } else { due }
            }
            None => vec![exercise(manifest, text)?],
        };
        ids.extend(named.into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>());
    }
    Ok(ids)
}

fn in_chapter(manifest: &Manifest, number: u16) -> Vec<ExerciseId> {
    manifest.exercises.iter().map(|exercise| exercise.id).filter(|id| id.chapter == number).collect()
}

fn unknown(manifest: &Manifest, text: &str) -> CliError {
    let chapter = text.split('.').next().and_then(|part| part.parse().ok());
    let siblings = chapter.map(|number| in_chapter(manifest, number)).unwrap_or_default();
    let ids: Vec<String> = manifest.exercises.iter().map(|exercise| exercise.id.to_string()).collect();
    let what = match (siblings.as_slice(), chapter) {
        ([], _) => {
            let chapters: Vec<String> =
                manifest.chapters.iter().map(|chapter| chapter.number.to_string()).collect();
            format!("{} is no exercise. There are chapters {}.", clean_line(text), chapters.join(", "))
        }
        ([only], Some(number)) => {
            format!("{} is no exercise. Chapter {number} has {only}.", clean_line(text))
        }
        (siblings, _) => {
            let list: Vec<String> = siblings.iter().map(ToString::to_string).collect();
            let number = siblings[0].chapter;
            format!("{} is no exercise. Chapter {number} has {}.", clean_line(text), list.join(", "))
        }
    };
    // `42` and `4,2` are near `4.2` for a person, and not by their letters alone.
    let meant = text.replace([',', ':', '-', '_', '/'], ".");
    let fix = ids
        .iter()
        .find(|id| **id == meant || id.replace('.', "") == text)
        .map(String::as_str)
        .or_else(|| nearest(text, ids.iter().map(String::as_str)))
        .map_or_else(
            || "grader list shows them all".to_owned(),
            |near| format!("did you mean {near}? grader list shows them all"),
        );
    CliError::usage(what, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let text = "format = 1\nid = \"t\"\ntitle = \"t\"\n".to_owned()
            + &[1, 4].map(|n| format!("[[chapter]]\nnumber = {n}\ntitle = \"c\"\n")).concat()
            + &["1.1", "4.1", "4.2", "4.3"]
                .map(|id| format!("[[exercise]]\nid = \"{id}\"\ntodo = \"t\"\n"))
                .concat();
        let mut files = grader_core::workbook::Files::default();
        files.insert("checks/workbook.toml", text.into_bytes());
        grader_core::workbook::Workbook::read(&files).unwrap().manifest
    }

    fn shown(texts: &[&str]) -> Vec<String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        exercises(&manifest(), &texts).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn chapters_and_exercises_are_taken_each_once() {
        assert_eq!(shown(&["4.2", "4", "1.1", "4.2"]), ["4.2", "4.1", "4.3", "1.1"]);
    }

    #[test]
    fn an_unknown_one_is_told_what_there_is() {
        let refused = |text: &str| {
            let error = exercises(&manifest(), &[text.to_owned()]).unwrap_err();
            let CliError::Usage { what, fix } = error else { panic!("{error}") };
            (what, fix.unwrap())
        };
        assert_eq!(refused("4.7").0, "4.7 is no exercise. Chapter 4 has 4.1, 4.2, 4.3.");
        assert_eq!(refused("1.9").0, "1.9 is no exercise. Chapter 1 has 1.1.");
        assert_eq!(refused("9").0, "9 is no exercise. There are chapters 1, 4.");
        assert!(refused("42").1.starts_with("did you mean 4.2?"));
        assert!(refused("4,2").1.starts_with("did you mean 4.2?"));
        assert!(refused("x").1.starts_with("grader list"));
    }
}
