//! How the judge decides. It fails closed: nothing but `true` over something that is there is a pass.

use grader_core::{
    Verdict,
    evidence::Evidence,
    judge::{Failure, Held, Judgement, Outcome, judge},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{check_of, outcome, seen};

fn holds(keys: &str, facts: Value) -> bool {
    match outcome(keys, facts) {
        Outcome::Holds => true,
        Outcome::Failed { failures, .. } => {
            assert!(!failures.is_empty());
            false
        }
        other => panic!("{other:?}"),
    }
}

fn failures(keys: &str, facts: Value) -> Vec<Failure> {
    match outcome(keys, facts) {
        Outcome::Failed { failures, .. } => failures,
        other => panic!("{other:?}"),
    }
}

fn app(facts: Value) -> Value {
    json!({ "app": facts })
}

#[test]
fn a_rule_that_is_true_holds_and_one_that_is_false_fails() {
    let rule = "rule = \"app.state.running\"";
    assert!(holds(rule, app(json!({ "state": { "running": true } }))));
    assert!(!holds(rule, app(json!({ "state": { "running": false } }))));
}

#[test]
fn what_is_not_there_fails_and_is_named() {
    let rule = "rule = \"app.http.not_ok == 0\"";
    for facts in [
        json!({}),
        json!({ "app": null }),
        json!({ "app": {} }),
        json!({ "app": { "http": null } }),
        json!({ "app": { "http": {} } }),
        json!({ "app": { "http": { "not_ok": null } } }),
        // Not of the shape that is documented: as good as nothing.
        json!({ "app": { "http": "fine" } }),
        json!({ "app": [] }),
    ] {
        let failures = failures(rule, facts);
        assert_eq!(failures[0].actual, "nothing to look at: app.http.not_ok");
    }
}

#[test]
fn null_does_not_differ_from_a_value() {
    // In CEL `null != 0` is true.
    assert!(!holds("rule = \"app.state.exit_code != 0\"", app(json!({ "state": { "exit_code": null } }))));
    assert!(!holds("rule = \"app.http != null\"", app(json!({ "http": null }))));
    assert!(holds("rule = \"app.http != null\"", app(json!({ "http": {} }))));
    assert!(!holds("rule = \"!(app.state.exit_code == 0)\"", app(json!({ "state": { "exit_code": null } }))));
}

#[test]
fn all_of_nothing_is_nothing() {
    let facts = |processes: Value| app(json!({ "processes": processes }));
    for rule in [
        "rule = \"app.processes.all(p, p.uid != 0)\"",
        "rule = \"!app.processes.exists(p, p.uid == 0)\"",
        "rule = \"app.processes.map(p, p.uid) != [0]\"",
        "rule = \"size(app.processes.filter(p, p.uid == 0)) == 0\"",
        "each = \"$.app.processes[*]\"\nrule = \"self.uid != 0\"",
    ] {
        assert!(!holds(rule, facts(json!([]))), "{rule}");
        assert!(!holds(rule, facts(Value::Null)), "{rule}");
        assert!(!holds(rule, facts(json!([{ "uid": null }]))), "{rule}");
        assert!(!holds(rule, facts(json!([{ "uid": 7 }, {}]))), "{rule}");
        assert!(holds(rule, facts(json!([{ "uid": 7 }]))), "{rule}");
    }
}

#[test]
fn a_list_behind_a_list_is_looked_up_for_each_element() {
    let keys = "rule = \"image.layers.all(layer, layer.created_by.contains('COPY'))\"";
    let layers = |layers: Value| json!({ "image": { "layers": layers } });
    assert!(holds(keys, layers(json!([{ "created_by": "COPY a" }]))));
    assert!(!holds(keys, layers(json!([{ "created_by": "COPY a" }, { "created_by": null }]))));
}

#[test]
fn fields_of_what_a_filter_keeps_are_looked_up() {
    let keys =
        "rule = \"app.processes.filter(p, p.uid == 0).filter(p, p.gid == 0).exists(p, p.host_uid == 0)\"";
    let facts = |host: Value| app(json!({ "processes": [{ "uid": 0, "gid": 0, "host_uid": host }] }));
    assert!(holds(keys, facts(json!(0))));
    let failures = failures(keys, facts(Value::Null));
    assert_eq!(failures[0].actual, "nothing to look at: app.processes[*].host_uid");
}

#[test]
fn an_index_beyond_the_end_is_no_pass() {
    let keys = "rule = \"app.processes[0].uid == 7\"";
    assert!(holds(keys, app(json!({ "processes": [{ "uid": 7 }] }))));
    assert!(!holds(keys, app(json!({ "processes": [] }))));
    let beyond = outcome("rule = \"app.processes[3].uid == 7\"", app(json!({ "processes": [{ "uid": 7 }] })));
    assert!(matches!(beyond, Outcome::NotEvaluated(_)), "{beyond:?}");
}

#[test]
fn has_asks_for_an_entry_of_a_map_and_what_it_asks_for_need_not_be_there() {
    let labels = |labels: Value| json!({ "image": { "config": { "labels": labels } } });
    let keys = "rule = \"has(image.config.labels.revision)\"";
    assert!(holds(keys, labels(json!({ "revision": "8d3f1c2" }))));
    assert!(!holds(keys, labels(json!({}))));
    let keys = "rule = \"image.config.labels['revision'] == '8d3f1c2'\"";
    assert!(!holds(keys, labels(json!({}))));
}

#[test]
fn absence_holds_only_where_the_assertion_says_so() {
    let keys = "absent = \"holds\"\nrule = \"app.output.stdout.head != 'root'\"";
    assert!(holds(keys, json!({ "app": null })));
    assert!(holds(keys, app(json!({ "output": { "stdout": { "head": "app" } } }))));
    assert!(!holds(keys, app(json!({ "output": { "stdout": { "head": "root" } } }))));
    let each = "absent = \"holds\"\neach = \"$.app.mounts[*]\"\nrule = \"self.read_only\"";
    assert!(holds(each, app(json!({ "mounts": [] }))));
    assert!(!holds(each, app(json!({ "mounts": [{ "read_only": true }, { "read_only": false }] }))));
}

#[test]
fn what_is_neither_true_nor_false_is_an_error() {
    for (rule, facts) in [
        ("app.image", json!({ "image": "x" })),
        ("app.image == 'x' ? 1 : 0", json!({ "image": "x" })),
        ("app.processes", json!({ "processes": [1] })),
        ("app.watched.looks", json!({ "watched": { "looks": 1 } })),
        ("app.state.running && app.image", json!({ "state": { "running": true }, "image": "true" })),
        // Other types than those documented.
        ("app.watched.looks > 3", json!({ "watched": { "looks": "many" } })),
        ("close(app.watched.looks, 3, 1)", json!({ "watched": { "looks": "3" } })),
        ("app.watched.looks / 0 == 1", json!({ "watched": { "looks": 1 } })),
        ("app.image.matches('(')", json!({ "image": "x" })),
    ] {
        let outcome = outcome(&format!("rule = \"{rule}\""), app(facts));
        assert!(matches!(outcome, Outcome::NotEvaluated(_)), "{rule}: {outcome:?}");
    }
}

#[test]
fn a_rule_that_cannot_be_evaluated_makes_the_verdict_an_error_whatever_else_holds_or_fails() {
    let check = check_of(&[
        "id = \"fails\"\nrule = \"app.image == 'y'\"",
        "id = \"broken\"\nrule = \"app.image > 1\"",
        "id = \"holds\"\nrule = \"app.image == 'x'\"",
    ]);
    let judgement = judge(&check, &seen(app(json!({ "image": "x" }))), &Held::new());
    let words: Vec<&str> = judgement.outcomes.iter().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(words, ["failed", "not-evaluated", "holds"]);
    let Verdict::Error(fault) = judgement.verdict() else { panic!("{:?}", judgement.verdict()) };
    assert_eq!(fault.what, "a rule of the workbook could not be evaluated");
    assert!(fault.detail.starts_with("broken: `app.image > 1`: "), "{}", fault.detail);
}

#[test]
fn without_an_assertion_nothing_passes() {
    assert!(matches!(Judgement::default().verdict(), Verdict::Error(_)));
}

#[test]
fn every_assertion_has_an_outcome_in_the_order_of_the_check() {
    let check =
        check_of(&["id = \"b\"\nrule = \"app.image == 'x'\"", "id = \"a\"\nrule = \"app.container == 'c'\""]);
    let judgement = judge(&check, &seen(app(json!({ "image": "x", "container": "d" }))), &Held::new());
    assert_eq!(judgement.outcomes[0], ("b".into(), Outcome::Holds));
    assert_eq!(judgement.outcomes[1].0, "a");
    let Verdict::Failed(failures) = judgement.verdict() else { panic!() };
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].assertion, "a");
}

