//! The page for authors is true: its example is judged, its lists come from the types.

use std::fs;

use grader_core::{
    Verdict,
    evidence::Evidence,
    judge::{FUNCTIONS, Held, Judgement, Outcome, judge, looked_at},
    workbook::{Check, ProbeKind, Workbook, check_schema, evidence_schema, lint},
};
use serde_json::Value;

use crate::support::{must_be_current, repository, seen, small, told};

fn page() -> String {
    fs::read_to_string(repository("checks/README.md")).unwrap()
}

/// What stands between the marks of one example, without the fences.
fn example(name: &str) -> String {
    let page = page();
    let after = page.split_once(&format!("<!-- example: {name} -->\n")).unwrap_or_else(|| panic!("{name}")).1;
    let block = after.split_once("\n<!-- end -->").unwrap().0;
    let lines: Vec<&str> = block.lines().collect();
    assert!(lines[0].starts_with("```") && lines[lines.len() - 1] == "```");
    lines[1..lines.len() - 1].join("\n") + "\n"
}

fn example_check() -> Check {
    let files = small(&example("check"));
    let faults = lint::lint(&files);
    assert!(faults.is_empty(), "{}", told(faults));
    Workbook::read(&files).map_err(told).unwrap().checks.into_values().next().unwrap()
}

fn judged(check: &Check, name: &str) -> (Evidence, Judgement) {
    let evidence = seen(serde_json::from_str(&example(name)).unwrap());
    let judgement = judge(check, &evidence, &Held::new());
    (evidence, judgement)
}

#[test]
fn the_worked_example_passes_and_fails_as_the_page_says() {
    let check = example_check();
    assert_eq!(judged(&check, "passed").1.verdict(), Verdict::Passed);
    let (evidence, judgement) = judged(&check, "failed");
    let mut card = format!("looked at   {}\n", looked_at(&check, &evidence));
    for (_, outcome) in &judgement.outcomes {
        let Outcome::Failed { failures, .. } = outcome else { panic!("{outcome:?}") };
        for failure in failures {
            card.push_str(&format!("expected    {}\nactual      {}\n", failure.expected, failure.actual));
        }
    }
    assert_eq!(card, example("told"));
}

#[test]
fn the_lists_of_the_page_are_current() {
    let mut page = page();
    fill(&mut page, "check", &keys_of_check());
    let functions: String =
        FUNCTIONS.iter().map(|(call, yields)| format!("- `{call}`: {yields}\n")).collect();
    fill(&mut page, "functions", &functions);
    fill(&mut page, "probes", &probes());
    must_be_current("checks/README.md", &page);
}

fn fill(page: &mut String, name: &str, text: &str) {
    let mark = format!("<!-- generated: {name} -->\n");
    let start = page.find(&mark).unwrap_or_else(|| panic!("{name}")) + mark.len();
    let end = start + page[start..].find("<!-- end -->").unwrap();
    page.replace_range(start..end, text);
}

fn keys_of_check() -> String {
    let schema = check_schema();
    let part =
        |title: &str, schema: &Value, root: &Value| format!("\n{title}\n\n{}", keys(schema, root, &[]));
    let below = |key: &str| resolve(&schema["properties"][key]["items"], &schema).clone();
    let within = |key: &str| {
        let assertion = below("assert");
        let property = assertion["properties"][key].clone();
        let items = property.get("items").cloned();
        let choice = property.get("anyOf").and_then(|choices| choices.get(0)).cloned();
        resolve(&items.or(choice).unwrap(), &schema).clone()
    };
    [
        keys(&schema, &schema, &[]),
        part("`[[assert]]`", &below("assert"), &schema),
        part("`[[assert.case]]`", &within("case"), &schema),
        part("`nothing = { … }` or `[assert.nothing]`", &within("nothing"), &schema),
        part("`[[hint]]`", &below("hint"), &schema),
    ]
    .concat()
}

fn probes() -> String {
    let root = check_schema();
    let choices = resolve(&root["properties"]["probe"]["items"], &root)["oneOf"].as_array().unwrap().clone();
    ProbeKind::ALL
        .into_iter()
        .zip(choices)
        .map(|(kind, spec)| {
            assert_eq!(spec["properties"]["kind"]["const"], kind.as_str());
            let evidence = evidence_schema(kind);
            let mut fields = String::new();
            list("", &evidence, &mut fields, &mut Vec::new());
            format!(
                "### `{}`\n\n{}\n\n{}\nIt sees (by the name that `as` gives it):\n\n{fields}\n",
                kind.as_str(),
                described(&spec),
                keys(&spec, &root, &["kind", "as", "optional"]),
            )
        })
        .collect::<String>()
        .trim_end()
        .to_owned()
        + "\n"
}

