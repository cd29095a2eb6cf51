//! Log on standard error, filtered by `RUST_LOG`. Events of a GraphQL request include the fields of its span.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, Layer, Registry};

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines of text on a terminal, JSON otherwise
    #[default]
    Auto,
    /// One line of text per event
    Pretty,
    /// One JSON object per event
    Json,
}

pub fn layer(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let on_terminal = io::stderr().is_terminal();
    // Reports of failed writes are disabled, because they also go to standard error and would panic once it is closed.
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
