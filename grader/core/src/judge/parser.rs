//! The thread on which rules are parsed.
//!
//! The parser of CEL bounds how deep it goes, but what it needs for that is more stack than a thread
//! commonly has. And it learns its grammar anew on each thread, which takes longer than most rules. So
//! there is one thread for it, with stack enough, from the first rule on.

use std::{
    panic::catch_unwind,
    sync::{
        LazyLock, Mutex,
        mpsc::{Sender, channel},
    },
    thread,
};

use super::{Rule, RuleError, rule::Compiled};

/// What the parser needs for its deepest expression, twice over.
const STACK_BYTES: usize = 64 << 20;

type Answer = Result<Compiled, RuleError>;
type Job = (String, Sender<Answer>);

static PARSER: LazyLock<Option<Mutex<Sender<Job>>>> = LazyLock::new(|| {
    let (jobs, waiting) = channel::<Job>();
    let work = move || {
        for (source, answer) in waiting {
            let parsed = catch_unwind(|| Rule::parse(&source)).unwrap_or_else(|_| broke());
            // Nobody waits any more: nothing is lost.
            let _ = answer.send(parsed);
        }
    };
    let thread = thread::Builder::new().name("rules".into()).stack_size(STACK_BYTES);
    thread.spawn(work).ok().map(|_| Mutex::new(jobs))
});

/// Parses an expression on the parser's thread.
pub(super) fn parse(source: &str) -> Answer {
    let (answer, parsed) = channel();
    let sent = PARSER.as_ref().and_then(|jobs| jobs.lock().ok()?.send((source.to_owned(), answer)).ok());
    sent.and_then(|()| parsed.recv().ok()).unwrap_or_else(broke)
}

fn broke() -> Answer {
    Err(RuleError::Syntax { message: "the parser broke on this expression".into(), at: 0 })
}
