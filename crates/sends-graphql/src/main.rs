//! The `sends-graphql` program: runs the command, and prints errors as one sentence each.

use std::{io::Write, process::ExitCode};

use sends_credentials::environment::EnvironmentVariables;
use sends_graphql::{
    cli::{
        self, Command, Parsed, SyncOptions,
        account::{self, CommandError},
        export, history, login, status, sync,
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
    let variables = serve::environment();
    let Parsed {
        arguments,
        mut problems,
    } = cli::parse(std::env::args_os());
    let command_line = match arguments {
        Ok(arguments) => arguments.into_command(),
        Err(error) => {
            if error.use_stderr() && !problems.is_empty() {
                print_error(&CommandError::Settings(problems));
            }
            error.exit()
        }
    };
    if !problems.is_empty() {
        problems.extend(cli::problems(&command_line, variables));
        return fail(&CommandError::Settings(problems), WRONG_SETTINGS);
    }
    match command_line {
        Command::Serve(options) => match Config::of_serve(&options, variables) {
            Ok(config) => match serve::run(*options, config) {
                Err(error) if error.is_of_settings() => fail(&error, WRONG_SETTINGS),
                result => finish(result),
            },
            Err(problems) => fail(&CommandError::Settings(problems), WRONG_SETTINGS),
        },
        Command::History(options) => command(history::history(&options, variables)),
        Command::Export(options) => command(export::export(&options, variables)),
        Command::Login(options) => command(login::login(&options, variables)),
        Command::Logout(options) => command(account::logout(&options)),
        Command::Status(options) => command(status::status(&options, variables)),
        Command::Sync(options) => match run(synchronise(&options, variables)) {
            Ok(sync::Outcome::Complete) => ExitCode::SUCCESS,
            Ok(sync::Outcome::Incomplete) => ExitCode::from(INCOMPLETE),
            Err(error) => fail_command(&error),
        },
        Command::RebuildStore(options) => command(account::rebuild_store(&options)),
        Command::Schema(options) => {
            let sdl = if options.federation {
                schema::subgraph_sdl().to_owned()
            } else {
                schema::sdl()
            };
            finish(std::io::stdout().write_all(sdl.as_bytes()))
        }
    }
}

/// Runs a command other than `serve` and `sync`.
fn command(work: impl Future<Output = Result<(), CommandError>>) -> ExitCode {
    let work = async {
        tokio::spawn(exit_on_signal(Signals::listen()?));
        work.await
    };
    match run(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail_command(&error),
    }
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

fn run<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let result = work.await;
        sends_credentials::finish().await;
        result
    })
}

fn fail_command(error: &CommandError) -> ExitCode {
    fail(error, if error.is_of_settings() { WRONG_SETTINGS } else { 1 })
}

fn finish<E: std::fmt::Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn fail(problem: &dyn std::fmt::Display, status: u8) -> ExitCode {
    print_error(problem);
    ExitCode::from(status)
}

/// Ignores a closed standard error.
fn print_error(problem: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "sends-graphql: {problem}");
}
