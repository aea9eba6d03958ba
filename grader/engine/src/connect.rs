//! Connecting to an engine, and the time limit that every request to it has. Start at [`Engine`].

use std::{future::Future, io, sync::Arc, time::Duration};

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use futures_util::{Stream, StreamExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    Endpoint, EngineError, EngineFacts, OLDEST_API, address::Address, error::sorted, facts::api_number,
};

type BollardError = bollard::errors::Error;

/// bollard's own limit is out of the way: it ends at the head of an answer, ours at its end.
const BOLLARD_LIMIT_SECONDS: u64 = 24 * 60 * 60;

/// How long an engine that answers a ping may take to say who it is: a person waits, and nothing has begun.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// A connected engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    docker: Docker,
    facts: EngineFacts,
    limits: Limits,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("facts", &self.inner.facts).finish_non_exhaustive()
    }
}

/// How long the engine may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one whole request and its answer.
    pub request: Duration,
    /// For the next piece of an answer that is a stream.
    pub idle: Duration,
}

impl Default for Limits {
    /// 30 s for a request; a minute for a piece, since an engine of 20.10 lays a whole image out before the
    /// first byte of its export.
    fn default() -> Self {
        Self { request: Duration::from_secs(30), idle: Duration::from_secs(60) }
    }
}

impl Engine {
    /// Connects, finds the API version that both speak, and reads who the engine is.
    ///
    /// `connect_timeout` bounds the first sign of life (500 ms tells a hanging engine apart);
    /// after it each request has the limit of [`Limits`], the first two 10 s at most. Sources: `GET /_ping`, `GET /version`,
    /// `GET /info`.
    ///
    /// # Errors
    /// [`EngineError::is_missing`] ones where no usable engine is there.
    pub async fn connect(endpoint: &Endpoint, connect_timeout: Duration) -> Result<Self, EngineError> {
        Self::connect_with(endpoint, connect_timeout, Limits::default()).await
    }

    /// Connects as [`Engine::connect`] does, with limits of one's own.
    ///
    /// # Errors
    /// As for [`Engine::connect`].
    pub async fn connect_with(
        endpoint: &Endpoint,
        connect_timeout: Duration,
        limits: Limits,
    ) -> Result<Self, EngineError> {
        let deadline = Instant::now() + connect_timeout;
        let no_answer =
            || EngineError::NoAnswer { endpoint: endpoint.host().to_owned(), after: connect_timeout };
        // A socket of our own first: it alone says why nobody can be reached.
        timeout_at(deadline, knock(endpoint.address()))
            .await
            .map_err(|_| no_answer())?
            .map_err(|error| unreachable(endpoint, error))?;
        let docker = transport(endpoint)?;
        timeout_at(deadline, docker.ping())
            .await
            .map_err(|_| no_answer())?
            .map_err(|error| unready(endpoint, error))?;

        let introduction = limits.request.min(INTRODUCTION);
        let (version, info) = tokio::join!(
            within(introduction, || "say its version".into(), docker.version()),
            within(introduction, || "describe itself".into(), docker.info()),
        );
        let (version, info) = (version?, info?);
        let spoken = version.api_version.clone().unwrap_or_default();
        let api_version = agreed(&spoken).ok_or(EngineError::TooOld { found: spoken, needs: OLDEST_API })?;
        Ok(Self {
            inner: Arc::new(Inner {
                docker: docker.with_request_modifier(versioned(&api_version)),
                facts: EngineFacts::new(endpoint, api_version, version, info),
                limits,
            }),
        })
    }

    /// Returns who the engine is.
    #[must_use]
    pub fn facts(&self) -> &EngineFacts {
        &self.inner.facts
    }

    /// Returns how long the engine may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    pub(crate) fn docker(&self) -> &Docker {
        &self.inner.docker
    }

    /// Asks within the usual limit; `request` completes "asked to …".
    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce() -> String,
        answer: impl Future<Output = Result<T, BollardError>>,
    ) -> Result<T, EngineError> {
        within(self.inner.limits.request, request, answer).await
    }

    /// Awaits the next piece of a streamed answer within the idle limit.
    pub(crate) async fn next<T>(
        &self,
        request: impl FnOnce() -> String,
        stream: &mut (impl Stream<Item = Result<T, BollardError>> + Unpin),
    ) -> Result<Option<T>, EngineError> {
        let piece = async { stream.next().await.transpose() };
        within(self.inner.limits.idle, request, piece).await
    }
}

