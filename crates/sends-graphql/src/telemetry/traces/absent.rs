//! The build without an exporter: a collector named in the environment is warned of, and nothing is sent.

use http::HeaderMap;
use tracing::Span;
use tracing_subscriber::{Layer, Registry};

use super::{TracesError, collector};

/// The exporter that this build lacks.
#[derive(Debug)]
pub enum Traces {}

impl Traces {
    /// No exporter.
    pub fn from_environment() -> Result<Option<Self>, TracesError> {
        Ok(None)
    }

    /// No layer, as there is no exporter.
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        match *self {}
    }

    /// Nothing to send.
    pub fn end(&self) {
        match *self {}
    }
}

/// Warns that the environment asks for traces.
pub fn warn_if_absent() {
    if let Some((variable, _)) = collector() {
        tracing::warn!(
            "{variable} is set, but this build has no OTLP exporter, so no traces are sent; build it with `--features otlp`"
        );
    }
}

/// Does nothing in this build.
pub fn continue_trace(_: &Span, _: &HeaderMap) {}

/// Does nothing in this build.
pub(in crate::telemetry) fn tell(_: &Span, _: &'static str, _: u32) {}
