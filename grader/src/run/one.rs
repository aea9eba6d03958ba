//! One check, from its probes to an attempt: within its limit, with everything that was seen.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use grader_core::{
    Attempt, Fault, Missing, Verdict,
    evidence::{Evidence, Look, Secrets, Subject},
    judge::{Held, judge},
    workbook::{Check, Files, Holds, Probe, Use},
};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    probe::{self, EngineAccess, Images, Looked, Place, Stop, engine_seen, lock, millis},
    progress::{RunEvent, Step},
    workspace::{Repository, Workspace},
};

/// What a check is run with.
pub struct OneCheck<'a> {
    /// The check.
    pub check: &'a Check,
    /// The learner's folder.
    pub workspace: &'a Workspace,
    /// The engine, or why there is none; asked only by checks that use it.
    pub engine: Result<EngineAccess, Missing>,
    /// Images that the run has resolved.
    pub images: &'a Images,
    /// The workbook's own files.
    pub texts: &'a Files,
    /// What its `once` assertions held in earlier attempts.
    pub held: Held,
    /// Those who watch.
    pub watcher: &'a (dyn Fn(&RunEvent) + Send + Sync),
}

/// What the probes of one attempt share.
struct Looking<'a> {
    evidence: &'a Mutex<Evidence>,
    doing: &'a Mutex<String>,
    subject: &'a Mutex<Subject>,
    secrets: &'a Secrets,
}

