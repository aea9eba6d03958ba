//! Faults and lives: what a learner sees, and what is left behind, when the engine, the container, the disk
//! or the grader itself goes wrong. The real program on the real engine; each test's name is the promise.
//!
//! Faults in the engine are made by a proxy (`support/proxy.rs`), hostile containers by one small program
//! (`support/guest.c`). No test stops the engine, and each looks only for what its own workspace has made.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test without its set-up must fail")]

mod absent;
mod answers;
mod begin;
mod build;
mod compose;
mod cut;
mod endpoints;
mod guests;
mod places;
mod secrets;
mod signals;
mod support;
mod trivy;
mod untouched;
mod users;
mod watch;
