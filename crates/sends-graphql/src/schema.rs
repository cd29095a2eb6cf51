//! The GraphQL schema: thin types over the core crate's, a description on every one of them.
//!
//! `query.rs` holds the entry points, `campaign.rs`, `activity.rs`, `send.rs` and `reason.rs` the types from there down with
//! what belongs to them (`stats.rs`, `summary.rs`, `audience.rs`, `account.rs`, `zone.rs`), `campaigns.rs` the campaigns and
//! `connection.rs` the sends by cursors (its arithmetic in `paging.rs`), `log.rs` all sends of the account, `node.rs` what a
//! cache finds again by an id, `history_arguments.rs` the
//! arguments that choose among sends, `budget.rs` what is left of the upstream's limits, and `error.rs` the one way in which
//! a failure becomes a GraphQL error, and `extension.rs` what an answer tells beside its data. `subgraph.rs` is the same schema for a federation.

mod account;
mod activity;
mod audience;
mod budget;
mod campaign;
mod campaigns;
mod charge;
mod connection;
mod enums;
mod error;
pub mod extension;
mod history_arguments;
mod log;
mod node;
mod paging;
mod query;
mod reason;
mod scalar;
mod send;
mod stats;
mod subgraph;
mod summary;
mod zone;

use async_graphql::{
    EmptyMutation, EmptySubscription, ObjectType, Request, Response, SDLExportOptions, ScalarType,
    SchemaBuilder, ValidationMode, Value,
};
use sends_client::Pacer;

pub(crate) use self::charge::{ASSUMED_ACTIVITIES, ASSUMED_SENDS};
pub use error::{ApiError, ErrorCode};
pub use query::Query;
pub use subgraph::{SubgraphQuery, subgraph_sdl};

/// The executable schema, in one of its two forms. It holds the [`Pacer`] as data, and an operation brings its own
/// [`HistoryLoader`](crate::sources::loader::HistoryLoader).
#[derive(Clone)]
pub enum Schema {
    /// As `schema.graphql` holds it.
    Plain(async_graphql::Schema<Query, EmptyMutation, EmptySubscription>),
    /// As a subgraph of a federation: the same fields, and what a gateway asks for.
    Subgraph(async_graphql::Schema<SubgraphQuery, EmptyMutation, EmptySubscription>),
}

impl Schema {
    /// The schema with what its fields need.
    pub fn new(is_subgraph: bool, pacer: Pacer) -> Self {
        if is_subgraph {
            Self::Subgraph(finish(subgraph(), pacer))
        } else {
            Self::Plain(finish(schema(), pacer))
        }
    }

    /// The schema in the Schema Definition Language, with everything that can be asked.
    pub fn sdl(&self) -> String {
        match self {
            Self::Plain(schema) => schema.sdl_with_options(sdl_options()),
            Self::Subgraph(schema) => schema.sdl_with_options(sdl_options()),
        }
    }

    /// The answer to one operation, without the validation of [`execution`](crate::execution).
    pub async fn execute(&self, request: impl Into<Request>) -> Response {
        match self {
            Self::Plain(schema) => schema.execute(request).await,
            Self::Subgraph(schema) => schema.execute(request).await,
        }
    }
}

/// The depth that the library executes. What clients may ask is limited in [`validation`](crate::execution::validation), far below.
const DEEPEST: usize = 256;

/// Whatever is set on a schema is set here, so that both forms have it. Documents come validated: of the library's own
/// rules only those run that it always runs.
fn finish<Q: ObjectType + 'static>(
    builder: SchemaBuilder<Q, EmptyMutation, EmptySubscription>,
    pacer: Pacer,
) -> async_graphql::Schema<Q, EmptyMutation, EmptySubscription> {
    builder
        .data(pacer)
        .validation_mode(ValidationMode::Fast)
        .limit_recursive_depth(DEEPEST)
        .finish()
}

/// Whether an input value is one of a scalar of this schema's own.
///
/// # Errors
///
/// What is expected instead, in a few words.
pub(crate) fn check_scalar(name: &str, value: impl FnOnce() -> Value) -> Result<(), &'static str> {
    if name != "DateTime" {
        return Ok(());
    }
    let expected = "expected a date, time and offset such as \"2026-01-31T12:00:00Z\"";
    <scalar::DateTime as ScalarType>::parse(value())
        .map(drop)
        .map_err(|_| expected)
}

/// The schema, to which the data has yet to be added.
pub fn schema() -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(Query, EmptyMutation, EmptySubscription)
}

/// The same schema as a subgraph, to which the data has yet to be added.
pub fn subgraph() -> SchemaBuilder<SubgraphQuery, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(SubgraphQuery, EmptyMutation, EmptySubscription)
}

/// The schema in the Schema Definition Language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    schema().finish().sdl_with_options(sdl_options())
}

fn sdl_options() -> SDLExportOptions {
    SDLExportOptions::new()
        .prefer_single_line_descriptions()
        .include_specified_by()
}
