//! What changed between two attempts that failed on the same assertion, of all that it looks at. Pure.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Attempt,
    evidence::Evidence,
    judge::{Outcome, PathSegment},
    workbook::{Assertion, Check, ProbeSpec},
};

/// How many changes are told.
const MOST: usize = 3;

/// The longest text that is shown of a value, in characters.
const LONGEST: usize = 40;

/// The image, as a part of what was judged.
const IMAGE: &str = "image";

/// The app's folder as committed, as a part of what was judged.
const COMMIT: &str = "commit";

/// Facts that are others every time, whatever the learner did.
const EVER_NEW: [&str; 8] =
    ["pid", "at", "started_at", "finished_at", "inode", "container", "nonce", "host_port"];

/// What changed since the attempt before, which failed on the same assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Since {
    /// The assertion on which both failed.
    pub assertion: String,
    /// The attempt before.
    pub before: Option<u64>,
    /// How many attempts in a row have failed on it, this one included: 2 or more.
    pub times: usize,
    /// What changed of all that the assertion looks at, at most three.
    pub changes: Vec<Changed>,
    /// Which parts of what was judged are the same: `image`, `commit`, or the path of a file.
    pub same: Vec<String>,
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// A path of the evidence, as `app.processes`; or `image`, `commit`, or the path of a file.
    pub what: String,
    /// What it was, in short.
    pub was: String,
    /// What it is now, in short.
    pub is: String,
}

impl Since {
    /// Compares an attempt with earlier ones of its exercise, newest first. `None` unless the newest of them
    /// that was judged failed on the first assertion on which this one fails.
    pub fn of<'a>(
        check: &Check,
        attempt: &Attempt,
        earlier: impl IntoIterator<Item = &'a Attempt>,
    ) -> Option<Self> {
        let assertion = first_failed(attempt)?;
        // Where nothing was judged, nothing was learned either.
        let mut chain = earlier
            .into_iter()
            .filter(|it| !it.outcomes.is_empty())
            .take_while(|it| it.outcomes.iter().any(|(id, outcome)| id == assertion && failed(outcome)));
        let before = chain.next()?;
        let (changes, same) = between(check, assertion, &before.evidence, &attempt.evidence);
        Some(Self {
            assertion: assertion.to_owned(),
            before: before.number,
            times: 2 + chain.count(),
            changes,
            same,
        })
    }

    /// The same in words, a line for each change.
    pub fn lines(&self) -> Vec<String> {
        if !self.changes.is_empty() {
            let line = |Changed { what, was, is }: &Changed| format!("{what}: {was} → {is}");
            return self.changes.iter().map(line).collect();
        }
        let same: Vec<String> = self.same.iter().map(|part| format!("same {part}")).collect();
        let same = if same.is_empty() { String::new() } else { format!(": {}", same.join(", ")) };
        vec![format!("nothing that this looks at{same}")]
    }
}

/// The first assertion on which an attempt failed.
pub fn first_failed(attempt: &Attempt) -> Option<&str> {
    attempt.outcomes.iter().find(|(_, outcome)| failed(outcome)).map(|(id, _)| id.as_str())
}

fn failed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed { .. })
}

/// What changed, and which parts of the subject did not.
fn between(check: &Check, assertion: &str, was: &Evidence, is: &Evidence) -> (Vec<Changed>, Vec<String>) {
    let mut changes: Vec<Changed> = Vec::new();
    let mut add = |change: Option<Changed>| {
        if let Some(change) = change.filter(|it| !changes.iter().any(|known| known.what == it.what)) {
            changes.push(change);
        }
    };
    if let Some(assertion) = check.assertions.iter().find(|it| it.id == assertion) {
        for path in paths(assertion) {
            add(compared(check, &path, was, is));
        }
    }
    let (mut parts, same) = subject(check, was, is);
    // Another image or commit is told in any case, after what it came to; of a file, what it came to is enough.
    if !changes.is_empty() {
        parts.retain(|part| matches!(part.what.as_str(), IMAGE | COMMIT));
    }
    changes.truncate(MOST - parts.len().min(1));
    changes.extend(parts);
    changes.truncate(MOST);
    (changes, same)
}

