//! In which order exercises are judged, and which one is due next. Pure.

use std::collections::{BTreeMap, BTreeSet};

use grader_core::{
    ExerciseId,
    workbook::{Check, Manifest},
};

use crate::progress::State;

/// Orders exercises so that each comes after those that it needs, as far as they are in the list; else as
/// the ids are ordered. Needs outside the list are no one's business: `check 4.2` judges 4.2.
pub fn ordered(asked: &BTreeSet<ExerciseId>, checks: &BTreeMap<ExerciseId, Check>) -> Vec<ExerciseId> {
    let mut ordered = Vec::with_capacity(asked.len());
    let mut begun = BTreeSet::new();
    for id in asked {
        place(*id, asked, checks, &mut begun, &mut ordered);
    }
    ordered
}

fn place(
    id: ExerciseId,
    asked: &BTreeSet<ExerciseId>,
    checks: &BTreeMap<ExerciseId, Check>,
    begun: &mut BTreeSet<ExerciseId>,
    ordered: &mut Vec<ExerciseId>,
) {
    // Begun and not yet placed would be a circle: the lint refuses it, and it ends here all the same.
    if !begun.insert(id) {
        return;
    }
    for needed in checks.get(&id).map(|check| check.needs.as_slice()).unwrap_or_default() {
        if asked.contains(needed) {
            place(*needed, asked, checks, begun, ordered);
        }
    }
    ordered.push(id);
}

/// The next exercise that is due: the first in the workbook's order that has a check and has not passed.
pub fn next_due(manifest: &Manifest, states: &BTreeMap<ExerciseId, State>) -> Option<ExerciseId> {
    manifest.exercises.iter().map(|exercise| exercise.id).find(|id| match states.get(id) {
        Some(State::Pending | State::Passed | State::TornDown) => false,
        Some(State::Open | State::Failed | State::Blocked | State::Error | State::Stale(_)) | None => true,
    })
}
