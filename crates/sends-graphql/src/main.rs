//! The `sends-graphql` program: runs a command and prints its errors.

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

/// mimalloc suits the many small allocations of responses, which other threads can free.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const INVALID_SETTINGS: u8 = 2;

const INCOMPLETE: u8 = 3;

/// Guard that waits during a panic until new tokens are stored, as every other exit path does.
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
        ExitCode::from(if error.is_of_settings() {
            INVALID_SETTINGS
        } else {
            1
        })
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

/// Runs a command, and exits on the first signal.
fn run(work: impl Future<Output = Result<(), CommandError>>) -> Result<(), CommandError> {
    block_on(async {
        tokio::spawn(exit_on_signal(Signals::listen()?));
        work.await
    })
}

/// Runs `sync`, which handles signals itself. A signal after its end exits the process.
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

/// Ignores write errors, since standard error can be closed.
fn print_error(error: &CommandError) {
    let _ = writeln!(std::io::stderr(), "sends-graphql: {error}");
}
