//! Reads an HTTP endpoint of a container twice, restarts the container, and reads it again.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use grader_core::{
    evidence::{EndpointEvidence, Read, Taken},
    workbook::EndpointSpec,
};
use serde_json::Value;
use tokio::time::sleep;

use super::{
    Place, Stop,
    app::{App, Extras, millis, port},
    http,
};

/// How much of a body becomes evidence, in bytes.
const BODY: usize = 4096;

/// How long to wait before a server that does not answer yet is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

pub(super) async fn look(spec: &EndpointSpec, place: &Place<'_>) -> Result<EndpointEvidence, Stop> {
    let port = port(&spec.port)?;
    let app = App::start(&spec.run, Extras { port: Some(port), health: None }, place).await?;
    let reader = Reader { spec, port, app: &app };

    place.doing(format!("waiting for an answer at {}", spec.path));
    let (first, first_at) = reader.first_answer().await?;
    let mut second = Read { error: Some("not asked: there was no first answer".into()), ..Read::default() };
    let mut after_restart = second.clone();
    let (mut apart_s, mut since_restart_s) = (None, None);
    if first.status.is_some() {
        place.doing(format!("asking {} again after {}", spec.path, spec.gap));
        sleep(spec.gap.0).await;
        let address = app.address(port).await?;
        second = reader.read(address).await;
        apart_s = Some(first_at.elapsed().as_secs_f64());

        place.doing("restarting it, and asking once more");
        let restarted = Instant::now();
        app.container.restart(Duration::from_secs(10)).await?;
        let (read, at) = reader.first_answer().await?;
        since_restart_s = Some(at.duration_since(restarted).as_secs_f64());
        after_restart = read;
    }
    let (state, started_at) = app.state().await?;
    let output = app.output().await?;
    app.fits_the_machine(&output, &state)?;
    let evidence = EndpointEvidence {
        image: app.image.id.clone(),
        image_reference: app.reference.clone(),
        container: app.container.id().to_owned(),
        started_at,
        path: spec.path.clone(),
        port,
        first,
        second,
        apart_s,
        after_restart,
        since_restart_s,
        state,
        output,
    };
    app.remove().await;
    Ok(evidence)
}

/// Reads an endpoint of a container.
pub(super) struct Reader<'a> {
    pub spec: &'a EndpointSpec,
    pub port: u16,
    pub app: &'a App,
}

impl Reader<'_> {
    /// Asks until an answer comes, the container ends, or the time is over; says when it came.
    pub(super) async fn first_answer(&self) -> Result<(Read, Instant), Stop> {
        let end = Instant::now() + self.spec.first_within.0;
        loop {
            let (state, _) = self.app.state().await?;
            let address = self.app.address(self.port).await?;
            let read = self.read(address).await;
            if read.status.is_some() || Instant::now() >= end || !state.running {
                return Ok((read, Instant::now()));
            }
            sleep(ASK_AGAIN).await;
        }
    }

    async fn read(&self, address: Option<SocketAddr>) -> Read {
        let names = self.spec.take.iter();
        let nothing = || names.clone().map(|(name, _)| (name.clone(), Taken::default())).collect();
        let Some(address) = address else {
            return Read { error: Some("its port is not open".into()), taken: nothing(), ..Read::default() };
        };
        match http::get(address, &self.spec.path, http::ANSWER_WITHIN).await {
            Err(error) => Read { error: Some(error), taken: nothing(), ..Read::default() },
            Ok(answer) => {
                let json = serde_json::from_slice::<Value>(&answer.body).ok();
                let object = json.as_ref().filter(|json| json.is_object());
                let taken: BTreeMap<String, Taken> = names
                    .map(|(name, key)| {
                        (name.clone(), Taken::from_json(object.and_then(|json| json.get(key))))
                    })
                    .collect();
                Read {
                    status: Some(answer.status),
                    error: answer.problem,
                    took_ms: Some(millis(answer.took)),
                    content_type: answer.content_type,
                    json_object: Some(object.is_some()),
                    redirects: answer.redirects,
                    body: self.app.text_of(&answer.body, BODY),
                    taken,
                }
            }
        }
    }
}
