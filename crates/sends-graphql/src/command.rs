//! The command line and the environment, as they were written. What they mean is for `settings.rs` to decide, so that
//! every wrong setting is reported at once instead of one after the other.

use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;

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
    Serve(ServeOptions),
    /// Print the GraphQL schema as SDL
    Schema,
}

/// The options of `serve`. Each can be given as an environment variable too; the command line wins.
#[derive(Args, Debug)]
pub struct ServeOptions {
    /// Where to listen for GraphQL requests
    #[arg(
        long,
        env = "SENDS_LISTEN",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: String,

    /// The Constant Contact API to ask [default: https://api.cc.email/v3]
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

    /// Answer from an embedded imitation of Constant Contact with invented data; needs no account
    #[arg(long, env = "SENDS_SANDBOX", value_name = "true|false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value = "false", hide_default_value = true)]
    pub sandbox: String,

    /// The access token for Constant Contact. Only as an environment variable: a command line is visible to every
    /// process on the machine.
    #[arg(skip = access_token_from_environment())]
    pub access_token: Option<SecretString>,
}

/// The environment variable that holds the access token.
pub const ACCESS_TOKEN_VARIABLE: &str = "SENDS_ACCESS_TOKEN";

fn access_token_from_environment() -> Option<SecretString> {
    std::env::var(ACCESS_TOKEN_VARIABLE)
        .ok()
        .filter(|token| !token.trim().is_empty())
        .map(SecretString::from)
}
