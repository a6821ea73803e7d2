//! Bodies: JSON at once, server-sent events, lines of JSON.
//!
//! The writer of a stream is a task that the body owns: when the client goes, the body is dropped, the task ends, and what
//! it holds (a `Generation`) is cancelled. Between the two stand [`limits::WAITING_PIECES`], so that a slow reader slows
//! the writer.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use hyper::body::Frame;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep};

use crate::limits;

/// One JSON value as a whole response.
pub(crate) fn json_response(status: StatusCode, value: &impl Serialize) -> Response {
    let (status, bytes) = match serde_json::to_vec(value) {
        Ok(bytes) => (status, bytes),
        Err(error) => {
            tracing::error!(cause = error.to_string(), "an answer cannot be written as JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, b"{}".to_vec())
        }
    };
    response(status, "application/json", Body::from(bytes))
}

/// Server-sent events that `write` sends. While it is silent, comments say that the stream lives.
pub(crate) fn sse<F, W>(write: W) -> Response
where
    W: FnOnce(EventWriter) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (pieces, body) = piped(Some(Bytes::from_static(b": alive\n\n")));
    let body = body.written_by(write(EventWriter { pieces }));
    let mut response = response(StatusCode::OK, "text/event-stream; charset=utf-8", Body::new(body));
    // Proxies that would collect the whole stream first (nginx).
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Lines of JSON that `write` sends.
pub(crate) fn ndjson<F, W>(write: W) -> Response
where
    W: FnOnce(LineWriter) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (pieces, body) = piped(None);
    let body = body.written_by(write(LineWriter { pieces }));
    response(StatusCode::OK, "application/x-ndjson", Body::new(body))
}

fn response(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The client has gone: stop writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// The sending end of server-sent events.
pub(crate) struct EventWriter {
    pieces: mpsc::Sender<Bytes>,
}

impl EventWriter {
    /// `data: {…}`.
    ///
    /// # Errors
    /// The client has gone.
    pub(crate) async fn data(&mut self, value: &impl Serialize) -> Result<(), Gone> {
        self.send(format!("data: {}\n\n", text(value)?)).await
    }

    /// `event: name`, `data: {…}`.
    ///
    /// # Errors
    /// The client has gone.
    pub(crate) async fn event(&mut self, name: &str, value: &impl Serialize) -> Result<(), Gone> {
        self.send(format!("event: {name}\ndata: {}\n\n", text(value)?)).await
    }

    /// `data: [DONE]`.
    ///
    /// # Errors
    /// The client has gone.
    pub(crate) async fn done(&mut self) -> Result<(), Gone> {
        self.send("data: [DONE]\n\n".to_owned()).await
    }

    async fn send(&mut self, text: String) -> Result<(), Gone> {
        self.pieces.send(text.into()).await.map_err(|_| Gone)
    }
}

/// The sending end of lines of JSON.
pub(crate) struct LineWriter {
    pieces: mpsc::Sender<Bytes>,
}

impl LineWriter {
    /// `{…}` and a line feed.
    ///
    /// # Errors
    /// The client has gone.
    pub(crate) async fn line(&mut self, value: &impl Serialize) -> Result<(), Gone> {
        let line = format!("{}\n", text(value)?);
        self.pieces.send(line.into()).await.map_err(|_| Gone)
    }
}

/// JSON has no line feeds of its own: one value is one line.
fn text(value: &impl Serialize) -> Result<String, Gone> {
    serde_json::to_string(value).map_err(|error| {
        tracing::error!(cause = error.to_string(), "an event cannot be written as JSON");
        Gone
    })
}

/// A body that a task writes.
struct Piped {
    pieces: mpsc::Receiver<Bytes>,
    writer: Option<JoinHandle<()>>,
    alive: Option<Bytes>,
    silence: Pin<Box<Sleep>>,
}

fn piped(alive: Option<Bytes>) -> (mpsc::Sender<Bytes>, Piped) {
    let (sender, pieces) = mpsc::channel(limits::WAITING_PIECES);
    (sender, Piped { pieces, writer: None, alive, silence: Box::pin(sleep(limits::KEEP_ALIVE_COMMENT)) })
}

impl Piped {
    fn written_by(mut self, task: impl Future<Output = ()> + Send + 'static) -> Self {
        self.writer = Some(tokio::spawn(task));
        self
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        if let Some(writer) = &self.writer {
            writer.abort();
        }
    }
}

impl HttpBody for Piped {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.pieces.poll_recv(cx) {
            Poll::Ready(piece) => piece,
            Poll::Pending => {
                let Some(alive) = self.alive.clone() else { return Poll::Pending };
                if self.silence.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                Some(alive)
            }
        };
        let next = Instant::now().checked_add(limits::KEEP_ALIVE_COMMENT);
        next.into_iter().for_each(|next| self.silence.as_mut().reset(next));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}
