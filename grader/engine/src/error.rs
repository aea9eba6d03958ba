//! What can go wrong between us and an engine, told apart by whose turn it is to act.
//!
//! [`EngineError::is_missing`] separates "there is no usable engine" (the caller says `blocked`)
//! from "the engine failed us" (the caller says `error`); [`EngineError::mend`] has the command.

use std::{io, time::Duration};

/// Why a request to the engine did not end in an answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing is at the endpoint: no socket file, no such host.
    #[error("no container engine at {endpoint}")]
    Absent {
        /// The endpoint as `unix://…` or `tcp://…`.
        endpoint: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The endpoint is there, and nobody listens.
    #[error("nobody listens at {endpoint}")]
    Refused {
        /// The endpoint as `unix://…` or `tcp://…`.
        endpoint: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// This user may not use the endpoint.
    #[error("no permission to use the container engine at {endpoint}")]
    Denied {
        /// The endpoint as `unix://…` or `tcp://…`.
        endpoint: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The endpoint accepts and says nothing.
    #[error("the container engine at {endpoint} did not answer within {after:?}")]
    NoAnswer {
        /// The endpoint as `unix://…` or `tcp://…`.
        endpoint: String,
        /// How long we waited.
        after: Duration,
    },
    /// Somebody answers, and says that the engine is not up.
    #[error("the container engine at {endpoint} is not ready: {message}")]
    Unready {
        /// The endpoint as `unix://…` or `tcp://…`.
        endpoint: String,
        /// What it said.
        message: String,
    },
    /// The engine speaks only an older API than we need.
    #[error("the container engine speaks API {found}, needed is {needs} or newer")]
    TooOld {
        /// The newest API version that the engine speaks.
        found: String,
        /// The oldest that we speak.
        needs: &'static str,
    },
    /// The engine answers, and has no such thing.
    #[error("the engine has no such thing, asked to {request}: {message}")]
    NotFound {
        /// What we asked, as `inspect image app:latest`.
        request: String,
        /// The engine's own words.
        message: String,
    },
    /// The reference cannot name an image.
    #[error("`{reference}` cannot name an image: {why}")]
    BadReference {
        /// What was given.
        reference: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The engine answers, and says no.
    #[error("the engine would not {request}: {message}")]
    Rejected {
        /// What we asked.
        request: String,
        /// The HTTP status code.
        status: u16,
        /// The engine's own words.
        message: String,
    },
    /// The engine answered something that we cannot read.
    #[error("cannot {request}")]
    Request {
        /// What we asked.
        request: String,
        /// What could not be read or sent.
        source: Box<bollard::errors::Error>,
    },
    /// The connection ended before the answer did.
    #[error("the engine went away when asked to {request}")]
    Cut {
        /// What we asked.
        request: String,
        /// What the transport said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine took the request, and its time limit passed.
    #[error("the engine gave no answer within {after:?} when asked to {request}")]
    Stalled {
        /// What we asked.
        request: String,
        /// The limit.
        after: Duration,
    },
    /// What is to be made could not be registered, so it was not made.
    #[error("cannot register {made}, so it was not made")]
    Ledger {
        /// Kind and name.
        made: String,
        /// What the ledger said.
        source: io::Error,
    },
    /// The run is over: its scope makes nothing any more.
    #[error("the run is ending: did not {request}")]
    Closed {
        /// What we were asked to make.
        request: String,
    },
}

impl EngineError {
    /// Says whether no usable engine is there at all: found only by
    /// [`Engine::connect`](crate::Engine::connect), and nobody's failure.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Absent { .. }
            | Self::Refused { .. }
            | Self::Denied { .. }
            | Self::NoAnswer { .. }
            | Self::Unready { .. }
            | Self::TooOld { .. } => true,
            Self::NotFound { .. }
            | Self::BadReference { .. }
            | Self::Rejected { .. }
            | Self::Request { .. }
            | Self::Cut { .. }
            | Self::Stalled { .. }
            | Self::Ledger { .. }
            | Self::Closed { .. } => false,
        }
    }

    /// Says whether the engine answered that it has no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Returns the way out, with a command to type on this system.
    #[must_use]
    pub fn mend(&self) -> String {
        let os = std::env::consts::OS;
        match self {
            Self::Absent { .. } => format!(
                "{}; to install one: https://docs.docker.com/get-started/get-docker/",
                start_command(os)
            ),
            Self::Refused { .. } | Self::Unready { .. } => start_command(os).to_owned(),
            Self::NoAnswer { .. } => restart_command(os).to_owned(),
            Self::Denied { .. } if os == "linux" => {
                "sudo usermod -aG docker \"$USER\", then log in again".to_owned()
            }
            Self::Denied { .. } => start_command(os).to_owned(),
            Self::TooOld { .. } => {
                "update the engine to Docker 20.10 or newer: https://docs.docker.com/engine/install/"
                    .to_owned()
            }
            Self::NotFound { .. } => "docker image ls; docker container ls --all".to_owned(),
            Self::BadReference { .. } => {
                "give an image as name:tag or by its id; see: docker image ls".to_owned()
            }
            Self::Rejected { .. } | Self::Request { .. } | Self::Cut { .. } | Self::Stalled { .. } => {
                format!("docker version; then {}", restart_command(os))
            }
            Self::Ledger { .. } => "make room or give write access to .grader/".to_owned(),
            Self::Closed { .. } => "run the command again".to_owned(),
        }
    }
}

fn start_command(os: &str) -> &'static str {
    match os {
        "linux" => "sudo systemctl start docker (or start Docker Desktop)",
        "macos" => "colima start (or open -a Docker)",
        _ => "start Docker Desktop",
    }
}

fn restart_command(os: &str) -> &'static str {
    match os {
        "linux" => "sudo systemctl restart docker (or restart Docker Desktop)",
        "macos" => "colima restart (or restart Docker Desktop)",
        _ => "restart Docker Desktop",
    }
}

