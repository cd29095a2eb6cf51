//! Command line: the options of all commands, and the commands other than `serve`.
//!
//! `parse.rs` parses the command line and the environment, and `checks.rs` validates combinations of options. Each command has
//! its own file, except for `logout` and `rebuild-store`, which `account.rs` implements together with the error type of all
//! commands. The options of `serve` are in `serve.rs` and in the modules that they configure; shared options are in
//! `config/options.rs`.

pub mod account;
mod checks;
pub mod export;
pub mod history;
pub mod login;
mod parse;
mod serve;
pub mod status;
pub mod sync;

use clap::{Args, Parser, Subcommand};

use crate::config::{AccountOptions, StateOptions};

pub use self::{
    checks::problems,
    export::ExportOptions,
    history::HistoryOptions,
    login::LoginOptions,
    parse::{Parsed, parse},
    serve::{OperationsOptions, SchemaFeatures, ServeOptions, WaitOptions},
    status::StatusOptions,
    sync::SyncOptions,
};

/// GraphQL over the send history of Constant Contact's email campaign activities.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "--help shows all options. Each has an environment variable: --max-age is SENDS_MAX_AGE.",
    after_long_help = "Each option has an environment variable, which the command line overrides; an empty variable counts as \
                       unset. A duration is a number of seconds or has a unit, as in 90s, 5m or 1h. A size is a number of \
                       bytes or has a unit, as in 64KiB or 128MiB. RUST_LOG sets the log level. Tokens can only be set by variables: \
                       SENDS_ACCESS_TOKEN, SENDS_REFRESH_TOKEN and SENDS_CLIENT_SECRET."
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: ServeOptions,
}

impl Arguments {
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(Box::new(self.serve)))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve GraphQL over HTTP (the default)
    Serve(Box<ServeOptions>),
    /// Print the send history of activities, with reasons and remedies
    History(Box<HistoryOptions>),
    /// Write the log of all sends as CSV or JSON
    Export(Box<ExportOptions>),
    /// Connect a Constant Contact account, in a browser or on another device
    Login(LoginOptions),
    /// Delete the login of the connected account
    Logout(AccountOptions),
    /// Show the connected account, its tokens, and the calls left today
    Status(StatusOptions),
    /// Synchronise the log of all sends; exits with 3 if campaigns are left, 1 on failure
    Sync(SyncOptions),
    /// Replace a damaged store with an empty one; its content is fetched again
    RebuildStore(StateOptions),
    /// Print the GraphQL schema as SDL
    Schema(SchemaOptions),
}

#[derive(Args, Clone, Debug)]
pub struct SchemaOptions {
    /// Print the SDL of the federation subgraph instead
    #[arg(long)]
    pub federation: bool,
}
