//! The transports that we speak, and what to do about those that we do not.

use std::{fmt, path::PathBuf};

use crate::EndpointError;

/// A transport that we speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// Path of a Unix socket.
    Unix(PathBuf),
    /// `host:port`, plain HTTP.
    Tcp(String),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp(authority) => write!(formatter, "tcp://{authority}"),
        }
    }
}

impl Address {
    /// Reads an address as `DOCKER_HOST` gives it; `tls` says that it is to be reached over TLS.
    pub(crate) fn parse(host: &str, tls: bool) -> Result<Self, EndpointError> {
        let unsupported = |why, mend: String| EndpointError::Unsupported { host: host.to_owned(), why, mend };
        let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
        match scheme {
            "unix" => Ok(Address::Unix(PathBuf::from(rest))),
            "tcp" | "http" if tls => Err(unsupported(
                "the engine is reached over TLS",
                format!("forward its socket over SSH and set DOCKER_HOST, as for: {SSH_EXAMPLE}"),
            )),
            "tcp" | "http" => {
                let authority = rest.split('/').next().unwrap_or_default();
                // As for `docker`: the port of an engine without TLS.
                let has_port =
                    authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                match (authority, has_port) {
                    ("", _) => {
                        Err(unsupported("it names no host", "export DOCKER_HOST=tcp://HOST:2375".to_owned()))
                    }
                    (_, true) => Ok(Address::Tcp(authority.to_owned())),
                    (_, false) => Ok(Address::Tcp(format!("{authority}:2375"))),
                }
            }
            "https" => Err(unsupported(
                "the engine is reached over TLS",
                format!("forward its socket over SSH and set DOCKER_HOST, as for: {SSH_EXAMPLE}"),
            )),
            "ssh" => Err(unsupported(
                "the engine is reached over SSH",
                format!(
                    "ssh -nNTL /tmp/engine.sock:/var/run/docker.sock {} & export DOCKER_HOST=unix:///tmp/engine.sock",
                    rest.trim_end_matches('/')
                ),
            )),
            "npipe" => Err(unsupported(
                "the engine is reached through a Windows pipe",
                "run grader inside WSL 2, with Docker Desktop's WSL integration switched on".to_owned(),
            )),
            _ => Err(unsupported(
                "its transport is not known",
                "export DOCKER_HOST=unix:///var/run/docker.sock".to_owned(),
            )),
        }
    }
}

const SSH_EXAMPLE: &str =
    "ssh -nNTL /tmp/engine.sock:/var/run/docker.sock HOST & export DOCKER_HOST=unix:///tmp/engine.sock";

#[cfg(test)]
mod tests {
    use super::*;

    fn mend(host: &str) -> String {
        Address::parse(host, false).unwrap_err().mend()
    }

    #[test]
    fn what_is_spoken() {
        let text = |host| Address::parse(host, false).unwrap().to_string();
        assert_eq!(text("unix:///run/x.sock"), "unix:///run/x.sock");
        assert_eq!(text("tcp://h"), "tcp://h:2375");
        assert_eq!(text("tcp://[::1]:99/"), "tcp://[::1]:99");
        assert_eq!(text("h:99"), "tcp://h:99");
    }

    #[test]
    fn what_is_not_says_what_to_do() {
        assert!(mend("ssh://ada@example.org").contains("ssh -nNTL"));
        assert!(mend("ssh://ada@example.org").contains("ada@example.org"));
        assert!(mend("npipe:////./pipe/docker_engine").contains("WSL 2"));
        assert!(mend("https://h:2376").contains("ssh"));
        assert!(mend("tcp://").contains("tcp://HOST"));
        assert!(mend("quic://h").contains("unix://"));
    }
}