#[test]
fn each_element_that_fails_is_told_with_its_place() {
    let keys = r#"each = "$.app.processes[*]"
rule = "self.uid != 0"
actual = "self.command + ' has uid ' + string(self.uid)""#;
    let process = |command: &str, uid: u64| json!({ "command": command, "uid": uid });
    let facts = app(json!({ "processes": [process("sh", 0), process("gunicorn", 7), process("cron", 0)] }));
    let Outcome::Failed { failures, failed, of } = outcome(keys, facts) else { panic!() };
    assert_eq!((failed, of), (2, 3));
    let told: Vec<_> = failures.iter().map(|f| (f.path.as_deref().unwrap(), f.actual.as_str())).collect();
    assert_eq!(told, [("$.app.processes[0]", "sh has uid 0"), ("$.app.processes[2]", "cron has uid 0")]);
}

#[test]
fn an_element_without_the_field_fails_beside_those_that_have_it() {
    let keys = "each = \"$.app.processes[*]\"\nrule = \"self.uid != 0\"";
    let facts = app(json!({ "processes": [{ "uid": 7 }, { "uid": null }, {}, 5] }));
    let Outcome::Failed { failures, failed, of } = outcome(keys, facts) else { panic!() };
    assert_eq!((failed, of, failures.len()), (3, 4, 3));
    assert!(failures.iter().all(|failure| failure.actual == "nothing to look at: self.uid"));
}

