//! What is seen while a check runs: lines that fill in on a terminal, a line now and then elsewhere.
//!
//! Start at [`RunDisplay`]. All of it goes to standard error; nothing of it is a result.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use grader_core::ExerciseId;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Look, Term, Word, clean::clean_line, layout::duration};
use crate::progress::{RunEvent, Step};

/// How often a line says that a check still runs, where nothing can be redrawn.
const EVERY: Duration = Duration::from_secs(10);

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// Shows a run as it goes. Give it every event; call [`RunDisplay::finish`] before printing results.
pub struct RunDisplay(Kind);

enum Kind {
    Live(Mutex<Live>),
    Lines(Lines),
    Silent,
}

impl RunDisplay {
    /// Starts to show a run of these exercises, with their titles; something is seen at once.
    pub fn start(term: &Arc<Term>, exercises: &[(ExerciseId, String)]) -> Self {
        Self(if term.is_quiet() {
            Kind::Silent
        } else if term.can_redraw() {
            Kind::Live(Mutex::new(Live::start(*term.look(), exercises)))
        } else {
            Kind::Lines(Lines::start(term, exercises))
        })
    }

    /// Shows what happened.
    pub fn on(&self, event: &RunEvent) {
        match &self.0 {
            Kind::Live(live) => live.lock().unwrap_or_else(PoisonError::into_inner).on(event),
            Kind::Lines(lines) => lines.on(event),
            Kind::Silent => {}
        }
    }

    /// Takes everything off the screen that was shown.
    pub fn finish(&self) {
        match &self.0 {
            Kind::Live(live) => live.lock().unwrap_or_else(PoisonError::into_inner).clear(),
            Kind::Lines(lines) => lines.stop(),
            Kind::Silent => {}
        }
    }

    /// Prints a line above what is shown.
    pub fn say(&self, term: &Term, text: &str) {
        match &self.0 {
            Kind::Live(live) => {
                let lines = live.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
                lines.suspend(|| term.say(text));
            }
            Kind::Lines(_) | Kind::Silent => term.say(text),
        }
    }
}

/// Lines that are drawn again and again.
struct Live {
    look: Look,
    lines: MultiProgress,
    checks: BTreeMap<ExerciseId, (String, ProgressBar)>,
    probes: BTreeMap<(ExerciseId, String), ProgressBar>,
    /// With several exercises each has one line; with one, each of its probes has one.
    several: bool,
}

impl Live {
    fn start(look: Look, exercises: &[(ExerciseId, String)]) -> Self {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12));
        let mut live = Self {
            look,
            lines,
            checks: BTreeMap::new(),
            probes: BTreeMap::new(),
            several: exercises.len() > 1,
        };
        for (at, (exercise, title)) in exercises.iter().enumerate() {
            let bar = live.lines.add(ProgressBar::new_spinner());
            let title = format!("{exercise}  {}", clean_line(title));
            if at == 0 {
                live.turn(&bar, "");
            } else {
                bar.set_style(style(&look, &format!("{} {{wide_msg}}", Word::Open.symbol(&look))));
            }
            bar.set_message(title.clone());
            live.checks.insert(*exercise, (title, bar));
        }
        live
    }

    fn on(&mut self, event: &RunEvent) {
        match event {
            RunEvent::CheckStarted { exercise, .. } => {
                if let Some((_, bar)) = self.checks.get(exercise) {
                    self.turn(bar, "");
                }
            }
            RunEvent::Step(step) => self.step(step),
            RunEvent::ProbeFinished { exercise, probe, took_ms } => {
                if let Some(bar) = self.probes.get(&(*exercise, probe.clone())) {
                    let mark = if self.look.unicode { "·" } else { "-" };
                    bar.set_style(style(&self.look, &format!("  {mark} {{wide_msg}}")));
                    still(bar, format!("{}  looked, {}", clean_line(probe), duration(*took_ms)));
                }
            }
            RunEvent::CheckFinished { exercise, verdict, took_ms, .. } => {
                let word = Word::from(*verdict);
                if let Some((title, bar)) = self.checks.get(exercise) {
                    bar.set_style(style(&self.look, &format!("{} {{wide_msg}}", word.symbol(&self.look))));
                    still(bar, format!("{title}  {}  {}", word.as_str(), duration(*took_ms)));
                }
            }
            RunEvent::RunStarted { .. } | RunEvent::RunFinished { .. } => {}
        }
    }

    fn step(&mut self, step: &Step) {
        let doing = format!("{}: {}", clean_line(&step.probe), clean_line(&step.doing));
        let Some((title, check)) = self.checks.get(&step.exercise) else { return };
        if self.several {
            check.set_message(format!("{title}  {doing}"));
            return;
        }
        let key = (step.exercise, step.probe.clone());
        if let Some(bar) = self.probes.get(&key) {
            bar.set_message(doing);
            return;
        }
        let bar = self.lines.add(ProgressBar::new_spinner());
        self.turn(&bar, "  ");
        bar.set_message(doing);
        self.probes.insert(key, bar);
    }

    /// Lets a line turn, with the time that it has taken.
    fn turn(&self, bar: &ProgressBar, indent: &str) {
        bar.set_style(style(&self.look, &format!("{indent}{{spinner}} {{wide_msg}} {{took}}")));
        bar.reset_elapsed();
        bar.enable_steady_tick(TICK);
    }

    fn clear(&mut self) {
        let bars = self.checks.values().map(|(_, bar)| bar).chain(self.probes.values());
        bars.for_each(ProgressBar::finish_and_clear);
        // What cannot be cleared (a terminal that went away) is not there to be seen either.
        let _cleared = self.lines.clear();
    }
}

