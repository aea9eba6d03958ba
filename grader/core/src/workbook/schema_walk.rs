//! Reads TOML against a JSON Schema and reports every fault with its place, not only the first.
//!
//! serde stops at the first fault and, in tagged tables, forgets where it was. So the document is
//! walked against the schema that comes from the same Rust types; only a document without a fault is
//! given to serde.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Diagnostic, SourceFile};

/// Parses `source` as TOML of the given schema; on any fault returns all of them.
///
/// A file that says another `format` than `format` is judged by nothing else: its other keys are those
/// of a format that is not known here.
pub fn parse_toml<T: DeserializeOwned>(
    source: &SourceFile,
    schema: &Json,
    format: u32,
) -> Result<T, Vec<Diagnostic>> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let mut faults: Vec<Diagnostic> = errors
        .iter()
        .map(|error| Diagnostic::error(source, error.span().unwrap_or(0..0), one_line(error.message())))
        .collect();
    if faults.is_empty() {
        if let Some(fault) = other_format(&document, source, format) {
            return Err(vec![fault]);
        }
        let mut walk = Walk { source, root: schema, faults: Vec::new() };
        walk.table(document.get_ref(), &document.span(), schema);
        faults = walk.faults;
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    toml::from_str(&source.text).map_err(|error| {
        vec![Diagnostic::error(source, error.span().unwrap_or(0..0), one_line(error.message()))]
    })
}

/// A file of another format: says which side is old.
fn other_format(document: &Spanned<DeTable<'_>>, source: &SourceFile, known: u32) -> Option<Diagnostic> {
    let value = document.get_ref().get("format")?;
    let DeValue::Integer(integer) = value.get_ref() else { return None };
    let format = i128::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()?;
    (format != i128::from(known)).then(|| {
        let message = format!("this file has format {format}, this grader reads format {known}");
        Diagnostic::error(source, value.span(), message).suggest(if format > i128::from(known) {
            "update the grader"
        } else {
            "the first format is 1"
        })
    })
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Walk<'a> {
    source: &'a SourceFile,
    root: &'a Json,
    faults: Vec<Diagnostic>,
}

impl<'a> Walk<'a> {
    fn fault(&mut self, range: &Range<usize>, message: impl Into<String>) {
        self.faults.push(Diagnostic::error(self.source, range.clone(), message));
    }

