//! Compares `docs/configuration.md` with the clap definitions.

use std::fmt::Write as _;

use clap::{Arg, CommandFactory};

use crate::cli::Arguments;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
/// Environment variable that makes the test write the reference instead of comparing it.
const WRITE: &str = "WRITE_CONFIGURATION";

const HEAD: &str = "\
# Configuration

<!-- Generated from the definitions of the options. After a change to one, run:
     WRITE_CONFIGURATION=1 cargo test -p sends-graphql --lib configuration_reference -->

The service is configured by command-line options and environment variables. `sends-graphql -h` shows the most common options,
`sends-graphql --help` all of them.

- An option overrides its environment variable. An empty variable counts as unset.
- All invalid values are reported together, and the exit status is 2.
- A duration is a number of seconds (`60`, `0.5`) or has units (`90s`, `5m`, `1h`).
- A size is a number of bytes or has a unit (`64KiB`, `128MiB`).
- The access token, the refresh token and the client secret have no option, because other users of the machine can read
  command lines. They are read from `SENDS_ACCESS_TOKEN`, `SENDS_REFRESH_TOKEN` and `SENDS_CLIENT_SECRET`.
- `RUST_LOG` sets the log level, `info` by default. It accepts the directives of `tracing-subscriber`, such as
  `info,sends_graphql::access=debug`.

`serve` is the default command and may be omitted: `sends-graphql --sandbox` is `sends-graphql serve --sandbox`.
";

#[test]
fn configuration_reference_matches_the_options() {
    let reference = reference();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(PATH, &reference).unwrap();
    }
    let written = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        written == reference,
        "docs/configuration.md differs from the options; write it with \
         {WRITE}=1 cargo test -p sends-graphql --lib configuration_reference"
    );
}

fn reference() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut text = HEAD.to_owned();
    write!(text, "\n## `serve`\n").unwrap();
    let serve = command.find_subcommand("serve").unwrap();
    let served: Vec<_> = serve.get_arguments().filter_map(Arg::get_long).collect();
    options(&mut text, serve, |_| true);
    for other in command
        .get_subcommands()
        .filter(|other| !["serve", "help"].contains(&other.get_name()))
    {
        write!(
            text,
            "\n## `{}`\n\n{}.\n",
            other.get_name(),
            other.get_about().unwrap()
        )
        .unwrap();
        options(&mut text, other, |arg| {
            !arg.get_long().is_some_and(|long| served.contains(&long))
        });
        let shared: Vec<_> = visible(other)
            .filter_map(Arg::get_long)
            .filter(|long| served.contains(long))
            .map(|long| format!("`--{long}`"))
            .collect();
        if !shared.is_empty() {
            write!(text, "\nOptions shared with `serve`: {}.\n", shared.join(", ")).unwrap();
        }
    }
    text
}

fn visible(command: &clap::Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str()))
}

fn options(text: &mut String, command: &clap::Command, is_listed: impl Fn(&Arg) -> bool) {
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in visible(command).filter(|arg| is_listed(arg)) {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            write!(text, "\n### {heading}\n").unwrap();
        }
        write!(
            text,
            "\n| option | environment | default | description |\n|---|---|---|---|\n"
        )
        .unwrap();
        for arg in visible(command).filter(|arg| arg.get_help_heading() == heading && is_listed(arg)) {
            row(text, arg);
        }
    }
}

fn row(text: &mut String, arg: &Arg) {
    let values = arg
        .get_value_names()
        .unwrap_or_default()
        .join(" ")
        .replace('|', "\\|");
    let name = match arg.get_long() {
        Some(long) if arg.get_action().takes_values() => format!("--{long} {values}"),
        Some(long) => format!("--{long}"),
        None => values,
    };
    let variable = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy()));
    let help = arg.get_long_help().or(arg.get_help()).unwrap().to_string();
    let (help, default) = if let Some((before, rest)) = help.split_once(" [default: ") {
        let (default, after) = rest.split_once(']').unwrap();
        (format!("{before}{after}"), default.trim_matches('`').to_owned())
    } else {
        let defaults = arg.get_default_values().iter();
        let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();
        let is_switch = !arg.get_action().takes_values();
        let default = if is_switch {
            "off".to_owned()
        } else {
            defaults.join(",")
        };
        (help, default)
    };
    let mut sentences: Vec<String> = help
        .split("\n\n")
        .map(|paragraph| format!("{}.", paragraph.replace('\n', " ").trim_end_matches('.')))
        .collect();
    sentences.extend(
        arg.get_possible_values()
            .iter()
            .filter_map(|value| Some(format!("`{}`: {}.", value.get_name(), value.get_help()?))),
    );
    let default = match default.as_str() {
        "" => String::new(),
        "of the platform" => "of the platform".to_owned(),
        default => format!("`{default}`"),
    };
    let help = sentences.join(" ").replace('|', "\\|");
    writeln!(
        text,
        "| `{name}` | {} | {default} | {help} |",
        variable.unwrap_or_default()
    )
    .unwrap();
}
