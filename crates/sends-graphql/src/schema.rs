//! The GraphQL schema: thin types over those of the core crate. Doc comments become the descriptions.
//!
//! | module | contents |
//! |---|---|
//! | `query` | the fields of `Query` |
//! | `campaign`, `campaigns`, `activity`, `send`, `summary`, `stats`, `reason`, `audience`, `account`, `budget` | object types |
//! | `connection`, `paging` | connections of sends and their arithmetic |
//! | `history_arguments` | filters and other arguments of histories |
//! | `log` | the send log: filter, pages, totals and synchronisation |
//! | `node` | global object identification |
//! | `enums`, `scalar`, `zone` | enums, scalars and time zones |
//! | `error`, `extension` | errors and response extensions |
//! | `charge` | memory accounting of lists |
//! | `subgraph` | the schema as a subgraph of a federation |

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

/// The executable schema in one of its two forms. Its data is the [`Pacer`]; a request has its own
/// [`HistoryLoader`](crate::sources::loader::HistoryLoader).
#[derive(Clone)]
pub enum Schema {
    /// The schema of `schema.graphql`.
    Plain(async_graphql::Schema<Query, EmptyMutation, EmptySubscription>),
    /// A subgraph of a federation, with the entry points of a gateway.
    Subgraph(async_graphql::Schema<SubgraphQuery, EmptyMutation, EmptySubscription>),
}

impl Schema {
    /// The schema with its data.
    pub fn new(is_subgraph: bool, pacer: Pacer) -> Self {
        if is_subgraph {
            Self::Subgraph(finish(subgraph(), pacer))
        } else {
            Self::Plain(finish(schema(), pacer))
        }
    }

    /// The SDL with all fields.
    pub fn sdl(&self) -> String {
        match self {
            Self::Plain(schema) => schema.sdl_with_options(sdl_options()),
            Self::Subgraph(schema) => schema.sdl_with_options(sdl_options()),
        }
    }

    /// Executes an operation without the validation of [`execution`](crate::execution).
    pub async fn execute(&self, request: impl Into<Request>) -> Response {
        match self {
            Self::Plain(schema) => schema.execute(request).await,
            Self::Subgraph(schema) => schema.execute(request).await,
        }
    }
}

/// Maximum depth for the library. [`validation`](crate::execution::validation) has a far lower limit for clients.
const DEEPEST: usize = 256;

/// The settings of both forms. Documents are validated before, so the library runs only its indispensable rules.
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

/// The builder of the schema, without data.
pub fn schema() -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(Query, EmptyMutation, EmptySubscription)
}

/// The builder of the subgraph, without data.
pub fn subgraph() -> SchemaBuilder<SubgraphQuery, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(SubgraphQuery, EmptyMutation, EmptySubscription)
}

/// The SDL as in `schema.graphql`.
pub fn sdl() -> String {
    schema().finish().sdl_with_options(sdl_options())
}

fn sdl_options() -> SDLExportOptions {
    SDLExportOptions::new().include_specified_by()
}
