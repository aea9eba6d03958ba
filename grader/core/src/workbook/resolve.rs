//! From a check as written to a check as meant: rules compiled, paths proven, names known.

use serde_json::Value;

use super::{
    Assertion, Case, Catalogue, Check, Declared, Diagnostic, Hint, Nothing, Probe, ProbeSpec, SourceFile,
    check_file::{AssertFile, CheckFile, ProbeEntry},
    places::Places,
};
use crate::{
    ExerciseId,
    judge::{CEL_FUNCTIONS, Each, FUNCTIONS, PathSegment, Rule, RuleError},
    workspace_file::{WorkspaceFile, placeholders},
};

/// Whether what a check file says must still be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Every rule is compiled, every path, name and function looked up.
    Wanted,
    /// It was done when the workbook was made; rules are compiled when they are first needed.
    Done,
}

/// Resolves a check file; on any fault returns all of them.
pub(super) fn resolve(
    id: ExerciseId,
    file: CheckFile,
    hash: String,
    source: &SourceFile,
    proof: Proof,
) -> Result<Check, Vec<Diagnostic>> {
    let places = match proof {
        Proof::Wanted => Places::of(source),
        Proof::Done => Places::none(source),
    };
    let mut resolver = Resolver { places, source, proof, faults: Vec::new() };
    let probes = resolver.probes(&file);
    let catalogue = Catalogue::of(if proof == Proof::Wanted { &probes } else { &[] });
    resolver.asks(&probes);
    let looked_at = resolver.rule("looked_at", &file.looked_at, &catalogue, None);
    let assertions: Vec<Option<Assertion>> = file
        .assert
        .into_iter()
        .enumerate()
        .map(|(at, assertion)| resolver.assertion(at, assertion, &catalogue))
        .collect();
    if assertions.is_empty() {
        resolver.fault(0..0, "a check without an assertion proves nothing");
    }
    resolver.repeated(assertions.iter().flatten().map(|a| a.id.as_str()), |at| format!("assert/{at}/id"));
    match (looked_at, assertions.into_iter().collect::<Option<Vec<_>>>(), resolver.faults.is_empty()) {
        (Some(looked_at), Some(assertions), true) => Ok(Check {
            id,
            title: file.title,
            needs: file.needs,
            uses: file.uses,
            within: file.within,
            looked_at,
            proves: file.proves,
            leaves_open: file.leaves_open,
            debrief: file.debrief,
            probes,
            assertions,
            hints: file
                .hint
                .into_iter()
                .map(|hint| Hint { assertion: hint.assertion, text: hint.text.trim().to_owned() })
                .collect(),
            hash,
        }),
        _ => Err(resolver.faults),
    }
}

/// What a probe cannot be called: in a rule these mean something else, or nothing.
const RESERVED: [&str; 23] = [
    "self",
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "type",
    "var",
    "void",
    "while",
];

