//! Starts the service and stops it: the upstream, the listener, the first lines of the log, the signal to end.

use std::{future::Future, io, sync::Arc, time::Duration};

use sends_client::{AccessToken, BuildError, ConstantContact, Pacer, pacing::Limits};
use sends_sandbox::Sandbox;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::{
    graphql,
    http::{self, Service},
    settings::{Settings, Upstream},
};

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
    /// The client of the upstream could not be made.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// The embedded sandbox could not be started.
    #[error("the sandbox could not be started: {0}")]
    Sandbox(#[source] io::Error),
    /// The runtime or the listener failed.
    #[error("the service stopped: {0}")]
    Io(#[from] io::Error),
}

/// Runs the service until the process is told to end.
///
/// # Errors
///
/// [`ServeError`], whose text is one sentence for the person who started it.
pub fn run(settings: Settings) -> Result<(), ServeError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    tokio::runtime::Runtime::new()?.block_on(start(settings))
}

async fn start(settings: Settings) -> Result<(), ServeError> {
    let listener = TcpListener::bind(&settings.listen)
        .await
        .map_err(|reason| ServeError::Listen {
            hint: match reason.kind() {
                io::ErrorKind::AddrInUse => "; choose another one with --listen, or end what uses it",
                _ => "",
            },
            address: settings.listen.clone(),
            reason,
        })?;

    // The sandbox lives as long as this function.
    let sandbox;
    let (base_url, token) = match settings.upstream {
        Upstream::Api { base_url, token } => {
            sandbox = None;
            (base_url, token)
        }
        Upstream::Sandbox => {
            let started = Sandbox::start(sends_sandbox::Config::default())
                .await
                .map_err(ServeError::Sandbox)?;
            let base_url = started.base_url().parse().map_err(io::Error::other)?;
            let token = AccessToken::new(started.access_token()).map_err(io::Error::other)?;
            sandbox = Some(started);
            (base_url, token)
        }
    };
    let client_settings = sends_client::Settings {
        call_timeout: settings.upstream_timeout,
        ..sends_client::Settings::new(base_url.clone())
    };
    let client = ConstantContact::new(client_settings, Pacer::in_memory(Limits::default()))?;

    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}/graphql");
    if sandbox.is_some() {
        tracing::info!("asking the embedded sandbox at {base_url}: all data is invented");
    } else {
        tracing::info!("asking {base_url}");
    }
    tracing::info!("open http://{address}/graphiql in a browser");

    let service = Service {
        schema: graphql::schema(),
        client,
        access: Arc::new(token),
        request_timeout: Duration::from_secs(60),
        sandbox: sandbox.is_some(),
    };
    serve(listener, service, told_to_end()).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Answers requests on `listener` until `shutdown` completes, then lets the ones in progress finish.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, http::router(service))
        .with_graceful_shutdown(shutdown)
        .await
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
