//! Progress: the attempts of a workspace, the events of its runs, and what follows from them.
//!
//! One SQLite file, `.grader/progress.db`, is the truth about it. Killing any process at any
//! instant loses no recorded attempt. Start at [`Progress`]: recording in `attempts.rs`, runs and
//! their events in `runs.rs` and `events.rs`, what an exercise is now in `states.rs`, which is pure.

mod attempts;
mod database;
mod error;
mod event;
mod events;
mod folder;
mod form;
mod hints;
mod ledger;
mod rejudgements;
mod retention;
mod runs;
mod schema;
mod states;
mod store;
mod summary;
#[cfg(test)]
mod tests;

pub use error::{NotRecorded, ProgressError};
pub use event::{RunEvent, Step};
pub use ledger::{LeftOver, RunLedger};
pub use rejudgements::judged_by_another;
pub use retention::LAST_KEPT;
pub use runs::{RUNS_KEPT, Run, Running};
pub use states::{Change, Look, Part, State, SubjectNow, not_looked_at, state_of};
pub use store::Progress;
pub use summary::{AttemptSummary, ExerciseSummary};