    fn resolve(&self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        // Bounded: a schema of ours has no circle, and one that had would end here.
        for _ in 0..16 {
            match schema.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix('#')) {
                Some(pointer) => schema = self.root.pointer(pointer).unwrap_or(&Json::Null),
                None => break,
            }
        }
        schema
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, schema: &'a Json) {
        let schema = self.resolve(schema);
        let choices = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array);
        if let Some(choices) = choices {
            match self.words(choices) {
                Some(words) => self.word(value, &words),
                None => self.choice(value, choices),
            }
            return;
        }
        let span = value.span();
        match value.get_ref() {
            DeValue::Table(table) if self.accepts(schema, "object", value) => {
                self.table(table, &span, schema)
            }
            DeValue::Array(array) if self.accepts(schema, "array", value) => {
                if let Some(items) = schema.get("items") {
                    for item in array.iter() {
                        self.value(item, items);
                    }
                }
                let least = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0);
                if (array.len() as u64) < least {
                    self.fault(&span, format!("expected at least {least}, found {}", array.len()));
                }
            }
            DeValue::String(text) if self.accepts(schema, "string", value) => {
                self.string(text, &span, schema)
            }
            DeValue::Integer(_) if schema.get("type") == Some(&Json::from("number")) => {}
            DeValue::Integer(integer) if self.accepts(schema, "integer", value) => {
                let number = i128::from_str_radix(&integer.as_str().replace('_', ""), integer.radix());
                let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
                let within = number.is_ok_and(|number| {
                    bound("minimum").is_none_or(|least| number as f64 >= least)
                        && bound("maximum").is_none_or(|most| number as f64 <= most)
                });
                if !within {
                    let range = match (bound("minimum"), bound("maximum")) {
                        (Some(least), Some(most)) => format!("from {least} to {most}"),
                        (Some(least), None) => format!("of at least {least}"),
                        (None, Some(most)) => format!("of at most {most}"),
                        (None, None) => "in range".to_owned(),
                    };
                    self.fault(&span, format!("expected a whole number {range}"));
                }
            }
            DeValue::Float(_) => {
                self.accepts(schema, "number", value);
            }
            DeValue::Boolean(_) => {
                self.accepts(schema, "boolean", value);
            }
            DeValue::Datetime(_) => self.fault(&span, "a date is not expected here"),
            DeValue::Table(_) | DeValue::Array(_) | DeValue::String(_) | DeValue::Integer(_) => {}
        }
    }

    /// The words to choose from, where every choice is one.
    fn words(&self, choices: &'a [Json]) -> Option<Vec<&'a str>> {
        choices.iter().map(|choice| self.resolve(choice).get("const").and_then(Json::as_str)).collect()
    }

    fn word(&mut self, value: &Spanned<DeValue<'_>>, words: &[&str]) {
        match value.get_ref() {
            DeValue::String(text) => self.one_of(text, &value.span(), words),
            other => {
                self.fault(&value.span(), format!("expected a text in quotes, found {}", word_of(other)))
            }
        }
    }

    fn one_of(&mut self, text: &str, span: &Range<usize>, allowed: &[&str]) {
        if allowed.contains(&text) {
            return;
        }
        let fault = Diagnostic::error(self.source, span.clone(), format!("unknown value `{text}`"));
        self.faults.push(match super::diagnostic::nearest(text, allowed.iter().copied()) {
            Some(near) => fault.suggest(format!("did you mean `{near}`?")),
            None => fault.suggest(format!("known values: {}", allowed.join(", "))),
        });
    }

    /// Tries each choice silently; if none fits, reports the faults of the one with the fewest.
    fn choice(&mut self, value: &Spanned<DeValue<'_>>, choices: &'a [Json]) {
        let mut best: Option<Vec<Diagnostic>> = None;
        for choice in choices {
            if self.names_another_kind(value, choice) {
                continue;
            }
            let mut attempt = Walk { source: self.source, root: self.root, faults: Vec::new() };
            attempt.value(value, choice);
            if attempt.faults.is_empty() {
                return;
            }
            if best.as_ref().is_none_or(|best| attempt.faults.len() < best.len()) {
                best = Some(attempt.faults);
            }
        }
        match best {
            Some(faults) => self.faults.extend(faults),
            None => self.unknown_tag(value, choices),
        }
    }

    /// Whether the table names another `kind` than the one that this choice stands for.
    fn names_another_kind(&self, value: &Spanned<DeValue<'_>>, choice: &'a Json) -> bool {
        let tag = self.resolve(choice).pointer("/properties/kind/const").and_then(Json::as_str);
        let named = value.get_ref().get("kind").and_then(|kind| kind.get_ref().as_str());
        tag.is_some_and(|tag| named.is_none_or(|named| named != tag))
    }

    fn unknown_tag(&mut self, value: &Spanned<DeValue<'_>>, choices: &'a [Json]) {
        let known: Vec<&str> = choices
            .iter()
            .filter_map(|choice| {
                self.resolve(choice).pointer("/properties/kind/const").and_then(Json::as_str)
            })
            .collect();
        if let Some(kind) = value.get_ref().get("kind") {
            let named = kind.get_ref().as_str().unwrap_or_default();
            let fault = Diagnostic::error(self.source, kind.span(), format!("unknown kind `{named}`"));
            self.faults.push(match super::diagnostic::nearest(named, known.iter().copied()) {
                Some(near) => fault.suggest(format!("did you mean `{near}`?")),
                None => fault.suggest(format!("known kinds: {}", known.join(", "))),
            });
        } else {
            self.fault(&value.span(), "`kind` is missing");
        }
    }

    fn accepts(&mut self, schema: &Json, kind: &str, value: &Spanned<DeValue<'_>>) -> bool {
        let expected = match schema.get("type") {
            Some(Json::String(one)) => vec![one.as_str()],
            Some(Json::Array(many)) => {
                many.iter().filter_map(Json::as_str).filter(|one| *one != "null").collect()
            }
            _ if schema.get("enum").is_some() || schema.get("const").is_some() => vec!["string"],
            _ => return true,
        };
        if expected.contains(&kind) {
            return true;
        }
        let words = expected.iter().map(|kind| word(kind)).collect::<Vec<_>>().join(" or ");
        self.fault(&value.span(), format!("expected {words}, found {}", word_of(value.get_ref())));
        false
    }

    fn string(&mut self, text: &str, span: &Range<usize>, schema: &Json) {
        let allowed: Vec<&str> = match (schema.get("enum"), schema.get("const")) {
            (Some(Json::Array(words)), _) => words.iter().filter_map(Json::as_str).collect(),
            (_, Some(Json::String(word))) => vec![word.as_str()],
            _ => Vec::new(),
        };
        if !allowed.is_empty() {
            self.one_of(text, span, &allowed);
        }
    }

    fn table(&mut self, table: &DeTable<'_>, span: &Range<usize>, schema: &'a Json) {
        let schema = self.resolve(schema);
        let properties = schema.get("properties").and_then(Json::as_object);
        for (key, value) in table.iter() {
            match properties.and_then(|known| known.get(key.get_ref().as_ref())) {
                Some(schema) => self.value(value, schema),
                None => match schema.get("additionalProperties") {
                    Some(Json::Bool(false)) => {
                        let known = properties.into_iter().flat_map(|known| known.keys().map(String::as_str));
                        let fault = Diagnostic::error(
                            self.source,
                            key.span(),
                            format!("unknown key `{}`", key.get_ref()),
                        );
                        self.faults.push(fault.suggest_nearest(key.get_ref(), known));
                    }
                    Some(other @ Json::Object(_)) => self.value(value, other),
                    _ => {}
                },
            }
        }
        for required in schema.get("required").and_then(Json::as_array).into_iter().flatten() {
            if let Some(required) = required.as_str()
                && !table.contains_key(required)
            {
                // The whole table is too much to mark: its first line is enough.
                let end =
                    self.source.text[span.start..span.end].find('\n').map_or(span.end, |at| span.start + at);
                self.fault(&(span.start..end), format!("`{required}` is missing"));
            }
        }
    }
}

fn word(kind: &str) -> &'static str {
    match kind {
        "string" => "a text in quotes",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        _ => "something else",
    }
}

fn word_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
