//! The images of a run: each name resolved once, each archive read once, whoever asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use grader_engine::{Engine, ImageFacts};
use tokio::sync::OnceCell;

use super::{
    Stop,
    archive::{self, Layer},
    layer::Sought,
    lock,
};

/// What a run has found out about images.
#[derive(Default)]
pub struct Images {
    by_name: Mutex<BTreeMap<String, ImageFacts>>,
    layers: Mutex<BTreeMap<String, Arc<ReadOnce>>>,
}

/// The layers of one image, once somebody has read them.
type ReadOnce = OnceCell<Arc<[Layer]>>;

impl Images {
    /// What a name was resolved to earlier in this run.
    pub(super) fn known(&self, name: &str) -> Option<ImageFacts> {
        lock(&self.by_name).get(name).cloned()
    }

    /// Keeps what a name was resolved to.
    pub(super) fn keep(&self, name: &str, facts: &ImageFacts) {
        lock(&self.by_name).insert(name.to_owned(), facts.clone());
    }

    /// The layers of an image. Its archive is streamed once; who asks meanwhile waits for it.
    pub(super) async fn layers(&self, engine: &Engine, id: &str) -> Result<Arc<[Layer]>, Stop> {
        let cell = lock(&self.layers).entry(id.to_owned()).or_default().clone();
        cell.get_or_try_init(|| async {
            Ok(archive::read(engine.export(id), Sought::default()).await?.into())
        })
        .await
        .cloned()
    }
}
