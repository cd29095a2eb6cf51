//! The command line and the environment, as they were written. What they mean is for `config.rs` to decide, so that
//! every wrong setting is reported at once instead of one after the other.

mod http;
mod log;
mod operations;
mod sync;

use clap::{Args, Parser, Subcommand};

pub use self::{
    http::HttpOptions,
    log::{ExportOptions, FilterOptions, HistoryOptions},
    operations::OperationsOptions,
    sync::{BackgroundSyncOptions, SyncOptions},
};
use crate::config::LimitOptions;

/// GraphQL over the send history of Constant Contact's email campaign activities.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do; `serve` when nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `serve`, which may stand without its name.
    #[command(flatten)]
    pub serve: ServeOptions,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer GraphQL over HTTP (the default)
    Serve(Box<ServeOptions>),
    /// Print what became of each send of some activities, why, and what to do about it
    History(Box<HistoryOptions>),
    /// Write the log of all sends as a table or as JSON
    Export(Box<ExportOptions>),
    /// Connect a Constant Contact account, in a browser or on another device
    Login(LoginOptions),
    /// Forget the connected account
    Logout(AccountOptions),
    /// Say which account is connected, how its tokens are, and what is left of the day's calls
    Status(StatusOptions),
    /// Bring the log of all sends in step, newest first, and say what is left. Exits with 3 when something is
    Sync(SyncOptions),
    /// Set a damaged store aside and begin a new one; what was kept is fetched again
    RebuildStore(StateOptions),
    /// Print the GraphQL schema as SDL
    Schema(SchemaOptions),
}

/// The options of `serve`. Each can be given as an environment variable too; the command line wins.
#[derive(Args, Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen for GraphQL requests
    #[arg(
        long,
        env = "SENDS_LISTEN",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: String,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub source: SourceOptions,

    /// Serve GraphiQL at /graphiql: a page to explore the schema with
    #[arg(
        long,
        env = "SENDS_GRAPHIQL",
        value_name = "true|false",
        default_value = "true"
    )]
    pub graphiql: String,

    /// Ask Constant Contact with the access token that each caller sends, instead of a credential of the service's own
    #[arg(long, env = "SENDS_CALLER_TOKENS", value_name = "true|false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value = "false", hide_default_value = true)]
    pub caller_tokens: String,

    /// How many seconds one operation waits for Constant Contact
    #[arg(
        long,
        env = "SENDS_REQUEST_TIMEOUT",
        value_name = "SECONDS",
        default_value = "60"
    )]
    pub request_timeout: String,

    /// How many seconds old an answer about a recent send may be without asking again
    #[arg(long, env = "SENDS_MAX_AGE", value_name = "SECONDS", default_value = "60")]
    pub max_age: String,

    /// How many seconds old an answer may be at the most, about an activity that has been quiet for long
    #[arg(
        long,
        env = "SENDS_MAX_AGE_SETTLED",
        value_name = "SECONDS",
        default_value = "3600"
    )]
    pub max_age_settled: String,

    /// Be a subgraph of an Apollo Federation 2 supergraph
    #[arg(long, env = "SENDS_FEDERATION", value_name = "true|false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value = "false", hide_default_value = true)]
    pub federation: String,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub sync: BackgroundSyncOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub operations: OperationsOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub http: HttpOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub account: AccountOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub limits: LimitOptions,
}

/// Where answers come from and where they are kept.
#[derive(Args, Clone, Debug)]
pub struct SourceOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub sandbox: SandboxOptions,

    /// Where to keep what was fetched
    #[arg(
        long,
        env = "SENDS_STORE",
        value_name = "sqlite|memory",
        default_value = "sqlite"
    )]
    pub store: String,
}

/// Whether the embedded sandbox is the upstream, and what it is like.
#[derive(Args, Clone, Debug)]
pub struct SandboxOptions {
    /// Answer from an embedded imitation of Constant Contact with invented data; needs no account
    #[arg(long, env = "SENDS_SANDBOX", value_name = "true|false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value = "false", hide_default_value = true)]
    pub sandbox: String,

