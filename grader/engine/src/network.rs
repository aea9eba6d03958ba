//! Networks of a run's own.

use bollard::models::NetworkCreateRequest;

use crate::{EngineError, Labels, MadeKind, RunScope};

/// A bridge network of a run's own; removed with the run's scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    name: String,
    id: String,
}

impl Network {
    /// Returns its name: what [`NetworkPlan::Of`](crate::NetworkPlan::Of) wants.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the engine's id for it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl RunScope {
    /// Makes a labelled bridge network. With `internal`, nothing on it reaches the outside.
    ///
    /// Source: `POST /networks/create`.
    ///
    /// # Errors
    /// The engine has no address range left, the ledger cannot be written, the run is ending.
    pub async fn create_network(&self, internal: bool) -> Result<Network, EngineError> {
        let made = self
            .make(MadeKind::Network, move |engine, name, labels| async move {
                let request = || format!("create network {name}");
                let body = body(&name, internal, &labels);
                let answer = engine.docker().create_network(body);
                let created = engine.ask(request, answer).await?;
                Ok(Network { id: created.id, name })
            })
            .await?;
        Ok(made)
    }
}

fn body(name: &str, internal: bool, labels: &Labels) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".to_owned()),
        internal: Some(internal),
        labels: Some(labels.to_map()),
        ..NetworkCreateRequest::default()
    }
}
