//! The accept loop.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Listener;
use super::listen::Stream;
use super::patient::Patient;
use crate::app::App;
use crate::drain::Phase;
use crate::gate::{self, Peer};
use crate::limits;

/// Places for connections; when all are given back, the server has ended.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    total: u32,
}

impl Places {
    pub(crate) fn new(total: usize) -> Self {
        let total = total.clamp(1, limits::MOST_CONNECTIONS);
        Self { free: Arc::new(Semaphore::new(total)), total: u32::try_from(total).unwrap_or(u32::MAX) }
    }

    /// Comes back when no connection is open.
    pub(crate) async fn all_free(&self) {
        // The semaphore is never closed.
        let _ = self.free.acquire_many(self.total).await;
    }

    /// Connections that are open.
    pub(crate) fn taken(&self) -> usize {
        (self.total as usize).saturating_sub(self.free.available_permits())
    }
}

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
}

/// Accepts connections until the server drains.
pub(crate) async fn accept(listener: Listener, service: Service) {
    let app = Arc::clone(&service.app);
    let stop = app.drain.reached(Phase::Draining);
    tokio::pin!(stop);
    loop {
        // Above the cap nothing is accepted: the system's own queue holds the rest, and refuses above that.
        let next = async {
            let place = Arc::clone(&app.places.free).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = &mut stop => return,
            next = next => next,
        };
        match (place, accepted) {
            (Ok(place), Ok((stream, peer))) => drop(tokio::spawn(connection(stream, peer, service.clone(), place))),
            (Err(_), _) => return,
            (_, Err(error)) => {
                // Out of file descriptors, mostly: those that are open will end.
                tracing::warn!(cause = error.to_string(), "a connection cannot be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// After a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves one connection to its end; then its place is free.
async fn connection(stream: Box<dyn Stream>, peer: Peer, service: Service, _place: OwnedSemaphorePermit) {
    let deadlines = service.app.options.deadlines;
    let stream = Patient::new(stream, deadlines.write);
    let Some(tls) = service.tls.clone() else { return http(stream, peer, service).await };
    match timeout(deadlines.headers, tls.accept(stream)).await {
        Ok(Ok(stream)) => http(stream, peer, service).await,
        Ok(Err(error)) => tracing::debug!(cause = error.to_string(), "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn http(stream: impl Stream + 'static, peer: Peer, Service { app, router, .. }: Service) {
    let (drain, deadline) = (app.drain.clone(), app.options.deadlines.headers);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (app, router) = (Arc::clone(&app), router.clone());
        async move { Ok::<_, Infallible>(gate::answer(app, router, peer, request.map(Body::new)).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(deadline)
        .max_headers(limits::HEADERS)
        .max_header_size(limits::HEADER_BYTES)
        .max_buf_size(limits::SEND_BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = drain.reached(Phase::Draining) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(cause = error.to_string(), "a connection broke off");
    }
}
