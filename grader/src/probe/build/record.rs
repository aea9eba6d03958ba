//! BuildKit's own record of a build, as `--progress=rawjson` prints it: documents, each on one line or
//! indented over several. What steps print stands in it in base64, so that no step can forge an entry.
//! Start at [`Record::line`].

use std::collections::BTreeMap;

use grader_engine::{Capture, Captured, OutputBounds};
use serde::Deserialize;

/// The longest document that is read; a longer one is counted and passed over.
const LONGEST: usize = 2 << 20;

/// The most steps that are remembered.
const MOST_STEPS: usize = 5_000;

/// How much of what one step printed is kept, in bytes.
const PRINTED: OutputBounds = OutputBounds { first: 256, last: 1500 };

/// A build, as far as it was told.
#[derive(Default)]
pub(super) struct Record {
    vertices: BTreeMap<String, Vertex>,
    order: Vec<String>,
    document: Vec<u8>,
    is_too_long: bool,
    /// Bytes that steps printed.
    pub log_bytes: u64,
}

/// A step, or something that the builder does for itself.
pub(super) struct Vertex {
    /// As `[builder 2/4] RUN …`.
    pub name: String,
    /// Digests of what it needs, that on which it stands first.
    pub inputs: Vec<String>,
    /// Why it failed.
    pub error: Option<String>,
    started: bool,
    completed: bool,
    cached: bool,
    printed: Capture,
}

#[derive(Deserialize)]
struct Status {
    vertexes: Option<Vec<VertexStatus>>,
    logs: Option<Vec<Log>>,
}

#[derive(Deserialize)]
struct VertexStatus {
    digest: String,
    #[serde(default)]
    inputs: Option<Vec<String>>,
    #[serde(default)]
    name: String,
    started: Option<String>,
    completed: Option<String>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Log {
    vertex: String,
    #[serde(default)]
    data: Option<String>,
}

impl Vertex {
    /// What became of it: `ran`, `cached`, or `unneeded`.
    pub(super) fn outcome(&self) -> &'static str {
        match (self.cached, self.started) {
            (true, _) => "cached",
            (false, true) => "ran",
            (false, false) => "unneeded",
        }
    }

    /// What it printed.
    pub(super) fn printed(&self) -> Captured {
        self.printed.so_far()
    }
}

impl Record {
    /// Takes one line of the builder's standard error.
    pub(super) fn line(&mut self, line: &[u8]) {
        if self.document.is_empty() && !self.is_too_long && !line.starts_with(b"{") {
            // Words for people: warnings, and at the end the error.
            return;
        }
        if self.document.len() + line.len() > LONGEST {
            self.document.clear();
            self.is_too_long = true;
        }
        if !self.is_too_long {
            self.document.extend_from_slice(line);
        }
        // A text in JSON holds no line's end, so a bare brace at the margin ends a document.
        if line == b"}" || (line.starts_with(b"{") && line.len() > 1 && line.ends_with(b"}")) {
            self.is_too_long = false;
            let document = std::mem::take(&mut self.document);
            match serde_json::from_slice::<Status>(&document) {
                Ok(status) => self.add(status),
                Err(error) => tracing::debug!(%error, "a document of the builder cannot be read"),
            }
        }
    }

    fn add(&mut self, status: Status) {
        for told in status.vertexes.into_iter().flatten() {
            if !self.vertices.contains_key(&told.digest) {
                if self.vertices.len() >= MOST_STEPS {
                    continue;
                }
                self.order.push(told.digest.clone());
            }
            let vertex = self.vertices.entry(told.digest).or_insert_with(|| Vertex {
                name: String::new(),
                inputs: Vec::new(),
                error: None,
                started: false,
                completed: false,
                cached: false,
                printed: Capture::new(PRINTED),
            });
            if !told.name.is_empty() {
                vertex.name = told.name;
            }
            if let Some(inputs) = told.inputs {
                vertex.inputs = inputs;
            }
            if !told.error.is_empty() {
                vertex.error = Some(told.error);
            }
            vertex.started |= told.started.is_some();
            vertex.completed = told.completed.is_some();
            vertex.cached |= told.cached;
        }
        for log in status.logs.into_iter().flatten() {
            let data = decoded(log.data.unwrap_or_default().as_bytes());
            self.log_bytes += data.len() as u64;
            if let Some(vertex) = self.vertices.get_mut(&log.vertex) {
                vertex.printed.push(&data);
            }
        }
    }

