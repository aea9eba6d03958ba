//! One file a bar, as `bars` of the project's directions number them.

mod p1;
mod p12;
mod p13;
mod p2;
mod p3;
mod p4;

use super::{report::Line, stage::Stage};

/// A bar: measured on a stage, with so many pairs.
pub type Bar = fn(&Stage, usize) -> Vec<Line>;

/// All of them, in the order of the table.
pub const ALL: [(&str, Bar); 6] = [
    ("P1", p1::measure),
    ("P2", p2::measure),
    ("P3", p3::measure),
    ("P4", p4::measure),
    ("P12", p12::measure),
    ("P13", p13::measure),
];

/// The ratios of two measurements of each pair.
fn ratios<A, B>(pairs: &[(A, B)], a: impl Fn(&A) -> f64, b: impl Fn(&B) -> f64) -> Vec<f64> {
    pairs.iter().map(|pair| a(&pair.0) / b(&pair.1)).collect()
}
