//! Parses the command line and the environment, and reports all invalid values together.
//!
//! Clap stops at the first invalid value. The parser removes that option and parses the rest again, until all values are valid. A
//! removed option has its default, so that combinations of options can be validated as well.

use std::{env, ffi::OsString};

use clap::{
    Arg, CommandFactory, Error, FromArgMatches,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::Arguments;
use crate::config::Problem;

/// Options in the short help, in addition to options that have no environment variable. `--help` shows all options.
const USUAL: [&str; 12] = [
    "allowed-origin",
    "api-key-file",
    "caller-tokens",
    "client-id",
    "graphiql",
    "listen",
    "max-age",
    "rate-per-second",
    "redirect-port",
    "sandbox",
    "state-dir",
    "sync-every",
];

#[derive(Debug)]
pub struct Parsed {
    /// Parsed options, with defaults for invalid values. Clap reports help texts as errors as well.
    pub arguments: Result<Arguments, Error>,
    pub problems: Vec<Problem>,
}

/// Parses the environment and the arguments, the first of which is the program name.
pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Parsed {
    let mut arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let (mut problems, mut removed) = (Vec::new(), Vec::new());
    loop {
        let mut command = command(&arguments, &removed);
        let parsed = command
            .try_get_matches_from_mut(&arguments)
            .and_then(|matches| Arguments::from_arg_matches(&matches));
        let invalid = parsed.as_ref().err().and_then(invalid_option);
        match (parsed, invalid) {
            (Err(error), Some(option)) if !removed.contains(&option) => {
                problems.push(problem(&command, &option, &error));
                arguments = without(arguments, &option);
                removed.push(option);
            }
            (arguments, _) => return Parsed { arguments, problems },
        }
    }
}

/// Returns the command definition. Environment variables that belong to removed options or are empty are excluded.
fn command(arguments: &[OsString], removed: &[String]) -> clap::Command {
    let command = Arguments::command();
    let names_command = arguments
        .get(1)
        .is_some_and(|first| command.find_subcommand(first).is_some());
    let is_short_help = arguments.iter().any(|argument| argument == "-h");
    let adjust = |arg: Arg| {
        // Compose files use an empty value to unset a variable.
        let is_empty =
            |name| env::var_os(name).is_some_and(|value| value.to_string_lossy().trim().is_empty());
        let is_removed = arg
            .get_long()
            .is_some_and(|long| removed.iter().any(|out| out == long));
        if is_removed || arg.get_env().is_some_and(is_empty) {
            return arg.env(Resettable::Reset);
        }
        let is_usual = arg.get_env().is_none() || arg.get_long().is_some_and(|long| USUAL.contains(&long));
        arg.hide_short_help(!is_usual)
            .hide_env(is_short_help)
            .hide_env_values(true)
    };
    command
        .mut_args(|arg| {
            // Top-level options belong to `serve`, not to the named subcommand.
            if names_command {
                arg.env(Resettable::Reset)
            } else {
                adjust(arg)
            }
        })
        .mut_subcommands(|command| command.mut_args(adjust))
}

fn invalid_option(error: &Error) -> Option<String> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    // Clap reports the option in usage syntax, such as `--max-age <DURATION>`.
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
            _ => "a value is missing".to_owned(),
        }
    });
    Problem::Value {
        option: option.to_owned(),
        variable,
        reason,
    }
}

fn without(arguments: Vec<OsString>, option: &str) -> Vec<OsString> {
    let mut others = Vec::with_capacity(arguments.len());
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        match text.strip_prefix("--").and_then(|name| name.strip_prefix(option)) {
            Some("") => drop(arguments.next_if(|value| !value.to_string_lossy().starts_with('-'))),
            Some(value) if value.starts_with('=') => {}
            _ => others.push(argument),
        }
    }
    others
}

#[cfg(test)]
mod tests;