#[test]
fn twenty_of_many_failures_are_told_and_all_are_counted() {
    let keys = "each = \"$.app.processes[*]\"\nrule = \"self.uid != 0\"";
    let facts = app(json!({ "processes": vec![json!({ "uid": 0 }); 500] }));
    let Outcome::Failed { failures, failed, of } = outcome(keys, facts) else { panic!() };
    assert_eq!((failures.len(), failed, of), (20, 500, 500));
}

#[test]
fn each_also_walks_a_map() {
    let keys = "each = \"$.noted.taken[*]\"\nrule = \"self.number > 0.0\"";
    let taken = |a: f64| json!({ "noted": { "taken": { "n": { "number": 1.5 }, "word": { "number": a } } } });
    assert!(holds(keys, taken(2.5)));
    assert!(!holds(keys, taken(0.0)));
}

#[test]
fn once_counts_what_was_held_before_and_still_does_not() {
    let facts = seen(app(json!({ "image": "new", "http": null })));
    let held: Held = [("one".to_owned(), 7), ("two".to_owned(), 8), ("three".to_owned(), 9)].into();
    let once =
        |id: &str, rule: &str, holds: &str| format!("id = \"{id}\"\nholds = \"{holds}\"\nrule = \"{rule}\"");
    let check = check_of(&[
        &once("one", "app.image == 'old'", "once"),
        &once("two", "app.http.not_ok == 0", "once"),
        &once("three", "app.image == 'old'", "still"),
        &once("four", "app.image == 'old'", "once"),
        &once("five", "app.image == 'new'", "once"),
    ]);
    let judgement = judge(&check, &facts, &held);
    let outcomes: Vec<&str> = judgement.outcomes.iter().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["held-before", "held-before", "failed", "failed", "holds"]);
    assert_eq!(judgement.outcomes[0].1, Outcome::HeldBefore { attempt: 7 });
}

#[test]
fn all_held_now_or_before_is_a_pass() {
    let check = check_of(&[
        "id = \"swap\"\nholds = \"once\"\nrule = \"app.image == 'old'\"",
        "id = \"now\"\nrule = \"app.container == 'c'\"",
    ]);
    let facts = seen(app(json!({ "image": "new", "container": "c" })));
    assert!(matches!(judge(&check, &facts, &Held::new()).verdict(), Verdict::Failed(_)));
    assert_eq!(judge(&check, &facts, &[("swap".to_owned(), 1)].into()).verdict(), Verdict::Passed);
}

#[test]
fn a_held_assertion_that_cannot_be_evaluated_now_counts_as_held() {
    let check = check_of(&["id = \"swap\"\nholds = \"once\"\nrule = \"app.image > 1\""]);
    let facts = seen(app(json!({ "image": "x" })));
    assert!(matches!(judge(&check, &facts, &Held::new()).verdict(), Verdict::Error(_)));
    assert_eq!(judge(&check, &facts, &[("swap".to_owned(), 1)].into()).verdict(), Verdict::Passed);
}

