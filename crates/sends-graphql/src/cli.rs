//! The command line: options with the types that the program works with, and the commands other than `serve`. What depends on
//! several options of a command is checked in `checks.rs`.
//!
//! `parse.rs` reads both the command line and the environment. Each command is in a file with its options: `login.rs`, `status.rs`,
//! `history.rs`, `export.rs`, `sync.rs`, and `logout` and `rebuild-store` in `account.rs` with the errors of all. The options of
//! `serve` are in `serve.rs` and with what they are about; those that commands share are in `config/options.rs`.

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
    after_long_help = "Each option has an environment variable, which the command line overrides; an empty one counts as not \
                       given. A duration is a number of seconds or has a unit, as in 90s, 5m or 1h, and a size is a number of \
                       bytes or has one, as in 64KiB or 128MiB. RUST_LOG sets what is logged. Tokens have variables only: \
                       SENDS_ACCESS_TOKEN, SENDS_REFRESH_TOKEN and SENDS_CLIENT_SECRET."
)]
pub struct Arguments {
    /// What to do; `serve` when nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `serve`, which may stand without its name.
    #[command(flatten)]
    pub serve: ServeOptions,
}

impl Arguments {
    /// The command to run.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(Box::new(self.serve)))
    }
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve GraphQL over HTTP (the default)
    Serve(Box<ServeOptions>),
    /// Print the send history of some activities, with reasons and remedies
    History(Box<HistoryOptions>),
    /// Write the log of all sends as CSV or JSON
    Export(Box<ExportOptions>),
    /// Connect a Constant Contact account, in a browser or on another device
    Login(LoginOptions),
    /// Forget the connected account
    Logout(AccountOptions),
    /// Show the connected account, its tokens, and the calls left today
    Status(StatusOptions),
    /// Synchronise the log of all sends; exits with 3 when something is left for later
    Sync(SyncOptions),
    /// Set a damaged store aside and begin a new one; its content is fetched again
    RebuildStore(StateOptions),
    /// Print the GraphQL schema as SDL
    Schema(SchemaOptions),
}

/// The options of `schema`.
#[derive(Args, Clone, Debug)]
pub struct SchemaOptions {
    /// Print the subgraph for a composition instead
    #[arg(long)]
    pub federation: bool,
}
