//! What has come together since the last run, until it is quiet.

use std::{path::Path, time::Duration};

use grader_core::ExerciseId;
use tokio::time::{Instant, sleep_until};

use crate::watch::{Change, Stirred, engine::Noticed};

/// How long nothing may stir before it counts as quiet: an editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// The longest that is waited for quiet: something may write all the time.
const LONGEST: Duration = Duration::from_secs(10);

/// What has come together.
#[derive(Debug, Default)]
pub(super) struct Pending {
    batch: Batch,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// What came together until it was quiet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What stirred in the file system.
    pub stirred: Vec<Stirred>,
    /// Names of images that stand for another one now.
    pub images: Vec<String>,
    /// Containers, by id, name and image.
    pub containers: Vec<(String, String, String)>,
    /// What a person asked for again.
    pub again: Vec<ExerciseId>,
    /// What is to be said.
    pub said: Vec<String>,
}

impl Pending {
    pub(super) fn stirred(&mut self, it: Stirred) {
        // One file written bit by bit stirs thousands of times.
        if self.batch.stirred.last() != Some(&it) {
            self.batch.stirred.push(it);
        }
        self.touch();
    }

    pub(super) fn noticed(&mut self, it: Noticed) {
        match it {
            Noticed::Image(name) => self.batch.images.push(name),
            Noticed::Container { id, name, image } => self.batch.containers.push((id, name, image)),
            Noticed::Away(why) => self.batch.said.push(format!(
                "no engine is there: {why}; images and containers are watched again once one is"
            )),
            Noticed::Back => self.batch.said.push("the engine is there; it is watched".into()),
            Noticed::Silent(why) => self.batch.said.push(format!(
                "the engine tells of no events: {why}; images are looked up every 2 s, containers are not watched"
            )),
        }
        self.touch();
    }

    pub(super) fn again(&mut self, ids: &[ExerciseId]) {
        self.batch.again = ids.to_vec();
        self.touch();
    }

    fn touch(&mut self) {
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// Waits until it is quiet; for ever where nothing has come together.
    pub(super) async fn quiet(&self) {
        match (self.first, self.last) {
            (Some(first), Some(last)) => sleep_until((last + QUIET).min(first + LONGEST)).await,
            _ => std::future::pending().await,
        }
    }

    /// Takes what has come together.
    pub(super) fn take(&mut self) -> Batch {
        (self.first, self.last) = (None, None);
        std::mem::take(&mut self.batch)
    }
}

/// Whether a change is one of this file, or of so much that it may be.
pub(super) fn touches(change: &Change, file: &Path) -> bool {
    match change {
        Change::Path(path) => file.starts_with(path),
        Change::Everything => true,
        Change::Commit | Change::Image(_) | Change::Container { .. } => false,
    }
}