/// Asks within a limit of the caller's, for what the engine may rightly take long for.
pub(crate) async fn within<T>(
    limit: Duration,
    request: impl FnOnce() -> String,
    answer: impl Future<Output = Result<T, BollardError>>,
) -> Result<T, EngineError> {
    let begun = Instant::now();
    let answered = timeout(limit, answer).await;
    let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    // `./bench` tells by these lines what of a check's time was the engine's.
    tracing::trace!(took_us, "asked");
    match answered {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(sorted(request(), error)),
        Err(_) => Err(EngineError::Stalled { request: request(), after: limit }),
    }
}

async fn knock(address: &Address) -> io::Result<()> {
    match address {
        #[cfg(unix)]
        Address::Unix(path) => tokio::net::UnixStream::connect(path).await.map(drop),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        Address::Tcp(authority) => tokio::net::TcpStream::connect(authority).await.map(drop),
    }
}

fn transport(endpoint: &Endpoint) -> Result<Docker, EngineError> {
    let made = match endpoint.address() {
        #[cfg(unix)]
        Address::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), BOLLARD_LIMIT_SECONDS, API_DEFAULT_VERSION)
        }
        #[cfg(not(unix))]
        Address::Unix(path) => Err(BollardError::SocketNotFoundError(path.display().to_string())),
        Address::Tcp(authority) => Docker::connect_with_http(
            &format!("http://{authority}"),
            BOLLARD_LIMIT_SECONDS,
            API_DEFAULT_VERSION,
        ),
    };
    made.map_err(|error| sorted(format!("connect to {}", endpoint.host()), error))
}

fn unreachable(endpoint: &Endpoint, source: io::Error) -> EngineError {
    let endpoint = endpoint.host().to_owned();
    match source.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
            EngineError::Refused { endpoint, source }
        }
        io::ErrorKind::PermissionDenied => EngineError::Denied { endpoint, source },
        _ => EngineError::Absent { endpoint, source },
    }
}

/// Docker Desktop's proxy answers 4xx and 5xx, or hangs up, while the engine behind it is down.
fn unready(endpoint: &Endpoint, error: BollardError) -> EngineError {
    let unready = |message| EngineError::Unready { endpoint: endpoint.host().to_owned(), message };
    match error {
        BollardError::DockerResponseServerError { message, .. } => unready(message),
        other => match sorted("answer a ping".into(), other) {
            EngineError::Cut { source, .. } => unready(format!("it hangs up: {source}")),
            other => other,
        },
    }
}

/// Returns the newest API version that both sides speak.
fn agreed(spoken: &str) -> Option<String> {
    let ours = (
        u32::try_from(API_DEFAULT_VERSION.major_version).ok()?,
        u32::try_from(API_DEFAULT_VERSION.minor_version).ok()?,
    );
    let theirs = api_number(spoken)?;
    if Some(theirs) < api_number(OLDEST_API) {
        return None;
    }
    let (major, minor) = theirs.min(ours);
    Some(format!("{major}.{minor}"))
}

/// bollard 0.21 leaves the version out of its paths, so the engine would answer in its newest API,
/// which may be newer than the models that read it. This puts the agreed version in.
fn versioned(api_version: &str) -> impl Fn(BollardRequest) -> BollardRequest + Send + Sync + 'static {
    let prefix = format!("/v{api_version}");
    move |mut request| {
        let uri = request.uri();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let scheme = uri.scheme_str().unwrap_or("http");
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if let Ok(uri) = format!("{scheme}://{authority}{prefix}{path}").parse() {
            *request.uri_mut() = uri;
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_of_two_versions_is_spoken() {
        assert_eq!(agreed("1.41").as_deref(), Some("1.41"));
        assert_eq!(agreed("1.99").as_deref(), Some("1.53"));
        assert_eq!(agreed("1.40"), None);
        assert_eq!(agreed("1.9"), None);
        assert_eq!(agreed(""), None);
    }
}
