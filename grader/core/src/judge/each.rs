//! Which elements an assertion is tried on.

use serde_json::Value;
use serde_json_path::{JsonPath, PathElement};

use super::PathSegment;
use crate::evidence::Evidence;

/// A JSONPath (RFC 9535) over what the probes saw.
#[derive(Debug)]
pub struct Each {
    source: String,
    /// The part below the probe's name, so that each probe is asked for itself and nothing is copied.
    below: JsonPath,
    path: Vec<PathSegment>,
}

/// One element, and where it stands.
pub(super) struct Element<'a> {
    pub path: Option<String>,
    pub value: Option<&'a Value>,
}

impl Element<'_> {
    /// The element of an assertion over the whole evidence: none.
    pub(super) fn whole() -> Self {
        Self { path: None, value: None }
    }
}

/// Why a text is no path for `each`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EachError {
    /// It is no JSONPath.
    #[error("not a JSONPath: {0}")]
    Syntax(String),
    /// It is one, but not of the plain form that the catalogue can be asked for.
    #[error("only plain paths can be proven, as `$.app.processes[*]`; use a rule to choose among elements")]
    NotPlain,
}

impl Each {
    /// Parses a path of names and `[*]`, as `$.app.processes[*]`.
    pub fn parse(source: &str) -> Result<Self, EachError> {
        let syntax = |error: serde_json_path::ParseError| EachError::Syntax(error.to_string());
        JsonPath::parse(source).map_err(syntax)?;
        let path = plain(source).ok_or(EachError::NotPlain)?;
        let below = source["$.".len()..].find(['.', '[']).map_or("", |at| &source["$.".len() + at..]);
        Ok(Self {
            source: source.to_owned(),
            below: JsonPath::parse(&format!("${below}")).map_err(syntax)?,
            path,
        })
    }

    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The path as segments, for the catalogue.
    pub fn path(&self) -> &[PathSegment] {
        &self.path
    }

    pub(super) fn elements<'a>(&self, evidence: &'a Evidence) -> Vec<Element<'a>> {
        let Some(PathSegment::Field(probe)) = self.path.first() else { return Vec::new() };
        let Some(seen) = evidence.seen.get(probe) else { return Vec::new() };
        self.below
            .query_located(seen)
            .into_iter()
            .map(|node| {
                let steps: String = node.location().iter().map(step).collect();
                Element { path: Some(format!("$.{probe}{steps}")), value: Some(node.node()) }
            })
            .collect()
    }
}

/// One step of a path, as an author would write it.
fn step(element: &PathElement<'_>) -> String {
    match element {
        PathElement::Name(name) if is_plain(name) => format!(".{name}"),
        PathElement::Name(_) | PathElement::Index(_) => format!("[{element}]"),
    }
}

fn is_plain(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn plain(source: &str) -> Option<Vec<PathSegment>> {
    let mut segments = Vec::new();
    for part in source.strip_prefix("$.")?.split('.') {
        let (name, each) = match part.strip_suffix("[*]") {
            Some(name) => (name, true),
            None => (part, false),
        };
        if !is_plain(name) {
            return None;
        }
        segments.push(PathSegment::Field(name.to_owned()));
        if each {
            segments.push(PathSegment::Each);
        }
    }
    Some(segments)
}
