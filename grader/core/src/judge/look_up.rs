//! Whether there is anything at the paths that a rule names.

use serde_json::Value;

use super::{PathSegment, Rule, each::Element};
use crate::evidence::Evidence;

/// The first path of `rule` at which there is nothing: null, absent, or an empty list.
pub(super) fn nothing_at(rule: &Rule, evidence: &Evidence, element: &Element<'_>) -> Option<String> {
    rule.paths().iter().filter(|path| !path.only_tested).find_map(|path| {
        let (root, rest) = path.segments.split_first()?;
        let PathSegment::Field(name) = root else { return None };
        let start = if name == "self" { element.value } else { evidence.seen.get(name) };
        (!is_there(start, rest)).then(|| path.to_string())
    })
}

fn is_there(value: Option<&Value>, rest: &[PathSegment]) -> bool {
    let Some(value) = value.filter(|value| !value.is_null()) else { return false };
    match rest.split_first() {
        None => !matches!(value, Value::Array(items) if items.is_empty()),
        Some((PathSegment::Field(name), rest)) => is_there(value.get(name), rest),
        Some((PathSegment::Each | PathSegment::Index, rest)) => match value {
            Value::Array(items) => !items.is_empty() && items.iter().all(|item| is_there(Some(item), rest)),
            Value::Object(map) => !map.is_empty() && map.values().all(|item| is_there(Some(item), rest)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        },
    }
}
