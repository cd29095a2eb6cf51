//! HTTP server: routes and layers.
//!
//! From outermost to innermost, a request passes through:
//!
//! - the connection with its timeouts (`connection.rs`)
//! - the response cache (`response_cache.rs`)
//! - the checks of `Host` and `Origin` (`host_and_origin.rs`), with the headers of every response (`response_headers.rs`)
//! - compression (`compression.rs`)
//! - the route: GraphQL (`graphql.rs`), health, metrics, GraphiQL, or the error for an unknown path or method (`unrouted.rs`)

mod admission;
mod body;
mod caller_checks;
mod compression;
mod connection;
mod documents;
mod entity_tag;
mod graphiql;
mod graphql;
mod header_lists;
mod health;
mod host_and_origin;
mod media_type;
mod metrics;
mod operation;
mod options;
mod parameters;
mod pieces;
mod rejection;
mod response_cache;
mod response_headers;
mod unrouted;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing,
};
use http::{HeaderValue, Method, header};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, Predicate, SizeAbove},
    },
    cors::CorsLayer,
};

pub use self::{
    body::RequestLimits,
    connection::ConnectionLimits,
    documents::{InvalidManifest, TrustedDocuments},
    options::{AccessOptions, CapacityOptions, HttpOptions},
};
use self::{
    connection::ConnectionHandler, graphql::Endpoint, host_and_origin::HostAndOrigin, response_cache::Cached,
};
use crate::{
    backend::Backend,
    bulkheads::Bulkheads,
    bulkheads::answers::AnswerBudget,
    bulkheads::long_work::LongWork,
    execution::Executor,
    readiness::Readiness,
    shutdown::Ending,
    telemetry::{self, RequestId},
};

/// Minimum size of a response to compress, in bytes. Smaller responses fit into one packet.
const MIN_COMPRESSED_BYTES: u64 = 1 << 10;

const PREFLIGHT_AGE: Duration = Duration::from_mins(10);

#[derive(Clone)]
pub struct Service {
    pub backend: Arc<Backend>,
    pub schema: Executor,
    /// Maximum time that an operation waits for the upstream.
    pub request_timeout: Duration,
    pub long_work: Arc<LongWork>,
    pub readiness: Readiness,
    pub show_metrics: bool,
    pub bulkheads: Bulkheads,
    pub graphiql: bool,
}

pub async fn serve(
    listener: TcpListener,
    service: Service,
    options: HttpOptions,
    ending: &Ending,
) -> Result<(), getrandom::Error> {
    let limits = options.capacity.connection;
    let cache_bytes = options.capacity.answer_cache;
    let connections = service.bulkheads.connections.clone();
    let answers = AnswerBudget::new(&service.bulkheads, options.capacity.operation_wait);
    let cached = (cache_bytes > 0)
        .then(|| {
            Cached::new(
                cache_bytes,
                options.capacity.request.body_timeout,
                options.access.api_keys.clone(),
                &service,
            )
        })
        .transpose()?;
    let handler = ConnectionHandler {
        router: router(service, options, cached, answers.clone()),
        answers,
        limits,
    };
    connection::serve(listener, connections, handler, ending).await;
    Ok(())
}

fn router(
    service: Service,
    mut options: HttpOptions,
    cached: Option<Cached>,
    answers: AnswerBudget,
) -> Router {
    let origins = std::mem::take(&mut options.access.allowed_origins);
    let hosts = std::mem::take(&mut options.access.allowed_hosts);
    let cors = (!origins.is_empty()).then(|| cors(origins.clone()));
    let host_and_origin = Arc::new(HostAndOrigin::new(hosts, origins));
    let watched =
        middleware::from_fn_with_state(service.backend.metrics.clone(), telemetry::operation::watch);
    let keys = options.access.api_keys.clone();
    let long_work = Arc::clone(&service.long_work);
    let endpoint = Arc::new(Endpoint::new(service.clone(), options, answers));
    let metrics = if service.show_metrics {
        let with_key = middleware::from_fn_with_state(keys, caller_checks::require_key);
        Router::new().route("/metrics", routing::get(metrics::metrics).layer(with_key))
    } else {
        Router::new()
    };
    let has_page = service.graphiql;
    let page = if has_page {
        graphiql::routes(service.backend.sandbox.is_some())
    } else {
        Router::new()
    };
    // A single `ServiceBuilder` avoids a boxed service per layer, which axum would create for every request.
    let around_graphql = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(has_page, unrouted::before_graphql))
        .option_layer(cors)
        .layer(watched);
    let graphql = routing::any(graphql::handle)
        .with_state(endpoint)
        .layer::<_, Infallible>(around_graphql);
    let should_compress = DefaultPredicate::new().and(SizeAbove::new(MIN_COMPRESSED_BYTES));
    let response_cache =
        cached.map(|cached| middleware::from_fn_with_state(Arc::new(cached), response_cache::layer));
    let around_all = ServiceBuilder::new()
        .option_layer(response_cache)
        .layer(middleware::from_fn_with_state(host_and_origin, for_every_request))
        .layer(middleware::from_fn_with_state(long_work, compression::of_large))
        .layer(CompressionLayer::new().compress_when(should_compress));
    Router::new()
        .merge(metrics)
        .route("/health/live", routing::get(health::live))
        .route("/health/ready", routing::get(health::ready))
        .with_state(service)
        .merge(page)
        .route("/graphql", graphql)
        .fallback_service(routing::any(unrouted::path_unknown).with_state(has_page))
        .method_not_allowed_fallback(unrouted::method_unknown)
        .layer(around_all)
}

async fn for_every_request(
    State(host_and_origin): State<Arc<HostAndOrigin>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = match host_and_origin.rejection(&request) {
        Some(rejection) => rejection,
        None => next.run(request).await,
    };
    response_headers::add(response.headers_mut());
    id.mark(&mut response);
    response
}

/// Creates the CORS layer for the allowed origins. Credentials are not allowed, since the service uses no cookies.
fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    let sent = [
        header::ACCEPT,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_NONE_MATCH,
        telemetry::REQUEST_ID,
    ];
    let read = [header::ETAG, header::RETRY_AFTER, telemetry::REQUEST_ID];
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(
            sent.into_iter()
                .chain(caller_checks::FORCING_PREFLIGHT)
                .collect::<Vec<_>>(),
        )
        .expose_headers(read)
        .max_age(PREFLIGHT_AGE)
}
