//! The core's specification: what must hold of evidence, workbook, judge and card.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod card;
mod course;
mod evidence;
mod hostile;
mod judge;
mod lint;
mod names;
mod readme;
mod scan;
mod schemas;
mod since;
mod support;
mod words;
