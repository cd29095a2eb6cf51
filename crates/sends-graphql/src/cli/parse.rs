//! Parses the command line and the environment, and reports every wrong value at once.
//!
//! clap stops at the first wrong value. That option is left out and the rest is parsed again, until no value is wrong. An
//! option that was left out has its default, so that conditions on several options can be checked as well.

use std::{env, ffi::OsString};

use clap::{
    Arg, CommandFactory, Error, FromArgMatches,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::Arguments;
use crate::config::Problem;

/// The options that `-h` shows, beside those without an environment variable: what most deployments set. `--help` shows all.
const USUAL: [&str; 13] = [
    "allowed-origin",
    "api-key-file",
    "caller-tokens",
    "client-id",
    "graphiql",
    "listen",
    "max-age",
    "rate-per-day",
    "rate-per-second",
    "redirect-port",
    "sandbox",
    "state-dir",
    "sync-every",
];

/// What the command line and the environment hold.
#[derive(Debug)]
pub struct Parsed {
    /// The options, with defaults in place of wrong values; or clap's error, such as an unknown option, and the help texts.
    pub arguments: Result<Arguments, Error>,
    /// The wrong values.
    pub problems: Vec<Problem>,
}

/// Parses these arguments, the first of which is the program's name, and the environment.
pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Parsed {
    let mut arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let (mut problems, mut left_out) = (Vec::new(), Vec::new());
    loop {
        let mut command = command(&arguments, &left_out);
        let parsed = command
            .try_get_matches_from_mut(&arguments)
            .and_then(|matches| Arguments::from_arg_matches(&matches));
        let wrong = parsed.as_ref().err().and_then(wrong_option);
        match (parsed, wrong) {
            (Err(error), Some(option)) if !left_out.contains(&option) => {
                problems.push(problem(&command, &option, &error));
                arguments = without(arguments, &option);
                left_out.push(option);
            }
            (arguments, _) => return Parsed { arguments, problems },
        }
    }
}

/// The definition of the command line without the environment variables that do not count.
fn command(arguments: &[OsString], left_out: &[String]) -> clap::Command {
    let command = Arguments::command();
    let names_command = arguments
        .get(1)
        .is_some_and(|first| command.find_subcommand(first).is_some());
    let is_short_help = arguments.iter().any(|argument| argument == "-h");
    let adjust = |arg: Arg| {
        // Compose files leave a variable out by giving it no value.
        let is_empty =
            |name| env::var_os(name).is_some_and(|value| value.to_string_lossy().trim().is_empty());
        let is_left_out = arg
            .get_long()
            .is_some_and(|long| left_out.iter().any(|out| out == long));
        if is_left_out || arg.get_env().is_some_and(is_empty) {
            return arg.env(Resettable::Reset);
        }
        let is_usual = arg.get_env().is_none() || arg.get_long().is_some_and(|long| USUAL.contains(&long));
        arg.hide_short_help(!is_usual)
            .hide_env(is_short_help)
            .hide_env_values(true)
    };
    command
        .mut_args(|arg| {
            // Only `serve` takes the options that may stand without a command.
            if names_command {
                arg.env(Resettable::Reset)
            } else {
                adjust(arg)
            }
        })
        .mut_subcommands(|command| command.mut_args(adjust))
}

/// The option whose value is wrong, without its dashes, if that is the error.
fn wrong_option(error: &Error) -> Option<String> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    // It is written as in the usage: `--max-age <DURATION>`.
    let Some(ContextValue::String(usage)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let name = usage.strip_prefix("--")?;
    let end = name.find([' ', '[', '=']).unwrap_or(name.len());
    Some(name[..end].to_owned())
}

fn problem(command: &clap::Command, option: &str, error: &Error) -> Problem {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let variable = commands
        .flat_map(clap::Command::get_arguments)
        .filter(|arg| arg.get_long() == Some(option))
        .find_map(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()));
    let reason = std::error::Error::source(error).map(ToString::to_string);
    let reason = reason.unwrap_or_else(|| {
        match (
            error.get(ContextKind::InvalidValue),
            error.get(ContextKind::ValidValue),
        ) {
            (Some(ContextValue::String(value)), Some(ContextValue::Strings(names))) if !value.is_empty() => {
                crate::option_values::wrong(value, &format!("one of {}", names.join(", ")))
            }
            _ => "it needs a value".to_owned(),
        }
    });
    Problem::Value {
        option: option.to_owned(),
        variable,
        reason,
    }
}

/// The arguments without this option and its value.
fn without(arguments: Vec<OsString>, option: &str) -> Vec<OsString> {
    let mut kept = Vec::with_capacity(arguments.len());
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        match text.strip_prefix("--").and_then(|name| name.strip_prefix(option)) {
            Some("") => drop(arguments.next_if(|value| !value.to_string_lossy().starts_with('-'))),
            Some(value) if value.starts_with('=') => {}
            _ => kept.push(argument),
        }
    }
    kept
}

#[cfg(test)]
mod tests;