const CASES: &str = r#"rule = "app.http.not_ok == 0"
fix = "mend it"
actual = "string(app.http.not_ok) + ' wrong'"
nothing = { actual = "'never asked'", fix = "ask" }
[[assert.case]]
when = "!app.state.running"
actual = "'it ended with ' + string(app.state.exit_code)"
fix = "keep it running"
[[assert.case]]
when = "app.state.restarts > 0"
actual = "'restarted'""#;

#[test]
fn a_failure_is_told_by_the_first_case_that_it_is() {
    let told = |http: Value, state: Value| {
        let failures = failures(CASES, app(json!({ "http": http, "state": state })));
        (failures[0].actual.clone(), failures[0].fix.clone())
    };
    let says = |actual: &str, fix: &str| (actual.to_owned(), fix.to_owned());
    let three = json!({ "not_ok": 3 });
    let running = json!({ "running": true, "exit_code": null, "restarts": 0 });
    let ended = json!({ "running": false, "exit_code": 1, "restarts": 2 });
    let restarted = json!({ "running": true, "exit_code": null, "restarts": 2 });
    assert_eq!(told(three.clone(), running.clone()), says("3 wrong", "mend it"));
    assert_eq!(told(three.clone(), ended.clone()), says("it ended with 1", "keep it running"));
    assert_eq!(told(three.clone(), restarted.clone()), says("restarted", "mend it"));
    assert_eq!(told(Value::Null, running), says("never asked", "ask"));
    assert_eq!(told(Value::Null, ended), says("it ended with 1", "keep it running"));
    // A case without a fix of its own leaves the one that would have stood there.
    assert_eq!(told(Value::Null, restarted), says("restarted", "ask"));
    // Words that cannot be made are passed over.
    let unknown = json!({ "running": false, "exit_code": null, "restarts": 0 });
    assert_eq!(told(three, unknown), says("3 wrong", "mend it"));
}

#[test]
fn a_case_never_makes_a_failure_hold() {
    let facts =
        app(json!({ "http": { "not_ok": 0 }, "state": { "running": false, "exit_code": 1, "restarts": 9 } }));
    assert!(holds(CASES, facts));
}

#[test]
fn without_words_the_rule_itself_is_told() {
    let failures = failures("rule = \"app.image == 'y'\"", app(json!({ "image": "x" })));
    assert_eq!(failures[0].actual, "not so: app.image == 'y'");
}

/// The judge's functions: each by what it yields over a number that a probe saw.
#[test]
fn functions() {
    let facts = |number: Value| json!({ "noted": { "taken": { "n": { "number": number, "text": "x" } } } });
    for (rule, number, expected) in [
        ("close(noted.taken.n.number, 10, 1.5)", json!(11.5), true),
        ("close(noted.taken.n.number, 10, 1.5)", json!(8.5), true),
        ("close(noted.taken.n.number, 10, 1.5)", json!(11.51), false),
        ("close(noted.taken.n.number, 10, 0)", json!(10), true),
        ("agrees(noted.taken.n.number, 200, 0.05)", json!(190), true),
        ("agrees(noted.taken.n.number, 200, 0.05)", json!(210.0), true),
        ("agrees(noted.taken.n.number, 200, 0.05)", json!(189.9), false),
        ("agrees(noted.taken.n.number, 0, 0.05)", json!(0), true),
        ("agrees(noted.taken.n.number, 0, 0.05)", json!(0.1), false),
        ("megabytes(noted.taken.n.number) == '251.3 MB'", json!(251_300_000), true),
        ("megabytes(noted.taken.n.number) == '0.0 MB'", json!(7), true),
        ("seconds(noted.taken.n.number) == '6 s'", json!(6000), true),
        ("seconds(noted.taken.n.number) == '6.2 s'", json!(6150), true),
        ("counted(noted.taken.n.number, 'look', 'looks') == '1 look'", json!(1), true),
        ("counted(noted.taken.n.number, 'look', 'looks') == '24 looks'", json!(24), true),
        ("counted(noted.taken.n.number, 'look', 'looks') == '0 looks'", json!(0), true),
    ] {
        let outcome = outcome(&format!("rule = \"{rule}\""), facts(number.clone()));
        assert_eq!(matches!(outcome, Outcome::Holds), expected, "{rule} of {number}: {outcome:?}");
    }
    for (digest, expected) in [
        ("sha256:9c1e44d2aabbccdd", "sha256:9c1e44d2"),
        ("8d3f1c2ab99e", "8d3f1c2a"),
        ("sha256:ab", "sha256:ab"),
        ("", ""),
        ("äöüäöüäöü", "äöüäöüäö"),
    ] {
        let keys = format!("rule = \"short(app.image) == '{expected}'\"");
        assert!(holds(&keys, app(json!({ "image": digest }))), "{digest}");
    }
}

