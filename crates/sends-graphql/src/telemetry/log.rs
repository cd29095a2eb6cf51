//! The log: to standard error, as much of it as `RUST_LOG` says, for people or for programs.
//!
//! Must not know what is logged. Lines that belong to a GraphQL request carry its span's fields, since they are written
//! inside the span.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines on a terminal, JSON elsewhere
    #[default]
    Auto,
    /// Lines of text
    Pretty,
    /// One JSON object a line
    Json,
}

/// The layer that writes the log.
pub fn layer(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let on_terminal = io::stderr().is_terminal();
    // What cannot be written to standard error, as after its terminal was closed, cannot be reported there either: the attempt
    // would panic.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    let as_text = match format {
        LogFormat::Auto => on_terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    if as_text {
        lines.with_ansi(on_terminal).with_filter(filter).boxed()
    } else {
        let json = lines.json().flatten_event(true).with_current_span(false);
        json.with_filter(filter).boxed()
    }
}
