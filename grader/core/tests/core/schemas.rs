//! The schemas beside the check files are those of the types.

use grader_core::{bundle, document, workbook, workspace_file};
use serde_json::Value;

use crate::support::must_be_current;

fn current(name: &str, schema: &Value) {
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    must_be_current(&format!("checks/{name}.schema.json"), &text);
}

#[test]
fn the_schemas_in_checks_are_current() {
    current("check", &workbook::check_schema());
    current("workbook", &workbook::manifest_schema());
    current("workspace", &workspace_file::schema());
    current("bundle", &bundle::schema());
    current("result", &document::schema());
    current("evidence", &workbook::evidence_schemas());
}
