//! Tests of the dataloader with a slow upstream.

use std::{sync::Arc, time::Duration};

use sends_client::{
    AccessToken, Caller, Clock, ConstantContact, Pacer, Settings, SystemClock, pacing::Limits,
};
use sends_graphql::{
    sources::histories::{Freshness, Histories, HistoryKey, RequestContext},
    sources::loader::HistoryLoader,
};
use sends_sandbox::{Config, Fault, Sandbox};
use sends_store::{MemoryStore, Owner};
use serde_json::json;

const SLOW: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";
const FAST: &str = "cafe1ead-0000-4000-8001-000000000001";

async fn sandbox_with_a_slow_activity(delay_ms: u32) -> Sandbox {
    let slow = json!({ "kind": "latency", "delay_ms": delay_ms, "activity_id": SLOW });
    let fault: Fault = serde_json::from_value(slow).expect("a fault");
    Sandbox::start(Config {
        faults: vec![fault],
        ..Config::default()
    })
    .await
    .expect("a sandbox")
}

fn loader(sandbox: &Sandbox) -> HistoryLoader {
    let settings = Settings::new(sandbox.base_url().parse().expect("a URL"));
    let client = ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).expect("a client");
    let freshness = Freshness::new(Duration::from_mins(1), Duration::from_mins(1));
    let store = Arc::new(MemoryStore::new(1 << 20));
    let histories = Histories::new(Arc::new(client), store, Arc::new(SystemClock), freshness);
    let token = AccessToken::new(sandbox.access_token()).expect("a token");
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    let context = RequestContext {
        owner: Owner::new([1; 16]),
        caller: Caller::new(Arc::new(token), deadline),
        asked_at: SystemClock.now(),
        oldest: None,
        stale: Arc::default(),
        unwritten: Arc::default(),
    };
    HistoryLoader::new(histories, context)
}

fn key(activity: &str) -> HistoryKey {
    HistoryKey {
        activity: activity.parse().expect("an id"),
        max_age: None,
    }
}

#[tokio::test]
async fn batch_starts_while_the_previous_batch_is_in_flight() {
    let sandbox = sandbox_with_a_slow_activity(30_000).await;
    let loader = loader(&sandbox);
    let second_batch = async {
        first_request(&sandbox).await;
        loader.load(key(FAST)).await.expect("a history");
    };
    tokio::select! {
        biased;
        _ = loader.load(key(SLOW)) => panic!("the slow activity is loaded first"),
        () = second_batch => {}
    }
}

async fn first_request(sandbox: &Sandbox) {
    let is_sent = async {
        while sandbox.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), is_sent)
        .await
        .expect("a request");
}

#[tokio::test]
async fn concurrent_and_later_loads_share_one_history() {
    let sandbox = sandbox_with_a_slow_activity(600).await;
    let loader = loader(&sandbox);
    let early = loader.load(key(SLOW));
    let late = async {
        first_request(&sandbox).await;
        loader.load(key(SLOW)).await
    };
    let (early, late) = tokio::join!(early, late);
    let again = loader.load(key(SLOW)).await.expect("a history");
    assert!(Arc::ptr_eq(&early.expect("a history").history, &again.history));
    assert!(Arc::ptr_eq(&late.expect("a history").history, &again.history));
    assert_eq!(sandbox.requests().len(), 1);
}