struct Resolver<'a> {
    places: Places<'a>,
    source: &'a SourceFile,
    proof: Proof,
    faults: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn fault(&mut self, range: std::ops::Range<usize>, message: impl Into<String>) {
        self.faults.push(Diagnostic::error(self.source, range, message));
    }

    fn probes(&mut self, file: &CheckFile) -> Vec<Probe> {
        let names = WorkspaceFile::default_names().names();
        let mut probes = Vec::new();
        for (at, entry) in file.probe.iter().enumerate() {
            let place = self.places.value(&format!("probe/{at}"));
            match ProbeSpec::from_keys(entry.kind, Value::Object(entry.keys.clone())) {
                Ok(spec) => {
                    let texts = if self.proof == Proof::Wanted { spec.strings() } else { Vec::new() };
                    for text in texts {
                        for name in placeholders(&text) {
                            if names.get(name).is_none() {
                                let message = format!("`{{{name}}}` names nothing in workspace.toml");
                                let fault = Diagnostic::error(self.source, self.named(&place, name), message);
                                self.faults.push(fault.suggest_nearest(name, names.known()));
                            }
                        }
                    }
                    self.during(at, entry, &probes);
                    probes.push(Probe {
                        name: entry.name.clone(),
                        optional: entry.optional,
                        during: entry.during.clone(),
                        spec,
                    });
                }
                Err(error) => self.fault(place, error.to_string()),
            }
            let name = &entry.name;
            let plain = name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !plain || RESERVED.contains(&name.as_str()) {
                let message = if plain {
                    format!("`{name}` cannot be a probe's name: it is a word of CEL")
                } else {
                    format!("`{name}` cannot be a probe's name: use lower case letters, digits and _")
                };
                self.fault(self.places.value(&format!("probe/{at}/as")), message);
            }
        }
        self.repeated(file.probe.iter().map(|entry| entry.name.as_str()), |at| format!("probe/{at}/as"));
        probes
    }

    /// Who looks while another does must know that one, and wait for nothing that it sees.
    fn during(&mut self, at: usize, entry: &ProbeEntry, earlier: &[Probe]) {
        let Some(during) = &entry.during else { return };
        let place = self.places.value(&format!("probe/{at}/during"));
        match earlier.iter().find(|probe| probe.name == *during) {
            Some(probe) if probe.during.is_none() => {}
            Some(_) => self.fault(place, format!("`{during}` looks while another probe does: name that one")),
            None => {
                let fault =
                    Diagnostic::error(self.source, place, format!("no earlier probe is called `{during}`"));
                self.faults
                    .push(fault.suggest_nearest(during, earlier.iter().map(|probe| probe.name.as_str())));
            }
        }
    }

    /// The place of a placeholder within a probe's lines.
    fn named(&self, place: &std::ops::Range<usize>, name: &str) -> std::ops::Range<usize> {
        // The place of a table is its header; its keys follow up to the next table of the file's own.
        let below = &self.source.text[place.start..];
        let end = below.find("\n[[").unwrap_or(below.len()).max(place.len());
        match below[..end].find(&format!("{{{name}}}")) {
            Some(at) => (place.start + at)..(place.start + at + name.len() + 2),
            None => place.clone(),
        }
    }

    /// What a probe takes from an earlier one must be something that the earlier one declares.
    fn asks(&mut self, probes: &[Probe]) {
        if self.proof == Proof::Done {
            return;
        }
        for (at, probe) in probes.iter().enumerate() {
            if let ProbeSpec::Git(spec) = &probe.spec
                && let Some(ask) = &spec.ask
            {
                let path: Vec<PathSegment> =
                    ask.split('.').map(|field| PathSegment::Field(field.to_owned())).collect();
                let place = format!("probe/{at}/ask");
                let before: Vec<Probe> = probes[..at]
                    .iter()
                    .filter(|other| Some(&other.name) != probe.during.as_ref())
                    .cloned()
                    .collect();
                if let Err(unknown) = Catalogue::of(&before).find(&path) {
                    let message = format!("no earlier probe yields `{ask}`");
                    let fault = Diagnostic::error(self.source, self.places.value(&place), message);
                    let known = unknown.known.iter().map(String::as_str);
                    self.faults.push(fault.suggest_nearest(&unknown.segment, known));
                }
            }
        }
    }

    fn assertion(&mut self, at: usize, file: AssertFile, catalogue: &Catalogue) -> Option<Assertion> {
        let place = |key: &str| format!("assert/{at}/{key}");
        let each = match &file.each {
            None => None,
            Some(text) => match Each::parse(text) {
                Ok(each) => {
                    self.path_is_declared(&place("each"), each.path(), None, catalogue);
                    Some(each)
                }
                Err(error) => {
                    self.fault(self.places.value(&place("each")), error.to_string());
                    return None;
                }
            },
        };
        let element = each.as_ref().map(Each::path);
        let rule = self.rule(&place("rule"), &file.rule, catalogue, element);
        let actual = file.actual.as_ref().map(|text| self.rule(&place("actual"), text, catalogue, element));
        let nothing = file
            .nothing
            .as_ref()
            .map(|nothing| self.rule(&place("nothing/actual"), &nothing.actual, catalogue, element));
        let cases: Vec<(Option<Rule>, Option<Rule>)> = file
            .case
            .iter()
            .enumerate()
            .map(|(nth, case)| {
                let place = |key: &str| place(&format!("case/{nth}/{key}"));
                (
                    self.rule(&place("when"), &case.when, catalogue, element),
                    self.rule(&place("actual"), &case.actual, catalogue, element),
                )
            })
            .collect();
        if self.proof == Proof::Done {
            // Its rule is not compiled yet, and names nothing as long.
        } else if let (Some(rule), Some(_)) = (&rule, &each)
            && !rule.paths().iter().any(|path| path.starts_at("self"))
        {
            let message = "this rule never reads `self`: it says the same of each element";
            self.fault(self.places.value(&place("rule")), message);
        } else if let Some(rule) = &rule
            && rule.paths().is_empty()
        {
            let message = "this rule reads no evidence: it holds or fails whatever was seen";
            self.fault(self.places.value(&place("rule")), message);
        }
        Some(Assertion {
            id: file.id,
            holds: file.holds,
            each,
            rule: rule?,
            absent: file.absent,
            expected: file.expected,
            actual: match actual {
                None => None,
                Some(actual) => Some(actual?),
            },
            nothing: match (nothing, file.nothing) {
                (Some(actual), Some(nothing)) => Some(Nothing { actual: actual?, fix: nothing.fix }),
                _ => None,
            },
            cases: file
                .case
                .into_iter()
                .zip(cases)
                .map(|(case, (when, actual))| Some(Case { when: when?, actual: actual?, fix: case.fix }))
                .collect::<Option<_>>()?,
            because: file.because,
            fix: file.fix,
            guide: file.guide,
        })
    }

    fn rule(
        &mut self,
        place: &str,
        text: &str,
        catalogue: &Catalogue,
        element: Option<&[PathSegment]>,
    ) -> Option<Rule> {
        if self.proof == Proof::Done {
            return Some(Rule::proven(text));
        }
        match Rule::compile(text) {
            Ok(rule) => {
                for path in rule.paths() {
                    let full = match (path.segments.split_first(), element) {
                        (Some((PathSegment::Field(root), rest)), Some(element)) if root == "self" => {
                            [element, rest].concat()
                        }
                        _ => path.segments.clone(),
                    };
                    let part = Some((path.range.clone(), path.to_string()));
                    let declared = self.path_is_declared(place, &full, part, catalogue);
                    if path.only_tested && declared == Some(Declared::Field) {
                        let message =
                            format!("`has({path})` is always true: a field is there, if only as null");
                        let range = self.places.within(place, path.range.clone());
                        let fault = Diagnostic::error(self.source, range, message);
                        self.faults.push(fault.suggest(format!("write `{path} != null`")));
                    }
                }
                self.functions_are_known(place, &rule);
                for range in rule.all_of_chosen() {
                    let message = "`all()` of a chosen list is true when nothing is chosen";
                    let fault =
                        Diagnostic::error(self.source, self.places.within(place, range.clone()), message);
                    let suggestion =
                        "say by `exists` that something is, and by `!….exists` that none of it is wrong";
                    self.faults.push(fault.suggest(suggestion));
                }
                Some(rule)
            }
            Err(RuleError::Syntax { message, at }) => {
                self.fault(self.places.within(place, at..at + 1), format!("not CEL: {message}"));
                None
            }
            Err(error @ RuleError::Evaluation { .. }) => {
                self.fault(self.places.value(place), error.to_string());
                None
            }
        }
    }

    /// CEL finds out only when a rule is evaluated that nobody knows a function.
    fn functions_are_known(&mut self, place: &str, rule: &Rule) {
        for function in rule.functions() {
            let name = function.name.as_str();
            let ours = FUNCTIONS.iter().find(|(call, _)| call.split('(').next() == Some(name));
            let range = self.places.within(place, function.range.clone());
            if let Some((call, _)) = ours {
                if call.matches(',').count() + 1 != function.arguments {
                    let message = format!("`{name}` has other arguments");
                    let fault = Diagnostic::error(self.source, range, message);
                    self.faults.push(fault.suggest(format!("call it as `{call}`")));
                }
            } else if !CEL_FUNCTIONS.contains(&name) {
                let ours = FUNCTIONS.iter().filter_map(|(call, _)| call.split('(').next());
                let known = ours.chain(CEL_FUNCTIONS).chain(["exists", "filter", "exists_one"]);
                let fault = Diagnostic::error(self.source, range, format!("no function is called `{name}`"));
                self.faults.push(fault.suggest_nearest(name, known));
            }
        }
    }

    fn path_is_declared(
        &mut self,
        place: &str,
        path: &[PathSegment],
        part: Option<(std::ops::Range<usize>, String)>,
        catalogue: &Catalogue,
    ) -> Option<Declared> {
        if self.proof == Proof::Done {
            return None;
        }
        let unknown = match catalogue.find(path) {
            Ok(declared) => return Some(declared),
            Err(unknown) => unknown,
        };
        let (range, shown) = match part {
            Some((range, shown)) => (self.places.within(place, range), shown),
            None => (self.places.value(place), unknown.segment.clone()),
        };
        let fault = Diagnostic::error(self.source, range, format!("no probe yields `{shown}`"));
        let known: Vec<&str> = unknown.known.iter().map(String::as_str).collect();
        self.faults.push(match super::diagnostic::nearest(&unknown.segment, known.iter().copied()) {
            Some(near) => {
                let meant = shown.replacen(&unknown.segment, near, 1);
                fault.suggest(format!("did you mean `{meant}`?"))
            }
            None if known.is_empty() => fault,
            None => fault.suggest(format!("there is: {}", known.join(", "))),
        });
        None
    }

    fn repeated<'n>(&mut self, names: impl Iterator<Item = &'n str>, place: impl Fn(usize) -> String) {
        let mut seen = std::collections::BTreeSet::new();
        for (at, name) in names.enumerate() {
            if !seen.insert(name.to_owned()) {
                self.fault(self.places.value(&place(at)), format!("`{name}` is there twice"));
            }
        }
    }
}
