//! No text that anyone may write makes the core panic, hang or run out of stack.

use std::thread;

use grader_core::{
    judge::{Each, Rule, RuleError},
    workbook::{Files, SourceFile, check_schema, lint, parse_toml},
    workspace_file::WorkspaceFile,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{HEAD, HINTS, assertion, outcome, small};

/// Runs with the stack that a thread commonly has, part of it taken.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

fn deep(depth: usize) -> Vec<String> {
    let nested = |open: &str, inner: &str, close: &str| open.repeat(depth) + inner + &close.repeat(depth);
    vec![
        nested("(", "true", ")"),
        nested("(", "", ""),
        nested("[", "", "]"),
        nested("[", "", ""),
        nested("{1:", "1", "}"),
        nested("f(", "1", ")"),
        nested("a[", "1", "]"),
        nested("!(", "true", ")"),
        nested("!", "true", ""),
        nested("-", "1", ""),
        nested("true ? 1 : ", "1", ""),
        nested("[1].exists(x, ", "true", ")"),
        "1".to_owned() + &"+1".repeat(depth),
        "1".to_owned() + &"<1".repeat(depth),
        "true".to_owned() + &"&&true".repeat(depth),
        "a".to_owned() + &".a".repeat(depth),
        "a".to_owned() + &".f()".repeat(depth),
        "a".to_owned() + &"[0]".repeat(depth),
        "'".repeat(depth),
        "\"\"\"".repeat(depth),
        "\\".repeat(depth),
    ]
}

#[test]
fn a_rule_however_deep_is_refused_or_evaluated() {
    on_a_small_stack(|| {
        for depth in [10, 20, 30, 95, 300, 10_000] {
            for text in deep(depth) {
                if let Err(RuleError::Syntax { at, .. }) = Rule::compile(&text) {
                    assert!(at <= text.len());
                }
            }
        }
        for text in deep(10_000) {
            assert!(Rule::compile(&text).is_err(), "{}", &text[..20]);
        }
    });
}

#[test]
fn the_deepest_rule_that_is_read_can_be_evaluated_on_a_small_stack() {
    on_a_small_stack(|| {
        let facts = || serde_json::json!({ "app": { "watched": { "looks": 1 } } });
        let mut read = 0;
        for depth in 1..=Rule::DEEPEST {
            let rule = format!("app.watched.looks{} > 0", " + 1".repeat(depth));
            if Rule::compile(&rule).is_ok() {
                read = depth;
                outcome(&format!("rule = \"{rule}\""), facts());
            }
        }
        assert!(read >= 20, "{read}");
    });
}

#[test]
fn too_long_and_too_deep_are_told_as_such() {
    let told = |text: &str| Rule::compile(text).unwrap_err().to_string();
    assert_eq!(told(&"x".repeat(2001)), "2001 bytes: at most 2000 are read");
    assert_eq!(
        told(&format!("1{}", "+1".repeat(40))),
        "nested too deep: at most 24 levels; make it two assertions"
    );
    assert_eq!(
        told(&format!("{}1{}", "(".repeat(200), ")".repeat(200))),
        "nested too deep: at most 24 levels; make it two assertions"
    );
}

#[test]
fn toml_however_deep_is_refused_or_read() {
    on_a_small_stack(|| {
        let nested =
            |open: &str, inner: &str, close: &str| open.repeat(10_000) + inner + &close.repeat(10_000);
        for text in [
            format!("a = {}", nested("[", "", "]")),
            format!("a = {}", nested("[", "", "")),
            format!("a = {}", nested("{a=", "1", "}")),
            format!("a = {}", nested("{a=", "", "")),
            format!("[{}]", vec!["a"; 10_000].join(".")),
            format!("{} = 1", vec!["a"; 10_000].join(".")),
            format!("[[{}]]", vec!["app"; 10_000].join(".")),
            format!("app = {}", nested("[", "", "]")),
            nested("[", "a", "]"),
            nested("\"", "", ""),
            nested("'''", "", ""),
        ] {
            assert!(WorkspaceFile::parse("workspace.toml", &text).is_err());
            let source = SourceFile::new("checks/1.1.toml", text.as_str());
            assert!(parse_toml::<Value>(&source, &check_schema(), 1).is_err());
            let mut files = Files::default();
            files.insert("checks/workbook.toml", text.clone().into_bytes());
            files.insert("checks/1.1.toml", text.into_bytes());
            assert!(!lint::lint(&files).is_empty());
        }
    });
}

#[test]
fn a_check_file_that_is_no_text_is_told() {
    let mut files = small("");
    files.insert("checks/1.1.toml", vec![0xff, 0xfe, 0x00]);
    let faults = lint::lint(&files);
    assert!(faults.iter().any(|fault| fault.headline() == "checks/1.1.toml:1:1: error: not UTF-8 text"));
}

/// Pieces of which rules are made, and of which they are not.
fn rule_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "app",
        ".",
        "state",
        "running",
        "self",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'",
        "\"",
        "\\",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "==",
        "!=",
        "<",
        ">",
        "&&",
        "||",
        "?",
        ":",
        ",",
        "1",
        "0",
        "1.5",
        "9223372036854775808",
        "1u",
        "null",
        "true",
        "has",
        "all",
        "exists",
        "filter",
        "map",
        "exists_one",
        "size",
        "x",
        "in",
        " ",
        "\n",
        "é",
        "b'a'",
        "r'",
        "'''",
        "//",
        ".?",
        "[?",
        "@",
        "$",
        "\u{0}",
        "1e999",
        "0x",
        "\\u00",
        "''",
        "optional.of",
        "double",
        "matches",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn toml_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "format",
        "=",
        " ",
        "1",
        "\n",
        "[app]",
        "[[probe]]",
        "[[assert]]",
        "[[hint]]",
        "kind",
        "\"image\"",
        "\"container\"",
        "as",
        "\"app\"",
        "run",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"",
        "'''",
        "\"\"\"",
        ".",
        "true",
        "1979-05-27",
        "1.5",
        "0x1F",
        "rule",
        "\"app.state.running\"",
        "each",
        "\"$.app.processes[*]\"",
        "for",
        "\"10s\"",
        "serve",
        "watch",
        "é",
        "\\u",
        "#",
        "\r",
        "inf",
        "-",
        "_",
        "99999999999999999999",
        "holds",
        "\"once\"",
        "nothing",
        "case",
        "port",
        "take",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Reads and lints a workbook of this text in every place where an author writes.
fn read_as_workbook(text: &str) {
    let mut files = small(text);
    lint::lint(&files);
    files.insert("checks/workbook.toml", text.into());
    lint::lint(&files);
    let check = format!("{HEAD}{}{HINTS}", assertion(&format!("rule = {}", toml::Value::from(text))));
    lint::lint(&small(&check));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_rule(text in prop_oneof![any::<String>(), rule_like()]) {
        match Rule::compile(&text) {
            Ok(rule) => {
                for path in rule.paths() {
                    prop_assert!(path.range.start <= path.range.end);
                }
            }
            Err(RuleError::Syntax { message, .. }) => {
                prop_assert!(!message.is_empty());
                prop_assert_ne!(message, "the parser broke on this expression");
            }
            Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
        }
    }

    #[test]
    fn no_text_breaks_each(text in prop_oneof![any::<String>(), rule_like().prop_map(|rule| format!("$.{rule}"))]) {
        let _ = Each::parse(&text);
    }

    #[test]
    fn no_text_breaks_a_workspace_file(text in prop_oneof![any::<String>(), toml_like()]) {
        let _ = WorkspaceFile::parse("workspace.toml", &text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_lint(text in prop_oneof![any::<String>(), toml_like(), rule_like()]) {
        read_as_workbook(&text);
    }
}

#[test]
fn a_fault_stands_at_whole_characters() {
    for rule in ["é", "'ééé' == app.nope", "app.image == 'éé' && )", "'é' + éé", "app.é"] {
        let check = format!("{HEAD}{}{HINTS}", assertion(&format!("rule = \"{rule}\"")));
        for fault in lint::lint(&small(&check)) {
            assert!(check.get(fault.range.clone()).is_some(), "{rule}: {:?}", fault.range);
        }
    }
}
