//! Loading an image from an archive. Start at [`RunScope::load_image`].

use std::io;

use bollard::query_parameters::ImportImageOptions;
use bytes::Bytes;

use crate::{Engine, EngineError, ImageFacts, Labels, MadeKind, RunScope};

impl RunScope {
    /// Loads an image from an archive in the form of `docker save`.
    ///
    /// `archive` is given the name that the image must bear and the labels that its configuration
    /// must have, so that it is found and removed with the run. Source: `POST /images/load`.
    ///
    /// # Errors
    /// The archive cannot be built or holds no image of that name, the engine refuses it, the
    /// ledger cannot be written, the run is ending.
    pub async fn load_image(
        &self,
        archive: impl FnOnce(&str, &Labels) -> io::Result<Bytes> + Send + 'static,
    ) -> Result<ImageFacts, EngineError> {
        self.make(MadeKind::Image, |engine, name, labels| async move {
            let archive = archive(&name, &labels).map_err(|error| EngineError::Request {
                request: format!("load image {name}"),
                source: Box::new(error.into()),
            })?;
            load(&engine, &name, archive).await
        })
        .await
    }
}

/// Loads an archive that holds an image of this name.
pub(crate) async fn load(engine: &Engine, name: &str, archive: Bytes) -> Result<ImageFacts, EngineError> {
    let request = || format!("load image {name}");
    let options = ImportImageOptions { quiet: true, ..Default::default() };
    let body = bollard::body_full(archive);
    let mut steps = Box::pin(engine.docker().import_image(options, body, None));
    while let Some(step) = engine.next(request, &mut steps).await? {
        if let Some(detail) = step.error_detail {
            return Err(EngineError::Rejected {
                request: request(),
                status: 200,
                message: detail.message.unwrap_or_default(),
            });
        }
    }
    engine.image(name).await
}
