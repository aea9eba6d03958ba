//! An engine on a socket of its own that answers, or fails to, as a test wants.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
};

/// What is done with one request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// A whole answer.
    Answer(u16, String),
    /// A whole answer, this much later.
    Late(Duration, String),
    /// Nothing, for ever.
    Hang,
    /// The head of an answer and half of its body, and the end of the connection.
    HalfThenCut,
    /// The head of an endless answer and one piece of it, then nothing for ever.
    PieceThenHang,
    /// The end of the connection, without a word.
    Cut,
}

/// A fake engine; its socket goes with it.
pub(crate) struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    /// Answers `what(method and path)`; the three requests of a connection are answered as by a
    /// new engine, unless `what` has something for them.
    pub(crate) fn new(what: impl Fn(&str) -> Option<Act> + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let what = Arc::new(what);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let what = Arc::clone(&what);
                tokio::spawn(async move {
                    let request = head(stream).await;
                    if let Some((stream, line)) = request {
                        let act = what(&line).or_else(|| greeting(&line));
                        answer(stream, act.unwrap_or(Act::Answer(404, "{}".into()))).await;
                    }
                });
            }
        });
        Self { folder }
    }

    /// As `DOCKER_HOST` gives it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("s")
    }
}

fn greeting(line: &str) -> Option<Act> {
    let body = match line {
        "GET /_ping" => "OK",
        "GET /version" => r#"{"Version":"99.0","ApiVersion":"1.99","Os":"linux","Arch":"amd64"}"#,
        "GET /info" => r#"{"ID":"fake","Driver":"overlay2"}"#,
        _ => return None,
    };
    Some(Act::Answer(200, body.into()))
}

/// Reads a request up to the end of its head.
async fn head(mut stream: UnixStream) -> Option<(UnixStream, String)> {
    let mut text = Vec::new();
    while !text.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => text.extend_from_slice(&piece[..count]),
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut words = text.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let path = target.split('?').next()?;
    Some((stream, format!("{method} {path}")))
}

async fn answer(mut stream: UnixStream, act: Act) {
    let whole = |status: u16, body: &str| {
        format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let text = match &act {
        Act::Answer(status, body) => whole(*status, body),
        Act::Late(later, body) => {
            tokio::time::sleep(*later).await;
            whole(200, body)
        }
        Act::HalfThenCut => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Id\":".to_owned(),
        Act::PieceThenHang => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n\u{1}\0\0\0\0\0\0\u{1}x\r\n".to_owned()
        }
        Act::Hang | Act::Cut => String::new(),
    };
    // The other side may have gone.
    let _ = stream.write_all(text.as_bytes()).await;
    if matches!(act, Act::Hang | Act::PieceThenHang) {
        std::future::pending::<()>().await;
    }
}
