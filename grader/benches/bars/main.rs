//! The bars of speed, measured against peers and limits side by side in one run: `./bench`.
//!
//! Each measurement is a pair, A and B taken in turn, at least eleven times; what counts is the median
//! of the pairwise ratios. Where the middle half of the ratios lies on both sides of a bar, the bar is
//! "unclear". A peer that is absent is said to be, and never replaced by a remembered number.

#![expect(clippy::print_stderr, reason = "the table is what a bench is for")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]

mod bars;
mod layers;
mod limit;
mod machine;
mod measure;
mod peers;
#[path = "../../tests/support/attempt.rs"]
mod recorded;
mod report;
mod stage;
mod statistics;

use std::path::PathBuf;

/// What the command line asks for.
struct Asked {
    only: Vec<String>,
    pairs: usize,
    write: Option<PathBuf>,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let mut asked = Asked { only: Vec::new(), pairs: 11, write: None };
    while let Some(word) = words.next() {
        match word.as_str() {
            // Children of this bench: what is measured as a whole process, and is no command of the grader.
            "--search-layers" => return layers::search(&words.next().expect("an image")),
            "--engine-limit" => {
                let image = words.next().expect("an image");
                let count = words.next().and_then(|count| count.parse().ok()).expect("a number");
                return limit::run(&image, count);
            }
            "--pairs" => asked.pairs = words.next().and_then(|n| n.parse().ok()).expect("a number"),
            "--write" => asked.write = words.next().map(PathBuf::from),
            // Of `cargo bench`.
            "--bench" => {}
            bar if bar.starts_with('P') => asked.only.push(bar.to_owned()),
            other => panic!("unknown: {other}; try: [P1 …] [--pairs N] [--write FILE]"),
        }
    }
    let stage = stage::Stage::set_up();
    let mut lines = Vec::new();
    for (id, bar) in bars::ALL {
        if asked.only.is_empty() || asked.only.iter().any(|only| only == id) {
            eprintln!("{id} …");
            let measured = bar(&stage, asked.pairs);
            measured.iter().for_each(|line| eprintln!("  {}", line.in_words()));
            lines.extend(measured.into_iter().map(|line| (id, line)));
        }
    }
    let report = report::markdown(&lines, &machine::described(), &peers::versions(&stage));
    eprintln!("\n{report}");
    if let Some(path) = asked.write {
        std::fs::write(&path, report).unwrap();
        eprintln!("written: {}", path.display());
    }
}
