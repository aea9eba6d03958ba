//! Which engine: the one that the learner's own `docker` talks to. Start at [`Endpoint::resolve`].
//!
//! Order and file layout are those of Docker's CLI: `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of
//! `config.json`, the default socket. Source:
//! <https://docs.docker.com/engine/manage-resources/contexts/>.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::address::Address;

const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// Where an engine is reached, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    context: Option<String>,
    origin: Origin,
    address: Address,
}

/// Who named the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The variable `DOCKER_HOST`.
    DockerHost,
    /// The variable `DOCKER_CONTEXT`.
    DockerContext,
    /// `currentContext` in Docker's `config.json`.
    CurrentContext,
    /// Nobody: Docker's default socket.
    Default,
}

/// Why no endpoint could be named.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// A file of Docker's configuration cannot be read.
    #[error("cannot read Docker's configuration `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of Docker's configuration is not what it should be.
    #[error("Docker's configuration `{}` is not valid", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The context that is active does not exist.
    #[error("Docker's context `{name}` does not exist (no `{}`)", path.display())]
    NoContext {
        /// Its name.
        name: String,
        /// Where it should be described.
        path: PathBuf,
    },
    /// The context names no Docker endpoint.
    #[error("Docker's context `{name}` names no host")]
    NoHost {
        /// Its name.
        name: String,
    },
    /// The endpoint needs a transport that we do not speak.
    #[error("`{host}` cannot be used: {why}")]
    Unsupported {
        /// The endpoint as given.
        host: String,
        /// What is not supported.
        why: &'static str,
        /// What to do instead.
        mend: String,
    },
}

impl EndpointError {
    /// Returns the way out, with a command to type.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::Read { path, .. } | Self::Parse { path, .. } => {
                format!("mend or remove {}", path.display())
            }
            Self::NoContext { .. } | Self::NoHost { .. } => {
                "docker context ls; docker context use default".to_owned()
            }
            Self::Unsupported { mend, .. } => mend.clone(),
        }
    }
}

impl Endpoint {
    /// Finds the engine that `docker` would talk to.
    ///
    /// `env` looks up a variable of the environment (an empty one counts as unset, as for
    /// `docker`); `home` is the user's home folder.
    ///
    /// # Errors
    /// A configuration that cannot be read, an active context that is not there, or a transport
    /// that we do not speak (`ssh://`, `npipe://`, TLS).
    pub fn resolve(env: &impl Fn(&str) -> Option<String>, home: &Path) -> Result<Self, EndpointError> {
        let variable = |name: &str| env(name).filter(|value| !value.is_empty());
        if let Some(host) = variable("DOCKER_HOST") {
            let tls = variable("DOCKER_TLS_VERIFY").is_some();
            return Self::new(&host, None, Origin::DockerHost, tls);
        }
        let config = variable("DOCKER_CONFIG").map_or_else(|| home.join(".docker"), PathBuf::from);
        let (name, origin) = match variable("DOCKER_CONTEXT") {
            Some(name) => (Some(name), Origin::DockerContext),
            None => (current_context(&config)?, Origin::CurrentContext),
        };
        match name {
            Some(name) if name != "default" => Self::of_context(&config, name, origin),
            _ => Self::new(DEFAULT_HOST, None, Origin::Default, false),
        }
    }

    /// Takes an endpoint as `DOCKER_HOST` would give it.
    ///
    /// # Errors
    /// A transport that we do not speak.
    pub fn at(host: &str) -> Result<Self, EndpointError> {
        Self::new(host, None, Origin::DockerHost, false)
    }

