//! What each exercise is now: its last verdict against what is there now.

use std::{collections::BTreeMap, time::Duration};

use grader_core::{ExerciseId, VerdictWord, digest::sha256};
use tokio::time::timeout;

use super::{Session, engine};
use crate::{
    progress::{ExerciseSummary, Look, ProgressError, State, SubjectNow, judged_by_another, state_of},
    workspace::{ReadError, Repository, RepositoryError, read_inside},
};

/// How long an engine may take to say what an image is now; slower, and states are as of the last look.
const ENGINE_WITHIN: Duration = Duration::from_millis(200);

/// The most that is hashed of a file, in bytes: no answer is larger.
const LARGEST: u64 = 1_000_000;

/// Says what each exercise is now. Attempts that another check has judged are judged again first, from
/// their evidence.
///
/// # Errors
/// Progress cannot be read.
pub async fn states(session: &Session) -> Result<BTreeMap<ExerciseId, State>, ProgressError> {
    let workbook = &session.course.workbook;
    let mut summaries = session.progress.summaries()?;
    judge_again(session, &mut summaries)?;
    let now = look(session, &summaries).await;
    Ok(workbook
        .manifest
        .exercises
        .iter()
        .map(|exercise| {
            let last = summaries.get(&exercise.id).map(|summary| &summary.last);
            (exercise.id, state_of(exercise.pending, last, workbook.checks.get(&exercise.id), &now))
        })
        .collect())
}

/// Judges what an older check has judged by the present one; recorded where that is possible.
fn judge_again(
    session: &Session,
    summaries: &mut BTreeMap<ExerciseId, ExerciseSummary>,
) -> Result<(), ProgressError> {
    let checks = &session.course.workbook.checks;
    let others: Vec<(ExerciseId, u64)> =
        judged_by_another(summaries, checks).iter().map(|last| (last.exercise, last.number)).collect();
    for (id, number) in others {
        let attempt = match session.progress.attempt(number) {
            Ok(attempt) => attempt,
            // One that cannot be read says nothing more than it did; the others still do.
            Err(error) => {
                tracing::warn!(error = crate::probe::chain(&error), number, "cannot be judged again");
                None
            }
        };
        let (Some(check), Some(attempt)) = (checks.get(&id), attempt) else { continue };
        let again = attempt.rejudged(check, &session.progress.held(check)?);
        match session.progress.record_rejudgement(&again) {
            Ok(()) | Err(ProgressError::NotRecorded(_)) => {}
            Err(error) => {
                tracing::warn!(error = crate::probe::chain(&error), "a new judgement is not recorded")
            }
        }
        if let Some(summary) = summaries.get_mut(&id) {
            summary.last.verdict = again.verdict.word();
            summary.last.title = again.title;
            summary.last.check_hash = again.check_hash;
        }
    }
    Ok(())
}

/// Looks at those parts alone that some passed exercise rests on.
async fn look(session: &Session, summaries: &BTreeMap<ExerciseId, ExerciseSummary>) -> SubjectNow {
    let checks = &session.course.workbook.checks;
    let passed: Vec<&ExerciseSummary> =
        summaries.values().filter(|summary| summary.last.verdict == VerdictWord::Passed).collect();
    let rests_on = |what: fn(&grader_core::workbook::Check) -> bool| {
        passed.iter().any(|summary| checks.get(&summary.last.exercise).is_some_and(what))
    };
    let app = &session.workspace.file().app;
    let image =
        if rests_on(|check| check.judges_image()) { image_now(&app.image).await } else { Look::NotNow };
    let tree = if rests_on(|check| check.judges_tree()) {
        match Repository::holding(&session.workspace.root().join(&app.path)) {
            Ok(repository) => Look::Seen(repository.tree()),
            Err(RepositoryError::None { .. } | RepositoryError::NoCommit { .. }) => Look::Seen(None),
            Err(RepositoryError::Unreadable { .. }) => Look::NotNow,
        }
    } else {
        Look::NotNow
    };
    let files = passed
        .iter()
        .flat_map(|summary| summary.last.subject.files.keys())
        .map(|path| (path.clone(), file_now(session, path)))
        .collect();
    SubjectNow { image, tree, files }
}

async fn image_now(reference: &str) -> Look<Option<String>> {
    let looked = timeout(ENGINE_WITHIN, async {
        let engine = engine::engine_for(ENGINE_WITHIN).await.ok()?;
        match engine.image(reference).await {
            Ok(facts) => Some(Some(facts.id)),
            Err(error) if error.is_not_found() => Some(None),
            Err(_) => None,
        }
    });
    match looked.await {
        Ok(Some(id)) => Look::Seen(id),
        Ok(None) | Err(_) => Look::NotNow,
    }
}

fn file_now(session: &Session, path: &str) -> Look<Option<String>> {
    match read_inside(session.workspace.root(), path, LARGEST) {
        Ok(bytes) => Look::Seen(Some(sha256(&bytes))),
        Err(ReadError::Io { .. }) => Look::NotNow,
        Err(
            ReadError::Missing { .. }
            | ReadError::Outside { .. }
            | ReadError::NotAFile { .. }
            | ReadError::TooLarge { .. },
        ) => Look::Seen(None),
    }
}
