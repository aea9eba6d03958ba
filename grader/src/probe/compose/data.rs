//! Asks a database, as its own client, whether what was written is still there.

use std::{path::Path, time::Duration};

use grader_core::evidence::{ComposeService, DataKept};
use tokio::time::{Instant, sleep};

use super::{
    command::{Compose, words},
    project::Project,
};
use crate::{
    probe::Stop,
    program::{Call, Ran},
};

/// How long one question may take, and how long a database may take to answer after its start.
const ASK_WITHIN: Duration = Duration::from_secs(10);
const THERE_WITHIN: Duration = Duration::from_secs(20);

/// Asks as the user whom the image's variables name, by the socket.
const CLIENT: &str = r#"
read_file() { cat "${1:-/dev/null}"; }
user=${POSTGRES_USER:-$(read_file "$POSTGRES_USER_FILE")}; user=${user:-postgres}
database=${POSTGRES_DB:-$(read_file "$POSTGRES_DB_FILE")}; database=${database:-$user}
PGPASSWORD=${POSTGRES_PASSWORD:-$(read_file "$POSTGRES_PASSWORD_FILE")}
export PGPASSWORD
exec psql -v ON_ERROR_STOP=1 -qAt -U "$user" -d "$database" -c "$1"
"#;

/// The table that is made: a name that no app has.
const TABLE: &str = "grader_was_here";

/// Makes a table, and looks where the database keeps it.
pub(super) async fn write(
    project: &Project,
    compose: &Compose,
    service: &ComposeService,
) -> Result<DataKept, Stop> {
    let mut kept =
        DataKept { service: service.name.clone(), mount: "none".to_owned(), ..DataKept::default() };
    let Some(ran) = ask_patiently(project, compose, &service.name, "SHOW data_directory").await? else {
        return Ok(kept);
    };
    kept.said = project.without_secrets(words(&ran));
    let directory = String::from_utf8_lossy(&ran.stdout.first).trim().to_owned();
    if !ran.succeeded() || !directory.starts_with('/') {
        return Ok(kept);
    }
    kept.mount = mount_of(service, &directory).to_owned();
    kept.directory = Some(directory.chars().take(300).collect());
    let statement = format!("CREATE TABLE {TABLE} (n integer)");
    if let Some(ran) = ask(project, compose, &service.name, &statement).await? {
        kept.written = ran.succeeded();
        kept.said = project.without_secrets(words(&ran));
    }
    Ok(kept)
}

/// Looks whether the table is there.
pub(super) async fn look(project: &Project, compose: &Compose, kept: &mut DataKept) -> Result<(), Stop> {
    let statement = format!("SELECT count(*) FROM pg_tables WHERE tablename = '{TABLE}'");
    if let Some(ran) = ask_patiently(project, compose, &kept.service, &statement).await? {
        kept.kept = ran.succeeded() && ran.stdout.first.starts_with(b"1");
        kept.said = project.without_secrets(words(&ran));
    }
    Ok(())
}

/// What is mounted where a database keeps its data: the mount whose target lies nearest above it.
fn mount_of<'a>(service: &'a ComposeService, directory: &str) -> &'a str {
    service
        .mounts
        .iter()
        .filter(|mount| Path::new(directory).starts_with(&mount.target))
        .max_by_key(|mount| mount.target.len())
        .map_or("none", |mount| mount.kind.as_str())
}

/// Asks until the database answers: after its start it may need a moment.
async fn ask_patiently(
    project: &Project,
    compose: &Compose,
    service: &str,
    statement: &str,
) -> Result<Option<Ran>, Stop> {
    let end = Instant::now() + THERE_WITHIN;
    loop {
        let ran = ask(project, compose, service, statement).await?;
        if ran.as_ref().is_some_and(Ran::succeeded) || Instant::now() >= end {
            return Ok(ran);
        }
        sleep(Duration::from_millis(300)).await;
    }
}

async fn ask(
    project: &Project,
    compose: &Compose,
    service: &str,
    statement: &str,
) -> Result<Option<Ran>, Stop> {
    let Some(container) = project.listed(service).await? else { return Ok(None) };
    let arguments = ["exec", &container.id, "sh", "-c", CLIENT, "sh", statement];
    let call = Call::new(arguments, &compose.folder, ASK_WITHIN);
    let ran = compose.docker.run(&call).await;
    ran.map(Some).map_err(|error| Stop::fault("`docker exec` could not be run", &error))
}

#[cfg(test)]
mod tests {
    use grader_core::evidence::ComposeMount;

    use super::*;

    #[test]
    fn the_nearest_mount_above_the_data_holds_it() {
        let mount = |kind: &str, target: &str| ComposeMount {
            kind: kind.into(),
            target: target.into(),
            ..ComposeMount::default()
        };
        let service = ComposeService {
            mounts: vec![
                mount("volume", "/var/lib/postgresql"),
                mount("anonymous", "/var/lib/postgresql/data"),
                mount("bind", "/var/lib/postgresql/database"),
            ],
            ..ComposeService::default()
        };
        assert_eq!(mount_of(&service, "/var/lib/postgresql/data"), "anonymous");
        assert_eq!(mount_of(&service, "/var/lib/postgresql/18/docker"), "volume");
        assert_eq!(mount_of(&service, "/srv/data"), "none");
    }
}
