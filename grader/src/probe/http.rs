//! One HTTP request, watched: bounded in time, in bytes and in redirects, whatever the server does.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, StatusCode, body::Incoming, header};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{timeout, timeout_at},
};

/// How long one answer may take.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The most of a body that is read, in bytes.
const MOST_BODY: usize = 1_000_000;

/// The most of the head that is read, in bytes.
const MOST_HEAD: usize = 64 * 1024;

/// The most redirects that are followed, all on the same server.
const MOST_REDIRECTS: u8 = 5;

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    /// What its `Server` header says; empty if it has none.
    pub server: Vec<u8>,
    pub body: Vec<u8>,
    /// Why the body was not read whole.
    pub problem: Option<String>,
    pub redirects: u8,
    pub took: Duration,
}

/// Asks `path` of the server at `address`, on a new connection, within `limit`.
///
/// Redirects are followed on the same server alone: a container must not send the grader elsewhere.
pub(super) async fn get(address: SocketAddr, path: &str, limit: Duration) -> Result<Answer, String> {
    let began = Instant::now();
    let deadline = tokio::time::Instant::now() + limit;
    let mut path = path.to_owned();
    let mut redirects = 0;
    loop {
        let late = || format!("no answer within {} s", limit.as_secs_f64());
        let response = timeout_at(deadline, ask(address, &path)).await.map_err(|_| late())??;
        if let Some(next) = redirect(&response)? {
            if redirects == MOST_REDIRECTS {
                return Err(format!("more than {MOST_REDIRECTS} redirects"));
            }
            redirects += 1;
            path = next;
            continue;
        }
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
        let server = response.headers().get(header::SERVER);
        let server = server.map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        let (body, problem) = read(response.into_body(), deadline, limit).await;
        return Ok(Answer { status, content_type, server, body, problem, redirects, took: began.elapsed() });
    }
}

/// Sends bytes as they are on a new connection; returns what comes back within `limit`, at most `most` bytes.
pub(super) async fn raw(address: SocketAddr, request: &[u8], most: usize, limit: Duration) -> Vec<u8> {
    let mut answer = Vec::new();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request).await?;
        stream.take(most as u64).read_to_end(&mut answer).await
    };
    match timeout(limit, exchange).await {
        Ok(Ok(_)) => {}
        // A server may well close the door in our face: what it said before is all there is.
        Ok(Err(error)) => tracing::debug!(%error, "the connection ended"),
        Err(_) => tracing::debug!("the connection stayed open"),
    }
    answer
}

async fn ask(address: SocketAddr, path: &str) -> Result<Response<Incoming>, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| words(&error))?;
    stream.set_nodelay(true).map_err(|error| words(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MOST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| words(&error))?;
    // The connection lives as long as the body that comes over it; both end with this request.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    });
    let request = Request::get(path)
        .header(header::HOST, format!("localhost:{}", address.port()))
        .header(header::USER_AGENT, "grader")
        .header(header::ACCEPT, "application/json, */*;q=0.5")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| words(&error))?;
    sender.send_request(request).await.map_err(|error| words(&error))
}

/// Where a redirect leads on the same server; `None` if it is none.
fn redirect(response: &Response<Incoming>) -> Result<Option<String>, String> {
    let moved = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !moved.contains(&response.status()) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    match location {
        None => Ok(None),
        Some(path) if path.starts_with('/') && !path.starts_with("//") => Ok(Some(path.to_owned())),
        Some(url) => {
            let rest = url.strip_prefix("http://localhost").or_else(|| url.strip_prefix("http://127.0.0.1"));
            match rest.and_then(|rest| rest.find('/').map(|at| rest[at..].to_owned())) {
                Some(path) => Ok(Some(path)),
                None => Err(format!("redirects elsewhere: {}", url.chars().take(80).collect::<String>())),
            }
        }
    }
}

async fn read(
    mut body: Incoming,
    deadline: tokio::time::Instant,
    limit: Duration,
) -> (Vec<u8>, Option<String>) {
    let mut bytes = Vec::new();
    loop {
        match timeout_at(deadline, body.frame()).await {
            Err(_) => return (bytes, Some(format!("its body did not end within {} s", limit.as_secs_f64()))),
            Ok(None) => return (bytes, None),
            Ok(Some(Err(error))) => return (bytes, Some(format!("its body broke off: {}", words(&error)))),
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    let room = MOST_BODY - bytes.len();
                    bytes.extend_from_slice(&data[..data.len().min(room)]);
                    if data.len() > room {
                        return (bytes, Some(format!("its body is longer than {MOST_BODY} bytes")));
                    }
                }
            }
        }
    }
}

