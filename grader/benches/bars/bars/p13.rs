//! P13: an attempt recorded durably, and recorded evidence judged.

use std::{fs, path::Path, time::Instant};

use grader::progress::Progress;
use grader_core::{
    judge::{Held, judge},
    workbook::{Files, Workbook, lint::Recorded},
};

use super::{Line, Stage};
use crate::{stage::attempt, statistics::Spread};

pub(super) fn measure(stage: &Stage, count: usize) -> Vec<Line> {
    let root = stage.folder.path().join("p13");
    fs::create_dir(&root).unwrap();
    let progress = Progress::open(&root).unwrap();
    let times: Vec<f64> = (0..1000)
        .map(|at| {
            let attempt = attempt(at);
            let begun = Instant::now();
            progress.record(&attempt).unwrap();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let (workbook, evidence) = recorded();
    let held = Held::new();
    let judged: Vec<f64> = (0..count * 10)
        .map(|_| {
            let begun = Instant::now();
            for recorded in &evidence {
                std::hint::black_box(judge(&workbook.checks[&recorded.exercise], &recorded.evidence, &held));
            }
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    vec![
        Line::of("an attempt recorded durably: median", times.clone(), "ms", 1.0),
        Line::of(
            "the same: the slowest but one in a hundred",
            vec![Spread::percentile(times, 0.99)],
            "ms",
            10.0,
        ),
        Line::of(format!("evidence of {} checks judged", evidence.len()), judged, "ms", 1.0),
    ]
}

/// The workbook of this repository, and one good submission's evidence for each of its checks.
fn recorded() -> (Workbook, Vec<Recorded>) {
    let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../checks");
    let mut files = Files::default();
    for entry in fs::read_dir(&checks).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().unwrap().to_string_lossy();
            files.insert(format!("checks/{name}"), fs::read(&path).unwrap());
        }
    }
    let workbook = Workbook::read(&files).unwrap();
    let evidence = workbook.checks.keys().map(|id| {
        let specimens = fs::read_dir(checks.join("specimens").join(id.to_string())).unwrap();
        let mut good: Vec<_> = specimens
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("good"))
            .collect();
        good.sort();
        let path = good.first().unwrap_or_else(|| panic!("{id} has no good specimen")).join("evidence.json");
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    });
    let evidence = evidence.collect();
    (workbook, evidence)
}
