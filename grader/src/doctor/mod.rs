//! What this machine has and lacks, by what it unlocks. Start at [`examine`].
//!
//! Which chapter needs what follows from the `uses` of its checks. Nothing here stops at the first
//! fault: each fact is looked at for itself.

mod engine;
mod machine;
mod system;
mod tools;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use grader_core::{ExerciseId, workbook::Use};
use serde::{Serialize, Serializer};

use crate::{course::Course, workspace::Workspace};

/// What was found, by what it unlocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The groups, in the order in which one mends them.
    pub groups: Vec<Group>,
}

/// Facts that unlock the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What they unlock, as `Chapters 2, 4`.
    pub title: String,
    /// Whether it is unlocked.
    #[serde(serialize_with = "ready_word")]
    pub state: Ready,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// Whether something is unlocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It is.
    Ready,
    /// All but the checks of these exercises is.
    But(Vec<ExerciseId>),
    /// Something is missing.
    Blocked,
    /// It is still to come.
    Pending,
}

/// One fact about this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about, in a word or two.
    pub name: &'static str,
    /// How it is.
    #[serde(rename = "verdict", serialize_with = "seen_word")]
    pub seen: Seen,
    /// What was found.
    pub detail: String,
    /// The command that mends it.
    pub mend: Option<String>,
}

/// How a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// As it must be.
    Ok,
    /// Worth knowing; it blocks nothing.
    Note,
    /// Not there.
    Missing,
    /// There, and too old.
    Old,
}

impl Report {
    /// Whether nothing that is there already is blocked.
    pub fn is_ready(&self) -> bool {
        self.groups.iter().all(|group| matches!(group.state, Ready::Ready | Ready::Pending))
    }
}

impl Ready {
    /// In words, as `ready but for 4.1`.
    pub fn words(&self) -> String {
        match self {
            Self::Ready => "ready".into(),
            Self::But(exercises) => {
                let ids: Vec<String> = exercises.iter().map(ExerciseId::to_string).collect();
                format!("ready but for {}", ids.join(", "))
            }
            Self::Blocked => "blocked".into(),
            Self::Pending => "pending: the checks are still to come".into(),
        }
    }
}

impl Seen {
    /// Columns of the widest word.
    pub const WIDEST: usize = 7;

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Missing => "missing",
            Self::Old => "old",
        }
    }

    const fn blocks(self) -> bool {
        match self {
            Self::Ok | Self::Note => false,
            Self::Missing | Self::Old => true,
        }
    }
}

impl Fact {
    fn new(name: &'static str, seen: Seen, detail: impl Into<String>) -> Self {
        Self { name, seen, detail: detail.into(), mend: None }
    }

    fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// Looks at everything. `workspace` is `None` where there is none, and `problem` then says why.
pub async fn examine(course: &Course, workspace: Option<&Workspace>, problem: Option<String>) -> Report {
    let needs = needs_of_chapters(course);
    let asked: BTreeSet<Need> =
        needs.values().flatten().flat_map(|exercises| exercises.values().flatten()).copied().collect();
    // Side by side: one that hangs costs its own two seconds, and no other's.
    let found = futures_util::future::join_all(asked.iter().map(|need| async {
        let found = match need.0 {
            Use::Engine => engine::facts(workspace.map(Workspace::file)).await,
            Use::Git => workspace::repository(workspace),
            Use::Buildx => tools::buildx().await,
            Use::Compose => tools::compose().await,
            Use::Trivy => tools::trivy(course).await,
        };
        (Some(*need), found)
    }));
    let (machine, found) = tokio::join!(machine::facts(workspace), found);
    let mut facts: BTreeMap<Option<Need>, Vec<Fact>> = found.into_iter().collect();
    facts.insert(None, [workspace::facts(workspace, problem.as_deref()), machine].concat());
    Report { groups: groups(&needs, facts) }
}

/// Something that checks use, in the order of mending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need(Use);

impl Need {
    const fn rank(self) -> u8 {
        match self.0 {
            Use::Engine => 0,
            Use::Git => 1,
            Use::Buildx => 2,
            Use::Compose => 3,
            Use::Trivy => 4,
        }
    }
}

impl Ord for Need {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Need {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What the checks of a chapter need, one by one; `None` for a chapter whose checks are all still to come.
type Needs = Option<BTreeMap<ExerciseId, BTreeSet<Need>>>;

fn needs_of_chapters(course: &Course) -> BTreeMap<u16, Needs> {
    let workbook = &course.workbook;
    let mut chapters = BTreeMap::new();
    for (chapter, exercises) in workbook.manifest.by_chapter() {
        let checks = exercises.iter().filter_map(|exercise| workbook.checks.get(&exercise.id));
        let needs: BTreeMap<ExerciseId, BTreeSet<Need>> =
            checks.map(|check| (check.id, check.uses.iter().copied().map(Need).collect())).collect();
        chapters.insert(chapter, Some(needs).filter(|needs| !needs.is_empty()));
    }
    chapters
}

/// Each fact stands once, in the first group that needs it; it counts for every one.
fn groups(needs: &BTreeMap<u16, Needs>, mut facts: BTreeMap<Option<Need>, Vec<Fact>>) -> Vec<Group> {
    let blocked: BTreeSet<Need> = facts
        .iter()
        .filter(|(_, facts)| facts.iter().any(|fact| fact.seen.blocks()))
        .filter_map(|(need, _)| *need)
        .collect();
    let common = facts.remove(&None).unwrap_or_default();
    let common_blocks = common.iter().any(|fact| fact.seen.blocks());
    let state = if common_blocks { Ready::Blocked } else { Ready::Ready };
    let mut groups = vec![Group { title: "Everything".into(), state, facts: common }];
    // In the order of chapters; what is still to come stands last.
    let union = |needs: &Needs| -> Option<BTreeSet<Need>> {
        needs.as_ref().map(|exercises| exercises.values().flatten().copied().collect())
    };
    let unions: BTreeMap<u16, Option<BTreeSet<Need>>> =
        needs.iter().map(|(chapter, needs)| (*chapter, union(needs))).collect();
    let mut sets: Vec<&Option<BTreeSet<Need>>> = Vec::new();
    for set in unions.values().filter(|set| set.is_some()).chain(unions.values().filter(|set| set.is_none()))
    {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    for set in sets {
        let chapters: Vec<u16> =
            unions.iter().filter(|(_, needed)| *needed == set).map(|(chapter, _)| *chapter).collect();
        let (state, own) = match set {
            None => (Ready::Pending, Vec::new()),
            Some(set) => {
                let own = set.iter().filter_map(|need| facts.remove(&Some(*need))).flatten().collect();
                let exercises = chapters.iter().filter_map(|chapter| needs[chapter].as_ref()).flatten();
                (state_of(exercises, common_blocks, &blocked), own)
            }
        };
        groups.push(Group { title: title(&chapters), state, facts: own });
    }
    groups
}

/// Whether these exercises can be judged, or which of them cannot.
fn state_of<'a>(
    exercises: impl Iterator<Item = (&'a ExerciseId, &'a BTreeSet<Need>)>,
    common_blocks: bool,
    blocked: &BTreeSet<Need>,
) -> Ready {
    let (cannot, can): (Vec<_>, Vec<_>) =
        exercises.partition(|(_, needs)| common_blocks || !needs.is_disjoint(blocked));
    match (can.is_empty(), cannot.is_empty()) {
        (_, true) => Ready::Ready,
        (true, false) => Ready::Blocked,
        (false, false) => Ready::But(cannot.into_iter().map(|(id, _)| *id).collect()),
    }
}

/// `Chapter 2`, `Chapters 1, 3, 5–8`.
fn title(chapters: &[u16]) -> String {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for chapter in chapters {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *chapter => *last = *chapter,
            _ => runs.push((*chapter, *chapter)),
        }
    }
    let runs: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first}–{last}"),
        })
        .collect();
    let noun = if chapters.len() == 1 { "Chapter" } else { "Chapters" };
    format!("{noun} {}", runs.join(", "))
}

fn ready_word<S: Serializer>(ready: &Ready, serializer: S) -> Result<S::Ok, S::Error> {
    match ready {
        Ready::Ready | Ready::But(_) | Ready::Blocked => serializer.serialize_str(&ready.words()),
        Ready::Pending => serializer.serialize_str("pending"),
    }
}

fn seen_word<S: Serializer>(seen: &Seen, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(seen.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_are_named_in_runs() {
        assert_eq!(title(&[2]), "Chapter 2");
        assert_eq!(title(&[1, 3, 5, 6, 7, 8]), "Chapters 1, 3, 5–8");
        assert_eq!(title(&[2, 3]), "Chapters 2, 3");
    }

    #[test]
    fn a_fact_stands_once_and_blocks_every_group_that_needs_it() {
        let id = |text: &str| text.parse::<ExerciseId>().unwrap();
        let check = |text: &str, needs: &[Use]| (id(text), needs.iter().copied().map(Need).collect());
        let needs: BTreeMap<u16, Needs> = BTreeMap::from([
            (1, Some(BTreeMap::from([check("1.1", &[])]))),
            (2, Some(BTreeMap::from([check("2.1", &[Use::Engine, Use::Git])]))),
            (
                4,
                Some(BTreeMap::from([
                    check("4.1", &[Use::Engine, Use::Trivy]),
                    check("4.2", &[Use::Engine]),
                ])),
            ),
            (5, None),
        ]);
        let facts = BTreeMap::from([
            (None, vec![]),
            (Some(Need(Use::Engine)), vec![Fact::new("engine", Seen::Ok, "one")]),
            (Some(Need(Use::Git)), vec![Fact::new("commit", Seen::Missing, "none")]),
            (Some(Need(Use::Trivy)), vec![Fact::new("trivy data", Seen::Old, "9 days")]),
        ]);
        let groups = groups(&needs, facts);
        let shown: Vec<(&str, Ready, usize)> = groups
            .iter()
            .map(|group| (group.title.as_str(), group.state.clone(), group.facts.len()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Everything", Ready::Ready, 0),
                ("Chapter 1", Ready::Ready, 0),
                ("Chapter 2", Ready::Blocked, 2),
                ("Chapter 4", Ready::But(vec![id("4.1")]), 1),
                ("Chapter 5", Ready::Pending, 0),
            ]
        );
    }
}
