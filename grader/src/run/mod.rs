//! Runs: from the exercises that were asked for to recorded attempts.

mod one;

pub use one::OneCheck;
