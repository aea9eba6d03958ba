//! Images as the engine knows them: looking, exporting, loading. Start at [`Engine::image`].

use std::collections::BTreeMap;

use bollard::models::{HealthConfig, ImageInspect};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// An image. Source: `GET /images/{name}/json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// `sha256:…`; of what, depends on [`ImageStore`](crate::ImageStore).
    pub id: String,
    /// Its names, as `app:latest`.
    pub repo_tags: Vec<String>,
    /// Its names by digest, as a registry knows it.
    pub repo_digests: Vec<String>,
    /// RFC 3339; null when the image does not say.
    pub created: Option<String>,
    /// As `linux`.
    pub os: String,
    /// As Go names it: `amd64`, `arm64`.
    pub architecture: String,
    /// As `v8`; null when it has none.
    pub variant: Option<String>,
    /// Size as the engine reports it, in bytes; what it counts depends on its image store.
    pub size_bytes: u64,
    /// How its containers start.
    pub config: ImageConfig,
    /// Digests of its layers' uncompressed archives, lowest first.
    pub diff_ids: Vec<String>,
}

/// How an image's containers start. Absent is null, empty is empty: the Dockerfile tells them apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// `USER`, as written; null when it sets none, which means root.
    pub user: Option<String>,
    /// `ENV`, as `KEY=value`.
    pub env: Vec<String>,
    /// `ENTRYPOINT`; null when it sets none.
    pub entrypoint: Option<Vec<String>>,
    /// `CMD`; null when it sets none.
    pub cmd: Option<Vec<String>>,
    /// `WORKDIR`; null when it sets none.
    pub working_dir: Option<String>,
    /// `EXPOSE`, as `8000/tcp`.
    pub exposed_ports: Vec<String>,
    /// `VOLUME`: paths where every container gets a writable volume.
    pub volumes: Vec<String>,
    /// `LABEL`.
    pub labels: BTreeMap<String, String>,
    /// `HEALTHCHECK`; null when it sets none. `HEALTHCHECK NONE` has the test `["NONE"]`.
    pub healthcheck: Option<Healthcheck>,
    /// `STOPSIGNAL`; null when it sets none, which means SIGTERM.
    pub stop_signal: Option<String>,
    /// `SHELL`; null when it sets none.
    pub shell: Option<Vec<String>>,
}

/// An image's health test. A time or count of null is the engine's default (30 s, 30 s, 0 s, 5 s, 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healthcheck {
    /// `["CMD", …]`, `["CMD-SHELL", "…"]` or `["NONE"]`.
    pub test: Vec<String>,
    /// Between two tests, in nanoseconds.
    pub interval_ns: Option<u64>,
    /// After which a test has failed, in nanoseconds.
    pub timeout_ns: Option<u64>,
    /// In which failures do not count, in nanoseconds.
    pub start_period_ns: Option<u64>,
    /// Between two tests of the start period, in nanoseconds.
    pub start_interval_ns: Option<u64>,
    /// Failures in a row until it is unhealthy.
    pub retries: Option<u64>,
}

/// One step of an image's history. Source: `GET /images/{name}/history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryStep {
    /// What was run, as the builder wrote it down.
    pub created_by: String,
    /// Seconds since 1970.
    pub created_unix: i64,
    /// Bytes that its layer adds, as the engine reports them; 0 for a step without layer.
    pub size_bytes: u64,
    /// The builder's remark, as `buildkit.dockerfile.v0`.
    pub comment: String,
}

impl Engine {
    /// Looks an image up by name, tag, digest or id.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when there is none, [`EngineError::BadReference`] when there can
    /// be none by that name.
    pub async fn image(&self, reference: &str) -> Result<ImageFacts, EngineError> {
        checked(reference)?;
        let request = || format!("inspect image {reference}");
        let answer = self.docker().inspect_image(reference);
        Ok(self.ask(request, answer).await?.into())
    }

    /// Returns how an image was built, its first step first.
    ///
    /// # Errors
    /// As for [`Engine::image`].
    pub async fn history(&self, reference: &str) -> Result<Vec<HistoryStep>, EngineError> {
        checked(reference)?;
        let request = || format!("read the history of image {reference}");
        let answer = self.docker().image_history(reference);
        let steps = self.ask(request, answer).await?;
        Ok(steps
            .into_iter()
            .rev()
            .map(|step| HistoryStep {
                created_by: step.created_by,
                created_unix: step.created,
                size_bytes: step.size.try_into().unwrap_or(0),
                comment: step.comment,
            })
            .collect())
    }

