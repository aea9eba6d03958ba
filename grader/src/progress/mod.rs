//! Progress: the attempts of a workspace, the events of its runs, and what follows from them.

mod event;

pub use event::{RunEvent, Step};