/// The paths that an assertion reads: its elements, its rule, its words for what was seen.
fn paths(assertion: &Assertion) -> Vec<Vec<PathSegment>> {
    let each = assertion.each.as_ref().map(|each| each.path().to_vec());
    let named = assertion.rule.paths().iter().chain(assertion.actual.iter().flat_map(|it| it.paths()));
    let named = named.map(|path| {
        let own = path.starts_at("self").then_some(each.as_ref()).flatten();
        own.map_or_else(|| path.segments.clone(), |each| [each, &path.segments[1..]].concat())
    });
    let mut paths: Vec<Vec<PathSegment>> = Vec::new();
    let list = each.as_ref().map(|each| match each.split_last() {
        Some((PathSegment::Each, list)) => list.to_vec(),
        _ => each.clone(),
    });
    for path in list.into_iter().chain(named) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// How what stands at a path has changed; `None` if it has not, or is another one every time.
fn compared(check: &Check, path: &[PathSegment], was: &Evidence, is: &Evidence) -> Option<Changed> {
    let (PathSegment::Field(probe), rest) = path.split_first()? else { return None };
    let spec = check.probes.iter().find(|it| it.name == *probe).map(|it| &it.spec);
    // What a person has written is no measurement: each digit of it is meant.
    let written = matches!(spec, Some(ProbeSpec::Answers(_) | ProbeSpec::Prose(_)));
    let fields = path.iter().filter_map(|segment| match segment {
        PathSegment::Field(name) => Some(name.as_str()),
        PathSegment::Each | PathSegment::Index => None,
    });
    let names: Vec<&str> = fields.collect();
    if names.last().is_some_and(|name| EVER_NEW.contains(name)) {
        return None;
    }
    // What was taken is one thing, whether it is read as a text or as a number.
    let name = match names.as_slice() {
        [taken @ .., "text" | "number"] if taken.contains(&"taken") => taken,
        names => names,
    };
    let what = name.join(".");
    let (mut before, mut now) = (Vec::new(), Vec::new());
    collect(was.seen.get(probe), rest, &mut before);
    collect(is.seen.get(probe), rest, &mut now);
    let through_list = path.iter().any(|segment| !matches!(segment, PathSegment::Field(_)));
    if through_list {
        return of_elements(what, &before, &now);
    }
    let (before, now) = (before.pop()?, now.pop()?);
    let name = names.last().copied().unwrap_or_default();
    if !written && is_measured(name, before, now) { None } else { of_one(what, before, now) }
}

/// Every value at a path; null where there is none.
fn collect<'a>(value: Option<&'a Value>, rest: &[PathSegment], into: &mut Vec<&'a Value>) {
    let Some((first, below)) = rest.split_first() else {
        into.push(value.unwrap_or(&Value::Null));
        return;
    };
    match (first, value) {
        (PathSegment::Field(name), value) => collect(value.and_then(|it| it.get(name)), below, into),
        (_, Some(Value::Array(items))) => items.iter().for_each(|it| collect(Some(it), below, into)),
        (_, Some(Value::Object(map))) => map.values().for_each(|it| collect(Some(it), below, into)),
        _ => {}
    }
}

/// Values of elements: which there are, not in which order or how often.
fn of_elements(what: String, was: &[&Value], is: &[&Value]) -> Option<Changed> {
    let distinct = |values: &[&Value]| values.iter().map(|it| short(it)).collect::<BTreeSet<String>>();
    let (was, is) = (distinct(was), distinct(is));
    let listed = |values: BTreeSet<String>| match values.len() {
        0 => "none".to_owned(),
        _ => cut(&values.into_iter().collect::<Vec<_>>().join(", ")),
    };
    (was != is).then(|| Changed { what, was: listed(was), is: listed(is) })
}