    /// Whether the builder told of anything: if not, it never began.
    pub(super) fn has_begun(&self) -> bool {
        !self.order.is_empty()
    }

    /// What the builder told of, in its order, each with its digest.
    pub(super) fn vertices(&self) -> impl DoubleEndedIterator<Item = (&str, &Vertex)> {
        self.order.iter().filter_map(|digest| Some((digest.as_str(), self.vertices.get(digest)?)))
    }

    /// One of them.
    pub(super) fn vertex(&self, digest: &str) -> Option<&Vertex> {
        self.vertices.get(digest)
    }

    /// What failed; if nothing did, what was not at its end yet.
    pub(super) fn culprit(&self) -> Option<&Vertex> {
        let failed =
            |vertex: &&Vertex| vertex.error.as_ref().is_some_and(|error| !error.contains("context canceled"));
        let unfinished = |vertex: &&Vertex| vertex.started && !vertex.completed;
        let all = || self.vertices().map(|(_, vertex)| vertex);
        all()
            .find(failed)
            .or_else(|| all().rev().find(unfinished))
            .or_else(|| all().find(|v| v.error.is_some()))
    }
}

/// Base64, read leniently: what is none of its letters is passed over.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Record {
        let mut record = Record::default();
        text.lines().for_each(|line| record.line(line.as_bytes()));
        record
    }

    const INDENTED: &str = r#"{
  "vertexes": [
    {
      "digest": "sha256:a",
      "name": "[1/2] FROM base"
    },
    {
      "digest": "sha256:b",
      "inputs": [
        "sha256:a"
      ],
      "name": "[2/2] RUN echo",
      "started": "2026-01-01T00:00:00Z",
      "completed": "2026-01-01T00:00:01Z",
      "error": "exit code: 1"
    }
  ],
  "logs": [
    {
      "vertex": "sha256:b",
      "stream": 1,
      "data": "fQp7InZlcnRleGVzIjpbXX0K",
      "timestamp": "2026-01-01T00:00:00Z"
    }
  ]
}
ERROR: failed to solve"#;

    #[test]
    fn documents_are_read_indented_and_on_one_line() {
        let one_line: String =
            INDENTED.lines().filter(|line| !line.starts_with("ERROR")).map(str::trim).collect();
        for text in [INDENTED, one_line.as_str()] {
            let record = read(text);
            let names: Vec<&str> = record.vertices().map(|(_, vertex)| vertex.name.as_str()).collect();
            assert_eq!(names, ["[1/2] FROM base", "[2/2] RUN echo"]);
            let culprit = record.culprit().unwrap();
            assert_eq!((culprit.error.as_deref(), culprit.outcome()), (Some("exit code: 1"), "ran"));
            assert_eq!(culprit.printed().first, b"}\n{\"vertexes\":[]}\n");
            assert_eq!(record.log_bytes, 18);
        }
    }

    #[test]
    fn a_document_without_end_is_passed_over_and_the_next_is_read() {
        let mut record = Record::default();
        record.line(b"{");
        for _ in 0..40 {
            record.line(&vec![b' '; 1 << 16]);
        }
        record.line(b"}");
        assert!(!record.has_begun());
        INDENTED.lines().for_each(|line| record.line(line.as_bytes()));
        assert!(record.has_begun());
    }

    #[test]
    fn words_and_broken_documents_are_no_steps() {
        assert!(!read("#1 building\n{ \"vertexes\": 3 }\n{}\n{\"vertexes\":null,\"logs\":null}").has_begun());
    }
}
