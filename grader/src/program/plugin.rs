//! Plugins of `docker` that checks run: one place that knows how each is asked for its version, and from
//! which one on it can do what is asked of it. Start at [`Plugin::state`].

use std::{path::Path, time::Duration};

use tokio::time::timeout;

use super::{Call, Program, Version, said_version};

/// A plugin of `docker`.
#[derive(Debug)]
pub struct Plugin {
    arguments: &'static [&'static str],
    /// The oldest version that will do.
    pub oldest: Version,
}

/// `docker buildx`, from the version on that prints BuildKit's own record (`--progress=rawjson`).
pub const BUILDX: Plugin = Plugin { arguments: &["buildx", "version"], oldest: Version::new(0, 13, 0) };

/// `docker compose`, from the version on whose `up` has `--watch`.
pub const COMPOSE: Plugin =
    Plugin { arguments: &["compose", "version", "--short"], oldest: Version::new(2, 25, 0) };

/// Whether a plugin is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginState {
    /// It is, and will do.
    Ready(Installed),
    /// It is, and is older than [`Plugin::oldest`].
    Old(Installed),
    /// It tells no version, and why; without the plugin, `docker` prints its own help or an error.
    Silent(String),
    /// `docker` is not in `PATH`.
    NoDocker,
}

/// A plugin that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The `docker` that runs it.
    pub docker: Program,
    /// Its version.
    pub version: Version,
    /// The same as it says it, as `2.26.1-4`.
    pub said: String,
}

impl Plugin {
    /// Asks for it, within a time.
    pub async fn state(&self, within: Duration) -> PluginState {
        let Some(docker) = Program::find("docker") else { return PluginState::NoDocker };
        let call = Call::new(self.arguments.iter().copied(), Path::new("/"), 2 * within);
        // Dropped at the end of its time, it is killed with all that it started.
        let words = match timeout(within, docker.run(&call)).await {
            Err(_) => return PluginState::Silent(format!("{} does not answer", docker.path().display())),
            Ok(Err(error)) => return PluginState::Silent(error.to_string()),
            Ok(Ok(ran)) if !ran.succeeded() => return PluginState::Silent(ran.last_words()),
            Ok(Ok(ran)) => ran.stdout.to_text(),
        };
        let told = words.split_whitespace().find_map(|word| Some((said_version(word)?, word)));
        let Some((version, said)) = told else {
            return PluginState::Silent("it says no version".into());
        };
        let said = said.chars().take(100).collect();
        let installed = Installed { docker, version, said };
        if version < self.oldest { PluginState::Old(installed) } else { PluginState::Ready(installed) }
    }
}
