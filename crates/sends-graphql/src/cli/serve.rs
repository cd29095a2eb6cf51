//! Options of `serve`.

use std::time::Duration;

use clap::Args;

use crate::config::{AccountOptions, ListenAddress, SourceOptions, UpstreamOptions};
use crate::{
    execution::validation::Limits,
    option_values::{HOUR, MIN_DURATION, YEAR, duration, interval, switch},
    server::HttpOptions,
    shutdown::ShutdownOptions,
    telemetry::log::LogFormat,
};

#[derive(Args, Clone, Debug)]
pub struct ServeOptions {
    /// Address to listen on
    #[arg(
        long,
        env = "SENDS_LISTEN",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:8080",
        help_heading = "Service"
    )]
    pub listen: ListenAddress,

    #[command(flatten)]
    pub operations: OperationsOptions,

    #[command(flatten)]
    pub source: SourceOptions,

    #[command(flatten)]
    pub account: AccountOptions,

    /// Call Constant Contact with the access token of each caller
    ///
    /// Callers send their token as `Authorization: Bearer …`. The service has no credential of its own.
    #[arg(long, env = "SENDS_CALLER_TOKENS", value_parser = switch, help_heading = "Account and data")]
    pub caller_tokens: bool,

    #[command(flatten)]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    pub wait: WaitOptions,

    /// Maximum age of stored histories without recent sends
    #[arg(long, env = "SENDS_MAX_AGE_SETTLED", value_name = "DURATION", default_value = "1h",
          value_parser = duration(Duration::ZERO..=YEAR), help_heading = "Constant Contact")]
    pub max_age_settled: Duration,

    /// Synchronisation interval of the log of all sends
    ///
    /// Synchronisation makes additional upstream calls. With `off`, only `sends-graphql sync` synchronises the log.
    #[arg(long, env = "SENDS_SYNC_EVERY", value_name = "DURATION|off", default_value = "off",
          value_parser = interval, help_heading = "Constant Contact")]
    pub sync_every: ::std::option::Option<Duration>,

    #[command(flatten)]
    pub schema: SchemaFeatures,

    #[command(flatten)]
    pub http: HttpOptions,

    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Constant Contact")]
pub struct WaitOptions {
    /// Maximum time that an operation waits for Constant Contact
    #[arg(long, env = "SENDS_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "60s",
          value_parser = duration(MIN_DURATION..=HOUR))]
    pub request_timeout: Duration,

    /// Maximum age of stored histories with recent sends
    #[arg(long, env = "SENDS_MAX_AGE", value_name = "DURATION", default_value = "60s",
          value_parser = duration(Duration::ZERO..=YEAR))]
    pub max_age: Duration,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
pub struct SchemaFeatures {
    /// Serve the query editor GraphiQL at /graphiql
    #[arg(long, env = "SENDS_GRAPHIQL", value_name = "true|false", default_value = "true",
          value_parser = switch, action = clap::ArgAction::Set)]
    pub graphiql: bool,

    /// Enable introspection
    #[arg(long, env = "SENDS_INTROSPECTION", value_name = "true|false", default_value = "true",
          value_parser = switch, action = clap::ArgAction::Set)]
    pub introspection: bool,

    /// Serve a subgraph of an Apollo Federation 2 supergraph
    #[arg(long, env = "SENDS_FEDERATION", value_parser = switch)]
    pub federation: bool,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
pub struct OperationsOptions {
    /// Format of the log
    #[arg(
        long,
        env = "SENDS_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "auto"
    )]
    pub log_format: LogFormat,

    /// Serve Prometheus metrics at /metrics
    #[arg(long, env = "SENDS_METRICS", value_name = "true|false", default_value = "true",
          value_parser = switch, action = clap::ArgAction::Set)]
    pub metrics: bool,

    #[command(flatten)]
    pub shutdown: ShutdownOptions,
}
