//! Log, metrics and traces.
//!
//! | responsibility | file |
//! |---|---|
//! | telemetry of one GraphQL request | `telemetry/operation.rs` |
//! | output and format of the log | `telemetry/log.rs` |
//! | counters, gauges, histograms and their text format | `telemetry/metrics.rs`, `telemetry/metrics/` |
//! | spans and their export to a collector | `telemetry/traces.rs`, `telemetry/traces/` |
//!
//! Requests are observed outside async-graphql, because its extensions would increase the time of every request by half. No
//! tokens, variables or headers other than the request id reach this module.

pub mod log;
pub mod metrics;
pub mod operation;
mod request_id;
pub mod traces;

use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

pub(crate) use self::request_id::REQUEST_ID;
pub use self::request_id::RequestId;
use self::{
    log::LogFormat,
    traces::{Traces, TracesError},
};

/// Starts logging, and tracing if the environment names a collector. The caller must be outside the Tokio runtime, because the
/// exporter uses a blocking HTTP client.
pub fn start(format: LogFormat) -> Result<Option<Traces>, TracesError> {
    let traces = Traces::from_environment()?;
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![log::layer(format)];
    if let Some(traces) = &traces {
        layers.push(traces.layer());
    }
    // Fails if a program that embeds the service has already installed a subscriber.
    let _ = tracing_subscriber::registry().with(layers).try_init();
    #[cfg(not(feature = "otlp"))]
    traces::warn_if_absent();
    Ok(traces)
}
