//! States: what an exercise is now, from its last attempt and what is there now. Pure.
//!
//! Start at [`state_of`]. A pass becomes stale part by part: what the check judges is compared with
//! what is there, and each part that differs is told. What cannot be looked at now is as of the last
//! look; it makes nothing stale ([`not_looked_at`] says what that was).

use std::collections::BTreeMap;

use grader_core::{VerdictWord, workbook::Check};

use super::AttemptSummary;

/// What an exercise is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not attempted yet.
    Open,
    /// Passed, and what was judged is still there.
    Passed,
    /// The last attempt failed.
    Failed,
    /// The last attempt could not be judged: something was missing.
    Blocked,
    /// The grader could not do its work in the last attempt.
    Error,
    /// Passed, but these parts of what was judged have changed since. Never empty.
    Stale(Vec<Change>),
    /// Passed, and its cloud resource is gone, as the course asks.
    TornDown,
    /// Its check is not there yet.
    Pending,
}

impl State {
    /// The word as it is written everywhere.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Error => "error",
            Self::Stale(_) => "stale",
            Self::TornDown => "torn down",
            Self::Pending => "pending",
        }
    }
}

/// A part of what was judged that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which part.
    pub part: Part,
    /// What was judged; `None` where it was not there.
    pub was: Option<String>,
    /// What is there now; `None` where it is gone.
    pub is: Option<String>,
}

/// A part of what is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The image, by its id.
    Image,
    /// The app's folder as committed, by its git tree.
    Tree,
    /// A file of answers, by its path in the workspace and its SHA-256.
    File(String),
}

/// Something that could be looked at, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<T> {
    /// It was looked at.
    Seen(T),
    /// It cannot be looked at now, as an image while no engine answers.
    NotNow,
}

/// What is there now of all that checks judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectNow {
    /// The id of the image that `app.image` names; `None` where there is no such image.
    pub image: Look<Option<String>>,
    /// The git tree of `app.path` at HEAD; `None` where none is committed.
    pub tree: Look<Option<String>>,
    /// SHA-256 of files by their path in the workspace; `None` for one that is gone. A file that is
    /// not in the map was not looked at.
    pub files: BTreeMap<String, Look<Option<String>>>,
}

/// Says what an exercise is now.
///
/// `check` is the present one; without it no part can be known to matter. An attempt that another
/// check has judged is not stale by that: its evidence is judged again (see
/// [`judged_by_another`](super::judged_by_another)).
pub fn state_of(
    pending: bool,
    last: Option<&AttemptSummary>,
    check: Option<&Check>,
    now: &SubjectNow,
) -> State {
    let last = match (pending, last) {
        (true, _) => return State::Pending,
        (false, None) => return State::Open,
        (false, Some(last)) => last,
    };
    match last.verdict {
        VerdictWord::Failed => State::Failed,
        VerdictWord::Blocked => State::Blocked,
        VerdictWord::Error => State::Error,
        VerdictWord::Passed => {
            let changed: Vec<Change> = parts(last, check, now)
                .into_iter()
                .filter_map(|(part, was, is)| match is {
                    Look::Seen(is) if is != was => Some(Change { part, was, is }),
                    Look::Seen(_) | Look::NotNow => None,
                })
                .collect();
            if changed.is_empty() { State::Passed } else { State::Stale(changed) }
        }
    }
}

/// Says which parts that the check judges cannot be looked at now, so that the state is as of the last look.
pub fn not_looked_at(last: &AttemptSummary, check: &Check, now: &SubjectNow) -> Vec<Part> {
    parts(last, Some(check), now)
        .into_iter()
        .filter_map(|(part, _, is)| match is {
            Look::NotNow => Some(part),
            Look::Seen(_) => None,
        })
        .collect()
}

/// Every part that the check judges: what it was, and what it is.
fn parts(
    last: &AttemptSummary,
    check: Option<&Check>,
    now: &SubjectNow,
) -> Vec<(Part, Option<String>, Look<Option<String>>)> {
    let Some(check) = check else {
        return Vec::new();
    };
    let subject = &last.subject;
    let image = check.judges_image().then(|| (Part::Image, subject.image.clone(), now.image.clone()));
    let tree = check.judges_tree().then(|| (Part::Tree, subject.tree.clone(), now.tree.clone()));
    let files = subject.files.iter().map(|(path, hash)| {
        let is = now.files.get(path).cloned().unwrap_or(Look::NotNow);
        (Part::File(path.clone()), Some(hash.clone()), is)
    });
    image.into_iter().chain(tree).chain(files).collect()
}
