//! Tells of images and containers that change. Start at [`follow`].
//!
//! An event is only a reason to look: engines do not say all (20.10 is silent about what BuildKit has
//! named), so names of images are looked up every two seconds too, and what counts is what they stand for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::StreamExt as _;
use grader_engine::{Engine, EngineError, EngineEvent};
use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    time::{MissedTickBehavior, interval, sleep},
};

use crate::run::engine_for;

/// How often names of images are looked up, and an engine that is away is looked for.
const EVERY: Duration = Duration::from_secs(2);

/// How long an engine may take for a first sign of life.
const FIRST_SIGN: Duration = Duration::from_millis(500);

/// What the watched checks look at in the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Names of images.
    pub images: BTreeSet<String>,
    /// Whether containers of the learner's are looked at.
    pub containers: bool,
}

/// Something that was noticed in the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// A name of an image stands for another image now, or for none.
    Image(String),
    /// A container that is not ours was made, started, ended, renamed or removed.
    Container {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its image, as whoever made it named it.
        image: String,
    },
    /// No engine is there: why. Told once, until one is.
    Away(String),
    /// One is there again.
    Back,
    /// It tells of no events: why. Names of images are looked up; containers go unnoticed.
    Silent(String),
}

/// What names stand for: the image's id, or nothing.
type Known = BTreeMap<String, Option<String>>;

/// Follows the engine for as long as someone listens.
pub async fn follow(mut wants: watch::Receiver<Wants>, tell: UnboundedSender<Noticed>) {
    let mut known = Known::new();
    let mut away = false;
    loop {
        if tell.is_closed() {
            return;
        }
        let wanted = wants.borrow_and_update().clone();
        if wanted == Wants::default() {
            if wants.changed().await.is_err() {
                return;
            }
            continue;
        }
        let told = match engine_for(FIRST_SIGN).await {
            Err(missing) if away => {
                tracing::debug!(what = missing.what, "the engine is still away");
                Ok(())
            }
            Err(missing) => tell.send(Noticed::Away(missing.what)),
            Ok(engine) => {
                if away && tell.send(Noticed::Back).is_err() {
                    return;
                }
                match while_there(&engine, &mut wants, &mut known, &tell).await {
                    Some(why) => tell.send(Noticed::Away(why)),
                    None => return,
                }
            }
        };
        away = true;
        if told.is_err() {
            return;
        }
        sleep(EVERY).await;
    }
}

/// Follows a connected engine until it goes away, and says why; `None` once nobody listens.
async fn while_there(
    engine: &Engine,
    wants: &mut watch::Receiver<Wants>,
    known: &mut Known,
    tell: &UnboundedSender<Noticed>,
) -> Option<String> {
    let mut events = Box::pin(engine.events());
    let mut silent = false;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.next(), if !silent => match event {
                Some(Ok(EngineEvent::Image)) => {}
                Some(Ok(EngineEvent::Container { id, name, image, ours })) => {
                    if !ours && wants.borrow().containers {
                        tell.send(Noticed::Container { id, name, image }).ok()?;
                    }
                    continue;
                }
                Some(Err(error @ (EngineError::Rejected { .. } | EngineError::NotFound { .. }))) => {
                    silent = true;
                    tell.send(Noticed::Silent(error.to_string())).ok()?;
                }
                Some(Err(error)) => return Some(error.to_string()),
                None => return Some("it has closed the connection".into()),
            },
            _ = ticks.tick() => {}
            changed = wants.changed() => changed.ok()?,
        }
        let wanted = wants.borrow_and_update().images.clone();
        known.retain(|name, _| wanted.contains(name));
        for name in wanted {
            let id = match engine.image(&name).await {
                Ok(facts) => Some(facts.id),
                Err(error) if error.is_not_found() => None,
                // It stands for nothing until workspace.toml is mended.
                Err(EngineError::BadReference { .. }) => None,
                Err(error) => return Some(error.to_string()),
            };
            let before = known.insert(name.clone(), id.clone());
            if before.is_some_and(|before| before != id) {
                tell.send(Noticed::Image(name)).ok()?;
            }
        }
        if tell.is_closed() {
            return None;
        }
    }
}
