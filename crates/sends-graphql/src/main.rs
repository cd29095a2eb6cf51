//! The `sends-graphql` program: reads the command line, runs what it asks for, and turns failures into one sentence each.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use sends_graphql::{
    command::{Arguments, Command},
    graphql, serve,
    settings::Settings,
};

/// The exit status for settings that cannot work, as command lines use it.
const WRONG_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Serve(arguments.serve)) {
        Command::Serve(options) => match Settings::check(&options) {
            Ok(settings) => finish(serve::run(settings)),
            Err(problems) => {
                for problem in problems {
                    complain(&problem);
                }
                ExitCode::from(WRONG_SETTINGS)
            }
        },
        Command::Schema => finish(std::io::stdout().write_all(graphql::sdl().as_bytes())),
    }
}

fn finish<E: std::fmt::Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Standard error may be closed already, and then nobody is there to be told.
fn complain(problem: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "sends-graphql: {problem}");
}
