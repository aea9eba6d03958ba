//! Builds a copy of the app's folder as it is and after edits, and looks at what BuildKit did and at what its
//! result holds. The learner's folder is read once and never written to. Start at [`look`].

mod builder;
mod copy;
mod edits;
mod layers;
mod record;
mod server;
mod steps;

use builder::{Builder, Built};
use copy::Copy;
use edits::{Planted, Tree};
use grader_core::{
    digest::hex,
    evidence::{BuildEvidence, BuildResult, BuildSeen, LearnersImage, Reuse, StepSeen},
    workbook::BuildSpec,
};
use steps::Steps;

use super::{Markers, Place, Stop, app::port, markers::random};

/// How many names of edited files become evidence.
const MOST_NAMES: usize = 20;

/// The first build, and whatever the edits need.
struct Clean {
    copy: Copy,
    tree: Tree,
    planted: Vec<Planted>,
    markers: Markers,
    nonce: String,
}

/// The builds after edits, as far as they came.
#[derive(Default)]
struct Rebuilt {
    sources: Vec<String>,
    manifests: Vec<String>,
    source_edited: Option<Built>,
    manifest_edited: Option<Built>,
}

pub(super) async fn look(spec: &BuildSpec, place: &Place<'_>) -> Result<BuildEvidence, Stop> {
    let port = port(&spec.port)?;
    let builder = Builder::find(place, spec.build_within.0).await?;
    place.doing(format!("copying {}", spec.path));
    let clean = prepared(spec, place).await?;
    let argument = (!spec.sha_arg.is_empty()).then(|| format!("{}={}", spec.sha_arg, clean.nonce));
    let argument = argument.as_deref();
    place.doing("building a copy");
    let first = builder.build(&clean.copy.folder, clean.copy.dockerfile, argument, "as-it-is").await?;
    let mut evidence = BuildEvidence {
        path: spec.path.clone(),
        context: clean.copy.seen.clone(),
        sha_arg: spec.sha_arg.clone(),
        nonce: clean.nonce.clone(),
        builds: vec![first.seen.clone()],
        result: None,
    };
    let Some(image) = first.image.clone().filter(|_| first.seen.image.is_some()) else {
        builder.remove(&first.made).await;
        return Ok(evidence);
    };

    place.doing("searching every layer of the image");
    let planted = clean.planted;
    let (rebuilt, found, server) = tokio::try_join!(
        rebuilt(&builder, &clean.copy, &clean.tree, argument, place),
        layers::search(place.engine()?.engine(), &image, spec, &clean.markers, planted),
        server::look(spec, port, &first.made.name, &clean.nonce, place),
    )?;
    let later = |built: &Option<Built>| built.as_ref().map(|built| built.seen.clone());
    evidence.builds.extend([&rebuilt.source_edited, &rebuilt.manifest_edited].into_iter().filter_map(later));
    let succeeded = |built: &&Built| built.seen.exit_code == Some(0);
    let source = rebuilt.source_edited.as_ref().filter(succeeded);
    let manifest = rebuilt.manifest_edited.as_ref().filter(succeeded);
    let steps = Steps::of(
        &first.record,
        source.map(|b| &b.record),
        manifest.map(|b| &b.record),
        image.diff_ids.len(),
    );
    let below_source = source
        .and_then(|built| built.image.as_ref())
        .map(|other| shared(&image.diff_ids, &other.diff_ids))
        .filter(|shared| *shared < image.diff_ids.len())
        .map(|shared| shared as u64);
    let [compilers, headers, package_caches] = found.leftovers;
    evidence.result = Some(BuildResult {
        image: image.id.clone(),
        reuse: reuse(&steps.steps, &rebuilt, &evidence.builds),
        steps: steps.steps,
        steps_left_out: steps.left_out,
        searched: found.searched,
        canaries: found.canaries,
        compilers,
        headers,
        package_caches,
        learners: learners(&spec.image, &image.diff_ids, below_source, place).await?,
        server,
    });
    for built in [&first].into_iter().chain(&rebuilt.source_edited).chain(&rebuilt.manifest_edited) {
        builder.remove(&built.made).await;
    }
    Ok(evidence)
}

