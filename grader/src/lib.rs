//! The grader: workspace, probes, progress, runs and faces.
