//! The `sends-graphql` program: runs the command, and prints errors as one sentence each.

use std::{io::Write, process::ExitCode};

use sends_credentials::environment::EnvironmentVariables;
use sends_graphql::{
    cli::{
        self, Command, Parsed, SyncOptions,
        account::{self, CommandError},
        export, failures, history, login, status, sync,
    },
    config::Config,
    schema, serve,
    shutdown::{Signals, exit_on_signal},
};

/// Responses consist of many small allocations, which other threads can free.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit status for invalid options.
const WRONG_SETTINGS: u8 = 2;

/// Exit status of an incomplete synchronisation.
const INCOMPLETE: u8 = 3;

/// Waits for the write of new tokens during a panic, as every other exit of the program does.
struct TokensStored;

impl Drop for TokensStored {
    fn drop(&mut self) {
        if std::thread::panicking() {
            sends_credentials::finish_blocking();
        }
    }
}

fn main() -> ExitCode {
    let _tokens_stored = TokensStored;
    let variables = EnvironmentVariables::read(|name| std::env::var(name).ok());
    let Parsed {
        arguments,
        mut problems,
    } = cli::parse(std::env::args_os());
    let command = match arguments {
        Ok(arguments) => arguments.into_command(),
        Err(error) => {
            if error.use_stderr() && !problems.is_empty() {
                print_error(&CommandError::Settings(problems));
            }
            error.exit()
        }
    };
    let result = if problems.is_empty() {
        execute(command, variables)
    } else {
        problems.extend(cli::problems(&command, variables));
        Err(CommandError::Settings(problems))
    };
    result.unwrap_or_else(|error| {
        print_error(&error);
        ExitCode::from(if error.is_of_settings() { WRONG_SETTINGS } else { 1 })
    })
}

fn execute(command: Command, variables: EnvironmentVariables) -> Result<ExitCode, CommandError> {
    match command {
        Command::Serve(options) => {
            let config = Config::of_serve(&options, variables).map_err(CommandError::Settings)?;
            serve::run(*options, config)?;
        }
        Command::History(options) => run(history::history(&options, variables))?,
        Command::Failures(options) => run(failures::failures(&options, variables))?,
        Command::Export(options) => run(export::export(&options, variables))?,
        Command::Login(options) => run(login::login(&options, variables))?,
        Command::Logout(options) => run(account::logout(&options))?,
        Command::Status(options) => run(status::status(&options, variables))?,
        Command::Sync(options) => {
            if block_on(synchronise(&options, variables))? == sync::Outcome::Incomplete {
                return Ok(ExitCode::from(INCOMPLETE));
            }
        }
        Command::RebuildStore(options) => run(account::rebuild_store(&options))?,
        Command::Schema(options) => {
            let sdl = if options.federation {
                schema::subgraph_sdl().to_owned()
            } else {
                schema::sdl()
            };
            std::io::stdout().write_all(sdl.as_bytes())?;
        }
        Command::Completions(options) => cli::print_completions(&options)?,
        Command::Man(options) => cli::write_man_pages(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command that ends with a signal.
fn run(work: impl Future<Output = Result<(), CommandError>>) -> Result<(), CommandError> {
    block_on(async {
        tokio::spawn(exit_on_signal(Signals::listen()?));
        work.await
    })
}

/// Runs `sync`, which handles signals itself until its end.
async fn synchronise(
    options: &SyncOptions,
    variables: EnvironmentVariables,
) -> Result<sync::Outcome, CommandError> {
    let result = sync::sync(options, variables).await;
    tokio::spawn(exit_on_signal(Signals::listen()?));
    result
}

fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let result = work.await;
        sends_credentials::finish().await;
        result
    })
}

/// Ignores a closed standard error.
fn print_error(error: &CommandError) {
    let _ = writeln!(std::io::stderr(), "sends-graphql: {error}");
}
