//! Starts the service and stops it: the listener, the first lines of the log, the signal to end.

use std::{
    future::{Future, IntoFuture},
    io,
    sync::Arc,
    time::Duration,
};

use sends_credentials::environment::EnvironmentVariables;
use tokio::{net::TcpListener, sync::oneshot};
use tracing_subscriber::EnvFilter;

use crate::{
    backend::{Backend, BackendError},
    execution::Executor,
    graphql,
    http::{self, Service},
    settings::Settings,
};

/// How long a request in progress keeps the process from ending. Together with the last writes it has to stay below the ten
/// seconds after which containers are killed. A call that waits for its turn is given up; asked again, it is made.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// How long the end of the process may wait for the day's count to be written.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// Why the service could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on; most often because something else does.
    #[error("cannot listen on {address}: {reason}{hint}")]
    Listen {
        /// The address as it was given.
        address: String,
        /// What the operating system says.
        reason: io::Error,
        /// What to try, or nothing.
        hint: &'static str,
    },
    /// What stands behind the schema could not be put together.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The runtime or the listener failed.
    #[error("the service stopped: {0}")]
    Io(#[from] io::Error),
}

impl ServeError {
    /// Whether the settings cannot work, rather than something else having failed.
    pub fn is_of_settings(&self) -> bool {
        matches!(self, Self::Backend(BackendError::Settings(_)))
    }
}

/// The tokens in the environment.
pub fn environment() -> EnvironmentVariables {
    EnvironmentVariables::read(|name| std::env::var(name).ok())
}

/// Writes the log to standard error, as much of it as `RUST_LOG` says.
pub fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
}

/// Runs the service until the process is told to end.
///
/// # Errors
///
/// [`ServeError`], whose text is one sentence for the person who started it.
pub fn run(settings: Settings) -> Result<(), ServeError> {
    start_log();
    tokio::runtime::Runtime::new()?.block_on(start(settings))
}

async fn start(settings: Settings) -> Result<(), ServeError> {
    let listener = listen(&settings.listen).await?;
    let address = listener.local_addr()?;
    let (request_timeout, federation) = (settings.request_timeout, settings.federation);
    let graphiql = settings.graphiql;
    let limits = settings.limits.clone();
    let backend = Backend::new(settings).await?;

    tracing::info!("listening on http://{address}/graphql");
    tracing::info!("asking {}", backend.description);
    if graphiql {
        tracing::info!("open http://{address}/graphiql in a browser");
    }

    let (store, pacer) = (Arc::clone(&backend.store), backend.pacer.clone());
    let service = Service {
        schema: Executor::new(graphql::Schema::new(federation, backend.pacer), limits),
        histories: backend.histories,
        access: backend.access,
        clock: backend.clock,
        request_timeout,
        sandbox: backend.sandbox.is_some(),
        graphiql,
    };
    serve(listener, service, told_to_end()).await?;
    if tokio::time::timeout(LAST_WRITES, pacer.flush()).await.is_err() {
        tracing::warn!("the last calls of the day's count were not written");
    }
    if let Err(error) = store.close().await {
        tracing::warn!("the store was not closed in good order: {error}");
    }
    tracing::info!("stopped");
    Ok(())
}

async fn listen(address: &str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|reason| ServeError::Listen {
            hint: match reason.kind() {
                io::ErrorKind::AddrInUse => "; choose another one with --listen, or end what uses it",
                _ => "",
            },
            address: address.to_owned(),
            reason,
        })
}

/// Answers requests on `listener` until `shutdown` completes, then gives the ones in progress some seconds to finish.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (told, tell) = oneshot::channel();
    let shutdown = async {
        shutdown.await;
        // Nobody listens when the server has ended by itself.
        let _ = told.send(());
    };
    let answering = axum::serve(listener, http::router(service)).with_graceful_shutdown(shutdown);
    tokio::select! {
        ended = answering.into_future() => ended,
        () = grace(tell) => {
            tracing::warn!("some requests were not finished in time");
            Ok(())
        }
    }
}

/// Completes when the time is up for what is in progress when the end is told.
async fn grace(end: oneshot::Receiver<()>) {
    if end.await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(LAST_ANSWERS).await;
}

/// Completes on Ctrl-C and, where there is such a thing, on SIGTERM.
async fn told_to_end() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!("Ctrl-C cannot be noticed: {error}");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!("SIGTERM cannot be noticed: {error}");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => tracing::info!("interrupted; finishing what is in progress"),
        () = terminate => tracing::info!("told to end; finishing what is in progress"),
    }
}
