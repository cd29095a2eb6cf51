//! The routes of the service and the limits on what may come in.

mod graphiql;
mod graphql;

use std::{sync::Arc, time::Duration};

use axum::{Router, routing};
use sends_client::Clock;
use tower_http::limit::RequestBodyLimitLayer;

use crate::{access::Access, execution::Executor, histories::Histories};

/// The largest request body, in bytes.
const MAX_REQUEST_BODY: usize = 1 << 20;

/// What every request can use.
#[derive(Clone)]
pub struct Service {
    /// What operations are executed against.
    pub schema: Executor,
    /// Reads histories.
    pub histories: Histories,
    /// Whose data a request reads.
    pub access: Access,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// How long one operation waits for the upstream.
    pub request_timeout: Duration,
    /// Whether the data is the embedded sandbox's, and so invented.
    pub sandbox: bool,
    /// Whether there is a page to explore the schema with.
    pub graphiql: bool,
}

/// All routes of the service.
pub fn router(service: Service) -> Router {
    let page = if service.graphiql {
        graphiql::routes(service.sandbox)
    } else {
        Router::new()
    };
    Router::new()
        .route("/graphql", routing::post(graphql::answer))
        .layer(RequestBodyLimitLayer::new(MAX_REQUEST_BODY))
        .with_state(service)
        .merge(page)
}
