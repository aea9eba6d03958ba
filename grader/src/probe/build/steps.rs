//! What BuildKit's record says of stages and steps: which lie in the image, which were done apart, and
//! which of them an edit ran again. Start at [`Steps::of`].

use std::collections::{BTreeMap, BTreeSet};

use grader_core::evidence::{StepSeen, Text};

use super::record::{Record, Vertex};

/// How much of a step's text becomes evidence, in bytes.
const TEXT: usize = 300;

/// The most steps that become evidence.
const MOST_STEPS: usize = 200;

/// Steps of the Dockerfile that were built.
pub(super) struct Steps {
    pub steps: Vec<StepSeen>,
    pub left_out: u64,
}

/// A step's name, taken apart.
struct Name<'a> {
    stage: &'a str,
    number: u64,
    text: &'a str,
}

/// Takes `[linux/amd64 builder 2/4] RUN …` apart; `None` for what the builder does for itself.
fn name(vertex: &Vertex) -> Option<Name<'_>> {
    let (inside, text) = vertex.name.strip_prefix('[')?.split_once("] ")?;
    let mut words = inside.rsplit(' ');
    let (number, of) = words.next()?.split_once('/')?;
    of.parse::<u64>().ok()?;
    let stage = words.next().filter(|word| !word.contains('/')).unwrap_or("");
    Some(Name { stage, number: number.parse().ok()?, text })
}

fn instruction(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("")
}

impl Steps {
    /// The steps of a first build, and what became of them in later ones. `layers` is how many the image has.
    pub(super) fn of(
        first: &Record,
        source_edited: Option<&Record>,
        manifest_edited: Option<&Record>,
        layers: usize,
    ) -> Self {
        let chain = in_the_image(first, layers);
        let later = [source_edited, manifest_edited].map(|record| record.map(Outcomes::of));
        let mut steps = Vec::new();
        for (digest, vertex) in first.vertices() {
            let Some(name) = name(vertex) else { continue };
            let outcome =
                |at: usize| later[at].as_ref().map(|outcomes| outcomes.get(vertex, &name).to_owned());
            steps.push(StepSeen {
                stage: name.stage.to_owned(),
                number: name.number,
                instruction: instruction(name.text).to_owned(),
                text: Text::bounded(name.text.as_bytes(), TEXT),
                apart: !chain.contains(digest),
                first: vertex.outcome().to_owned(),
                source_edited: outcome(0),
                manifest_edited: outcome(1),
            });
        }
        let left_out = steps.len().saturating_sub(MOST_STEPS) as u64;
        steps.truncate(MOST_STEPS);
        Self { steps, left_out }
    }
}

/// The steps on which the image stands. Their stages' names do not tell: BuildKit takes the name of a step that
/// another build or stage has as well from whichever it saw first.
///
/// A step stands on its first input. A copy onto nothing has none but its source: it ends the chain,
/// if the image has no more layers than there are steps up to there.
fn in_the_image(record: &Record, layers: usize) -> BTreeSet<String> {
    let needed: BTreeSet<&str> =
        record.vertices().flat_map(|(_, vertex)| vertex.inputs.iter().map(String::as_str)).collect();
    let steps = || record.vertices().filter(|(_, vertex)| name(vertex).is_some());
    let Some((mut digest, mut vertex)) = steps().rev().find(|(digest, _)| !needed.contains(digest)) else {
        return BTreeSet::new();
    };
    let mut chain = BTreeSet::new();
    while chain.insert(digest.to_owned()) {
        let copies_onto_nothing = vertex.inputs.len() == 1
            && name(vertex).is_some_and(|name| name.text.contains("--from="))
            && layers <= chain.len();
        let below = vertex.inputs.first().filter(|_| !copies_onto_nothing);
        match below.and_then(|below| Some((below.as_str(), record.vertex(below)?))) {
            Some(below) => (digest, vertex) = below,
            None => break,
        }
    }
    chain
}

/// What became of the steps of a later build: their digests differ with what was sent, their names do not.
struct Outcomes<'a> {
    by_name: BTreeMap<&'a str, &'static str>,
    /// A step that two stages have alike is told once, now by the one's name, now by the other's.
    by_text: BTreeMap<&'a str, &'static str>,
}

