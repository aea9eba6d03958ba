//! Watching: which change of a file, an image or a container can affect which check.
//!
//! [`Plan`] is pure: what each check reads, and whom a change touches. [`Files`] and [`engine`] tell
//! of changes; they judge nothing and run nothing.

pub mod engine;
mod files;
mod noise;
mod places;
mod plan;
mod poll;

pub use files::{Files, Stirred, Way};
pub use plan::{Change, Plan};
