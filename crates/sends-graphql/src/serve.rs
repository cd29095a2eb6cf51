//! Start and shutdown of the service.

use std::{future::Future, io, net::Ipv4Addr, sync::Arc, time::Duration};

use sends_client::Pacer;
use sends_store::{Health, Store};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    backend::Backend,
    bulkheads::long_work::LongWork,
    cli::{ServeOptions, account::CommandError},
    config::{Config, ListenAddress, Source},
    execution::Executor,
    readiness::Readiness,
    schema,
    server::{self, Service},
    shutdown::{Ending, Signals, finish_refresh},
    sources::histories::Freshness,
    sync::{self, Synchroniser},
    telemetry,
};

const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

pub fn run(mut options: ServeOptions, config: Config) -> Result<(), CommandError> {
    let traces = telemetry::start(options.operations.log_format)?;
    if traces.is_some() {
        // The response cache is disabled, because cached responses would have no traces.
        options.http.capacity.answer_cache = 0;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(async {
        // Each listener receives every signal.
        let (mut signals, mut repeated) = (Signals::listen()?, Signals::listen()?);
        let first_signal = async {
            signals.next().await;
            tracing::info!("shutting down; draining requests in progress");
        };
        let second_signal = async {
            repeated.next().await;
            repeated.next().await;
        };
        let served = async {
            let result = start(options, config, first_signal).await;
            sends_credentials::finish().await;
            result
        };
        tokio::select! {
            result = served => result,
            () = second_signal => {
                tracing::warn!("second signal; requests in progress are cancelled");
                finish_refresh(&mut repeated, |warning| tracing::warn!("{warning}")).await;
                Ok(())
            }
        }
    });
    // The remaining tasks belong to connections that exceeded the time for draining.
    runtime.shutdown_background();
    if let Some(traces) = traces {
        traces.end();
    }
    result
}

async fn start(
    options: ServeOptions,
    config: Config,
    signal: impl Future<Output = ()> + Send,
) -> Result<(), CommandError> {
    let listener = listen(&options.listen).await?;
    let address = listener.local_addr()?;
    let Config { source, upstream } = config;
    let ServeOptions {
        wait,
        sync_every,
        schema,
        operations,
        ..
    } = options;
    let freshness = Freshness::new(wait.max_age, options.max_age_settled);
    let sandbox = match source {
        Source::Sandbox(sandbox) => Some(sandbox),
        _ => None,
    };
    let is_paced =
        upstream.limits.rate_per_second > 0 || sandbox.is_some_and(|sandbox| sandbox.sandbox_limits);
    let backend = Backend::new(source, freshness, upstream).await?;
    let ending = Ending::default();
    let synchroniser = Synchroniser::of(&backend, ending.unready.clone());
    let synchronising = match (synchroniser, sandbox) {
        (None, _) => None,
        (Some(synchroniser), None) => sync_every.map(|every| synchronise(synchroniser, every)),
        (Some(synchroniser), Some(_)) if !is_paced => {
            // Filling the log takes only a fraction of a second and makes it complete before the first query.
            sync::fill_sandbox_log(&synchroniser).await;
            sync_every.map(|every| synchronise(synchroniser, every))
        }
        (Some(synchroniser), Some(_)) => {
            tracing::info!("send log of the sandbox: synchronising within the limits");
            Some(match sync_every {
                Some(every) => synchronise(synchroniser, every),
                None => tokio::spawn(async move { sync::fill_sandbox_log(&synchroniser).await }),
            })
        }
    };
    let synchronising = synchronising.map(AbortOnDropHandle::new);

    tracing::info!("listening on http://{address}/graphql");
    tracing::info!("upstream: {}", backend.description);
    if schema.graphiql {
        let mut reachable = address;
        if reachable.ip().is_unspecified() {
            reachable.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        tracing::info!("open http://{reachable}/graphiql in a browser");
    }

    let backend = Arc::new(backend);
    let readiness = Readiness::new(
        backend.credential.clone(),
        options.http.access.api_keys.clone(),
        Arc::clone(&backend.store),
        backend.client.clone(),
        ending.unready.clone(),
    );
    let service = Service {
        schema: Executor::new(
            schema::Schema::new(schema.federation, backend.pacer.clone()),
            options.limits,
        )
        .with_introspection(schema.introspection),
        backend: Arc::clone(&backend),
        request_timeout: wait.request_timeout,
        long_work: Arc::new(LongWork::new()?),
        readiness,
        show_metrics: operations.metrics,
        bulkheads: options.http.capacity.bulkheads(),
        graphiql: schema.graphiql,
    };
    let graceful_shutdown = async {
        signal.await;
        ending.run(operations.shutdown, &backend.histories).await;
    };
    tokio::select! {
        served = server::serve(listener, service, options.http, &ending) => served?,
        () = graceful_shutdown => {}
    }
    close(synchronising, &backend.pacer, &*backend.store).await;
    Ok(())
}

async fn close(synchronising: Option<AbortOnDropHandle<()>>, pacer: &Pacer, store: &dyn Store) {
    if let Some(synchronising) = synchronising
        && tokio::time::timeout(FLUSH_TIMEOUT, synchronising).await.is_err()
    {
        tracing::warn!("the synchronisation was cancelled during a call, and continues at the next start");
    }
    if tokio::time::timeout(FLUSH_TIMEOUT, pacer.flush()).await.is_err() {
        tracing::warn!("the last calls are missing from the daily count, because writing it took too long");
    }
    log_losses(&store.health());
    match tokio::time::timeout(FLUSH_TIMEOUT, store.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("closing the store failed: {error}"),
        Err(_) => tracing::warn!("closing the store took too long"),
    }
    tracing::info!("stopped");
}

fn log_losses(health: &Health) {
    if let Some(gone) = &health.gone {
        tracing::error!(
            lost_writes = health.lost_writes,
            "{gone}; its content is lost with this process, and so are {} changes since: fetched histories, and calls of \
             the daily count",
            health.lost_writes
        );
    } else if health.failed_writes > 0 {
        tracing::warn!(
            failed_writes = health.failed_writes,
            "{} changes could not be written to the store and are lost: fetched histories, and calls of the daily count that \
             were not written later",
            health.failed_writes
        );
    }
    if let Some(damage) = &health.damage {
        tracing::error!(
            "{damage} ({} reads and writes failed due to damage; run `sends-graphql rebuild-store` before the next start)",
            health.damaged
        );
    }
}

fn synchronise(synchroniser: Synchroniser, every: Duration) -> JoinHandle<()> {
    tokio::spawn(sync::synchronise_periodically(synchroniser, every))
}

async fn listen(address: &ListenAddress) -> Result<TcpListener, CommandError> {
    TcpListener::bind(address.as_str())
        .await
        .map_err(|reason| CommandError::Listen {
            hint: match reason.kind() {
                io::ErrorKind::AddrInUse => {
                    "; choose another address with --listen, or stop the program that uses it"
                }
                _ => "",
            },
            address: address.to_string(),
            reason,
        })
}
