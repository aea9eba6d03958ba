//! Runs: from the exercises that were asked for to recorded attempts.
//!
//! Start at [`check`]. A run has one engine connection, one limit on engine work, one scope that
//! removes whatever was made, and one stream of events, stored and shown alike.

mod check;
mod engine;
mod limits;
mod one;
pub mod plan;
mod states;

pub use check::{RunError, RunReport, check};
pub use engine::{close_question, engine_at, engine_for};
pub use one::OneCheck;
pub use states::states;

use crate::{course::Course, progress::Progress, workspace::Workspace};

/// What a run works with: the learner's folder, the workbook, and the progress so far.
#[derive(Debug)]
pub struct Session {
    /// The learner's folder.
    pub workspace: Workspace,
    /// The workbook.
    pub course: Course,
    /// The progress so far.
    pub progress: Progress,
}
