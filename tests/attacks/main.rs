//! Small requests that are expensive to serve. Each request is rejected quickly, costs no upstream call, and leaves the memory of
//! the process unchanged.

#![expect(clippy::print_stderr, reason = "a skipped check is reported")]

use std::time::{Duration, Instant};

use sends_end_to_end::{SandboxProcess, ServiceProcess, memory_kilobytes};
use serde_json::{Value, json};

/// Maximum time of a rejection, including the TCP round trip.
const MAX_REJECTION_TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 25 });

const REPEATS: usize = if cfg!(debug_assertions) { 2 } else { 40 };

const WARM_UP: usize = 8;

/// Maximum growth of the process during the measurement, in kilobytes.
const MAX_GROWTH: u64 = 16 * 1024;

#[tokio::test]
async fn every_attack_is_rejected_quickly_without_a_call_or_memory_growth() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let mut service = ServiceProcess::unpaced_on(&sandbox, &[]);
    for (name, body) in attacks() {
        // The repetitions open the connection, and let each thread allocate the memory that it reuses for later requests.
        for _ in 0..WARM_UP {
            service.post(&body).await;
        }
        let before = resident_kilobytes(&service);
        let mut fastest = Duration::MAX;
        for _ in 0..REPEATS {
            let started = Instant::now();
            let (_, answer) = service.post(&body).await;
            fastest = fastest.min(started.elapsed());
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{name}: {answer}");
            assert!(answer["data"].is_null(), "{name}: {answer}");
            let response = answer.to_string();
            assert!(
                response.len() < 20_000,
                "{name}: a response of {} bytes",
                response.len()
            );
            assert!(
                !error["message"].as_str().unwrap().contains('\n'),
                "{name}: {answer}"
            );
        }
        assert!(service.is_alive(), "{name}");
        assert!(fastest < MAX_REJECTION_TIME, "{name} took {fastest:?}");
        match (resident_kilobytes(&service), before) {
            (Some(after), Some(before)) => {
                let grown = after.saturating_sub(before);
                assert!(grown < MAX_GROWTH, "{name}: grown by {grown} kB");
            }
            _ => eprintln!("{name}: memory not checked, because this system has no /proc"),
        }
    }
    assert_eq!(sandbox.requests().await.len(), 0);
}

#[expect(clippy::too_many_lines, reason = "the function is a list of attacks")]
fn attacks() -> Vec<(&'static str, Value)> {
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(2000), close.repeat(2000));
    let many = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
    let query = |text: String| json!({ "query": text });
    let bomb = |levels: usize| {
        let doubled = many(levels, &|level| {
            format!("fragment f{level} on Query{{...f{0} ...f{0}}}", level + 1)
        });
        format!("{{...f0}}{doubled}fragment f{levels} on Query{{__typename}}")
    };
    let chain = many(1_800, &|level| {
        format!("fragment f{level} on Query{{...f{}}}", level + 1)
    });
    let activity = r#"campaignActivity(id:"1"){isStale}"#;
    let ids = |count: usize| (0..count).map(|id| id.to_string()).collect::<Vec<_>>();
    let lists = "query($ids:[ID!]!){campaignActivities(ids:$ids){isStale}}";
    vec![
        ("nested lists", query(format!("{{f(a:{})}}", nested("[", "]")))),
        (
            "nested objects",
            query(format!("{{f(a:{})}}", nested("{a:", "}"))),
        ),
        ("nested selections", query("{ a ".repeat(1500))),
        (
            "nested default",
            query(format!("query($a:Int={}){{id}}", nested("[", "]"))),
        ),
        (
            "nested type",
            query(format!("query($a:{}){{id}}", nested("[", "]"))),
        ),
        (
            "nesting behind an open string",
            query(format!(r#"{{f(a:["""" {})}}"#, "[".repeat(2000))),
        ),
        ("22 doubling fragments", query(bomb(22))),
        ("30 doubling fragments", query(bomb(30))),
        (
            "a long chain of fragments",
            query(format!("{{...f0}}{chain}fragment f1800 on Query{{__typename}}")),
        ),
        (
            "a fragment that spreads itself",
            query("{...a}fragment a on Query{...b}fragment b on Query{...a}".into()),
        ),
        (
            "one field 1,000 times",
            query(format!("{{{}}}", many(1_000, &|_| format!("{activity} ")))),
        ),
        (
            "1,000 aliases",
            query(format!(
                "{{{}}}",
                many(1_000, &|index| format!("a{index}:{activity} "))
            )),
        ),
        (
            "10,000 fields",
            query(format!("{{{}}}", "__typename ".repeat(10_000))),
        ),
        (
            "1,000 directives",
            query(format!("{{__typename {}}}", "@skip(if:false) ".repeat(1_000))),
        ),
        (
            "2,000 unknown directives",
            query(format!(
                "{{__typename {}}}",
                many(2_000, &|index| format!("@d{index} "))
            )),
        ),
        (
            "500 unknown fields",
            query(format!(
                "{{{}}}",
                many(500, &|index| format!("campaignActivit{index} "))
            )),
        ),
        (
            "a query of 900 kB",
            query(format!("{{ __typename }}{}", " ".repeat(900_000))),
        ),
        (
            "a name of 90 kB",
            query(format!("{{ {} }}", "campaignActivity".repeat(5_600))),
        ),
        (
            "introspection cycles",
            query(format!(
                "{{__schema{{types{}name{}}}}}",
                "{fields{type".repeat(8) + "{",
                "}".repeat(17)
            )),
        ),
        (
            "501 ids",
            json!({ "query": lists, "variables": { "ids": ids(501) } }),
        ),
        (
            "20,000 ids",
            json!({ "query": lists, "variables": { "ids": ids(20_000) } }),
        ),
        (
            "nested variables",
            json!({ "query": lists, "variables": { "ids": (0..60).fold(json!(1), |inner, _| json!([inner])) } }),
        ),
        (
            "many variables",
            json!({ "query": lists, "variables": ids(30_000).into_iter().map(|id| (format!("v{id}"), json!(1))).collect::<serde_json::Map<_, _>>() }),
        ),
        (
            "long variables",
            json!({ "query": lists, "variables": { "ids": ["x".repeat(800_000)] } }),
        ),
        (
            "600 activities in two lists",
            json!({
                "query": "query($a:[ID!]!,$b:[ID!]!){a:campaignActivities(ids:$a){isStale} b:campaignActivities(ids:$b){isStale}}",
                "variables": { "a": ids(400), "b": ids(600)[400..].to_vec() },
            }),
        ),
        (
            "one activity 200,000 times",
            json!({
                "query": format!("query($ids:[ID!]!){{{}}}", many(400, &|index| format!("a{index}:campaignActivities(ids:$ids){{id}} "))),
                "variables": { "ids": vec!["1"; 500] },
            }),
        ),
    ]
}

/// Returns `None` if the system has no `/proc`.
fn resident_kilobytes(service: &ServiceProcess) -> Option<u64> {
    memory_kilobytes(service.id(), "VmRSS")
}
