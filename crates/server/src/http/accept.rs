//! The accept loop.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::patient::Patient;
use crate::app::App;
use crate::drain::Phase;
use crate::gate::{self, Peer};
use crate::limits;

/// Places for connections; when all are given back, the server has ended.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    total: usize,
}

impl Places {
    pub(crate) fn new(total: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(total)), total }
    }

    /// Comes back when no connection is open.
    pub(crate) async fn all_free(&self) {
        let all = u32::try_from(self.total).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.free.acquire_many(all).await;
    }
}

/// Accepts connections until the server drains.
pub(crate) async fn accept(listener: TcpListener, app: Arc<App>, router: Router, places: Places) {
    let draining = app.drain.clone();
    let stop = draining.reached(Phase::Draining);
    tokio::pin!(stop);
    loop {
        // Above the cap nothing is accepted: the system's own queue holds the rest, and refuses above that.
        let Ok(place) = Arc::clone(&places.free).acquire_owned().await else { return };
        let accepted = tokio::select! {
            biased;
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                // A small answer goes out at once.
                let _ = stream.set_nodelay(true);
                let peer = Peer::Address(address.ip());
                tokio::spawn(connection(stream, peer, Arc::clone(&app), router.clone(), place));
            }
            Err(error) => {
                // Out of file descriptors, mostly: those that are open will end.
                tracing::warn!(cause = %error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one connection to its end.
async fn connection<S>(stream: S, peer: Peer, app: Arc<App>, router: Router, place: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let drain = app.drain.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (app, router) = (Arc::clone(&app), router.clone());
        async move { Ok::<_, Infallible>(gate::answer(app, router, peer, request.map(Body::new)).await) }
    });
    let stream = TokioIo::new(Patient::new(stream, limits::WRITE_DEADLINE));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_DEADLINE)
        .max_headers(limits::HEADERS)
        .max_header_size(limits::HEADER_BYTES)
        .max_buf_size(limits::SEND_BUFFER_BYTES)
        .serve_connection(stream, service);
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = drain.reached(Phase::Draining) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(cause = %error, "a connection broke off");
    }
    drop(place);
}
