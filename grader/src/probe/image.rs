//! Looks at an image: what the engine says of it, and what its layers hold.

use grader_core::{
    evidence::{ImageConfig, ImageEvidence, LayerSeen, Platform},
    workbook::ImageSpec,
};
use grader_engine::ImageFacts;

use super::{Place, Stop, archive, kind};

pub(super) async fn look(spec: &ImageSpec, place: &Place<'_>) -> Result<ImageEvidence, Stop> {
    place.doing(format!("looking at image {}", spec.image));
    let facts = place.image(&spec.image).await?;
    let mut evidence = described(&spec.image, &facts);
    if spec.layers {
        place.doing(format!("reading the layers of {}", spec.image));
        read_layers(place, &facts, &mut evidence).await?;
    }
    Ok(evidence)
}

/// What the engine says of it.
fn described(reference: &str, facts: &ImageFacts) -> ImageEvidence {
    let config = &facts.config;
    ImageEvidence {
        reference: reference.to_owned(),
        id: facts.id.clone(),
        platform: Platform {
            os: facts.os.clone(),
            architecture: facts.architecture.clone(),
            variant: facts.variant.clone(),
        },
        created: facts.created.clone(),
        size_bytes: None,
        engine_size_bytes: facts.size_bytes,
        layers: Vec::new(),
        kind: None,
        kind_found: Vec::new(),
        config: ImageConfig {
            user: config.user.clone(),
            entrypoint: config.entrypoint.clone(),
            cmd: config.cmd.clone(),
            working_dir: config.working_dir.clone(),
            env_names: config
                .env
                .iter()
                .map(|pair| pair.split('=').next().unwrap_or("").to_owned())
                .collect(),
            exposed_ports: config.exposed_ports.clone(),
            volumes: config.volumes.clone(),
            labels: config.labels.clone(),
            healthcheck: config.healthcheck.as_ref().map(|check| check.test.clone()),
            stop_signal: config.stop_signal.clone(),
        },
    }
}

/// Streams the image once: each layer is hashed, so that it is known to be this image's.
async fn read_layers(
    place: &Place<'_>,
    facts: &ImageFacts,
    evidence: &mut ImageEvidence,
) -> Result<(), Stop> {
    let engine = place.engine()?.engine();
    let layers = place.images.layers(engine, &facts.id).await?;
    let steps = engine.history(&facts.id).await?;
    // A step that adds nothing has no layer. Which steps those are the engine does not say, but
    // where the counts agree without the empty ones, each layer has its step.
    let with_layer: Vec<&str> =
        steps.iter().filter(|step| step.size_bytes > 0).map(|step| step.created_by.as_str()).collect();
    let named = with_layer.len() == facts.diff_ids.len();
    let layers = archive::in_order(&layers, &facts.diff_ids, &evidence.reference)?;
    evidence.layers = layers
        .iter()
        .enumerate()
        .map(|(at, layer)| LayerSeen {
            diff_id: layer.diff_id.clone(),
            size_bytes: layer.size_bytes,
            created_by: named.then(|| with_layer[at].chars().take(200).collect()),
        })
        .collect();
    let found: Vec<_> = layers.iter().map(|layer| &layer.contents).collect();
    evidence.size_bytes = Some(evidence.layers.iter().map(|layer| layer.size_bytes).sum());
    let (kind, kind_found) = kind::of(&found, &facts.config);
    evidence.kind = Some(kind);
    evidence.kind_found = kind_found;
    Ok(())
}