fn described(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// A line for each key that may be written.
fn keys(schema: &Value, root: &Value, but: &[&str]) -> String {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut lines = String::new();
    for (name, key) in schema["properties"].as_object().unwrap() {
        if but.contains(&name.as_str()) {
            continue;
        }
        let needed = if required.contains(&name.as_str()) { ", required" } else { "" };
        let default = match key.get("default") {
            None | Some(Value::Null | Value::Object(_)) => String::new(),
            Some(Value::Array(items)) if items.is_empty() => String::new(),
            Some(default) => format!(", else `{default}`"),
        };
        // TOML has no null: what may be null may be left out.
        let word = word(key, root).replace(" or null", "");
        lines.push_str(&format!("- `{name}` ({word}{needed}{default}): {}\n", described(key)));
        if let Some(table) = as_table(key, root) {
            for line in keys(table, root, &[]).lines().filter(|_| name == "run" || name == "serve") {
                lines.push_str(&format!("  {line}\n"));
            }
        }
    }
    lines
}

fn as_table<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a Value> {
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let schema = choices.map_or(schema, |choices| &choices[0]);
    let schema = resolve(schema, root);
    schema.get("properties").is_some().then_some(schema)
}

/// A line for each field that a rule may read; fields that stand somewhere above are not told again.
fn list<'a>(prefix: &str, schema: &'a Value, lines: &mut String, told: &mut Vec<(&'a Value, String)>) {
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, field) in fields {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let choices = field.get("anyOf").and_then(Value::as_array);
        let value = choices.map_or(field, |choices| &choices[0]);
        let properties = value.get("properties");
        let like = told.iter().find(|(known, _)| Some(*known) == properties).map(|(_, path)| path);
        let like_it = like.map(|path| format!(", like `{path}`")).unwrap_or_default();
        lines.push_str(&format!("- `{path}` ({}{like_it}): {}\n", word(field, field), described(field)));
        if like.is_some() {
            continue;
        }
        told.extend(properties.map(|properties| (properties, path.clone())));
        let field = value;
        list(&path, field, lines, told);
        if let Some(items) = field.get("items") {
            list(&format!("{path}[*]"), items, lines, told);
        }
        if let Some(entries) = field.get("additionalProperties").filter(|entries| entries.is_object()) {
            list(&format!("{path}.KEY"), entries, lines, told);
        }
    }
}

/// What a value is, in words.
fn word(schema: &Value, root: &Value) -> String {
    if schema.get("$ref").is_some() {
        return word(resolve(schema, root), root);
    }
    if let Some(choices) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        let mut words: Vec<String> = choices.iter().map(|choice| word(choice, root)).collect();
        words.dedup();
        return words.join(" or ");
    }
    if let Some(constant) = schema.get("const") {
        return format!("`{}`", constant.as_str().unwrap_or_default());
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = allowed
            .iter()
            .map(|word| word.as_str().map_or("null".into(), |word| format!("`{word}`")))
            .collect();
        return words.join(" or ");
    }
    let one = |kind: &str| match kind {
        "string" => "text".to_owned(),
        "integer" => "whole number".into(),
        "number" => "number".into(),
        "boolean" => "true or false".into(),
        "null" => "null".into(),
        "array" => match schema.get("items") {
            Some(items) if as_table(items, root).is_some() => "list of tables".into(),
            Some(items) => format!("list of {}", plural(&word(items, root))),
            None => "list".into(),
        },
        "object" if schema.get("additionalProperties").is_some_and(Value::is_object) => "map".into(),
        "object" => "table".into(),
        other => panic!("{other}"),
    };
    match schema.get("type") {
        Some(Value::String(kind)) => one(kind),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).map(one).collect::<Vec<_>>().join(" or ")
        }
        _ => "table".into(),
    }
}

fn plural(word: &str) -> String {
    match word {
        "text" => "texts".into(),
        "table" => "tables".into(),
        other => other.into(),
    }
}