    /// Let the sandbox enforce Constant Contact's limits, 4 calls a second and 10,000 a day, and space the calls to it; without
    /// this no call waits, and 250,000 a day are allowed
    #[arg(long, env = "SENDS_SANDBOX_LIMITS", value_name = "true|false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value = "false", hide_default_value = true)]
    pub sandbox_limits: String,

    /// Let the sandbox hold malformed and undocumented records instead of plausible campaigns, to see what a program makes
    /// of them; the example queries of GraphiQL do not fit them
    #[arg(long, env = "SENDS_SANDBOX_ODD_RECORDS", value_name = "true|false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value = "false", hide_default_value = true)]
    pub sandbox_odd_records: String,
}

/// The options of `schema`.
#[derive(Args, Clone, Debug)]
pub struct SchemaOptions {
    /// Print the subgraph for a composition instead
    #[arg(long)]
    pub federation: bool,
}

/// How to ask the upstream.
#[derive(Args, Clone, Debug)]
pub struct UpstreamOptions {
    /// The Constant Contact API to ask [default: `https://api.cc.email/v3`]
    #[arg(long, env = "SENDS_UPSTREAM_URL", value_name = "URL")]
    pub upstream_url: Option<String>,

    /// How many seconds one upstream call may take
    #[arg(
        long,
        env = "SENDS_UPSTREAM_TIMEOUT",
        value_name = "SECONDS",
        default_value = "20"
    )]
    pub upstream_timeout: String,

    /// How many upstream calls may leave in any one second; 0 for no limit [default: 4, and no limit with `--sandbox` unless
    /// `--sandbox-limits` is given]
    #[arg(long, env = "SENDS_RATE_PER_SECOND", value_name = "CALLS")]
    pub rate_per_second: Option<String>,

    /// How many upstream calls may leave in a day (UTC); 0 for no limit [default: 10000, and 250000 with `--sandbox` unless
    /// `--sandbox-limits` is given]
    #[arg(long, env = "SENDS_RATE_PER_DAY", value_name = "CALLS")]
    pub rate_per_day: Option<String>,

    /// How many of the day's calls background work leaves for people
    #[arg(long, env = "SENDS_RATE_RESERVE", value_name = "CALLS", default_value = "500")]
    pub rate_reserve: String,
}

/// Which account, and where its login is kept.
#[derive(Args, Clone, Debug)]
pub struct AccountOptions {
    /// The client id of your application at Constant Contact
    #[arg(long, env = "SENDS_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,

    /// The authorization server [default: `https://authz.constantcontact.com/oauth2/default/v1`]
    #[arg(long, env = "SENDS_OAUTH_URL", value_name = "URL")]
    pub oauth_url: Option<String>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub state: StateOptions,
}

/// Where the program keeps what has to outlive it.
#[derive(Args, Clone, Debug)]
pub struct StateOptions {
    /// Where the login and the store are kept [default: the state folder of the platform]
    #[arg(long, env = "SENDS_STATE_DIR", value_name = "FOLDER")]
    pub state_dir: Option<String>,
}

/// The options of `login`.
#[derive(Args, Clone, Debug)]
pub struct LoginOptions {
    /// Log in on another device, for machines without a browser
    #[arg(long)]
    pub device: bool,

    /// The loopback port that the browser is sent back to; `http://127.0.0.1:PORT/callback` must be registered with the
    /// application. 0 takes any free port, for servers that allow that
    #[arg(
        long,
        env = "SENDS_REDIRECT_PORT",
        value_name = "PORT",
        default_value_t = 8918
    )]
    pub redirect_port: u16,

    /// Print the address instead of opening a browser
    #[arg(long)]
    pub no_browser: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub account: AccountOptions,
}

/// The options of `status`.
#[derive(Args, Clone, Debug)]
pub struct StatusOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub upstream: UpstreamOptions,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a comment here would become help text")]
    pub account: AccountOptions,
}
