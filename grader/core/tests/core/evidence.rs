//! Evidence: every documented field is always there, it is bounded, and holds no secret.

use grader_core::{
    evidence::{Evidence, LARGEST, Look, Secrets, Text, looks_secret},
    workbook::{ProbeKind, evidence_schema},
};
use serde_json::{Value, json};

use crate::support::{good, seen};

/// Calls `visit` with every schema below and with `schema` itself.
fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    match schema {
        Value::Object(map) => {
            for (key, below) in map {
                walk(&format!("{path}/{key}"), below, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|below| walk(path, below, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_documented_field_is_always_there() {
    for kind in ProbeKind::ALL {
        let mut objects = 0;
        walk(kind.as_str(), &evidence_schema(kind), &mut |path, schema| {
            let Some(Value::Object(properties)) = schema.get("properties") else { return };
            objects += 1;
            let mut fields: Vec<&str> = properties.keys().map(String::as_str).collect();
            let required =
                schema.get("required").and_then(Value::as_array).unwrap_or_else(|| panic!("{path}"));
            let mut required: Vec<&str> = required.iter().filter_map(Value::as_str).collect();
            fields.sort_unstable();
            required.sort_unstable();
            assert_eq!(fields, required, "{path}: a field that may be missing");
        });
        assert!(objects > 0);
    }
}

#[test]
fn every_field_is_documented() {
    for kind in ProbeKind::ALL {
        walk(kind.as_str(), &evidence_schema(kind), &mut |path, schema| {
            let Some(Value::Object(properties)) = schema.get("properties") else { return };
            for (name, field) in properties {
                assert!(
                    field.get("description").is_some_and(Value::is_string),
                    "{path}: {name} says nothing"
                );
            }
        });
    }
}

/// Whether `value` has each field that `schema` declares, and no other.
fn conforms(path: &str, schema: &Value, value: &Value) {
    if value.is_null() {
        return;
    }
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let schema = choices
        .map_or(schema, |choices| choices.iter().find(|c| c.get("type") != Some(&json!("null"))).unwrap());
    match value {
        Value::Object(map) => match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                let there: std::collections::BTreeSet<&String> = map.keys().collect();
                assert_eq!(there, properties.keys().collect(), "{path}");
                for (name, below) in map {
                    conforms(&format!("{path}.{name}"), &properties[name], below);
                }
            }
            None => map.iter().for_each(|(name, below)| {
                conforms(&format!("{path}.{name}"), &schema["additionalProperties"], below);
            }),
        },
        Value::Array(items) => {
            items.iter().for_each(|below| conforms(&format!("{path}[]"), &schema["items"], below));
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Null => {}
    }
}

#[test]
fn what_a_probe_yields_is_what_its_schema_declares() {
    for (id, probe, kind) in [
        ("2.2", "after", ProbeKind::Image),
        ("2.2", "noted", ProbeKind::Answers),
        ("2.3", "health", ProbeKind::Health),
        ("2.3", "app", ProbeKind::Endpoint),
        ("2.3", "repository", ProbeKind::Git),
        ("4.2", "app", ProbeKind::Container),
        ("4.3", "app", ProbeKind::Container),
    ] {
        conforms(probe, &evidence_schema(kind), &good(id).seen[probe]);
    }
}

fn text(length: usize) -> Value {
    serde_json::to_value(Text::bounded("é".repeat(length / 2).as_bytes(), length)).unwrap()
}

fn look(probe: &str) -> Look {
    Look {
        probe: probe.into(),
        kind: "container".into(),
        at: "2026-11-24T10:00:00Z".parse().unwrap(),
        took_ms: 1,
        engine: None,
        tools: Vec::new(),
        absent: None,
        cut: None,
    }
}

fn weight(evidence: &Evidence) -> usize {
    serde_json::to_vec(&evidence.seen).unwrap().len()
}

#[test]
fn evidence_within_the_bound_is_left_alone() {
    let mut evidence = good("4.3");
    let before = evidence.clone();
    evidence.bound();
    assert_eq!(evidence, before);
}

#[test]
fn what_a_program_printed_is_cut_and_facts_are_not() {
    let runs: Vec<Value> = (0..400).map(|n| json!({ "exit_code": n, "output": text(4000) })).collect();
    let mut evidence = seen(json!({
        "a": { "output": { "stdout": text(900_000), "stderr": text(10) }, "fact": "x".repeat(5000) },
        "b": { "runs": runs },
        "c": { "output": text(5) },
    }));
    evidence.looks = vec![look("a"), look("b"), look("c")];
    assert!(weight(&evidence) > LARGEST);
    evidence.bound();
    assert!(weight(&evidence) <= LARGEST, "{}", weight(&evidence));
    let a = &evidence.seen["a"];
    assert_eq!(a["fact"].as_str().unwrap().len(), 5000);
    assert_eq!(a["output"]["stderr"], text(10));
    assert_eq!(a["output"]["stdout"]["bytes"], 900_000);
    let stdout: Text = serde_json::from_value(a["output"]["stdout"].clone()).unwrap();
    assert_eq!(stdout.cut_bytes, 900_000 - (stdout.head.len() + stdout.tail.len()) as u64);
    assert_eq!(evidence.seen["b"]["runs"].as_array().unwrap().len(), 400);
    assert_eq!(evidence.seen["b"]["runs"][399]["exit_code"], 399);
    assert!(evidence.looks[0].cut.is_some() && evidence.looks[1].cut.is_some());
    assert_eq!(evidence.looks[2].cut, None);
}

#[test]
fn a_text_that_is_cut_twice_still_says_how_much_is_gone() {
    let mut evidence = seen(json!({ "a": { "runs": vec![text(3000); 4000] } }));
    evidence.looks = vec![look("a")];
    evidence.bound();
    assert!(weight(&evidence) <= LARGEST);
    for run in evidence.seen["a"]["runs"].as_array().unwrap() {
        let text: Text = serde_json::from_value(run.clone()).unwrap();
        assert_eq!(text.bytes, 3000);
        assert!(text.cut_bytes + (text.head.len() + text.tail.len()) as u64 >= 3000);
    }
}

#[test]
fn secrets_are_known_by_their_names() {
    for name in [
        "DB_PASSWORD",
        "SECRET_KEY",
        "api_key",
        "GITHUB_TOKEN",
        "DATABASE_URL",
        "AZURE_CLIENT_SECRET",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "STORAGE_KEY",
        "REDIS_URL",
        "PRIVATE_PEM",
        "AppCredentials",
    ] {
        assert!(looks_secret(name), "{name}");
    }
    for name in ["GIT_SHA", "PATH", "LANG", "PORT", "PYTHONUNBUFFERED", "KEYBOARD", "HOME"] {
        assert!(!looks_secret(name), "{name}");
    }
}

#[test]
fn no_secret_is_left_in_any_string_at_any_depth() {
    let env = [
        ("DATABASE_URL", "postgres://app:s3cr3t-word@db:5432/app"),
        ("API_KEY", "k-123456"),
        ("LONG_TOKEN", "k-123456-and-more"),
        ("SHORT_TOKEN", "abc"),
        ("LANG", "C.UTF-8"),
    ];
    let secrets = Secrets::of_env(env);
    let mut value = json!({
        "whole": "k-123456",
        "inside": ["Bearer k-123456-and-more!", { "deep": "password is s3cr3t-word" }],
        "log": { "head": "postgres://app:s3cr3t-word@db:5432/app refused, k-123456k-123456", "tail": "abc" },
        "number": 123_456, "none": null, "flag": true,
    });
    secrets.redact(&mut value);
    let text = value.to_string();
    for secret in ["s3cr3t-word", "k-123456"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(value["whole"], json!({ "redacted": true, "bytes": 8 }));
    assert_eq!(value["inside"][0], "Bearer [redacted, 17 bytes]!");
    // Too short to be hunted for: it would match everywhere.
    assert_eq!(value["log"]["tail"], "abc");
    assert_eq!(
        (&value["number"], &value["none"], &value["flag"]),
        (&json!(123_456), &Value::Null, &json!(true))
    );
    let before = value.clone();
    secrets.redact(&mut value);
    assert_eq!(value, before);
}