    /// Streams a whole image as an archive, in the form of `docker save`. Memory does not grow with
    /// the image. Source: `GET /images/{name}/get`.
    ///
    /// # Errors
    /// In the stream: the image is gone, the engine went away, or a piece took longer than the
    /// idle limit. After an error the stream ends.
    pub fn export(
        &self,
        reference: &str,
    ) -> impl Stream<Item = Result<Bytes, EngineError>> + Unpin + Send + 'static {
        let request = format!("export image {reference}");
        let start = match checked(reference) {
            Ok(()) => Export::Running {
                engine: self.clone(),
                pieces: self.docker().export_image(reference).boxed(),
                request,
            },
            Err(error) => Export::Bad(error),
        };
        stream::unfold(start, |export| async move {
            match export {
                Export::Bad(error) => Some((Err(error), Export::Done)),
                Export::Done => None,
                Export::Running { engine, mut pieces, request } => {
                    match engine.next(|| request.clone(), &mut pieces).await {
                        Ok(None) => None,
                        Err(error) => Some((Err(error), Export::Done)),
                        Ok(Some(piece)) => {
                            let next = Export::Running { engine, pieces, request };
                            Some((Ok(piece), next))
                        }
                    }
                }
            }
        })
        .boxed()
    }
}

enum Export {
    Running {
        engine: Engine,
        pieces: stream::BoxStream<'static, Result<Bytes, bollard::errors::Error>>,
        request: String,
    },
    Bad(EngineError),
    Done,
}

impl From<ImageInspect> for ImageFacts {
    fn from(image: ImageInspect) -> Self {
        let config = image.config.unwrap_or_default();
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            id: image.id.unwrap_or_default(),
            repo_tags: image.repo_tags.unwrap_or_default(),
            repo_digests: image.repo_digests.unwrap_or_default(),
            created: some(image.created).filter(|text| !text.starts_with("0001-01-01")),
            os: image.os.unwrap_or_default(),
            architecture: image.architecture.unwrap_or_default(),
            variant: some(image.variant),
            size_bytes: image.size.and_then(|n| n.try_into().ok()).unwrap_or(0),
            config: ImageConfig {
                user: some(config.user),
                env: config.env.unwrap_or_default(),
                entrypoint: config.entrypoint,
                cmd: config.cmd,
                working_dir: some(config.working_dir),
                exposed_ports: sorted(config.exposed_ports),
                volumes: sorted(config.volumes),
                labels: config.labels.into_iter().flatten().collect(),
                healthcheck: config.healthcheck.and_then(healthcheck),
                stop_signal: some(config.stop_signal),
                shell: config.shell,
            },
            diff_ids: image.root_fs.and_then(|root_fs| root_fs.layers).unwrap_or_default(),
        }
    }
}

fn healthcheck(health: HealthConfig) -> Option<Healthcheck> {
    // Zero is how the image's configuration writes "not set".
    let set = |value: Option<i64>| value.and_then(|v| v.try_into().ok()).filter(|v| *v != 0);
    let test = health.test.filter(|test| !test.is_empty())?;
    Some(Healthcheck {
        test,
        interval_ns: set(health.interval),
        timeout_ns: set(health.timeout),
        start_period_ns: set(health.start_period),
        start_interval_ns: set(health.start_interval),
        retries: set(health.retries),
    })
}

fn sorted(list: Option<Vec<String>>) -> Vec<String> {
    let mut list = list.unwrap_or_default();
    list.sort();
    list
}

/// Keeps a reference from becoming another path of the API, and says what is wrong with it.
fn checked(reference: &str) -> Result<(), EngineError> {
    let bad = |why| Err(EngineError::BadReference { reference: reference.to_owned(), why });
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':' | b'@');
    if reference.is_empty() {
        return bad("it is empty");
    }
    if reference.len() > 512 {
        return bad("it is longer than 512 bytes");
    }
    if !reference.bytes().all(allowed) {
        return bad("it may have letters, digits and . _ - / : @ only");
    }
    if reference.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return bad("a part between slashes is missing");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_cannot_leave_their_path() {
        for good in ["app", "app:1", "localhost:5000/a/b:v1", "sha256:36ae8f97", "a@sha256:00"] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in ["", "../containers/x", "a//b", "/a", "a/", "a b", "a?b", "a\nb", "ä"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn absent_is_null_and_empty_is_empty() {
        let image: ImageInspect = serde_json::from_value(serde_json::json!({
            "Id": "sha256:1", "RepoTags": ["a:1"], "Size": 5,
            "Config": {"User": "", "Env": null, "Cmd": ["x"], "Entrypoint": null, "Volumes": {"/data": {}},
                       "ExposedPorts": {"9/tcp": {}, "8/tcp": {}},
                       "Healthcheck": {"Test": ["CMD-SHELL", "x"], "Interval": 1000000000}},
            "RootFS": {"Type": "layers", "Layers": ["sha256:2"]}}))
        .unwrap();
        let facts = ImageFacts::from(image);
        assert_eq!(facts.config.user, None);
        assert_eq!(facts.config.entrypoint, None);
        assert_eq!(facts.config.volumes, ["/data"]);
        assert_eq!(facts.config.exposed_ports, ["8/tcp", "9/tcp"]);
        let health = facts.config.healthcheck.unwrap();
        assert_eq!((health.interval_ns, health.retries), (Some(1_000_000_000), None));
        assert_eq!(facts.diff_ids, ["sha256:2"]);
    }
}