/// Sorts what bollard reports by who has to act.
pub(crate) fn sorted(request: String, error: bollard::errors::Error) -> EngineError {
    use bollard::errors::Error as E;
    match error {
        E::DockerResponseServerError { status_code: 404, message } => {
            EngineError::NotFound { request, message }
        }
        E::DockerResponseServerError { status_code, message } => {
            EngineError::Rejected { request, status: status_code, message }
        }
        // An error that the engine puts into a stream that began with 200.
        E::DockerStreamError { error } => EngineError::Rejected { request, status: 200, message: error },
        E::HyperLegacyError { err } => EngineError::Cut { request, source: err.into() },
        E::HyperResponseError { err } => EngineError::Cut { request, source: err.into() },
        E::IOError { err } => EngineError::Cut { request, source: err.into() },
        other => EngineError::Request { request, source: Box::new(other) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unusable_engine_is_missing() {
        let absent =
            EngineError::Absent { endpoint: "unix:///x".into(), source: io::ErrorKind::NotFound.into() };
        let stalled =
            EngineError::Stalled { request: "start a container".into(), after: Duration::from_secs(1) };
        assert!(absent.is_missing() && !absent.mend().is_empty());
        assert!(!stalled.is_missing() && !stalled.mend().is_empty());
    }

    #[test]
    fn a_404_is_not_found_and_a_broken_pipe_is_a_cut() {
        let not_found = bollard::errors::Error::DockerResponseServerError {
            status_code: 404,
            message: "No such image: x".into(),
        };
        assert!(sorted("inspect image x".into(), not_found).is_not_found());
        let cut = bollard::errors::Error::IOError { err: io::ErrorKind::BrokenPipe.into() };
        assert!(matches!(sorted("x".into(), cut), EngineError::Cut { .. }));
    }
}
