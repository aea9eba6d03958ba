//! What the tests share: a workspace with a workbook of its own, the real program, the real engine, and a
//! proxy before it that fails on command.

pub(crate) mod bench;
pub(crate) mod course;
pub(crate) mod engine;
#[path = "../../support/mount.rs"]
pub(crate) mod mount;
pub(crate) mod proxy;

pub(crate) use bench::{Bench, Ended};
pub(crate) use course::{Course, SERVES, container};
pub(crate) use mount::Mount;
pub(crate) use proxy::{Act, Proxy};