    /// Returns the endpoint as `unix://…` or `tcp://…`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the name of Docker's context, if one named the endpoint.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// Returns who named the endpoint.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    fn of_context(config: &Path, name: String, origin: Origin) -> Result<Self, EndpointError> {
        let digest = hex(&Sha256::digest(name.as_bytes()));
        let path = config.join("contexts/meta").join(&digest).join("meta.json");
        let Some(text) = read(&path)? else {
            return Err(EndpointError::NoContext { name, path });
        };
        let meta: Meta = serde_json::from_str(&text)
            .map_err(|source| EndpointError::Parse { path: path.clone(), source })?;
        let host = meta.endpoints.docker.and_then(|docker| docker.host);
        let Some(host) = host.filter(|host| !host.is_empty()) else {
            return Err(EndpointError::NoHost { name });
        };
        let tls = config.join("contexts/tls").join(&digest).is_dir();
        Self::new(&host, Some(name), origin, tls)
    }

    fn new(host: &str, context: Option<String>, origin: Origin, tls: bool) -> Result<Self, EndpointError> {
        let address = Address::parse(host, tls)?;
        Ok(Self { host: address.to_string(), context, origin, address })
    }
}

fn current_context(config: &Path) -> Result<Option<String>, EndpointError> {
    let path = config.join("config.json");
    let Some(text) = read(&path)? else {
        return Ok(None);
    };
    let parsed: ConfigFile =
        serde_json::from_str(&text).map_err(|source| EndpointError::Parse { path, source })?;
    Ok(parsed.current_context.filter(|name| !name.is_empty()))
}

fn read(path: &Path) -> Result<Option<String>, EndpointError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EndpointError::Read { path: path.to_owned(), source }),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<DockerEndpoint>,
}

#[derive(Deserialize)]
struct DockerEndpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(self, path: &str, text: &str) -> Self {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            self
        }

        fn context(self, name: &str, meta: &str) -> Self {
            let digest = hex(&Sha256::digest(name.as_bytes()));
            self.file(&format!(".docker/contexts/meta/{digest}/meta.json"), meta)
        }

        fn resolve(&self, variables: &[(&str, &str)]) -> Result<Endpoint, EndpointError> {
            let env = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            Endpoint::resolve(&env, self.0.path())
        }
    }

    const COLIMA: &str = r#"{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///home/a/.colima/docker.sock","SkipTLSVerify":false}}}"#;

    #[test]
    fn nothing_set_is_the_default_socket() {
        let endpoint = Home::new().resolve(&[]).unwrap();
        assert_eq!(endpoint.host(), DEFAULT_HOST);
        assert_eq!(endpoint.origin(), Origin::Default);
        assert_eq!(endpoint.context(), None);
    }

    #[test]
    fn docker_host_beats_a_context() {
        let home = Home::new()
            .file(".docker/config.json", r#"{"currentContext":"colima"}"#)
            .context("colima", COLIMA);
        let endpoint = home.resolve(&[("DOCKER_HOST", "tcp://10.0.0.1")]).unwrap();
        assert_eq!(endpoint.host(), "tcp://10.0.0.1:2375");
        assert_eq!(endpoint.origin(), Origin::DockerHost);
    }

    #[test]
    fn the_current_context_is_followed() {
        let home = Home::new()
            .file(".docker/config.json", r#"{"currentContext":"colima","auths":{}}"#)
            .context("colima", COLIMA);
        let endpoint = home.resolve(&[("DOCKER_HOST", "")]).unwrap();
        assert_eq!(endpoint.host(), "unix:///home/a/.colima/docker.sock");
        assert_eq!(endpoint.context(), Some("colima"));
        let default = home.resolve(&[("DOCKER_CONTEXT", "default")]).unwrap();
        assert_eq!(default.origin(), Origin::Default);
    }

    #[test]
    fn a_context_that_is_not_there_is_named() {
        let error = Home::new().resolve(&[("DOCKER_CONTEXT", "gone")]).unwrap_err();
        assert!(matches!(error, EndpointError::NoContext { ref name, .. } if name == "gone"));
        assert!(error.mend().contains("docker context"));
    }

    #[test]
    fn tls_is_said_to_be_unsupported() {
        let tls =
            Home::new().resolve(&[("DOCKER_HOST", "tcp://h:2376"), ("DOCKER_TLS_VERIFY", "1")]).unwrap_err();
        assert!(matches!(tls, EndpointError::Unsupported { .. }));
    }

    #[test]
    fn a_broken_configuration_is_an_error_with_its_path() {
        let home = Home::new().file(".docker/config.json", "{");
        let error = home.resolve(&[]).unwrap_err();
        assert!(error.to_string().contains("config.json"));
    }
}
