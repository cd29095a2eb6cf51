//! The routes of the service and the limits on what may come in.

mod graphiql;
mod graphql;

use std::{sync::Arc, time::Duration};

use axum::{Router, response::Redirect, routing};
use sends_client::Clock;
use tower_http::limit::RequestBodyLimitLayer;

use crate::{access::Access, graphql::Schema, histories::Histories};

/// The largest request body, in bytes.
const MAX_REQUEST_BODY: usize = 1 << 20;

/// What every request can use.
#[derive(Clone)]
pub struct Service {
    /// The schema that operations are executed against.
    pub schema: Schema,
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
}

/// All routes of the service.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/", routing::get(|| async { Redirect::temporary("/graphiql") }))
        .route("/graphql", routing::post(graphql::answer))
        .route("/graphiql", routing::get(graphiql::page))
        .route("/graphiql/start.js", routing::get(graphiql::script))
        .layer(RequestBodyLimitLayer::new(MAX_REQUEST_BODY))
        .with_state(service)
}
