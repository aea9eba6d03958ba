//! Evidence, workbook, judge and card: the pure heart of the grader.
//!
//! Nothing here does I/O, reads a clock or is async: what a probe saw comes in as [`evidence`],
//! what a check demands as [`workbook`], and [`judge::judge`] says how the two agree. So a verdict
//! can be explained, disputed and judged again years later, offline.

#![warn(unreachable_pub)]

pub mod attempt;
pub mod bundle;
pub mod card;
pub mod digest;
pub mod document;
pub mod evidence;
pub mod exercise_id;
pub mod judge;
pub mod since;
pub mod span;
pub mod verdict;
pub mod workbook;
pub mod workspace_file;

pub use attempt::Attempt;
pub use exercise_id::ExerciseId;
pub use verdict::{Fault, Missing, Verdict, VerdictWord};
