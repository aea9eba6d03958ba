//! `grader lint`: proves that the workbook holds together.

use grader_core::workbook::{Diagnostic, Manifest, Severity, SourceFile, Workbook, lint::lint};
use serde_json::json;

use super::{CliError, Exit, Face};
use crate::term::{diagnostics, layout::count};

pub(super) fn run(face: &Face) -> Result<Exit, CliError> {
    let files = face.origin().files()?;
    let faults = lint(&files);
    let text_of = |path: &str| files.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let exit = if faults.is_empty() { Exit::Done } else { Exit::Failed };
    let checks = files
        .below("checks")
        .filter(|(path, _)| path.ends_with(".toml") && !path.contains('/') && *path != "workbook.toml")
        .count();
    // What the manifest holds can be told only if it can be read.
    let exercises = text_of(Workbook::MANIFEST).and_then(|text| {
        let source = SourceFile::new(Workbook::MANIFEST, text);
        Manifest::parse(&source).ok().map(|manifest| manifest.exercises.len())
    });
    if face.global.json {
        let problems: Vec<_> = faults.iter().map(problem).collect();
        face.term
            .json(&json!({ "format": 1, "exercises": exercises, "checks": checks, "problems": problems }))?;
        return Ok(exit);
    }
    let mut out = diagnostics(&faults, text_of, face.look());
    let mut parts = vec![count(checks, "check"), count(faults.len(), "problem")];
    if let Some(exercises) = exercises {
        parts.insert(0, count(exercises, "exercise"));
    }
    out.push_str(&(parts.join(", ") + "\n"));
    face.term.result(&out);
    Ok(exit)
}

fn problem(fault: &Diagnostic) -> serde_json::Value {
    json!({
        "path": fault.path,
        "line": fault.line,
        "column": fault.column,
        "severity": match fault.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": fault.message,
        "suggestion": fault.suggestion,
    })
}