/// Copies the folder and plants the canaries. Off the threads that answer requests: a folder may be large.
async fn prepared(spec: &BuildSpec, place: &Place<'_>) -> Result<Clean, Stop> {
    let (root, spec) = (place.workspace.root().to_owned(), spec.clone());
    let prepare = tokio::task::spawn_blocking(move || {
        let copy = copy::copy(&root, &spec.path)?;
        let failed = |error: std::io::Error| Stop::fault("the copy could not be prepared", &error);
        let markers = Markers::new().map_err(failed)?;
        let nonce = hex(&random::<20>().map_err(failed)?);
        let tree = Tree::of(&copy.folder).map_err(failed)?;
        let planted =
            tree.plant(&copy.folder, &spec.canaries, &|number| markers.planted(number)).map_err(failed)?;
        Ok(Clean { copy, tree, planted, markers, nonce })
    });
    prepare.await.map_err(|error| Stop::fault("the copy could not be prepared", &error))?
}

/// Builds after an edit of source, and after one of the manifest upon it; each only if the one before went well.
async fn rebuilt(
    builder: &Builder<'_>,
    copy: &Copy,
    tree: &Tree,
    argument: Option<&str>,
    place: &Place<'_>,
) -> Result<Rebuilt, Stop> {
    let failed = |error: std::io::Error| Stop::fault("the copy could not be edited", &error);
    let edit = || random::<16>().map(|bytes| hex(&bytes)).map_err(failed);
    let mut rebuilt =
        Rebuilt { sources: tree.edit_sources(&copy.folder, &edit()?).map_err(failed)?, ..Rebuilt::default() };
    place.doing("building again after an edit of the source");
    let after_source = builder.build(&copy.folder, copy.dockerfile, argument, "source-edited").await?;
    let went_well = after_source.seen.exit_code == Some(0);
    rebuilt.source_edited = Some(after_source);
    if went_well {
        rebuilt.manifests = tree.edit_manifests(&copy.folder, &edit()?).map_err(failed)?;
        place.doing("building again after an edit of the manifest: packages are installed anew");
        let built = builder.build(&copy.folder, copy.dockerfile, argument, "manifest-edited").await?;
        rebuilt.manifest_edited = Some(built);
    }
    Ok(rebuilt)
}

/// What the edits did; `None` if a build after one failed.
fn reuse(steps: &[StepSeen], rebuilt: &Rebuilt, builds: &[BuildSeen]) -> Option<Reuse> {
    if builds.len() < 3 || builds.iter().any(|build| build.exit_code != Some(0)) {
        return None;
    }
    let ran = |outcome: &Option<String>| outcome.as_deref() == Some("ran");
    let count = |wanted: &dyn Fn(&&StepSeen) -> bool| steps.iter().filter(wanted).count() as u64;
    let after_manifest = |step: &StepSeen| step.instruction == "RUN" && ran(&step.manifest_edited);
    let names = |files: &[String]| files.iter().take(MOST_NAMES).cloned().collect();
    Some(Reuse {
        source_files: rebuilt.sources.len() as u64,
        sources: names(&rebuilt.sources),
        manifest_files: rebuilt.manifests.len() as u64,
        manifests: names(&rebuilt.manifests),
        ran_after_source: count(&|step| step.instruction != "FROM" && ran(&step.source_edited)),
        runs_after_manifest: count(&|step| after_manifest(step)),
        reused_after_source: count(&|step| after_manifest(step) && !ran(&step.source_edited)),
        runs_apart: count(&|step| after_manifest(step) && step.apart),
    })
}

/// The learner's own image beside the one that was built.
async fn learners(
    reference: &str,
    layers: &[String],
    below_source: Option<u64>,
    place: &Place<'_>,
) -> Result<Option<LearnersImage>, Stop> {
    match place.engine()?.engine().image(reference).await {
        Err(error) if error.is_not_found() => return Ok(None),
        // It is a part of what is judged, whatever it is found to be.
        Err(_) | Ok(_) => {}
    }
    let facts = place.image(reference).await?;
    Ok(Some(LearnersImage {
        reference: reference.to_owned(),
        shared_layers: shared(layers, &facts.diff_ids) as u64,
        id: facts.id,
        below_source,
    }))
}

/// How many layers both have, from the base upward.
fn shared(one: &[String], other: &[String]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}
