//! Watches the image's own health check turn healthy, stops the server from outside, and watches on.

use std::time::{Duration, Instant};

use grader_core::{
    evidence::{HealthChange, HealthEvidence, HealthMoment, HealthRun, HealthcheckSeen},
    workbook::HealthSpec,
};
use grader_engine::{HealthOverride, HealthState, HealthStatus, Healthcheck, KernelError, SignalAll};
use tokio::time::sleep;

use super::{
    Place, Stop,
    app::{App, Extras, millis},
    container::kernel_stop,
};

/// Between two runs of the test, in place of the image's interval.
const INTERVAL: Duration = Duration::from_secs(1);

/// The longest that one run of the test may take, in place of a longer one of the image's.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The engine's defaults where the image says nothing. Source: Dockerfile reference, HEALTHCHECK.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Failures in a row that are awaited at most: more would only take longer.
const MOST_RETRIES: u64 = 3;

const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn look(spec: &HealthSpec, place: &Place<'_>) -> Result<HealthEvidence, Stop> {
    let image = place.image(&spec.run.image).await?;
    // `HEALTHCHECK NONE` and an image without one are the same: the engine runs no test.
    let declared =
        image.config.healthcheck.filter(|check| check.test.first().is_some_and(|kind| kind != "NONE"));
    let faster = declared.as_ref().map(faster);
    let app = App::start(&spec.run, Extras { port: None, health: faster }, place).await?;
    let mut watch = Watch { app: &app, changes: Vec::new(), runs: Vec::new() };
    let mut before_stop = HealthMoment::default();
    let mut after_stop = HealthMoment::default();
    let mut stopped_processes = None;
    if declared.is_some() && app.not_started.is_none() {
        place.doing("waiting for its health check to say healthy");
        before_stop = watch.until(HealthStatus::Healthy, spec.healthy_within.0, app.started).await?;
        place.doing("stopping every process of it from outside");
        match app.kernel.signal_all(&app.container, SignalAll::Stop, Duration::from_secs(5)).await {
            Ok(frozen) => {
                stopped_processes = Some(frozen.processes as u64);
                place.doing("waiting for its health check to say unhealthy");
                let stopped = Instant::now();
                after_stop = watch.until(HealthStatus::Unhealthy, spec.unhealthy_within.0, stopped).await?;
            }
            // It has ended by itself: there is nothing to stop.
            Err(KernelError::NotRunning { .. }) => {}
            Err(error) => return Err(kernel_stop(error)),
        }
    }
    let Watch { changes, runs, .. } = watch;
    let (state, started_at) = app.state().await?;
    let output = app.output().await?;
    app.fits_the_machine(&output, &state)?;
    let evidence = HealthEvidence {
        image: app.image.id.clone(),
        image_reference: app.reference.clone(),
        container: app.container.id().to_owned(),
        started_at,
        used: declared.as_ref().zip(faster).map(|(declared, faster)| HealthcheckSeen {
            test: declared.test.clone(),
            interval_ms: millis(faster.interval),
            timeout_ms: millis(faster.timeout),
            start_period_ms: millis(faster.start_period),
            retries: faster.retries.into(),
        }),
        declared: declared.as_ref().map(seen),
        before_stop,
        after_stop,
        stopped_processes,
        changes,
        runs,
        state,
        output,
    };
    app.remove().await;
    Ok(evidence)
}

/// The image's own test with shorter times, so that both turns can be awaited.
fn faster(declared: &Healthcheck) -> HealthOverride {
    let timeout = declared.timeout_ns.map_or(DEFAULT_TIMEOUT, Duration::from_nanos);
    let retries = declared.retries.filter(|retries| *retries > 0).unwrap_or(MOST_RETRIES).min(MOST_RETRIES);
    HealthOverride {
        interval: INTERVAL.min(declared.interval_ns.map_or(INTERVAL, Duration::from_nanos)),
        timeout: timeout.min(LONGEST_TIMEOUT),
        start_period: declared.start_period_ns.map_or(Duration::ZERO, Duration::from_nanos),
        retries: u32::try_from(retries).unwrap_or(u32::MAX),
    }
}

fn seen(declared: &Healthcheck) -> HealthcheckSeen {
    let ms = |nanoseconds: Option<u64>| nanoseconds.unwrap_or(0) / 1_000_000;
    HealthcheckSeen {
        test: declared.test.clone(),
        interval_ms: ms(declared.interval_ns),
        timeout_ms: ms(declared.timeout_ns),
        start_period_ms: ms(declared.start_period_ns),
        retries: declared.retries.unwrap_or(0),
    }
}

struct Watch<'a> {
    app: &'a App,
    changes: Vec<HealthChange>,
    runs: Vec<HealthRun>,
}

impl Watch<'_> {
    /// Looks until the status is as wanted, the container ends, or the time is over; tells the last status.
    async fn until(
        &mut self,
        wanted: HealthStatus,
        limit: Duration,
        from: Instant,
    ) -> Result<HealthMoment, Stop> {
        loop {
            let state = self.app.container.inspect().await?;
            let status = state.health.as_ref().map(|health| health.status);
            if let Some(health) = &state.health {
                self.note(health);
            }
            if status == Some(wanted) || !state.running || from.elapsed() >= limit {
                return Ok(HealthMoment {
                    status: status.map(|status| word(status).to_owned()),
                    after_ms: Some(millis(from.elapsed())),
                });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn note(&mut self, health: &HealthState) {
        let status = word(health.status);
        if self.changes.last().is_none_or(|last| last.status != status) && self.changes.len() < 100 {
            self.changes.push(HealthChange { status: status.to_owned(), at_ms: self.app.age_ms() });
        }
        self.runs = health
            .log
            .iter()
            .rev()
            .take(10)
            .rev()
            .map(|run| HealthRun {
                exit_code: run.exit_code,
                output: self.app.text_of(run.output.as_bytes(), 500),
            })
            .collect();
    }
}

const fn word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Starting => "starting",
        HealthStatus::Healthy => "healthy",
        HealthStatus::Unhealthy => "unhealthy",
    }
}
