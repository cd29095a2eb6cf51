//! Exports spans to an OpenTelemetry collector over OTLP/HTTP (protobuf), on the exporter's own thread.

use std::time::Duration;

use http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::TracerProvider,
};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Span, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, Registry, filter::Targets};

use super::{TracesError, collector};

const FINAL_EXPORT_TIMEOUT: Duration = Duration::from_secs(2);
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Creates an exporter if the environment names a collector. An unreachable collector is not an error.
    pub fn from_environment() -> Result<Option<Self>, TracesError> {
        let Some((variable, endpoint)) = collector() else {
            return Ok(None);
        };
        let failed = |reason: String| TracesError { variable, reason };
        match endpoint
            .parse::<http::Uri>()
            .map(|uri| uri.scheme_str().map(str::to_owned))
        {
            Ok(Some(scheme)) if scheme == "http" || scheme == "https" => {}
            _ => return Err(failed("it must be an http:// or https:// URL".to_owned())),
        }
        sends_client::install_crypto_provider();
        let mut client = reqwest::blocking::Client::builder().timeout(EXPORT_TIMEOUT);
        if endpoint.starts_with("http://") {
            // The client would fail on a machine without CA certificates, although plain HTTP does not need them.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| failed(error.to_string()))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("sends-graphql");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Self(provider)))
    }

    /// Returns a layer for the spans of this project, independent of `RUST_LOG`.
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let ours = Targets::new()
            .with_target("sends_graphql", LevelFilter::DEBUG)
            .with_target("sends_client", LevelFilter::DEBUG);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("sends-graphql"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(ours)
            .boxed()
    }

    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(FINAL_EXPORT_TIMEOUT) {
            tracing::warn!("exporting the last traces failed: {error}");
        }
    }
}

/// Adds `span` to the trace in the caller's `traceparent` header, if traces are enabled.
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if !headers.contains_key("traceparent") {
        return;
    }
    let context: Context = TraceContextPropagator::new().extract(&Headers(headers));
    // Fails if traces are disabled.
    let _ = span.set_parent(context);
}

/// Records the result of a request in attributes of its span, if traces are enabled. Span fields would also be formatted for the
/// log.
pub(in crate::telemetry) fn record(span: &Span, outcome: &'static str, upstream_calls: u32) {
    span.set_attribute("outcome", outcome);
    span.set_attribute("upstream_calls", i64::from(upstream_calls));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
