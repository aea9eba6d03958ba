//! Answers over time, kept as runs of like ones, so that ten seconds or ten minutes weigh the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answers of an HTTP endpoint over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Path that was asked for.
    pub path: String,
    /// Milliseconds from the container's start to the first answer of 200; `null` if none came.
    pub first_ok_ms: Option<u64>,
    /// Milliseconds from the first answer of 200 to the last look.
    pub held_ms: Option<u64>,
    /// Milliseconds that were asked for after the first answer of 200.
    pub asked_ms: u64,
    /// Looks after (and with) the first answer of 200.
    pub looks: u64,
    /// Of those, answers other than 200, and looks without an answer.
    pub not_ok: u64,
    /// Runs of like answers, in order of time, from the first look on; at most 200.
    pub runs: Vec<AnswerRun>,
    /// Whether runs beyond 200 were left out.
    pub cut: bool,
}

/// A run of like answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerRun {
    /// HTTP status; `null` where no answer came.
    pub status: Option<u16>,
    /// Why no answer came.
    pub error: Option<String>,
    /// How many.
    pub count: u64,
    /// Milliseconds from the container's start to the first of the run.
    pub from_ms: u64,
    /// Milliseconds from the container's start to the last of the run.
    pub to_ms: u64,
    /// The slowest answer of the run, in milliseconds.
    pub slowest_ms: u64,
}

/// Builds a [`Series`] look by look.
#[derive(Debug)]
pub struct SeriesBuilder(Series);

impl SeriesBuilder {
    const MOST_RUNS: usize = 200;

    /// Begins a series for `path`, to hold `asked_ms` after the first 200.
    pub fn new(path: &str, asked_ms: u64) -> Self {
        Self(Series { path: path.to_owned(), asked_ms, ..Series::default() })
    }

    /// Adds one look at `at_ms` after the container's start: a status, or why there was none.
    pub fn look(&mut self, at_ms: u64, took_ms: u64, answer: Result<u16, String>) {
        let series = &mut self.0;
        let (status, error) = match answer {
            Ok(status) => (Some(status), None),
            Err(error) => (None, Some(error)),
        };
        if status == Some(200) && series.first_ok_ms.is_none() {
            series.first_ok_ms = Some(at_ms);
        }
        if let Some(first) = series.first_ok_ms {
            series.looks += 1;
            series.held_ms = Some(at_ms.saturating_sub(first));
            series.not_ok += u64::from(status != Some(200));
        }
        let full = series.runs.len() >= Self::MOST_RUNS;
        match series.runs.last_mut() {
            Some(run) if run.status == status && run.error == error => {
                run.count += 1;
                run.to_ms = at_ms;
                run.slowest_ms = run.slowest_ms.max(took_ms);
            }
            _ if full => series.cut = true,
            _ => series.runs.push(AnswerRun {
                status,
                error,
                count: 1,
                from_ms: at_ms,
                to_ms: at_ms,
                slowest_ms: took_ms,
            }),
        }
    }

    /// Milliseconds from the container's start to the first 200, if one came.
    pub fn first_ok_ms(&self) -> Option<u64> {
        self.0.first_ok_ms
    }

    /// Ends the series.
    pub fn finish(self) -> Series {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_answers_become_one_run_and_each_unlike_one_stays() {
        let mut series = SeriesBuilder::new("/", 1000);
        series.look(0, 1, Err("connection refused".into()));
        for at in 1..=50 {
            series.look(at * 20, at, Ok(200));
        }
        series.look(1020, 3, Ok(500));
        series.look(1040, 2, Ok(200));
        let series = series.finish();
        assert_eq!(series.runs.len(), 4);
        assert_eq!((series.first_ok_ms, series.held_ms), (Some(20), Some(1020)));
        assert_eq!((series.looks, series.not_ok), (52, 1));
        assert_eq!((series.runs[1].count, series.runs[1].slowest_ms), (50, 50));
    }
}
