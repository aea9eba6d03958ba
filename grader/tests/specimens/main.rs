//! Every specimen on the real engine: what a check must pass, and what it must fail, and on which assertion.
//!
//! Prints the matrix check × specimen × assertion. A false pass, a false failure, a failure on another
//! assertion than the specimen's own, and an assertion that no specimen needs, each fail the test. With
//! `GRADER_RECORD=1` the evidence of this run is written beside each specimen, and by nothing else.

mod lay_out;
mod matrix;
mod record;
mod specimen;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use grader::{
    course::Origin,
    probe::{self, EngineAccess, Images},
    run::OneCheck,
    workspace::Workspace,
};
use grader_core::{
    Attempt,
    judge::Held,
    workbook::{Check, Files, Workbook},
};
use grader_engine::{Endpoint, Engine, Labels, NoLedger, RunScope};
use libtest_mimic::{Arguments, Failed, Trial};
use specimen::Specimen;
use tokio::sync::Semaphore;

/// How many specimens run at once: their looks are many a second, and two cores must keep up.
const AT_ONCE: usize = 3;

#[expect(clippy::print_stderr, reason = "the matrix is what this test is for")]
fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let workbook = Workbook::read(&check_files(&root)).expect("the workbook holds together");
    let specimens = specimen::all(&root.join("checks/specimens")).expect("every expect.toml can be read");
    let wanted: Vec<Specimen> =
        specimens.into_iter().filter(|specimen| is_wanted(&arguments, specimen)).collect();
    if arguments.list {
        let trials = wanted.iter().map(|s| Trial::test(s.name(), || Ok(()))).collect();
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    let whole = arguments.filter.is_none() && arguments.skip.is_empty();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let attempts = runtime.block_on(run_all(&root, &Arc::new(workbook), wanted));
    let workbook = Workbook::read(&check_files(&root)).expect("the workbook holds together");
    let mut trials: Vec<Trial> = attempts
        .iter()
        .map(|(specimen, attempt)| {
            let outcome = judged(&root, specimen, attempt, &workbook);
            Trial::test(specimen.name(), move || outcome.map_err(Failed::from))
        })
        .collect();
    let good: Vec<(Specimen, Attempt)> = attempts
        .into_iter()
        .filter_map(|(specimen, attempt)| attempt.ok().map(|attempt| (specimen, attempt)))
        .collect();
    eprintln!("{}", matrix::drawn(&good, &workbook));
    if whole {
        let unneeded = matrix::unneeded(&good, &workbook);
        trials.push(Trial::test("every_assertion_has_a_specimen_that_it_alone_catches", move || {
            if unneeded.is_empty() { Ok(()) } else { Err(Failed::from(unneeded.join("\n"))) }
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn is_wanted(arguments: &Arguments, specimen: &Specimen) -> bool {
    let name = specimen.name();
    let matches =
        |filter: &String| if arguments.exact { name == *filter } else { name.contains(filter.as_str()) };
    arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
}

/// The checks and the manifest, as `grader --workbook` would read them; starts are not needed here.
fn check_files(root: &Path) -> Files {
    let mut files = Files::default();
    for entry in std::fs::read_dir(root.join("checks")).expect("checks/ is there") {
        let path = entry.expect("checks/ can be listed").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().expect("a name").to_string_lossy();
            files.insert(format!("checks/{name}"), std::fs::read(&path).expect("a check can be read"));
        }
    }
    files
}

async fn run_all(
    root: &Path,
    workbook: &Arc<Workbook>,
    specimens: Vec<Specimen>,
) -> Vec<(Specimen, Result<Attempt, String>)> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let endpoint = Endpoint::resolve(&|name| std::env::var(name).ok(), &home).expect("an endpoint");
    let engine =
        Engine::connect(&endpoint, Duration::from_secs(5)).await.expect("an engine answers: ./setup");
    let bases = lay_out::Bases::build(root).await.expect("the sample app and the start can be built");
    let (bases, limit) = (Arc::new(bases), Arc::new(Semaphore::new(AT_ONCE)));
    // The start is the image before of many: its archive is read once.
    let images = Arc::new(Images::default());
    let texts = Arc::new(Origin::Folder(root.to_owned()).files().expect("the workbook can be read"));
    let tasks: Vec<_> = specimens
        .into_iter()
        .map(|specimen| {
            let (engine, bases, limit, workbook) =
                (engine.clone(), bases.clone(), limit.clone(), workbook.clone());
            let (images, texts) = (images.clone(), texts.clone());
            tokio::spawn(async move {
                let _permit = limit.acquire_owned().await;
                let attempt = run_one(&specimen, &bases, &engine, &workbook, &images, &texts).await;
                (specimen, attempt)
            })
        })
        .collect();
    let mut attempts = Vec::new();
    for task in tasks {
        attempts.push(task.await.expect("a specimen's task does not panic"));
    }
    attempts
}

async fn run_one(
    specimen: &Specimen,
    bases: &lay_out::Bases,
    engine: &Engine,
    workbook: &Workbook,
    images: &Images,
    texts: &Files,
) -> Result<Attempt, String> {
    let adapted = adapted(specimen, texts)?;
    let workbook = adapted.as_ref().unwrap_or(workbook);
    let check = workbook.checks.get(&specimen.exercise).ok_or("there is no such check")?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let laid_out = lay_out::submission(specimen, bases, folder.path(), engine).await;
    let attempt = match laid_out {
        Ok(()) => attempted(specimen, folder.path(), engine, check, images, texts).await,
        Err(error) => Err(error),
    };
    // What a hook has started is removed however the attempt went.
    lay_out::hook(specimen, "after-check", folder.path()).await?;
    attempt
}

/// The workbook with the specimen's own names in its check, if it has any.
fn adapted(specimen: &Specimen, files: &Files) -> Result<Option<Workbook>, String> {
    if specimen.expect.probes.is_empty() {
        return Ok(None);
    }
    let path = format!("checks/{}.toml", specimen.exercise);
    let text = files.get(&path).ok_or("there is no such check")?;
    let text = specimen.adapted(&String::from_utf8_lossy(text))?;
    let mut files = files.clone();
    files.insert(path, text.into_bytes());
    Workbook::read(&files).map(Some).map_err(|faults| format!("{}: {faults:?}", specimen.name()))
}

/// Lets the check judge what was laid out; a second time after `answer-question`, if the specimen has it.
async fn attempted(
    specimen: &Specimen,
    folder: &Path,
    engine: &Engine,
    check: &Check,
    images: &Images,
    texts: &Files,
) -> Result<Attempt, String> {
    let workspace = Workspace::open(folder).map_err(|error| format!("{error:?}"))?;
    // Each is a workspace of its own, so that each has a question of its own.
    let labels = Labels { workspace: specimen.tag(), run: specimen.tag() };
    let scope = RunScope::new(engine.clone(), labels, Arc::new(NoLedger));
    let one = OneCheck {
        check,
        workspace: &workspace,
        engine: Ok(EngineAccess::new(scope.clone())),
        images,
        texts,
        held: Held::new(),
        watcher: &|_| {},
    };
    let mut attempt = one.attempt().await;
    if specimen.folder.join("answer-question").exists() {
        if attempt.verdict.blocked().is_none() {
            return Err(format!("{}: no question was asked: {:?}", specimen.name(), attempt.verdict));
        }
        lay_out::hook(specimen, "answer-question", folder).await?;
        attempt = one.attempt().await;
    }
    probe::close_question(engine, &specimen.tag()).await.map_err(|error| error.to_string())?;
    let removal = scope.remove_all(Duration::from_secs(20)).await;
    if !removal.left.is_empty() {
        return Err(format!("left behind: {:?}", removal.left));
    }
    Ok(attempt)
}

/// Whether an attempt came out as the specimen says, and as it was recorded.
fn judged(
    root: &Path,
    specimen: &Specimen,
    attempt: &Result<Attempt, String>,
    workbook: &Workbook,
) -> Result<(), String> {
    let attempt = attempt.as_ref().map_err(String::clone)?;
    specimen.agrees(attempt)?;
    let check = workbook.checks.get(&specimen.exercise).ok_or("there is no such check")?;
    record::compare_or_write(root, specimen, attempt, check)
}
