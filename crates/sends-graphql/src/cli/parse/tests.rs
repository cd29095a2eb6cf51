mod reference;

use std::time::Duration;

use super::*;
use crate::{cli::Command, execution::validation::Limits};

fn lines(options: &[&str]) -> (Parsed, String) {
    let parsed = parse(["sends-graphql"].iter().chain(options));
    let lines: Vec<_> = parsed.problems.iter().map(ToString::to_string).collect();
    let lines = lines.join("\n");
    (parsed, lines)
}

#[test]
fn invalid_values_fall_back_to_defaults_and_valid_values_apply() {
    let (parsed, lines) = lines(&["--max-age", "old", "--grace=1m", "--listen", "--max-operations=0"]);
    insta::assert_snapshot!(lines, @r#"
    --max-age (SENDS_MAX_AGE): "old" is not a duration from 0s to 8760h, such as 20, 20s or 5m
    --listen (SENDS_LISTEN): a value is missing
    --max-operations (SENDS_MAX_OPERATIONS): "0" is not a number from 1 to 1000000
    "#);
    let options = parsed.arguments.unwrap().serve;
    assert_eq!(options.wait.max_age, Duration::from_mins(1));
    assert_eq!(options.operations.shutdown.grace, Duration::from_mins(1));
    assert_eq!(options.listen.as_str(), "127.0.0.1:8080");
    assert_eq!(options.http.capacity.max_operations, 256);
}

#[test]
fn invalid_value_without_an_environment_variable_names_only_the_option() {
    let (parsed, lines) = lines(&[
        "export",
        "--format=xml",
        "--from=soon",
        "--outcome=GOOD,FAILED",
        "--order=up",
    ]);
    insta::assert_snapshot!(lines, @r#"
    --format: "xml" is not one of csv, ndjson, json
    --from: "soon" is not a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z
    --outcome: "GOOD" is not one of SENT, PARTIALLY_SENT, STAGED, NO_RECIPIENTS, FAILED, UNKNOWN
    --order: "up" is not newest or oldest
    "#);
    assert!(matches!(
        parsed.arguments.unwrap().into_command(),
        Command::Export(_)
    ));
}

#[test]
fn invalid_values_are_reported_together_with_other_errors() {
    let (parsed, lines) = lines(&["--max-age=old", "--no-such-option"]);
    assert!(lines.starts_with("--max-age (SENDS_MAX_AGE): "), "{lines}");
    assert_eq!(parsed.arguments.unwrap_err().kind(), ErrorKind::UnknownArgument);
}

#[test]
fn default_limits_match_the_option_defaults() {
    let options = lines(&[]).0.arguments.unwrap().serve;
    assert_eq!(options.limits, Limits::default());
    assert_eq!(
        options.http.capacity.request.body_timeout,
        Duration::from_secs(15)
    );
}

#[test]
fn flags_and_switches_accept_their_documented_values() {
    let serve = |options: &[&str]| lines(options).0.arguments.unwrap().serve;
    let options = serve(&[]);
    assert!(options.schema.graphiql && options.schema.introspection && options.operations.metrics);
    assert!(!options.schema.federation && !options.source.sandbox.sandbox && !options.caller_tokens);
    assert_eq!(options.sync_every, None);
    let options = serve(&[
        "--graphiql",
        "off",
        "--introspection=false",
        "--federation",
        "--sync-every",
        "1h",
    ]);
    assert!(!options.schema.graphiql && !options.schema.introspection && options.schema.federation);
    assert_eq!(options.sync_every, Some(Duration::from_hours(1)));
}

#[test]
fn every_service_option_has_a_matching_environment_variable() {
    for arg in Arguments::command().get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        let variable = format!("SENDS_{}", long.to_ascii_uppercase().replace('-', "_"));
        assert_eq!(arg.get_env(), Some(variable.as_ref()), "--{long}");
    }
}

#[test]
fn short_help_fits_a_screen_and_long_help_shows_every_option() {
    let help = |option: &str| {
        let command = command(&["sends-graphql".into(), option.into()], &[]);
        let error = command
            .term_width(100)
            .try_get_matches_from(["sends-graphql", option]);
        error.unwrap_err().to_string()
    };
    let short = help("-h");
    assert!(short.lines().count() <= 43, "{short}");
    insta::assert_snapshot!(short, @r"
    GraphQL over the send history of Constant Contact's email campaign activities

    Usage: sends-graphql [OPTIONS]
           sends-graphql <COMMAND>

    Commands:
      serve          Serve GraphQL over HTTP (the default)
      history        Print the send history of activities, with reasons and remedies
      failures       Print the sends that need attention, with reasons and remedies
      export         Write the log of all sends as CSV or JSON
      login          Connect a Constant Contact account, in a browser or on another device
      logout         Delete the login of the connected account
      status         Show the connected account, its tokens, and the calls left today
      sync           Synchronise the log of all sends; exits with 3 if campaigns are left, 1 on failure
      rebuild-store  Replace a damaged store with an empty one; its content is fetched again
      schema         Print the GraphQL schema as SDL
      completions    Print a completion script for a shell
      help           Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Service:
          --listen <HOST:PORT>     Address to listen on [default: 127.0.0.1:8080]
          --graphiql <true|false>  Serve the query editor GraphiQL at /graphiql [default: true]

    Account and data:
          --sandbox             Use an embedded simulation of Constant Contact with invented data
          --client-id <ID>      Client id of your application at Constant Contact
          --state-dir <FOLDER>  Folder of the login and the store [default: of the platform]
          --caller-tokens       Call Constant Contact with the access token of each caller

    Constant Contact:
          --rate-per-second <CALLS>    Maximum calls in any one second; 0 for no limit [default: 4]
          --max-age <DURATION>         Maximum age of stored histories with recent sends [default: 60s]
          --sync-every <DURATION|off>  Synchronisation interval of the log of all sends [default: off]

    Access over HTTP:
          --api-key-file <FILE>      File of API keys; callers must send a key as X-API-Key
          --allowed-origin <ORIGIN>  Allowed origins of web pages, separated by commas

    --help shows all options. Each has an environment variable: --max-age is SENDS_MAX_AGE.
    ");
    let long = help("--help");
    for arg in Arguments::command().get_arguments() {
        assert!(
            long.contains(&format!("--{} ", arg.get_long().unwrap()))
                || long.contains(&format!("--{}\n", arg.get_long().unwrap())),
            "{arg}"
        );
    }
}