#[test]
fn whole_numbers_are_int_live_and_recorded() {
    let facts = app(json!({ "watched": { "looks": 24_u64, "lasted_ms": 6000.0 } }));
    // In CEL a sum of int and double is an error, so this tells which of the two it is.
    let int = "rule = \"app.watched.looks + 1 == 25\"";
    let double = "rule = \"app.watched.lasted_ms + 1.0 == 6001.0\"";
    let recorded: Value = serde_json::from_str(&facts.to_string()).unwrap();
    for facts in [facts, recorded] {
        assert!(holds(int, facts.clone()));
        assert!(holds(double, facts));
    }
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3_i64..300_000_000).prop_map(Value::from),
        any::<f64>().prop_map(|float| serde_json::Number::from_f64(float).map_or(Value::Null, Value::Number)),
        (0_u32..5000).prop_map(|thousandths| json!(f64::from(thousandths) / 1000.0)),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        ".{0,12}".prop_map(Value::from),
        prop_oneof![Just("root"), Just("running"), Just("healthy"), Just("0")].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Assertions that between them read text, numbers, lists, maps and truth values.
fn broad() -> grader_core::workbook::Check {
    check_of(&[
        "id = \"a\"\nrule = \"app.state.running && app.state.restarts == 0\"",
        "id = \"b\"\neach = \"$.app.processes[*]\"\nrule = \"self.uid != 0\"\nactual = \"string(self.uid)\"",
        "id = \"c\"\nrule = \"app.processes.exists(p, p.uid > 1000 || p.command == 'root')\"",
        "id = \"d\"\nabsent = \"holds\"\nrule = \"!app.output.stdout.head.matches('^root')\"",
        "id = \"e\"\nrule = \"agrees(noted.taken.n.number * 1000000.0, image.size_bytes, 0.05)\"\nactual = \"string(noted.taken.n.number)\"",
        "id = \"f\"\nrule = \"close(app.http.held_ms, app.http.asked_ms, 10)\"",
        "id = \"g\"\nrule = \"image.config.labels['a'] != 'b'\"",
    ])
}

fn facts() -> impl Strategy<Value = Value> {
    let process = (number(), ".{0,6}", anything())
        .prop_map(|(uid, command, more)| json!({ "uid": uid, "command": command, "more": more }));
    let element = prop_oneof![3 => process, 1 => anything()];
    (
        (anything(), number(), prop::collection::vec(element, 0..4), anything()),
        (number(), number(), number(), number(), anything()),
    )
        .prop_map(|((running, restarts, processes, head), (noted, size, held, asked, label))| {
            json!({
                "app": {
                    "state": { "running": running, "restarts": restarts },
                    "processes": processes,
                    "output": { "stdout": { "head": head } },
                    "http": { "held_ms": held, "asked_ms": asked },
                },
                "noted": { "taken": { "n": { "number": noted } } },
                "image": { "size_bytes": size, "config": { "labels": { "a": label } } },
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// An attempt judged again from what was stored comes to the same, whatever was seen.
    #[test]
    fn evidence_is_judged_alike_before_and_after_it_was_stored(facts in facts()) {
        thread_local!(static CHECK: grader_core::workbook::Check = broad());
        CHECK.with(|check| {
            let live = seen(facts);
            let stored: Evidence = serde_json::from_slice(&serde_json::to_vec(&live).unwrap()).unwrap();
            prop_assert_eq!(&stored, &live);
            prop_assert_eq!(judge(check, &live, &Held::new()), judge(check, &stored, &Held::new()));
            Ok(())
        })?;
    }

    /// Whatever stands where a rule looks, it is a pass only if it is the truth value.
    #[test]
    fn nothing_but_true_passes(value in anything()) {
        let passed = matches!(
            outcome("rule = \"app.state.running\"", app(json!({ "state": { "running": value.clone() } }))),
            Outcome::Holds
        );
        prop_assert_eq!(passed, value == Value::Bool(true));
    }
}
