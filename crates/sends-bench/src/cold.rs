//! Number of upstream calls without stored data, and the time that the service adds to the upstream's response time.

use std::time::Instant;

use futures_util::{StreamExt, stream};
use reqwest::{Client, header::ACCEPT_ENCODING};
use sends_end_to_end::{SandboxProcess, ServiceProcess, http_client};
use serde_json::{Value, json};

use crate::{
    Plan,
    peer::Peer,
    table::{self, Target},
};

/// Minimum number of seconds for 40 calls at 4 a second: the first four are sent immediately, and each further four a second
/// later.
const BOUND: f64 = 9.0;

pub(crate) async fn measure(plan: &Plan) {
    if plan.wants("cold: one") {
        one_activity(plan).await;
    }
    if plan.wants("cold: 100 aliases") {
        aliases(plan, 0).await;
        aliases(plan, 20).await;
    }
    if plan.wants("cold: 1,000 ids") {
        many_ids(plan).await;
    }
    if plan.wants("cold: 40 ids at 4 a second") && !plan.brief {
        paced().await;
    }
}

/// Compares sequential requests for uncached activities: a plain GET, a GET through a relay, and a query to the service.
async fn one_activity(plan: &Plan) {
    const WARM_UP: usize = 50;
    let count = if plan.brief { 50 } else { 3_000 };
    let sandbox = SandboxProcess::unlimited(&["--activities", "10000"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let relay = Peer::start("relay", sandbox.api_url().as_bytes());
    let relay_url = format!("http://{}", relay.address());
    let ids = sandbox.generated_activities(count + WARM_UP).await;
    let http = http_client();
    let mut times: [Vec<f64>; 3] = Default::default();
    for (number, id) in ids.iter().enumerate() {
        for turn in 0..times.len() {
            let place = (number + turn) % times.len();
            let started = Instant::now();
            match place {
                0 => get(&http, &sandbox.api_url(), id).await,
                1 => get(&http, &relay_url, id).await,
                _ => drop(ask(&http, service.origin(), &of_one(id)).await),
            }
            if number >= WARM_UP {
                times[place].push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    assert_eq!(
        sandbox.history_requests().await,
        3 * ids.len(),
        "one call for each query"
    );
    let work = "cold: one activity, upstream at 0 ms";
    let [direct, relayed, through] = &times;
    let added = |times: &[f64], part: f64| quantile(times, part) - quantile(direct, part);
    table::print(
        work,
        "plain GET, median",
        table::median(direct),
        "ms",
        Target::None,
    );
    let rows = [
        ("a bare relay adds, median", relayed, 0.5, Target::None),
        ("a bare relay adds, p99", relayed, 0.99, Target::None),
        ("added at the median", through, 0.5, Target::AtMost(0.15)),
        ("added at p99", through, 0.99, Target::AtMost(0.4)),
    ];
    for (measured, times, part, target) in rows {
        table::print(work, measured, added(times, part), "ms", target);
    }
}

/// Measures 100 fields in one operation for 40 uncached activities. The references are the library with a dataloader, and a loop
/// of plain GETs.
async fn aliases(plan: &Plan, latency_ms: u32) {
    let repeats = match (plan.brief, latency_ms) {
        (true, _) => 2,
        (false, 0) => 150,
        (false, _) => 40,
    };
    let latency = latency_ms.to_string();
    let sandbox = SandboxProcess::unlimited(&["--activities", "20000", "--latency-ms", &latency]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let library = Peer::start("dataloader", sandbox.api_url().as_bytes());
    let servers = [
        service.origin().to_owned(),
        format!("http://{}", library.address()),
    ];
    let ids = sandbox.generated_activities(2 * 40 * (repeats + 1)).await;
    let http = http_client();
    let (others, api_url) = (sandbox.generated_activities(40).await, sandbox.api_url());
    let (mut times, mut loops): ([Vec<f64>; 2], Vec<f64>) = Default::default();
    for (number, ids) in ids.chunks(2 * 40).enumerate() {
        for (server, ids) in ids.chunks(40).enumerate() {
            let field = |alias: usize| {
                let id = &ids[alias * 7 % 40];
                format!(r#"a{alias}: campaignActivity(id: "{id}") {{ sendSummary {{ attemptCount }} }}"#)
            };
            let fields = (0..100).map(field).collect::<Vec<_>>().join(" ");
            let before = sandbox.history_requests().await;
            let started = Instant::now();
            let answer = ask(
                &http,
                &servers[server],
                &json!({ "query": format!("{{ {fields} }}") }),
            )
            .await;
            let took = started.elapsed().as_secs_f64() * 1e3;
            assert_eq!(
                answer["data"].as_object().map(serde_json::Map::len),
                Some(100),
                "{answer}"
            );
            assert_eq!(
                sandbox.history_requests().await - before,
                40,
                "one call for each activity"
            );
            if number > 0 {
                times[server].push(took);
            }
        }
        let started = Instant::now();
        let gets = stream::iter(&others).for_each_concurrent(40, |id| get(&http, &api_url, id));
        gets.await;
        if number > 0 {
            loops.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    let work = format!("cold: 100 aliases over 40 ids, upstream at {latency_ms} ms, exactly 40 GETs");
    for (part, name) in [(0.5, "median"), (0.99, "p99")] {
        let [service, library] = times.each_ref().map(|times| quantile(times, part));
        let print = |what: &str, value, unit, target| {
            table::print(&work, &format!("{name}{what}"), value, unit, target);
        };
        print("", service, "ms", Target::None);
        print(", library with a dataloader", library, "ms", Target::None);
        print(", × that", service / library, "", Target::AtMost(1.0));
        print(
            ", 40 plain GETs at once",
            quantile(&loops, part),
            "ms",
            Target::None,
        );
    }
}

/// Measures 1,000 activities in one operation. The reference is a loop of plain GETs with the same concurrency.
async fn many_ids(plan: &Plan) {
    /// Maximum number of concurrent upstream calls of the service.
    const CONCURRENCY: usize = 100;
    let (count, repeats) = if plan.brief { (100, 1) } else { (1_000, 7) };
    let sandbox = SandboxProcess::unlimited(&["--activities", "40000", "--latency-ms", "20"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--max-upstream-calls", "1000"]);
    let ids = sandbox.generated_activities(2 * count * (repeats + 1)).await;
    let api_url = sandbox.api_url();
    let http = http_client();
    let (mut through, mut direct) = (Vec::new(), Vec::new());
    for (number, ids) in ids.chunks(2 * count).enumerate() {
        let (for_service, for_loop) = ids.split_at(count);
        let list = |(alias, ids): (usize, &[String])| {
            let ids = json!(ids);
            format!("l{alias}: campaignActivities(ids: {ids}) {{ sendSummary {{ attemptCount }} }}")
        };
        let lists: Vec<String> = for_service.chunks(500).enumerate().map(list).collect();
        let lists = lists.join(" ");
        let started = Instant::now();
        let answer = ask(
            &http,
            service.origin(),
            &json!({ "query": format!("{{ {lists} }}") }),
        )
        .await;
        let took = started.elapsed().as_secs_f64() * 1e3;
        assert!(answer["errors"].is_null(), "{}", answer["errors"]);
        assert_eq!(answer["extensions"]["upstream"]["calls"], json!(count));
        let started = Instant::now();
        let loops = stream::iter(for_loop).for_each_concurrent(CONCURRENCY, |id| get(&http, &api_url, id));
        loops.await;
        if number > 0 {
            direct.push(started.elapsed().as_secs_f64() * 1e3);
            through.push(took);
        }
    }
    let work = "cold: 1,000 ids, upstream at 20 ms, no limits";
    table::print(work, "median", table::median(&through), "ms", Target::None);
    table::print(
        work,
        "× a loop of GETs, 100 at once",
        table::ratio(&through, &direct),
        "",
        Target::AtMost(1.2),
    );
}

/// Measures 40 activities within the upstream's real limits.
async fn paced() {
    let sandbox = SandboxProcess::start(&[]);
    let service = ServiceProcess::on(&sandbox, &[]);
    let ids = sandbox.activities(40).await;
    let started = Instant::now();
    service.summaries(&ids, 60).await;
    let took = started.elapsed().as_secs_f64();
    assert_eq!(sandbox.history_requests().await, 40, "one call for each activity");
    assert_eq!(sandbox.answered(429).await, 0, "no call too early");
    let work = "cold: 40 ids at 4 a second, no 429";
    table::print(work, "× the bound of 9 s", took / BOUND, "", Target::AtMost(1.05));
}

fn of_one(id: &str) -> Value {
    json!({ "query": format!(r#"{{ campaignActivity(id: "{id}") {{ sendHistory {{ sendId count outcome }} }} }}"#) })
}

/// Requests an uncompressed response, because the reference servers do not compress.
async fn ask(http: &Client, origin: &str, body: &Value) -> Value {
    let request = http.post(format!("{origin}/graphql")).json(body);
    let answer = request.header(ACCEPT_ENCODING, "identity").send().await;
    let answer: Value = answer
        .expect("the service responds")
        .json()
        .await
        .expect("the body is JSON");
    assert!(answer["data"].is_object(), "{answer}");
    answer
}

async fn get(http: &Client, api_url: &str, id: &str) {
    let url = format!("{api_url}/emails/activities/{id}/send_history");
    let request = http.get(url).bearer_auth(SandboxProcess::ACCESS_TOKEN);
    let answer = request.send().await.expect("the sandbox responds");
    let history: Value = answer.json().await.expect("the body is JSON");
    assert!(history.is_array(), "{history}");
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the index belongs to a short list"
    )]
    let place = (part * (sorted.len() - 1) as f64) as usize;
    sorted[place]
}
