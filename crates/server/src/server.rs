//! A running server, from the outside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::app::App;
use crate::drain::{Drain, Phase};
use crate::http::{Places, accept};
use crate::models::Models;
use crate::{Error, Options, limits, routes};

/// How long connections may take to say goodbye when all answers have ended.
const GOODBYE: Duration = Duration::from_secs(5);

/// A running server. Dropping it ends it at once; [`Server::stop`] lets answers come to their end.
pub struct Server {
    app: Arc<App>,
    places: Places,
    address: SocketAddr,
    runtime: Runtime,
}

impl Server {
    /// Listens, and answers from now on.
    ///
    /// # Errors
    /// The address cannot be had, or the options contradict each other.
    pub fn start(options: Options) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits::SERVER_THREADS)
            .max_blocking_threads(limits::BLOCKING_THREADS)
            .thread_name("server")
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let bind = |cause| Error::Bind { address: options.address, cause };
        let listener = runtime.block_on(TcpListener::bind(options.address)).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let places = Places::new(options.max_connections);
        let app = Arc::new(App { models: Models::new(&options)?, drain: Drain::new(), options });
        runtime.spawn(accept(listener, Arc::clone(&app), routes::router(Arc::clone(&app)), places.clone()));
        runtime.spawn(unload_idle(Arc::clone(&app)));
        Ok(Self { app, places, address, runtime })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, lets answers under way go on for `Options::drain`, ends those that are left each with an
    /// error in the words of its dialect, and comes back when the last connection is closed.
    pub fn stop(self) {
        let Self { app, places, runtime, .. } = self;
        runtime.block_on(async {
            app.drain.advance(Phase::Draining);
            if tokio::time::timeout(app.options.drain, places.all_free()).await.is_ok() {
                return;
            }
            app.drain.advance(Phase::Ending);
            if tokio::time::timeout(GOODBYE, places.all_free()).await.is_err() {
                tracing::warn!("connections that did not end were cut");
            }
        });
        runtime.shutdown_background();
    }
}

async fn unload_idle(app: Arc<App>) {
    loop {
        tokio::time::sleep(limits::IDLE_CHECK).await;
        app.models.unload_idle();
    }
}