fn of_one(what: String, was: &Value, is: &Value) -> Option<Changed> {
    if was == is {
        return None;
    }
    let name = what.rsplit('.').next().unwrap_or_default();
    match (was, is) {
        _ if EVER_NEW.contains(&name) => None,
        (Value::Object(one), Value::Object(other)) => within(&what, one, other),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let plain = |items: &[Value]| items.iter().all(|it| !it.is_object() && !it.is_array());
            // Of elements with parts, those parts are told that something asks for.
            (plain(one) && plain(other)).then(|| Changed { what, was: short(was), is: short(is) })
        }
        (Value::Array(one), Value::Array(other)) => {
            Some(Changed { what, was: one.len().to_string(), is: other.len().to_string() })
        }
        _ => Some(Changed { what, was: short(was), is: short(is) }),
    }
}

/// The first part of an object that has changed. A text by its size: its words are the learner's program's.
fn within(what: &str, was: &Map<String, Value>, is: &Map<String, Value>) -> Option<Changed> {
    if let (Some(one), Some(other), Some(_)) = (was.get("bytes"), is.get("bytes"), is.get("head")) {
        let size = |bytes: &Value| format!("{bytes} bytes");
        let is = if one == other { "as many others".to_owned() } else { size(other) };
        return Some(Changed { what: what.to_owned(), was: size(one), is });
    }
    let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let null = Value::Null;
    keys.into_iter().find_map(|key| {
        of_one(format!("{what}.{key}"), was.get(key).unwrap_or(&null), is.get(key).unwrap_or(&null))
    })
}

/// Whether two numbers are one measurement taken twice: times, and fractions, that differ by a fifth at most.
/// A number that was taken from an answer may stand there as the program wrote it.
fn is_measured(name: &str, one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Number(number) => Some((number.as_f64()?, number.is_f64())),
        Value::String(text) => Some((text.parse().ok()?, text.contains('.'))),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let (Some((one, is_fraction)), Some((other, _))) = (number(one), number(other)) else { return false };
    let is_time = ["_ms", "_ns", "_s"].iter().any(|unit| name.ends_with(unit));
    (is_time || is_fraction) && (one - other).abs() <= 0.2 * one.abs().max(other.abs())
}

/// The parts of the subject that the check judges: those that are others, and those that are the same.
fn subject(check: &Check, was: &Evidence, is: &Evidence) -> (Vec<Changed>, Vec<String>) {
    let (was, is) = (&was.subject, &is.subject);
    let mut parts: Vec<(String, Option<&String>, Option<&String>)> = Vec::new();
    if check.judges_image() {
        parts.push((IMAGE.into(), was.image.as_ref(), is.image.as_ref()));
    }
    if check.judges_image() || check.judges_tree() {
        parts.push((COMMIT.into(), was.tree.as_ref(), is.tree.as_ref()));
    }
    let files: BTreeMap<&String, ()> =
        was.files.keys().chain(is.files.keys()).map(|path| (path, ())).collect();
    parts.extend(files.into_keys().map(|path| (path.clone(), was.files.get(path), is.files.get(path))));
    let (mut changes, mut same) = (Vec::new(), Vec::new());
    for (what, one, other) in parts {
        match (one, other) {
            (None, None) => {}
            _ if one == other => same.push(what),
            _ => changes.push(Changed { what, was: digest(one), is: digest(other) }),
        }
    }
    (changes, same)
}

/// As much of a digest as tells two apart.
fn digest(of: Option<&String>) -> String {
    of.map_or_else(
        || "nothing".into(),
        |text| {
            let hex = text.split_once(':').map_or(text.as_str(), |(_, hex)| hex);
            format!("{}…", hex.chars().take(8).collect::<String>())
        },
    )
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::String(text) => format!("`{}`", cut(text)),
        // A number that was read from a file stands in evidence as 490.0.
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        }
        Value::Bool(_) => value.to_string(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) => cut(&items.iter().map(short).collect::<Vec<_>>().join(", ")),
        Value::Object(_) => cut(&value.to_string()),
    }
}

fn cut(text: &str) -> String {
    let kept: String = text.chars().take(LONGEST).collect();
    if kept.len() < text.len() { format!("{kept}…") } else { kept }
}
