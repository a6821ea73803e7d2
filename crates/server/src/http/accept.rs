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
use crate::gate::{self, Client, Peer};
use crate::limits;

/// Places for connections; when all are given back, the server has ended.
///
/// Where all are taken there are a few spare ones: whoever comes hears at once that there is too much to do, and health
/// checks are answered. Above those nothing is accepted: the system's own queue holds the rest, and refuses above that.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    spare: Arc<Semaphore>,
    total: u32,
}

/// A place, until it is dropped.
struct Place {
    _permit: OwnedSemaphorePermit,
    spare: bool,
}

impl Places {
    pub(crate) fn new(total: usize) -> Self {
        let total = total.clamp(1, limits::MOST_CONNECTIONS);
        Self {
            free: Arc::new(Semaphore::new(total)),
            spare: Arc::new(Semaphore::new(limits::SPARE_CONNECTIONS)),
            total: u32::try_from(total).unwrap_or(u32::MAX),
        }
    }

    /// Waits for a place of any kind.
    async fn any(&self) -> Place {
        let (free, spare) = (Arc::clone(&self.free).acquire_owned(), Arc::clone(&self.spare).acquire_owned());
        let (permit, spare) = tokio::select! {
            biased;
            permit = free => (permit, false),
            permit = spare => (permit, true),
        };
        match permit {
            Ok(permit) => Place { _permit: permit, spare },
            // The semaphores are never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// A place that was taken before a connection came: a better one may have become free.
    fn better(&self, place: Place) -> Place {
        match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) if place.spare => Place { _permit: permit, spare: false },
            _ => place,
        }
    }

    /// Comes back when no connection is open.
    pub(crate) async fn all_free(&self) {
        // The semaphore is never closed.
        let _ = self.free.acquire_many(self.total).await;
        let _ = self.spare.acquire_many(limits::SPARE_CONNECTIONS as u32).await;
    }

    /// Connections that are open.
    pub(crate) fn taken(&self) -> usize {
        let total = (self.total as usize).saturating_add(limits::SPARE_CONNECTIONS);
        total.saturating_sub(self.free.available_permits()).saturating_sub(self.spare.available_permits())
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
        let next = async { (app.places.any().await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            biased;
            () = &mut stop => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                let place = app.places.better(place);
                drop(tokio::spawn(connection(stream, peer, service.clone(), place)));
            }
            Err(error) => {
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
async fn connection(stream: Box<dyn Stream>, peer: Peer, service: Service, place: Place) {
    let deadlines = service.app.options.deadlines;
    let headers = if place.spare { deadlines.headers.min(limits::SPARE_DEADLINE) } else { deadlines.headers };
    let stream = Patient::new(stream, deadlines.write);
    let client = Client { peer, crowded: place.spare };
    let Some(tls) = service.tls.clone() else { return http(stream, client, headers, service).await };
    match timeout(headers, tls.accept(stream)).await {
        Ok(Ok(stream)) => http(stream, client, headers, service).await,
        Ok(Err(error)) => tracing::debug!(cause = error.to_string(), "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn http(stream: impl Stream + 'static, client: Client, deadline: Duration, Service { app, router, .. }: Service) {
    let drain = app.drain.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (app, router) = (Arc::clone(&app), router.clone());
        async move { Ok::<_, Infallible>(gate::answer(app, router, client, request.map(Body::new)).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(deadline)
        .keep_alive(!client.crowded)
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
