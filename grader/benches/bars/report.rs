//! The table.

use std::fmt::Write;

use super::statistics::Spread;

/// One figure against its bar.
pub struct Line {
    /// What was measured, against what.
    pub what: String,
    /// What came out, with its unit; `None` where it could not be measured, and why.
    pub figure: Result<Figure, String>,
}

/// A measured figure.
pub struct Figure {
    /// The middle and its neighbourhood.
    pub spread: Spread,
    /// `×` for a ratio, else a unit.
    pub unit: &'static str,
    /// The most that it may be; `None` for what is told beside it.
    pub bar: Option<f64>,
}

impl Line {
    /// A figure with a bar.
    pub fn of(what: impl Into<String>, numbers: Vec<f64>, unit: &'static str, bar: f64) -> Self {
        let figure = Figure { spread: Spread::of(numbers), unit, bar: Some(bar) };
        Self { what: what.into(), figure: Ok(figure) }
    }

    /// A figure that is told beside others, without a bar.
    pub fn told(what: impl Into<String>, numbers: Vec<f64>, unit: &'static str) -> Self {
        Self { what: what.into(), figure: Ok(Figure { spread: Spread::of(numbers), unit, bar: None }) }
    }

    /// A figure that could not be measured.
    pub fn skipped(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), figure: Err(why.into()) }
    }

    /// In one line.
    pub fn in_words(&self) -> String {
        let cells = self.cells();
        format!("{}: {} (bar {}): {}", self.what, cells[0], cells[1], cells[2])
    }

    fn cells(&self) -> [String; 3] {
        match &self.figure {
            Err(why) => ["–".into(), "–".into(), format!("skipped: {why}")],
            Ok(Figure { spread, unit, bar }) => {
                let shown = |number: f64| match number.abs() {
                    size if size >= 100.0 => format!("{number:.0}"),
                    size if size >= 10.0 => format!("{number:.1}"),
                    size if size >= 0.1 => format!("{number:.2}"),
                    _ => format!("{number:.4}"),
                };
                let figure =
                    format!("{} {unit} ({}–{})", shown(spread.median), shown(spread.low), shown(spread.high));
                let bar_words = bar.map_or_else(|| "–".to_owned(), |bar| format!("≤ {} {unit}", shown(bar)));
                let finding = bar.map_or("", |bar| spread.against(bar).word());
                [figure, bar_words, finding.to_owned()]
            }
        }
    }
}

/// The whole report.
pub fn markdown(lines: &[(&str, Line)], machine: &[String], versions: &[String]) -> String {
    let mut text = String::from(
        "# Benchmarks\n\nWritten by `./bench`. Each figure is the median of pairs taken in turn in one run, \
         with the middle half of them in brackets; a middle half on both sides of a bar is \"unclear\".\n\n",
    );
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let _ = writeln!(text, "Measured on {day}.\n");
    for fact in machine.iter().chain(versions) {
        let _ = writeln!(text, "- {fact}");
    }
    text.push_str("\n| bar | what | measured | must be | |\n|---|---|---|---|---|\n");
    for (id, line) in lines {
        let [figure, bar, finding] = line.cells();
        let _ = writeln!(text, "| {id} | {} | {figure} | {bar} | {finding} |", line.what);
    }
    text.push_str(include_str!("profiles.md"));
    text
}
