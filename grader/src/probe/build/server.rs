//! The built image, started once: what it says of its commit, and which server answers.

use grader_core::{
    evidence::{Read, ServerProcess, ServerSeen, Text},
    workbook::{BuildSpec, EndpointSpec, RunSpec},
};
use grader_engine::KernelError;

use super::super::{
    Place, Stop,
    app::{App, Extras},
    container::kernel_stop,
    endpoint::Reader,
    http,
};

/// What no server of HTTP takes for a request. Each answers it in its own way, before any framework has a say.
const MALFORMED: &[u8] = b"BREW / HTTP/9.9\r\nHost: localhost\r\n\r\n";

/// How much of an answer becomes evidence, in bytes.
const ANSWER: usize = 2000;

/// How much of a process's arguments becomes evidence, in bytes.
const ARGUMENTS: usize = 1000;

/// The most processes that become evidence.
const MOST_PROCESSES: usize = 100;

/// Starts `image`, by the name of ours, and looks at what serves.
pub(super) async fn look(
    spec: &BuildSpec,
    port: u16,
    image: &str,
    nonce: &str,
    place: &Place<'_>,
) -> Result<ServerSeen, Stop> {
    let run = RunSpec { image: image.to_owned(), ..RunSpec::default() };
    let app = App::start(&run, Extras { port: Some(port), health: None }, place).await?;
    let endpoint = EndpointSpec {
        run,
        path: spec.health.clone(),
        port: spec.port.clone(),
        first_within: spec.first_within,
        gap: spec.first_within,
        take: [("sha".to_owned(), spec.sha_key.clone())].into(),
    };
    let (first, _) = Reader { spec: &endpoint, port, app: &app }.first_answer().await?;
    let (mut server_header, mut malformed) = (Text::default(), Text::default());
    if let Some(address) = app.address(port).await?
        && first.status.is_some()
    {
        if let Ok(answer) = http::get(address, &spec.health, http::ANSWER_WITHIN).await {
            server_header = app.text_of(&answer.server, ANSWER);
        }
        let answer = http::raw(address, MALFORMED, ANSWER, http::ANSWER_WITHIN).await;
        malformed = app.text_of(&answer, ANSWER);
    }
    let processes = processes(&app).await?;
    let (state, _) = app.state().await?;
    let output = app.output().await?;
    app.fits_the_machine(&output, &state)?;
    let seen = ServerSeen {
        path: spec.health.clone(),
        port,
        sha_is_nonce: says(&first, nonce),
        first,
        server_header,
        malformed,
        processes,
        state,
        output,
    };
    app.remove().await;
    Ok(seen)
}

/// Whether an answer gives exactly this as its commit.
fn says(read: &Read, nonce: &str) -> bool {
    read.taken.get("sha").and_then(|taken| taken.text.as_deref()) == Some(nonce)
}

async fn processes(app: &App) -> Result<Vec<ServerProcess>, Stop> {
    let look = match app.kernel.look(&app.container).await {
        Ok(look) => look,
        Err(KernelError::NotRunning { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(kernel_stop(error)),
    };
    let seen = look.processes.iter().filter(|process| process.state != 'Z').take(MOST_PROCESSES);
    Ok(seen
        .map(|process| ServerProcess {
            pid: process.pid.into(),
            exe: process.exe.as_ref().map(|exe| exe.chars().filter(|c| !c.is_control()).take(200).collect()),
            command_line: app.text_of(process.args.join(" ").as_bytes(), ARGUMENTS),
        })
        .collect())
}
