//! What the service tells about itself while it runs: the log, the metrics, the traces.
//!
//! | what | file |
//! |---|---|
//! | one GraphQL request as all three see it | `telemetry/operation.rs` |
//! | log lines: where to, in which form | `telemetry/log.rs` |
//! | counters, gauges and histograms, and their text | `telemetry/metrics.rs`, `telemetry/metrics/` |
//! | spans, sent to a collector | `telemetry/traces.rs`, `telemetry/traces/` |
//!
//! It stands around the execution of an operation and never inside: the library's own extensions would make every request
//! slower by half and more, whether or not anybody watches. Must not know what an operation asks, and nothing here ever
//! sees a token, a variable or a header other than the request's id.

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

/// Starts the log and, where the environment names a collector, the traces. It must be called outside the runtime: the
/// exporter brings a thread of its own.
pub fn start(format: LogFormat) -> Result<Option<Traces>, TracesError> {
    let traces = Traces::from_environment()?;
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![log::layer(format)];
    if let Some(traces) = &traces {
        layers.push(traces.layer());
    }
    // Somebody who embeds the service may have a subscriber of their own.
    let _ = tracing_subscriber::registry().with(layers).try_init();
    #[cfg(not(feature = "otlp"))]
    traces::warn_if_absent();
    Ok(traces)
}
