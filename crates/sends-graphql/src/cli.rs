//! Command line: the options of all commands, and the commands other than `serve`.
//!
//! `parse.rs` parses the command line and the environment, and `checks.rs` validates combinations of options. Each command has
//! its own file, except for `logout` and `rebuild-store`, which `account.rs` implements together with the error type of all
//! commands. The options of `serve` are in `serve.rs` and in the modules that they configure; shared options are in
//! `config/options.rs`.

pub mod account;
mod checks;
pub mod export;
pub mod failures;
pub mod history;
mod log;
pub mod login;
mod parse;
mod serve;
pub mod status;
pub mod sync;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::{AccountOptions, StateOptions};

use self::account::CommandError;
pub use self::{
    checks::problems,
    export::ExportOptions,
    failures::FailuresOptions,
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
    version = env!("SENDS_VERSION"),
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
    /// Print the sends that need attention, with reasons and remedies
    Failures(Box<FailuresOptions>),
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
    /// Print a completion script for a shell
    Completions(CompletionsOptions),
    /// Write man pages into a folder
    #[command(hide = true)]
    Man(ManOptions),
}

#[derive(Args, Clone, Debug)]
pub struct CompletionsOptions {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub shell: Shell,
}

#[derive(Args, Clone, Debug)]
pub struct ManOptions {
    /// Existing folder
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// Writes a completion script to standard output.
pub fn print_completions(options: &CompletionsOptions) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(
        options.shell,
        &mut Arguments::command(),
        "sends-graphql",
        &mut script,
    );
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a man page for the program and one for each command.
pub fn write_man_pages(options: &ManOptions) -> Result<(), CommandError> {
    clap_mangen::generate_to(Arguments::command(), &options.folder).map_err(|reason| CommandError::File {
        path: options.folder.clone(),
        reason,
    })
}

#[derive(Args, Clone, Debug)]
pub struct SchemaOptions {
    /// Print the SDL of the federation subgraph instead
    #[arg(long)]
    pub federation: bool,
}
