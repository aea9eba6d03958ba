//! Evidence as a tree, with the judged elements marked. Plain: a path and its value on each line.

use std::collections::BTreeMap;

use grader_core::evidence::Evidence;
use serde_json::Value;

use super::{Look, Word, clean::clean_line, look::paint};

/// The most elements of one list that are shown; marked ones are shown beyond it.
const MOST_ELEMENTS: usize = 30;

/// The longest value in plain mode, in columns.
const LONGEST_PLAIN: usize = 400;

/// Lays out evidence. `judged` has the assertion that failed, by the path of the element (as `$.app.processes[0]`).
pub fn evidence_tree(evidence: &Evidence, judged: &[(String, String)], look: &Look) -> String {
    let mut marks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, assertion) in judged {
        marks.entry(dotted(path)).or_default().push(clean_line(assertion));
    }
    let mut tree = Tree { marks, look, out: String::new() };
    for (probe, value) in &evidence.seen {
        tree.node(probe, value, probe, "", None);
    }
    tree.out
}

struct Tree<'a> {
    marks: BTreeMap<String, Vec<String>>,
    look: &'a Look,
    out: String,
}

impl Tree<'_> {
    /// `last` is whether it is the last of its siblings; `None` for a root.
    fn node(&mut self, name: &str, value: &Value, path: &str, indent: &str, last: Option<bool>) {
        let (branch, below) = match last {
            None => ("", ""),
            Some(false) => ("├ ", "│ "),
            Some(true) => ("└ ", "  "),
        };
        let scalar = scalar(value);
        self.line(&format!("{indent}{branch}{}", clean_line(name)), path, scalar.as_deref());
        let indent = format!("{indent}{below}");
        match value {
            Value::Object(map) => {
                let count = map.len();
                for (at, (key, item)) in map.iter().enumerate() {
                    self.node(key, item, &format!("{path}.{key}"), &indent, Some(at + 1 == count));
                }
            }
            Value::Array(items) => self.elements(items, path, &indent),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn elements(&mut self, items: &[Value], path: &str, indent: &str) {
        let shown: Vec<usize> = (0..items.len())
            .filter(|at| *at < MOST_ELEMENTS || self.is_marked(&format!("{path}[{at}]")))
            .collect();
        let hidden = items.len() - shown.len();
        for (nth, at) in shown.iter().enumerate() {
            let last = nth + 1 == shown.len() && hidden == 0;
            self.node(&format!("[{at}]"), &items[*at], &format!("{path}[{at}]"), indent, Some(last));
        }
        if hidden > 0 {
            let line = if self.look.plain {
                format!("{path}: {hidden} more")
            } else {
                format!("{indent}└ {hidden} more")
            };
            self.out.push_str(&(line + "\n"));
        }
    }

    fn line(&mut self, label: &str, path: &str, scalar: Option<&str>) {
        let mark = self.marks.get(path).map(|assertions| assertions.join(", "));
        if self.look.plain {
            let mark = mark.map(|mark| format!(" (failed: {mark})")).unwrap_or_default();
            match scalar {
                Some(scalar) => {
                    let scalar = self.look.cut(scalar, LONGEST_PLAIN);
                    self.out.push_str(&format!("{}: {scalar}{mark}\n", clean_line(path)));
                }
                // A branch is told by its leaves; only where it was judged it is a fact of its own.
                None if !mark.is_empty() => self.out.push_str(&format!("{}:{mark}\n", clean_line(path))),
                None => {}
            }
            return;
        }
        let mark =
            mark.map(|mark| format!("  {} failed: {mark}", if self.look.unicode { "◀" } else { "<-" }));
        let text = match scalar {
            Some(scalar) => format!("{label}  {scalar}"),
            None => label.to_owned(),
        };
        let room = self.look.width.saturating_sub(mark.as_ref().map_or(0, |mark| mark.chars().count()));
        self.out.push_str(&self.look.cut(&text, room.max(16)));
        if let Some(mark) = mark {
            self.out.push_str(&paint(Word::Failed.style(), &mark));
        }
        self.out.push('\n');
    }

    fn is_marked(&self, path: &str) -> bool {
        self.marks.range(path.to_owned()..).next().is_some_and(|(marked, _)| marked.starts_with(path))
    }
}

/// A value on one line; `None` for one that has lines of its own below it.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Object(map) if map.is_empty() => Some("empty".into()),
        Value::Array(items) if items.is_empty() => Some("empty".into()),
        Value::Object(_) | Value::Array(_) => None,
        Value::Null => Some("null".into()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(format!("\"{}\"", clean_line(text))),
    }
}

/// A path as the tree writes it: `$.app['processes'][0]` becomes `app.processes[0]`.
fn dotted(path: &str) -> String {
    path.trim_start_matches('$').replace("['", ".").replace("']", "").trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(value: Value) -> Evidence {
        let mut evidence = Evidence::empty();
        evidence.seen.insert("app".into(), value);
        evidence
    }

    #[test]
    fn the_judged_element_is_marked() {
        let evidence =
            evidence(serde_json::json!({ "image": null, "processes": [{ "uid": 0 }, { "uid": 10 }] }));
        let judged = [("$.app['processes'][0]".to_owned(), "no-root-process".to_owned())];
        let look = Look { width: 80, plain: false, unicode: true };
        let tree = anstream::adapter::strip_str(&evidence_tree(&evidence, &judged, &look)).to_string();
        assert_eq!(
            tree,
            "app\n├ image  null\n└ processes\n  ├ [0]  ◀ failed: no-root-process\n  │ └ uid  0\n  └ [1]\n    └ uid  10\n"
        );
        let plain = evidence_tree(&evidence, &judged, &Look { plain: true, ..look });
        assert_eq!(
            plain,
            "app.image: null\napp.processes[0]: (failed: no-root-process)\napp.processes[0].uid: 0\napp.processes[1].uid: 10\n"
        );
    }

    #[test]
    fn of_a_long_list_the_marked_element_is_shown() {
        let items: Vec<Value> = (0..1000).map(|n| serde_json::json!(n)).collect();
        let judged = [("$.app.list[700]".to_owned(), "x".to_owned())];
        let look = Look { width: 80, plain: false, unicode: true };
        let tree = evidence_tree(&evidence(serde_json::json!({ "list": items })), &judged, &look);
        assert!(tree.contains("[700]  700") && tree.contains("969 more"), "{tree}");
    }
}