/// An error's last cause says it best: `connection refused`, not `error trying to connect`.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    match last.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
        Some(std::io::ErrorKind::ConnectionRefused) => "connection refused".into(),
        Some(std::io::ErrorKind::ConnectionReset) => "connection reset".into(),
        Some(std::io::ErrorKind::UnexpectedEof) => "connection closed without an answer".into(),
        Some(_) | None => last.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that treats every connection alike: reads the request, writes `start`, then `again` for ever.
    async fn server(start: &'static [u8], again: &'static [u8], pause: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let mut sent = stream.write_all(start).await;
                    while sent.is_ok() && !again.is_empty() {
                        tokio::time::sleep(pause).await;
                        sent = stream.write_all(again).await;
                    }
                });
            }
        });
        address
    }

    const LIMIT: Duration = Duration::from_millis(600);

    #[tokio::test]
    async fn an_answer_is_read_whole() {
        let address = server(
            b"HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
            b"",
            LIMIT,
        )
        .await;
        let answer = get(address, "/healthz", LIMIT).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice(), answer.problem), (200, b"{}".as_slice(), None));
        assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    }

    #[tokio::test]
    async fn a_server_that_never_answers_ends_by_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let began = Instant::now();
        let error = get(listener.local_addr().unwrap(), "/", LIMIT).await.unwrap_err();
        assert_eq!(error, "no answer within 0.6 s");
        assert!(began.elapsed() < LIMIT * 3);
    }

    #[tokio::test]
    async fn nobody_listening_is_said_so() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(get(address, "/", LIMIT).await.unwrap_err(), "connection refused");
    }

    #[tokio::test]
    async fn an_endless_body_is_cut_at_its_bound() {
        static PIECE: [u8; 65536] = [b'x'; 65536];
        let address = server(b"HTTP/1.1 200 OK\r\n\r\n", &PIECE, Duration::ZERO).await;
        let answer = get(address, "/", Duration::from_secs(10)).await.unwrap();
        assert_eq!(answer.body.len(), MOST_BODY);
        assert_eq!(answer.problem.as_deref(), Some("its body is longer than 1000000 bytes"));
    }

    #[tokio::test]
    async fn a_body_that_trickles_ends_by_the_limit() {
        let address = server(b"HTTP/1.1 200 OK\r\n\r\n", b"x", Duration::from_millis(50)).await;
        let answer = get(address, "/", LIMIT).await.unwrap();
        assert_eq!(answer.problem.as_deref(), Some("its body did not end within 0.6 s"));
    }

    #[tokio::test]
    async fn a_body_shorter_than_promised_is_said_to_break_off() {
        let address = server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"", LIMIT).await;
        let answer = get(address, "/", LIMIT).await.unwrap();
        assert!(answer.problem.unwrap().starts_with("its body broke off"));
    }

    #[tokio::test]
    async fn redirects_for_ever_end_after_five() {
        let address =
            server(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", b"", LIMIT).await;
        assert_eq!(get(address, "/", LIMIT).await.unwrap_err(), "more than 5 redirects");
    }

    #[tokio::test]
    async fn a_redirect_to_another_host_is_not_followed() {
        let address = server(
            b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n",
            b"",
            LIMIT,
        )
        .await;
        let error = get(address, "/", LIMIT).await.unwrap_err();
        assert_eq!(error, "redirects elsewhere: http://169.254.169.254/latest");
    }

    #[tokio::test]
    async fn a_head_without_end_is_not_read() {
        static LINE: &[u8] =
            b"X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n";
        let address = server(b"HTTP/1.1 200 OK\r\n", LINE, Duration::ZERO).await;
        let began = Instant::now();
        assert!(get(address, "/", Duration::from_secs(5)).await.is_err());
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn what_is_no_http_is_said_so() {
        let address = server(b"\x00\xff\xfe nonsense\r\n\r\n", b"", LIMIT).await;
        assert!(get(address, "/", LIMIT).await.is_err());
    }
}
