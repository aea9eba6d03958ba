//! What the layers of the built image hold: canaries in any of them, leftovers in what a container sees.

use std::collections::BTreeMap;

use grader_core::{
    evidence::{Canary, CanaryFound, Leftover, Searched},
    workbook::BuildSpec,
};
use grader_engine::{Engine, ImageFacts};

use super::{
    super::{
        Markers, Stop,
        archive::{self, Layer},
        globs::Globs,
        layer::Sought,
    },
    edits::Planted,
};

/// How many places of one canary become evidence.
const MOST_PLACES: usize = 5;

/// How many leftovers of one sort become evidence.
const MOST_EXAMPLES: usize = 5;

/// How much of a path becomes evidence, in characters.
const PATH: usize = 200;

/// What was found in the layers of an image.
pub(super) struct Found {
    pub searched: Searched,
    pub canaries: Vec<Canary>,
    /// Compilers, headers, package caches.
    pub leftovers: [Leftover; 3],
}

/// Reads the image once, from its engine, and looks for everything in that one pass.
pub(super) async fn search(
    engine: &Engine,
    image: &ImageFacts,
    spec: &BuildSpec,
    markers: &Markers,
    planted: Vec<Planted>,
) -> Result<Found, Stop> {
    let sought = Sought {
        markers: Some(markers.clone()),
        sorts: [&spec.compilers, &spec.headers, &spec.package_caches].map(|paths| Globs::new(paths)).into(),
    };
    let read = archive::read(engine.export(&image.id), sought).await?;
    let layers = archive::in_order(&read, &image.diff_ids, &image.id)?;
    Ok(Found {
        searched: Searched {
            layers: layers.len() as u64,
            files: layers.iter().map(|layer| layer.findings.files).sum(),
            size_bytes: layers.iter().map(|layer| layer.size_bytes).sum(),
        },
        canaries: canaries(&layers, planted),
        leftovers: leftovers(&layers),
    })
}

fn canaries(layers: &[&Layer], planted: Vec<Planted>) -> Vec<Canary> {
    let mut canaries: Vec<Canary> = planted
        .into_iter()
        .map(|it| Canary { path: it.path, what: it.what, at_root: it.at_root, copies: 0, found: Vec::new() })
        .collect();
    for (at, layer) in layers.iter().enumerate() {
        for (number, path) in &layer.findings.marked {
            let Some(canary) = usize::try_from(*number).ok().and_then(|number| canaries.get_mut(number))
            else {
                continue;
            };
            canary.copies += 1;
            if canary.found.len() < MOST_PLACES {
                canary.found.push(CanaryFound {
                    path: shown(path),
                    layer: layer.diff_id.clone(),
                    deleted_later: layers[at + 1..].iter().any(|later| later.contents.hides(path)),
                });
            }
        }
    }
    canaries
}

/// What of each sort a container sees: what an upper layer deletes is gone, what it writes anew counts once.
fn leftovers(layers: &[&Layer]) -> [Leftover; 3] {
    let mut visible: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for layer in layers {
        visible.retain(|path, _| !layer.contents.hides(path));
        visible.extend(layer.findings.sorted.iter().map(|(path, found)| (path.as_str(), *found)));
    }
    [0, 1, 2].map(|sort| {
        let mut files: Vec<(&str, u64)> = visible
            .iter()
            .filter(|(_, found)| found.0 == sort)
            .map(|(path, found)| (*path, found.1))
            .collect();
        files.sort_by_key(|(path, bytes)| (std::cmp::Reverse(*bytes), *path));
        Leftover {
            count: files.len() as u64,
            size_bytes: files.iter().map(|(_, bytes)| bytes).sum(),
            examples: files.iter().take(MOST_EXAMPLES).map(|(path, _)| shown(path)).collect(),
        }
    })
}

fn shown(path: &str) -> String {
    let path: String = path.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(PATH).collect();
    format!("/{path}")
}
