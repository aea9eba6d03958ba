//! The programs that checks run: each asked for its version, side by side and within two seconds, so that
//! one that hangs holds nobody up.

use std::{path::Path, time::Duration};

use grader_core::workbook::{ProbeSpec, VulnerabilitiesSpec};
use tokio::time::timeout;

use super::{Fact, Seen, system::System};
use crate::{
    course::Course,
    probe::{DOWNLOAD, DatabaseState, ScannerState, installed_scanner},
    program::{BUILDX, COMPOSE, Call, Plugin, PluginState, Program},
};

/// How long a program may take.
pub(super) const WITHIN: Duration = Duration::from_secs(2);

/// What a program said, or why it said nothing.
pub(super) enum Said {
    /// Its standard output.
    Words(String),
    /// It is not in `PATH`.
    None,
    /// It did not answer, or failed.
    Nothing(String),
}

/// Runs a program to its end, if that comes soon.
pub(super) async fn ask(program: &str, arguments: &[&str], folder: &Path) -> Said {
    let Some(found) = Program::find(program) else { return Said::None };
    let call = Call::new(arguments.iter().copied(), folder, 2 * WITHIN);
    // Dropped at the end of its time, it is killed with all that it started.
    match timeout(WITHIN, found.run(&call)).await {
        Err(_) => Said::Nothing(format!("{} does not answer", found.path().display())),
        Ok(Err(error)) => Said::Nothing(error.to_string()),
        Ok(Ok(ran)) if ran.succeeded() => Said::Words(ran.stdout.to_text()),
        Ok(Ok(ran)) => Said::Nothing(ran.last_words()),
    }
}

/// Docker's buildx.
pub(super) async fn buildx() -> Vec<Fact> {
    vec![plugin("buildx", &BUILDX, System::this().buildx()).await]
}

/// Docker's Compose.
pub(super) async fn compose() -> Vec<Fact> {
    vec![plugin("compose", &COMPOSE, System::this().compose()).await]
}

async fn plugin(name: &'static str, plugin: &Plugin, mend: String) -> Fact {
    let fact = |seen, detail: String| Fact::new(name, seen, detail);
    match plugin.state(WITHIN).await {
        PluginState::Ready(found) => fact(Seen::Ok, found.version.to_string()),
        PluginState::Old(found) => {
            fact(Seen::Old, format!("{}; {} or newer is needed", found.version, plugin.oldest)).mend(mend)
        }
        PluginState::Silent(why) => {
            fact(Seen::Missing, if why.is_empty() { "not found".into() } else { why }).mend(mend)
        }
        PluginState::NoDocker => {
            fact(Seen::Missing, "the command `docker` is not in PATH".into()).mend(System::this().docker())
        }
    }
}

/// Trivy and its database, by what the workbook's checks ask of both.
pub(super) async fn trivy(course: &Course) -> Vec<Fact> {
    let specs: Vec<&VulnerabilitiesSpec> = course
        .workbook
        .checks
        .values()
        .flat_map(|check| &check.probes)
        .filter_map(|probe| match &probe.spec {
            ProbeSpec::Vulnerabilities(spec) => Some(spec),
            _ => None,
        })
        .collect();
    let mend = System::this().trivy();
    let program = |seen, detail: String| Fact::new("trivy", seen, detail);
    let found = timeout(WITHIN, installed_scanner(2 * WITHIN)).await;
    let scanner = match found {
        Err(_) => program(Seen::Missing, "it does not answer".into()).mend(mend),
        Ok(ScannerState::None) => program(Seen::Missing, "not found".into()).mend(mend),
        Ok(ScannerState::Silent { path, why }) => {
            program(Seen::Missing, format!("{}: {why}", path.display())).mend(mend)
        }
        Ok(ScannerState::Seen(found)) => match specs.iter().find_map(|spec| found.refused(spec)) {
            Some(why) => program(Seen::Old, why).mend(mend),
            None => program(Seen::Ok, format!("{}, {}", found.said, found.program.path().display())),
        },
    };
    vec![scanner, database(specs.iter().map(|spec| spec.database_at_most_days).min())]
}

fn database(at_most_days: Option<u32>) -> Fact {
    let fact = |seen, detail: String| Fact::new("trivy data", seen, detail);
    match DatabaseState::here() {
        DatabaseState::Seen(seen) => {
            let age = match seen.age_days() {
                0 => "less than a day".into(),
                1 => "1 day".into(),
                days => format!("{days} days"),
            };
            let stand_in = if seen.stand_in { ", a stand-in with a handful of vulnerabilities" } else { "" };
            match at_most_days.filter(|days| seen.is_older_than(*days)) {
                Some(days) => {
                    fact(Seen::Old, format!("{age}{stand_in}; at most {days} will do")).mend(DOWNLOAD)
                }
                None => fact(Seen::Ok, format!("{age} old{stand_in}")),
            }
        }
        DatabaseState::None { folder } => {
            fact(Seen::Missing, format!("none in {}", folder.display())).mend(DOWNLOAD)
        }
        DatabaseState::Unreadable { folder, why } => {
            let mend = format!("rm -r {} && {DOWNLOAD}", folder.display());
            fact(Seen::Missing, format!("cannot be read: {why}")).mend(mend)
        }
    }
}