impl<'a> Outcomes<'a> {
    fn of(record: &'a Record) -> Self {
        let mut outcomes = Self { by_name: BTreeMap::new(), by_text: BTreeMap::new() };
        for (_, vertex) in record.vertices() {
            let Some(name) = name(vertex) else { continue };
            outcomes.by_name.insert(&vertex.name, vertex.outcome());
            let known = outcomes.by_text.entry(name.text).or_insert(vertex.outcome());
            // One that ran anywhere was not reused everywhere.
            if vertex.outcome() == "ran" {
                *known = "ran";
            }
        }
        outcomes
    }

    fn get(&self, vertex: &Vertex, name: &Name<'_>) -> &'static str {
        let by_name = self.by_name.get(vertex.name.as_str());
        by_name.or_else(|| self.by_text.get(name.text)).copied().unwrap_or("unneeded")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of steps: digest, inputs, name, and whether it was cached.
    fn record(steps: &[(&str, &[&str], &str, bool)]) -> Record {
        let mut record = Record::default();
        for (digest, inputs, name, cached) in steps {
            let vertex = serde_json::json!({
                "digest": digest, "inputs": inputs, "name": name, "cached": cached,
                "started": "2026-01-01T00:00:00Z", "completed": "2026-01-01T00:00:00Z",
            });
            record.line(serde_json::json!({ "vertexes": [vertex] }).to_string().as_bytes());
        }
        record
    }

    fn apart(record: &Record, layers: usize) -> Vec<String> {
        let steps = Steps::of(record, None, None, layers).steps;
        steps.into_iter().filter(|step| step.apart).map(|step| step.text.head).collect()
    }

    #[test]
    fn what_is_copied_from_was_done_apart_and_a_step_that_both_have_was_not() {
        let two = record(&[
            ("from", &[], "[builder 1/3] FROM python", false),
            ("dir", &["from"], "[builder 2/3] WORKDIR /app", false),
            ("context", &[], "[internal] load build context", false),
            ("run", &["dir", "context"], "[builder 3/3] RUN pip install", false),
            ("copy", &["dir", "run"], "[stage-1 3/4] COPY --from=builder /a /b", false),
            ("code", &["copy", "context"], "[stage-1 4/4] COPY . .", false),
            ("export", &[], "exporting to image", false),
        ]);
        assert_eq!(apart(&two, 5), ["RUN pip install"]);
    }

    #[test]
    fn a_stage_on_which_the_image_stands_was_not_done_apart() {
        let inherited: [(&str, &[&str], &str, bool); 3] = [
            ("from", &[], "[builder 1/2] FROM python", false),
            ("run", &["from"], "[builder 2/2] RUN pip install", false),
            ("copy", &["run"], "[stage-1 1/1] COPY --from=builder /a /b", false),
        ];
        // A copy onto nothing looks the same, but for the layers of the image.
        assert_eq!(apart(&record(&inherited), 3), Vec::<String>::new());
        assert_eq!(apart(&record(&inherited), 1), ["FROM python", "RUN pip install"]);
    }

    #[test]
    fn outcomes_are_found_by_name_and_else_by_text() {
        let first =
            record(&[("a", &[], "[builder 1/2] RUN make", false), ("b", &["a"], "[2/2] RUN it", false)]);
        let later = record(&[("x", &[], "[other 3/4] RUN make", true), ("y", &["x"], "[2/2] RUN it", false)]);
        let steps = Steps::of(&first, Some(&later), None, 2).steps;
        let told: Vec<_> = steps.iter().map(|step| step.source_edited.as_deref()).collect();
        assert_eq!(told, [Some("cached"), Some("ran")]);
        assert!(steps.iter().all(|step| step.manifest_edited.is_none()));
    }

    #[test]
    fn names_are_taken_apart() {
        let taken = |text: &str| {
            let record = record(&[("a", &[], text, false)]);
            let vertex = record.vertex("a").unwrap();
            name(vertex).map(|name| (name.stage.to_owned(), name.number, name.text.to_owned()))
        };
        assert_eq!(taken("[3/7] RUN x"), Some((String::new(), 3, "RUN x".into())));
        assert_eq!(taken("[linux/amd64 web 2/4] COPY a b"), Some(("web".into(), 2, "COPY a b".into())));
        assert_eq!(taken("[linux/amd64 2/4] COPY a b"), Some((String::new(), 2, "COPY a b".into())));
        assert_eq!(taken("[internal] load build context"), None);
        assert_eq!(taken("exporting to image"), None);
    }
}
