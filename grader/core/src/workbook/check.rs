//! A check as it is meant: everything resolved, every rule compiled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProbeSpec;
use crate::{
    ExerciseId,
    judge::{Each, Rule},
    span::Span,
};

/// The check of one exercise.
#[derive(Debug)]
pub struct Check {
    /// The exercise.
    pub id: ExerciseId,
    /// What holds when it passes, in one line.
    pub title: String,
    /// Exercises to do before; order only.
    pub needs: Vec<ExerciseId>,
    /// What must be there, or the check is blocked.
    pub uses: Vec<Use>,
    /// How long the whole check may take.
    pub within: Span,
    /// What was looked at, as a text over the evidence.
    pub looked_at: Rule,
    /// What a pass proves.
    pub proves: String,
    /// What a pass does not prove.
    pub leaves_open: String,
    /// Why it matters in production.
    pub debrief: String,
    /// The probes, in order.
    pub probes: Vec<Probe>,
    /// The assertions, in order.
    pub assertions: Vec<Assertion>,
    /// The hints, in order.
    pub hints: Vec<Hint>,
    /// SHA-256 of the check file, in hexadecimal digits.
    pub hash: String,
}

impl Check {
    /// Whether a probe of it starts a container that stays, as a question to the learner.
    pub fn asks_question(&self) -> bool {
        self.probes.iter().any(|probe| matches!(probe.spec, ProbeSpec::Running(_)))
    }

    /// Whether what it judges includes the image, so that another image makes a pass stale.
    pub fn judges_image(&self) -> bool {
        self.probes.iter().any(|probe| probe.spec.image().is_some())
    }

    /// Whether what it judges includes the app's folder as committed.
    pub fn judges_tree(&self) -> bool {
        self.probes.iter().any(|probe| matches!(probe.spec, ProbeSpec::Git(_)))
    }

    /// The hints for a failure of `assertion`: its own where it has some, else the general ones.
    pub fn hints_for(&self, assertion: Option<&str>) -> Vec<&Hint> {
        let own: Vec<&Hint> = self
            .hints
            .iter()
            .filter(|hint| hint.assertion.is_some() && hint.assertion.as_deref() == assertion)
            .collect();
        let general = self.hints.iter().filter(|hint| hint.assertion.is_none());
        // An assertion's own hint stands in the place of the general ones of the same rank, last first.
        let mut hints: Vec<&Hint> = general.collect();
        let keep = hints.len().saturating_sub(own.len());
        hints.truncate(keep);
        hints.extend(own);
        hints
    }
}

/// One probe of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The name by which rules read what it saw.
    pub name: String,
    /// Whether having nothing to look at is a fact and not a fault.
    pub optional: bool,
    /// The earlier probe while which it looks; `None` if it waits for those before it.
    pub during: Option<String>,
    /// What it is asked.
    pub spec: ProbeSpec,
}

/// One assertion of a check.
#[derive(Debug)]
pub struct Assertion {
    /// Its name within the check.
    pub id: String,
    /// Whether it must hold now or must have been seen to hold.
    pub holds: Holds,
    /// Which elements the rule is tried on.
    pub each: Option<Each>,
    /// What must be true.
    pub rule: Rule,
    /// What having nothing to look at means.
    pub absent: Absent,
    /// What was expected.
    pub expected: String,
    /// How to say what was seen.
    pub actual: Option<Rule>,
    /// What to say where there was nothing to look at.
    pub nothing: Option<Nothing>,
    /// What to say in cases of their own; the first that it is counts.
    pub cases: Vec<Case>,
    /// Why it matters.
    pub because: String,
    /// What to do.
    pub fix: String,
    /// Where the book says more.
    pub guide: Option<String>,
}

/// What to say where there was nothing to look at.
#[derive(Debug)]
pub struct Nothing {
    /// How to say what was seen instead.
    pub actual: Rule,
    /// What to do.
    pub fix: Option<String>,
}

/// A case in which a failure is told in other words.
#[derive(Debug)]
pub struct Case {
    /// When it is this case.
    pub when: Rule,
    /// How to say what was seen.
    pub actual: Rule,
    /// What to do, if something else than otherwise.
    pub fix: Option<String>,
}

/// One hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The assertion for which it is meant; `None` for all.
    pub assertion: Option<String>,
    /// The hint.
    pub text: String,
}

/// Whether a fact must hold now or must have been seen to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// Must have been seen to hold, now or in an earlier attempt.
    Once,
    /// Must hold now.
    Still,
}

/// What having nothing to look at means for an assertion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Absent {
    /// The assertion fails: nothing was shown.
    #[default]
    Fails,
    /// The assertion holds: that there is nothing is as it should be.
    Holds,
}

/// What a check needs to be there. A closed list: what is absent blocks the check, with its mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// A container engine.
    Engine,
    /// A git repository with a commit that holds the app.
    Git,
    /// `docker build` with BuildKit's own record of what it did: buildx 0.13 or newer.
    Buildx,
    /// `docker compose` that knows `up --watch`: 2.25 or newer.
    Compose,
    /// Trivy with a database.
    Trivy,
}
