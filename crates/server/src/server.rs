//! A running server, from the outside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::drain::{Drain, Phase};
use crate::http::{Listener, Places, Service, accept, acceptor};
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::models::{Loaded, Models};
use crate::{Error, Options, gate, limits, routes, signals};

/// How long connections may take to say goodbye when all answers have ended.
const GOODBYE: Duration = Duration::from_secs(5);

/// A running server. Dropping it ends it at once; [`Server::stop`] lets answers come to their end.
pub struct Server {
    app: Arc<App>,
    addresses: Vec<SocketAddr>,
    accepting: Vec<JoinHandle<()>>,
    runtime: Runtime,
}

/// What the first model comes to in memory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loading {
    /// What requests call it.
    pub name: String,
    /// Tokens of one conversation.
    pub context: usize,
    /// Tokens of all conversations together.
    pub kv_tokens: usize,
    /// What keys and values may come to fill.
    pub kv_bytes: u64,
    /// Names the arithmetic: equal ids give equal bytes.
    pub numerics_id: String,
    /// What was narrowed or left out while loading, in sentences.
    pub notes: Vec<String>,
}

impl Server {
    /// Listens, and answers from now on.
    ///
    /// # Errors
    /// The address cannot be had, whoever reaches it could misuse the server, or the options contradict each other.
    pub fn start(options: Options) -> Result<Self, Error> {
        if let Some(origin) = options.allow_origins.iter().find(|origin| !gate::is_origin(origin)) {
            return Err(Error::Origin { origin: origin.clone() });
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits::SERVER_THREADS)
            .max_blocking_threads(limits::BLOCKING_THREADS)
            .thread_name("server")
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let (models, places) = (Models::new(&options)?, Places::new(options.max_connections));
        let app = Arc::new(App {
            metrics: Arc::new(Metrics::new(models.entries(), places.clone())),
            models,
            keys: Keys::new(options.keys.as_deref())?,
            places,
            drain: Drain::new(),
            options,
        });
        let listeners = runtime.block_on(listeners(&app))?;
        let addresses = listeners.iter().filter_map(Listener::address).collect();
        let tls = app.options.tls.as_ref().map(acceptor).transpose()?;
        let service = Service { app: Arc::clone(&app), router: routes::router(Arc::clone(&app)), tls };
        if app.options.signals {
            runtime.block_on(async { signals::watch(app.drain.clone()) }).map_err(Error::Runtime)?;
        }
        let accepting =
            listeners.into_iter().map(|listener| runtime.spawn(accept(listener, service.clone()))).collect();
        runtime.spawn(unload_idle(Arc::clone(&app)));
        Ok(Self { app, addresses, accepting, runtime })
    }

    /// The TCP addresses where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether requests need a key.
    pub fn needs_key(&self) -> bool {
        self.app.keys.required()
    }

    /// Loads the first model now rather than when it is asked for; `None` where the server is told to end meanwhile.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub fn load_first(&self) -> Result<Option<Loading>, Error> {
        match self.runtime.block_on(self.app.model(None)) {
            Ok(model) => Ok(Some(Loading::of(&model))),
            Err(_) if self.app.drain.phase() > Phase::Open => Ok(None),
            Err(refusal) => Err(Error::Load(refusal.message)),
        }
    }

    /// Waits for a signal, then as [`Server::stop`].
    pub fn wait(self) {
        self.runtime.block_on(self.app.drain.reached(Phase::Draining));
        self.stop();
    }

    /// Takes no more requests, lets answers under way go on for `Options::drain`, ends those that are left each with an
    /// error in the words of its dialect, and comes back when the last connection is closed.
    pub fn stop(self) {
        let Self { app, accepting, runtime, .. } = self;
        runtime.block_on(async {
            app.drain.advance(Phase::Draining);
            // Sockets and their files go first.
            for accept in accepting {
                // A panic in it has ended it too.
                let _ = accept.await;
            }
            if tokio::time::timeout(app.options.drain, app.places.all_free()).await.is_ok() {
                return;
            }
            app.drain.advance(Phase::Ending);
            if tokio::time::timeout(GOODBYE, app.places.all_free()).await.is_err() {
                tracing::warn!("connections that did not end were cut");
            }
        });
        runtime.shutdown_background();
    }
}

impl Loading {
    fn of(model: &Loaded) -> Self {
        let (card, status) = (model.engine.card(), model.engine.status());
        let kv_tokens = status.kv_blocks_total.saturating_mul(status.kv_block_tokens);
        Self {
            name: model.name.clone(),
            context: card.context,
            kv_tokens,
            kv_bytes: kv_tokens.saturating_mul(card.kv_bytes_per_token) as u64,
            numerics_id: card.numerics_id.clone(),
            notes: card.notes.clone(),
        }
    }
}

/// Opens what is to be listened on, unless whoever reaches it could misuse it.
async fn listeners(app: &App) -> Result<Vec<Listener>, Error> {
    let mut listeners = Vec::new();
    for listen in &app.options.listen {
        listeners.extend(Listener::open(listen).await?);
    }
    let exposed =
        listeners.iter().filter_map(Listener::address).find(|address| !address.ip().to_canonical().is_loopback());
    match exposed {
        Some(address) if !app.keys.required() => Err(Error::NoKeys { address }),
        Some(address) if app.options.tls.is_none() && !app.options.insecure_plain_http => Err(Error::NoTls { address }),
        _ => Ok(listeners),
    }
}

async fn unload_idle(app: Arc<App>) {
    loop {
        tokio::time::sleep(limits::IDLE_CHECK).await;
        app.models.unload_idle();
    }
}