/// Lets a line stand still. It is not finished: what is finished would stay on the screen.
fn still(bar: &ProgressBar, message: String) {
    bar.disable_steady_tick();
    bar.set_message(message);
}

fn style(look: &Look, template: &str) -> ProgressStyle {
    let turning = if look.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "|/-\\ " };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("took", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            // A formatter of a line in memory cannot fail.
            let _written = write!(text, "{} s", state.elapsed().as_secs());
        })
        .tick_chars(turning)
}

/// A line at the beginning, for each verdict, and every ten seconds.
struct Lines {
    term: Arc<Term>,
    several: bool,
    doing: Arc<Mutex<BTreeMap<ExerciseId, String>>>,
    ticker: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

impl Lines {
    fn start(term: &Arc<Term>, exercises: &[(ExerciseId, String)]) -> Self {
        let ids: Vec<String> = exercises.iter().map(|(id, _)| id.to_string()).collect();
        term.say(&format!("checking {}\n", ids.join(", ")));
        let doing = Arc::new(Mutex::new(BTreeMap::new()));
        let (stop, stopped) = mpsc::channel();
        let ticker = std::thread::spawn({
            let (term, doing) = (Arc::clone(term), Arc::clone(&doing));
            move || still_running(&term, &doing, &stopped)
        });
        Self {
            term: Arc::clone(term),
            several: exercises.len() > 1,
            doing,
            ticker: Mutex::new(Some((stop, ticker))),
        }
    }

    fn on(&self, event: &RunEvent) {
        match event {
            RunEvent::Step(step) => {
                let text =
                    format!("{} {}: {}", step.exercise, clean_line(&step.probe), clean_line(&step.doing));
                self.doing.lock().unwrap_or_else(PoisonError::into_inner).insert(step.exercise, text);
            }
            RunEvent::CheckFinished { exercise, verdict, took_ms, .. } => {
                self.doing.lock().unwrap_or_else(PoisonError::into_inner).remove(exercise);
                if self.several {
                    self.term.say(&format!("{exercise}: {}, {}\n", verdict.as_str(), duration(*took_ms)));
                }
            }
            RunEvent::CheckStarted { .. }
            | RunEvent::ProbeFinished { .. }
            | RunEvent::RunStarted { .. }
            | RunEvent::RunFinished { .. } => {}
        }
    }

    fn stop(&self) {
        let ticker = self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = ticker {
            drop(stop);
            // A ticker that panicked has told so itself; the run's result matters more.
            let _ended = thread.join();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.stop();
    }
}

fn still_running(term: &Term, doing: &Mutex<BTreeMap<ExerciseId, String>>, stopped: &mpsc::Receiver<()>) {
    let began = Instant::now();
    while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(EVERY) {
        let doing = doing.lock().unwrap_or_else(PoisonError::into_inner);
        let doing = doing.values().cloned().collect::<Vec<_>>().join("; ");
        let after = if doing.is_empty() { String::new() } else { format!(": {doing}") };
        term.say(&format!("still running, {} s{after}\n", began.elapsed().as_secs()));
    }
}
