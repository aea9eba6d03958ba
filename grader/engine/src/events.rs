//! What happens in the engine: images that get or lose a name, containers that start and end.
//! Start at [`Engine::events`].

use std::collections::HashMap;

use bollard::{
    models::{EventMessage, EventMessageTypeEnum},
    query_parameters::EventsOptions,
};
use futures_util::{Stream, StreamExt as _};

use crate::{Engine, EngineError, RUN_LABEL, error::sorted};

/// The events that tell of a change. An engine tells of many more, as of every look of a health check.
const ACTIONS: [&str; 11] =
    ["tag", "untag", "delete", "load", "import", "pull", "create", "start", "die", "destroy", "rename"];

/// Something that happened in an engine. Source: `GET /events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent {
    /// Some image was made, named or removed. Of which, engines say too little: look again.
    Image,
    /// A container was made, started, ended, renamed or removed.
    Container {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its image, as whoever made it named it.
        image: String,
        /// Whether a run of the grader made it.
        ours: bool,
    },
}

impl Engine {
    /// Follows what happens from now on, for as long as the engine is there; silence is no fault.
    ///
    /// An engine of 20.10 does not tell of an image that BuildKit has named.
    ///
    /// # Errors
    /// The stream ends with the fault that ended it.
    pub fn events(&self) -> impl Stream<Item = Result<EngineEvent, EngineError>> + Send + use<'_> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let filters = HashMap::from([
            ("type".to_owned(), words(&["image", "container"])),
            ("event".to_owned(), words(&ACTIONS)),
        ]);
        let options = EventsOptions { filters: Some(filters), ..Default::default() };
        self.docker().events(Some(options)).filter_map(|event| {
            std::future::ready(match event {
                Ok(event) => read(event).map(Ok),
                Err(error) => Some(Err(sorted("tell what happens".into(), error))),
            })
        })
    }
}

fn read(event: EventMessage) -> Option<EngineEvent> {
    let actor = event.actor.unwrap_or_default();
    let mut attributes = actor.attributes.unwrap_or_default();
    match event.typ? {
        EventMessageTypeEnum::IMAGE => Some(EngineEvent::Image),
        EventMessageTypeEnum::CONTAINER => Some(EngineEvent::Container {
            id: actor.id.unwrap_or_default(),
            name: attributes.remove("name").unwrap_or_default(),
            image: attributes.remove("image").unwrap_or_default(),
            ours: attributes.contains_key(RUN_LABEL),
        }),
        _ => None,
    }
}
