//! GraphQL schema: thin types over those of the core crate. Their doc comments are the descriptions of the schema.
//!
//! | module | contents |
//! |---|---|
//! | `query` | fields of `Query` |
//! | `campaign`, `campaigns`, `activity`, `send`, `summary`, `stats`, `reason`, `audience`, `account`, `budget` | object types |
//! | `connection`, `paging` | connections of sends, and pagination |
//! | `history_arguments` | filters and other arguments of histories |
//! | `log` | send log: filter, pages, totals and synchronisation |
//! | `node` | global object identification |
//! | `enums`, `scalar`, `zone` | enums, scalars and time zones |
//! | `error`, `extension` | errors and response extensions |
//! | `charge` | memory accounting of lists |
//! | `subgraph` | federation subgraph of the schema |

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
    EmptyMutation, EmptySubscription, ObjectType, Request, Response, SDLExportOptions, SchemaBuilder,
    ValidationMode,
};
use sends_client::Pacer;

pub(crate) use self::charge::{ASSUMED_ACTIVITIES, ASSUMED_SENDS, ASSUMED_UNREADABLE};
pub(crate) use self::scalar::check as check_scalar;
pub use error::{ApiError, ErrorCode};
pub use query::Query;
pub use subgraph::{SubgraphQuery, subgraph_sdl};

/// Executable schema, either plain or as a federation subgraph. Its context data is the [`Pacer`]. Each request adds its own
/// [`HistoryLoader`](crate::sources::loader::HistoryLoader).
#[derive(Clone)]
pub enum Schema {
    /// Schema of `schema.graphql`.
    Plain(async_graphql::Schema<Query, EmptyMutation, EmptySubscription>),
    /// Federation subgraph, with the fields that a gateway requires.
    Subgraph(async_graphql::Schema<SubgraphQuery, EmptyMutation, EmptySubscription>),
}

impl Schema {
    pub fn new(is_subgraph: bool, pacer: Pacer) -> Self {
        if is_subgraph {
            Self::Subgraph(finish(subgraph(), pacer))
        } else {
            Self::Plain(finish(schema(), pacer))
        }
    }

    /// Returns the SDL, including the federation fields of a subgraph.
    pub fn sdl(&self) -> String {
        match self {
            Self::Plain(schema) => schema.sdl_with_options(sdl_options()),
            Self::Subgraph(schema) => schema.sdl_with_options(sdl_options()),
        }
    }

    /// Executes an operation, but skips the validation of [`execution`](crate::execution).
    pub async fn execute(&self, request: impl Into<Request>) -> Response {
        match self {
            Self::Plain(schema) => schema.execute(request).await,
            Self::Subgraph(schema) => schema.execute(request).await,
        }
    }
}

/// Maximum depth of a document for async-graphql. [`validation`](crate::execution::validation) has a far lower limit for clients.
const MAX_DEPTH: usize = 256;

/// Builds either variant of the schema. Documents are already validated, so async-graphql runs only its mandatory rules.
fn finish<Q: ObjectType + 'static>(
    builder: SchemaBuilder<Q, EmptyMutation, EmptySubscription>,
    pacer: Pacer,
) -> async_graphql::Schema<Q, EmptyMutation, EmptySubscription> {
    builder
        .data(pacer)
        .validation_mode(ValidationMode::Fast)
        .limit_recursive_depth(MAX_DEPTH)
        .finish()
}

pub fn schema() -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(Query, EmptyMutation, EmptySubscription)
}

pub fn subgraph() -> SchemaBuilder<SubgraphQuery, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(SubgraphQuery, EmptyMutation, EmptySubscription)
}

/// Returns the SDL of `schema.graphql`.
pub fn sdl() -> String {
    schema().finish().sdl_with_options(sdl_options())
}

fn sdl_options() -> SDLExportOptions {
    SDLExportOptions::new().include_specified_by()
}