impl OneCheck<'_> {
    /// Runs it. Whatever goes wrong is in the attempt's verdict; the attempt bears no number yet.
    pub async fn attempt(&self) -> Attempt {
        let started = Timestamp::now();
        let clock = Instant::now();
        let exercise = self.check.id;
        (self.watcher)(&RunEvent::CheckStarted { exercise, title: self.check.title.clone() });
        let seen = Mutex::new(Evidence::empty());
        let doing = Mutex::new(String::from("nothing yet"));
        let limit = self.check.within.0;
        let subject = Mutex::default();
        let ended = timeout(limit, self.look(&seen, &doing, &subject)).await;
        let mut evidence = seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        evidence.subject = subject.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let place = |name: &str| self.check.probes.iter().position(|probe| probe.name == name);
        evidence.looks.sort_by_key(|look| place(&look.probe));
        evidence.bound();
        let (verdict, outcomes) = match ended {
            Ok(Ok(())) => {
                let judgement = judge(self.check, &evidence, &self.held);
                (judgement.verdict(), judgement.outcomes)
            }
            // Whatever is missing now: what must have been seen once was seen, and nothing takes it back.
            Ok(Err(Stop::Blocked(_))) if self.all_shown() => {
                let judgement = judge(self.check, &evidence, &self.held);
                (judgement.verdict(), judgement.outcomes)
            }
            Ok(Err(Stop::Blocked(missing))) => (Verdict::Blocked(missing), Vec::new()),
            Ok(Err(Stop::Fault(fault))) => (Verdict::Error(fault), Vec::new()),
            Err(_) => (Verdict::Error(too_late(limit, &lock(&doing))), Vec::new()),
        };
        if matches!(verdict, Verdict::Passed) {
            self.close_question().await;
        }
        Attempt {
            number: None,
            exercise,
            title: self.check.title.clone(),
            check_hash: self.check.hash.clone(),
            started,
            duration_ms: millis(clock.elapsed()),
            evidence,
            outcomes,
            verdict,
        }
    }

    /// Whether all that the check asks must have been seen once, and was, in earlier attempts.
    fn all_shown(&self) -> bool {
        self.check
            .assertions
            .iter()
            .all(|assertion| assertion.holds == Holds::Once && self.held.contains_key(&assertion.id))
    }

    /// A question that was answered is not open any more.
    async fn close_question(&self) {
        let (true, Ok(access)) = (self.check.asks_question(), &self.engine) else { return };
        let workspace = &access.scope.labels().workspace;
        if let Err(error) = probe::close_question(access.engine(), workspace).await {
            // It ends by itself.
            tracing::warn!(error = probe::chain(&error), "an answered question is not removed yet");
        }
    }

    /// Lets every probe look, in order, those beside another together with it. What was seen before a stop stays.
    async fn look(
        &self,
        evidence: &Mutex<Evidence>,
        doing: &Mutex<String>,
        subject: &Mutex<Subject>,
    ) -> Result<(), Stop> {
        self.needed()?;
        let app = &self.workspace.file().app;
        // Recorded with every attempt; whether it is judged is the check's affair.
        lock(subject).tree =
            Repository::holding(&self.workspace.root().join(&app.path)).ok().and_then(|found| found.tree());
        let secrets = self.secrets()?;
        let looking = Looking { evidence, doing, subject, secrets: &secrets };
        for probe in self.check.probes.iter().filter(|probe| probe.during.is_none()) {
            let beside = self.check.probes.iter().filter(|other| other.during.as_ref() == Some(&probe.name));
            let settled = CancellationToken::new();
            let beside = beside.map(async |other| {
                settled.cancelled().await;
                self.look_with(other, &looking, &CancellationToken::new()).await
            });
            let first = async {
                // However it ends, those who wait for it must not wait for ever.
                let _settled = settled.clone().drop_guard();
                self.look_with(probe, &looking, &settled).await
            };
            tokio::try_join!(first, try_join_all(beside))?;
        }
        Ok(())
    }

    async fn look_with(
        &self,
        probe: &Probe,
        looking: &Looking<'_>,
        settled: &CancellationToken,
    ) -> Result<(), Stop> {
        let engine = self.engine.as_ref().ok().cloned().filter(|_| self.check.uses.contains(&Use::Engine));
        let spec = probe.spec.fill(&self.workspace.file().names()).map_err(|error| {
            Stop::blocked(probe::chain(&error), "edit workspace.toml: its value does not fit this check")
        })?;
        let filled = Probe { spec, ..probe.clone() };
        let step = |what: String| {
            (self.watcher)(&RunEvent::Step(Step {
                exercise: self.check.id,
                probe: probe.name.clone(),
                doing: what.clone(),
            }));
            *lock(looking.doing) = format!("{}: {what}", probe.name);
        };
        let place = Place {
            workspace: self.workspace,
            engine,
            images: self.images,
            texts: self.texts,
            all_shown: self.all_shown(),
            subject: looking.subject,
            tools: Mutex::default(),
            settled: settled.clone(),
            step: &step,
        };
        self.look_once(&filled, &place, looking).await
    }

    async fn look_once(&self, probe: &Probe, place: &Place<'_>, looking: &Looking<'_>) -> Result<(), Stop> {
        let at = Timestamp::now();
        let clock = Instant::now();
        let earlier = lock(looking.evidence).seen.clone();
        let looked = probe::look(probe, place, &earlier).await;
        let took_ms = millis(clock.elapsed());
        let (mut value, absent) = match looked {
            Ok(Looked::Seen(value)) => (value, None),
            Ok(Looked::Absent(why)) if probe.optional => (serde_json::Value::Null, Some(why)),
            Ok(Looked::Absent(why)) => {
                return Err(Stop::blocked(why, "this check cannot judge an image without it"));
            }
            Err(stop) => return Err(stop),
        };
        looking.secrets.redact(&mut value);
        let mut evidence = lock(looking.evidence);
        evidence.seen.insert(probe.name.clone(), value);
        evidence.looks.push(Look {
            probe: probe.name.clone(),
            kind: probe.spec.kind().as_str().to_owned(),
            at,
            took_ms,
            engine: place
                .engine
                .as_ref()
                .filter(|_| probe.spec.asks_engine())
                .map(|access| engine_seen(access.engine())),
            tools: lock(&place.tools).clone(),
            absent,
            cut: None,
        });
        drop(evidence);
        (self.watcher)(&RunEvent::ProbeFinished {
            exercise: self.check.id,
            probe: probe.name.clone(),
            took_ms,
        });
        Ok(())
    }

    /// The learner's values that must not become evidence.
    fn secrets(&self) -> Result<Secrets, Stop> {
        let env = probe::app_environment(self.workspace)?;
        Ok(Secrets::of_env(env.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
    }

    /// What the check uses must be there before anything is started.
    fn needed(&self) -> Result<(), Stop> {
        for needed in &self.check.uses {
            match needed {
                Use::Engine => {
                    if let Err(missing) = &self.engine {
                        return Err(Stop::Blocked(missing.clone()));
                    }
                }
                // The probes that run these programs ask for them by version, with their mend.
                Use::Buildx | Use::Compose | Use::Trivy => {}
                Use::Git => {
                    let folder = self.workspace.root().join(&self.workspace.file().app.path);
                    Repository::holding(&folder).map_err(|error| probe::no_repository(&error))?;
                }
            }
        }
        Ok(())
    }
}

fn too_late(limit: Duration, doing: &str) -> Fault {
    Fault {
        what: format!("the check did not end within {} s, its limit", limit.as_secs_f64()),
        detail: format!("the last that was done: {doing}"),
    }
}
