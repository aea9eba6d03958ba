//! The grader: workspace, probes, progress, runs and faces.
//!
//! Arrows point to the plain core: `probe` never to `judge`, nothing to `cli`; a test holds them.

pub mod probe;
pub mod progress;
pub mod run;
pub mod workspace;
