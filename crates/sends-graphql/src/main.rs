//! The `sends-graphql` program: reads the command line, runs what it asks for, and turns failures into one sentence each.

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
    shutdown::{Signals, exit_when_told},
};

/// Answers are made of many small pieces, which one thread makes and another may drop.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit status for settings that cannot work, as command lines use it.
const WRONG_SETTINGS: u8 = 2;

/// The exit status of a synchronisation that has left something for the next time.
const INCOMPLETE: u8 = 3;

/// Makes a panic wait for answers of the token endpoint that are not stored yet, as every other end of the program does.
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
    let chosen = match arguments {
        Ok(arguments) => arguments.into_command(),
        Err(error) => {
            if error.use_stderr() && !problems.is_empty() {
                complain(&CommandError::Settings(problems));
            }
            error.exit()
        }
    };
    if !problems.is_empty() {
        problems.extend(cli::problems(&chosen, variables));
        return fail(&CommandError::Settings(problems), WRONG_SETTINGS);
    }
    match chosen {
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

/// Runs a command that is no service: warnings go to the log, what it is for to standard output.
fn command(work: impl Future<Output = Result<(), CommandError>>) -> ExitCode {
    let work = async {
        tokio::spawn(exit_when_told(Signals::listen()?));
        work.await
    };
    match run(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail_command(&error),
    }
}

/// `sync` handles signals itself until its end, so that it can keep what it has.
async fn synchronise(
    options: &SyncOptions,
    variables: EnvironmentVariables,
) -> Result<sync::Outcome, CommandError> {
    let result = sync::sync(options, variables).await;
    tokio::spawn(exit_when_told(Signals::listen()?));
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
    complain(problem);
    ExitCode::from(status)
}

/// Standard error may be closed already, and then nobody is there to be told.
fn complain(problem: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "sends-graphql: {problem}");
}
