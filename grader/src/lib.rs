//! The grader: workspace, probes, progress, runs and faces.
//!
//! Arrows point to the plain core: `probe` never to `judge`, nothing to `cli`; a test holds them.

#![warn(unreachable_pub)]

pub mod cli;
pub mod course;
pub mod doctor;
pub mod probe;
pub mod program;
pub mod progress;
pub mod run;
pub mod term;
pub mod watch;
pub mod workspace;
