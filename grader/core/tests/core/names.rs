//! A check's placeholders take the learner's names.

use grader_core::{workbook::ProbeSpec, workspace_file::WorkspaceFile};
use serde_json::{Value, json};

use crate::support::{our_check, told};

fn names(text: &str) -> grader_core::workspace_file::Names {
    WorkspaceFile::parse("workspace.toml", text).map_err(told).unwrap().names()
}

#[test]
fn a_name_takes_its_value_and_type_and_within_a_text_its_text() {
    let names =
        names("format = 1\n[app]\nport = 8080\nhealth = \"/status\"\nwith = [\"db\"]\nenv = { A = \"1\" }\n");
    for (written, meant) in [
        (json!("{app.port}"), json!(8080)),
        (json!("{app.with}"), json!(["db"])),
        (json!("{app.env}"), json!({ "A": "1" })),
        (json!("{app.health}?x={app.port}"), json!("/status?x=8080")),
        (json!(["a", "{app.image}", { "b": "{app.path}" }]), json!(["a", "myapp", { "b": "app" }])),
        (json!("{azure.registry}"), json!("")),
        // Not names: left as they stand.
        (json!("{{.Size}} {} {app} {App.port} {app.port"), json!("{{.Size}} {} {app} {App.port} {app.port")),
        (json!("{{app.port}}"), json!("{8080}")),
        (json!(7), json!(7)),
        (Value::Null, Value::Null),
    ] {
        assert_eq!(names.fill(&written).unwrap(), meant, "{written}");
    }
}

#[test]
fn a_value_that_looks_like_a_name_is_not_filled_again() {
    let names = names("format = 1\n[app]\nimage = \"{app.port}\"\n");
    assert_eq!(names.fill(&json!("{app.image}")).unwrap(), json!("{app.port}"));
    assert_eq!(names.fill(&json!("x{app.image}")).unwrap(), json!("x{app.port}"));
}

#[test]
fn an_unknown_name_is_told() {
    let unknown = names("format = 1").fill(&json!(["{app.prot}"])).unwrap_err();
    assert_eq!(unknown.to_string(), "`{app.prot}` names nothing in workspace.toml");
}

#[test]
fn the_probes_of_our_checks_are_whole_once_filled() {
    let names = names("format = 1\n[app]\nport = 8080\nhealth = \"/status\"\nsha_key = \"commit\"\n");
    for id in ["2.2", "2.3", "4.1", "4.2", "4.3"] {
        for probe in &our_check(id).probes {
            let filled = probe.spec.fill(&names).unwrap();
            assert!(filled.strings().iter().all(|text| !text.contains('{')), "{id} {}", probe.name);
            if let ProbeSpec::Endpoint(spec) = &filled {
                assert_eq!((spec.port.get(), spec.path.as_str()), (Some(8080), "/status"));
                assert_eq!(spec.take["sha"], "commit");
            }
        }
    }
}

#[test]
fn a_value_that_does_not_fit_is_an_error_and_no_panic() {
    let names = names("format = 1");
    let text = r#"{ "kind": "endpoint", "port": "{app.image}" }"#;
    let spec: ProbeSpec = serde_json::from_str(text).unwrap();
    let filled = spec.fill(&names).unwrap();
    let ProbeSpec::Endpoint(spec) = filled else { panic!() };
    assert_eq!(spec.port.get(), None);
    let text = r#"{ "kind": "endpoint", "path": "{app.port}" }"#;
    let spec: ProbeSpec = serde_json::from_str(text).unwrap();
    assert!(spec.fill(&names).is_err());
}

#[test]
fn a_workspace_file_of_a_newer_format_says_which_side_is_old() {
    let faults =
        WorkspaceFile::parse("workspace.toml", "format = 2\n[learner]\nclass = \"A\"\n").unwrap_err();
    assert_eq!(
        told(faults),
        "workspace.toml:1:10: error: this file has format 2, this grader reads format 1; update the grader"
    );
}
