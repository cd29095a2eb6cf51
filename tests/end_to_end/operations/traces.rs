//! Traces, received by a collector in the test.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;
use sends_end_to_end::{SandboxProcess, ServiceProcess};

use super::named_query;

struct Collector {
    address: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    async fn start() -> Self {
        let spans = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&spans);
        let take = move |body: Bytes| async move {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let of_resources = request.resource_spans.into_iter();
            let of_scopes = of_resources.flat_map(|resource| resource.scope_spans);
            received
                .lock()
                .unwrap()
                .extend(of_scopes.flat_map(|scope| scope.spans));
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, spans }
    }

    async fn spans(&self, count: usize) -> Vec<Span> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let spans = self.spans.lock().unwrap().clone();
            if spans.len() >= count {
                return spans;
            }
            assert!(Instant::now() < deadline, "only {spans:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn attributes(span: &Span) -> Vec<String> {
    let text = |attribute: &KeyValue| match attribute.value.clone().and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let lines = span.attributes.iter();
    lines
        .map(|attribute| format!("{}={}", attribute.key, text(attribute)))
        .collect()
}

#[tokio::test]
async fn upstream_calls_are_child_spans_of_their_operation() {
    let collector = Collector::start().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::start(
        &["--upstream-url", &sandbox.api_url(), "--rate-per-second", "0"],
        &[
            ("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            // The log filter does not affect the traces.
            ("RUST_LOG", "off,sends_graphql::serve=info"),
        ],
    );
    let activities = sandbox.activities(3).await;
    let client = sends_end_to_end::http_client();
    let response = client
        .post(format!("{}/graphql", service.origin()))
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .json(&serde_json::json!({ "query": named_query("Traced", &activities) }))
        .send();
    assert_eq!(response.await.unwrap().status(), 200);

    let spans = collector.spans(4).await;
    let operation = spans.iter().find(|span| span.name == "request").unwrap();
    assert_eq!(operation.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!(
        operation.trace_id,
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()
    );
    let of_operation = attributes(operation);
    for expected in ["operation=Traced", "outcome=ok", "upstream_calls=3"] {
        assert!(
            of_operation.iter().any(|line| line == expected),
            "{of_operation:?}"
        );
    }
    let calls: Vec<&Span> = spans.iter().filter(|span| span.name == "upstream call").collect();
    assert_eq!(calls.len(), 3);
    for call in calls {
        assert_eq!(call.parent_span_id, operation.span_id);
        assert_eq!(call.trace_id, operation.trace_id);
        let of_call = attributes(call);
        for expected in ["endpoint=send_history", "status=200", "attempts=1"] {
            assert!(of_call.iter().any(|line| line == expected), "{of_call:?}");
        }
        assert!(of_call.iter().any(|line| line.starts_with("waited_ms=")));
    }
}

#[tokio::test]
async fn last_spans_are_exported_at_shutdown() {
    let collector = Collector::start().await;
    let mut service = ServiceProcess::start(
        &["--sandbox"],
        &[(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            &format!("{}/v1/traces", collector.address),
        )],
    );
    service.query("query Last { reasonCodes { code } }").await;
    service.signal("TERM");
    assert_eq!(service.exit_code_within(Duration::from_secs(5)).await, Some(0));
    // The calls that filled the sandbox's log also have spans.
    let spans = collector.spans(1).await;
    let is_last = |span: &Span| attributes(span).contains(&"operation=Last".to_owned());
    assert!(spans.iter().any(is_last), "{spans:?}");
}

#[test]
fn invalid_collector_address_is_rejected_at_startup() {
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")];
    let (status, message) = sends_end_to_end::failed_start(&["--sandbox"], &environment);
    assert_eq!(status, Some(2));
    assert!(message.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{message}");
}
