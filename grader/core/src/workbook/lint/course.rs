//! The course as a whole: exercises and their checks, order, starting files.

use std::collections::BTreeSet;

use crate::{
    ExerciseId,
    workbook::{
        Check, Diagnostic, Files, Manifest, ProbeSpec, SourceFile, Use, places::Places, worked_out::Reading,
    },
};

pub(super) fn lint(reading: &Reading, files: &Files) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    if let Some((manifest, source)) = &reading.manifest {
        faults.extend(exercises(manifest, source, reading, files));
        faults.extend(starts(manifest, source, files));
    }
    for (id, (check, source)) in &reading.checks {
        faults.extend(uses(check, source));
        if let Some((manifest, _)) = &reading.manifest {
            faults.extend(order(*id, check, source, manifest, reading));
        }
    }
    faults
}

fn exercises(manifest: &Manifest, source: &SourceFile, reading: &Reading, files: &Files) -> Vec<Diagnostic> {
    let places = Places::of(source);
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (at, chapter) in manifest.chapters.iter().enumerate() {
        if !seen.insert(chapter.number) {
            let place = places.value(&format!("chapter/{at}/number"));
            faults.push(Diagnostic::error(
                source,
                place,
                format!("chapter {} is there twice", chapter.number),
            ));
        }
    }
    let mut seen = BTreeSet::new();
    for (at, exercise) in manifest.exercises.iter().enumerate() {
        let place = places.value(&format!("exercise/{at}/id"));
        let id = exercise.id;
        let has_check = files.get(&format!("checks/{id}.toml")).is_some();
        if !seen.insert(id) {
            faults.push(Diagnostic::error(source, place.clone(), format!("exercise {id} is there twice")));
        }
        if !manifest.chapters.iter().any(|chapter| chapter.number == id.chapter) {
            faults.push(Diagnostic::error(
                source,
                place.clone(),
                format!("there is no chapter {}", id.chapter),
            ));
        }
        match (has_check, exercise.pending) {
            (false, false) => faults.push(
                Diagnostic::error(source, place, format!("exercise {id} has no check"))
                    .suggest(format!("write checks/{id}.toml, or set `pending = true`")),
            ),
            (true, true) => faults.push(
                Diagnostic::error(source, place, format!("exercise {id} is pending, but has a check"))
                    .suggest("take `pending` away"),
            ),
            (true, false) | (false, true) => {}
        }
    }
    for (id, (_, check_source)) in &reading.checks {
        if manifest.exercise(*id).is_none() {
            faults.push(
                Diagnostic::error(check_source, 0..0, format!("there is no exercise {id}"))
                    .suggest(format!("add it to {}", source.path)),
            );
        }
    }
    faults
}

/// What `init` and `reset` lay out must be there.
fn starts(manifest: &Manifest, source: &SourceFile, files: &Files) -> Vec<Diagnostic> {
    let places = Places::of(source);
    let mut faults = Vec::new();
    let mut laid_out = BTreeSet::new();
    for (at, chapter) in manifest.chapters.iter().enumerate() {
        if let Some(start) = &chapter.start {
            let folder = format!("exercises/{start}");
            let mut any = false;
            for (path, _) in files.below(&folder) {
                any = true;
                if !laid_out.insert(path.to_owned()) {
                    let place = places.value(&format!("chapter/{at}/start"));
                    let message = format!("`{path}` is laid out by an earlier chapter as well");
                    faults.push(Diagnostic::error(source, place, message));
                }
            }
            if !any {
                let place = places.value(&format!("chapter/{at}/start"));
                faults.push(Diagnostic::error(source, place, format!("there is nothing in {folder}/")));
            }
        }
    }
    for (at, exercise) in manifest.exercises.iter().enumerate() {
        for (nth, file) in exercise.files.iter().enumerate() {
            let there = laid_out.iter().any(|path| {
                path == file || path.strip_prefix(file.as_str()).is_some_and(|rest| rest.starts_with('/'))
            });
            if !there {
                let place = places.value(&format!("exercise/{at}/files/{nth}"));
                let fault = Diagnostic::error(source, place, format!("no chapter's start holds `{file}`"));
                faults.push(fault.suggest_nearest(file, laid_out.iter().map(String::as_str)));
            }
        }
    }
    faults
}

/// A check that needs something must say so, else what is absent is an error and not blocked.
fn uses(check: &Check, source: &SourceFile) -> Vec<Diagnostic> {
    let places = Places::of(source);
    let mut faults = Vec::new();
    for (at, probe) in check.probes.iter().enumerate() {
        for (needed, word) in needed_by(&probe.spec) {
            if check.uses.contains(needed) {
                continue;
            }
            let place = places.value(&format!("probe/{at}/kind"));
            let message =
                format!("a probe of kind `{}` needs `{word}` in `uses`", probe.spec.kind().as_str());
            faults.push(Diagnostic::error(source, place, message));
        }
    }
    faults
}

/// What a probe uses, with the word in a check file.
fn needed_by(spec: &ProbeSpec) -> &'static [(Use, &'static str)] {
    match spec {
        ProbeSpec::Image(_)
        | ProbeSpec::Container(_)
        | ProbeSpec::Endpoint(_)
        | ProbeSpec::Health(_)
        | ProbeSpec::Containers(_)
        | ProbeSpec::Running(_) => &[(Use::Engine, "engine")],
        ProbeSpec::Git(_) => &[(Use::Git, "git")],
        ProbeSpec::Answers(_) | ProbeSpec::Prose(_) => &[],
        ProbeSpec::Build(_) => &[(Use::Engine, "engine"), (Use::Buildx, "buildx")],
        ProbeSpec::Compose(_) => &[(Use::Engine, "engine"), (Use::Compose, "compose")],
        ProbeSpec::Vulnerabilities(_) => &[(Use::Engine, "engine"), (Use::Trivy, "trivy")],
    }
}

fn order(
    id: ExerciseId,
    check: &Check,
    source: &SourceFile,
    manifest: &Manifest,
    reading: &Reading,
) -> Vec<Diagnostic> {
    let places = Places::of(source);
    let mut faults = Vec::new();
    for (at, needed) in check.needs.iter().enumerate() {
        let place = places.value(&format!("needs/{at}"));
        if manifest.exercise(*needed).is_none() {
            faults.push(Diagnostic::error(source, place, format!("there is no exercise {needed}")));
        } else if let Some(circle) = circle_through(id, *needed, reading) {
            let circle = circle.iter().map(ToString::to_string).collect::<Vec<_>>().join(" needs ");
            faults.push(Diagnostic::error(source, place, format!("a circle: {circle}")));
        }
    }
    faults
}

/// The way from `id` by `first` back to `id`, if there is one.
fn circle_through(id: ExerciseId, first: ExerciseId, reading: &Reading) -> Option<Vec<ExerciseId>> {
    let mut ways = vec![vec![id, first]];
    let mut visited = BTreeSet::new();
    while let Some(way) = ways.pop() {
        let last = *way.last()?;
        if last == id {
            return Some(way);
        }
        if visited.insert(last)
            && let Some((check, _)) = reading.checks.get(&last)
        {
            ways.extend(check.needs.iter().map(|next| [way.as_slice(), &[*next]].concat()));
        }
    }
    None
}
