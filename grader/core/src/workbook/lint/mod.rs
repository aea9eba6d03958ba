//! Proves that a whole workbook hangs together. Every fault at once, each with its place.
//!
//! Reading alone finds what cannot be used (unknown keys, rules that are no CEL, paths that no probe
//! declares). The lint finds what can be used but is not what an author can have meant.

mod course;
mod messages;
mod recorded;

use super::{Diagnostic, Files, worked_out::Reading};

pub use recorded::{Recorded, recorded_evidence};

/// Finds every fault of a workbook, in order of files and lines.
pub fn lint(files: &Files) -> Vec<Diagnostic> {
    let mut reading = Reading::of(files);
    let mut faults = std::mem::take(&mut reading.faults);
    faults.extend(course::lint(&reading, files));
    for (check, source) in reading.checks.values() {
        faults.extend(messages::lint(check, source));
        faults.extend(recorded::lint(check, source, files));
    }
    faults.sort_by(|a, b| (&a.path, a.range.start, &a.message).cmp(&(&b.path, b.range.start, &b.message)));
    faults
}
