//! Evidence kept beside each specimen: written by a run on a real engine, compared by every later one.

use std::{collections::BTreeSet, path::Path};

use grader_core::{
    Attempt, Verdict,
    evidence::Evidence,
    judge::PathSegment,
    workbook::{Check, lint::Recorded},
};
use serde_json::Value;

use crate::specimen::Specimen;

/// Compares with what was recorded; with `GRADER_RECORD=1` writes it instead.
pub fn compare_or_write(
    root: &Path,
    specimen: &Specimen,
    attempt: &Attempt,
    check: &Check,
) -> Result<(), String> {
    // Nothing was judged, so there is nothing to judge again.
    if matches!(attempt.verdict, Verdict::Blocked(_)) {
        return Ok(());
    }
    let path = specimen.folder.join("evidence.json");
    let shown = path.strip_prefix(root).unwrap_or(&path).display();
    if std::env::var_os("GRADER_RECORD").is_some() {
        let mut evidence = attempt.evidence.clone();
        for engine in evidence.looks.iter_mut().filter_map(|look| look.engine.as_mut()) {
            // What a vendor appends to a kernel's release names a machine, not what was seen.
            engine.kernel = engine.kernel.split('-').next().unwrap_or("").to_owned();
        }
        let recorded = Recorded { exercise: specimen.exercise, evidence };
        let text = serde_json::to_string_pretty(&recorded).map_err(|error| error.to_string())?;
        let text = without_home(text);
        return std::fs::write(&path, text + "\n").map_err(|error| format!("{shown}: {error}"));
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{shown}: {error}; record it: GRADER_RECORD=1 ./test"))?;
    let recorded: Recorded = serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    same_fields(&recorded.evidence, &attempt.evidence).map_err(|why| format!("{shown}: {why}"))?;
    same_values(&recorded.evidence, &attempt.evidence, check).map_err(|why| format!("{shown}: {why}"))
}

/// Where a tool of the set-up lies names the home of whoever recorded: not what was seen either.
fn without_home(text: String) -> String {
    let tools = "/.cache/grader-setup/";
    match std::env::var("HOME") {
        Ok(home) => text.replace(&format!("\"{home}{tools}"), &format!("\"~{tools}")),
        Err(_) => text,
    }
}

/// The same fields must have been seen. How many elements a list has may differ, and what an optional
/// fact is when it is there.
fn same_fields(recorded: &Evidence, seen: &Evidence) -> Result<(), String> {
    let fields = |evidence: &Evidence| {
        let mut fields = BTreeSet::new();
        for (probe, value) in &evidence.seen {
            collect(value, probe, &mut fields);
        }
        fields
    };
    let (before, now) = (fields(recorded), fields(seen));
    // Lists may be empty in one of two runs: their elements' fields are compared only where both have some.
    let lost: Vec<&String> = before.difference(&now).filter(|field| !field.contains("[*]")).collect();
    let new: Vec<&String> = now.difference(&before).filter(|field| !field.contains("[*]")).collect();
    if lost.is_empty() && new.is_empty() {
        Ok(())
    } else {
        Err(format!("other fields than recorded: without {lost:?}, with {new:?}"))
    }
}

fn collect(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, item)| collect(item, &format!("{path}.{key}"), into))
        }
        Value::Array(items) => {
            into.insert(path.to_owned());
            items.iter().for_each(|item| collect(item, &format!("{path}[*]"), into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            into.insert(path.to_owned());
        }
    }
}

/// What the rules read must be the same, but for what time, chance and a build's bytes decide.
fn same_values(recorded: &Evidence, seen: &Evidence, check: &Check) -> Result<(), String> {
    for assertion in &check.assertions {
        for path in assertion.rule.paths() {
            let full = match (path.segments.split_first(), &assertion.each) {
                (Some((PathSegment::Field(root), rest)), Some(each)) if root == "self" => {
                    [each.path(), rest].concat()
                }
                _ => path.segments.clone(),
            };
            let (before, now) = (values(recorded, &full), values(seen, &full));
            if before != now {
                return Err(format!("`{}` reads {now:?} at {path}, recorded was {before:?}", assertion.id));
            }
        }
    }
    Ok(())
}

/// The distinct values at a path, those that differ from run to run replaced by their kind.
fn values(evidence: &Evidence, path: &[PathSegment]) -> BTreeSet<String> {
    let Some((PathSegment::Field(probe), rest)) = path.split_first() else { return BTreeSet::new() };
    let mut found = Vec::new();
    if let Some(value) = evidence.seen.get(probe) {
        walk(value, rest, &mut found);
    }
    let name = match path.last() {
        Some(PathSegment::Field(name)) => name.as_str(),
        Some(PathSegment::Each | PathSegment::Index) | None => "",
    };
    let mut distinct = BTreeSet::new();
    for value in found {
        // A look sees now this process and now that one, on its way from one user to another: in lists only
        // the kind of a value is compared, since which elements fail is what the specimen demands anyway.
        let listed = rest.contains(&PathSegment::Each);
        distinct.insert(if listed { kind(value).to_owned() } else { stable(name, value) });
    }
    distinct
}

fn walk<'a>(value: &'a Value, rest: &[PathSegment], found: &mut Vec<&'a Value>) {
    match rest.split_first() {
        None => found.push(value),
        Some((PathSegment::Field(name), rest)) => {
            if let Some(next) = value.get(name) {
                walk(next, rest, found);
            }
        }
        Some((PathSegment::Each | PathSegment::Index, rest)) => {
            for item in value.as_array().into_iter().flatten() {
                walk(item, rest, found);
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn stable(name: &str, value: &Value) -> String {
    let measured = ["_ms", "_s", "_bytes", "pid"].iter().any(|end| name.ends_with(end));
    let counted = ["looks", "not_ok", "count", "processes"].iter().any(|end| name.ends_with(end));
    match value {
        Value::Number(number) if measured || number.is_f64() => "a number".into(),
        Value::Number(number) if counted && number.as_u64() != Some(0) => "some".into(),
        Value::String(text) if text.parse::<f64>().is_ok() => "a number".into(),
        Value::String(text) if is_digest(text) => "a digest".into(),
        // As the path of a container's files: which container it was is chance.
        Value::String(text) if has_id(text) => "a text with an id".into(),
        Value::Array(items) => format!("a list{}", if items.is_empty() { " of nothing" } else { "" }),
        Value::Object(_) => "an object".into(),
        other => other.to_string(),
    }
}

fn has_id(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_hexdigit()).any(|part| part.len() >= 32)
        || text.split_once(":[").is_some_and(|(_, rest)| rest.ends_with(']'))
}

fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    hex.len() >= 7 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}
