//! Tests of storing: fields receive fetched histories before they are stored, and a response waits for the writes.

use sends_store::LayeredStore;
use tokio::{sync::Semaphore, time::timeout};

use super::{batches::CountingStore, *};

/// A service with an in-memory layer over a store that completes as many writes as the gate has permits.
fn service() -> (Service, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let behind = CountingStore {
        store: MemoryStore::new(1 << 20),
        queries: Arc::default(),
        damaged: None,
        fails_for_latest: false,
        gate: Some(Arc::clone(&gate)),
    };
    let store = LayeredStore::new(MemoryStore::new(1 << 20), Arc::new(behind));
    (Service::on(Arc::new(store)), gate)
}

/// Reads a history as a field does, without waiting for its write.
async fn field(
    service: &Service,
    context: &RequestContext,
    max_age: Option<Duration>,
) -> Result<Reading, ReadError> {
    let key = HistoryKey {
        activity: activity(0),
        max_age,
    };
    let found = service.histories.find(context, &[key]).await.pop().unwrap();
    service.histories.read_found(context, key, found).await
}

#[tokio::test(start_paused = true)]
async fn response_waits_until_its_histories_are_stored_and_its_fields_do_not() {
    let (service, gate) = service();
    let context = service.operation();
    field(&service, &context, None).await.unwrap();
    let other = service.operation();
    field(&service, &other, None).await.unwrap();
    assert_eq!(service.upstream.calls(), 1, "the other operation joins the fetch");

    let responses = [&context, &other].map(|context| service.histories.written(context).boxed());
    let mut responses = responses.map(FutureExt::shared);
    for response in &mut responses {
        assert!(response.now_or_never().is_none());
    }
    gate.add_permits(1);
    for response in responses {
        response.await;
    }
    field(&service, &service.operation(), None).await.unwrap();
    assert_eq!(service.upstream.calls(), 1, "the history is in the store");
}

#[tokio::test(start_paused = true)]
async fn fetch_starts_anew_for_an_operation_that_wants_more_than_an_answer_being_stored() {
    let (service, gate) = service();
    let context = service.operation();
    field(&service, &context, None).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let later = service.operation();
    let fresher = field(&service, &later, Some(Duration::ZERO));
    tokio::pin!(fresher);
    assert!(timeout(Duration::from_secs(1), &mut fresher).await.is_err());
    assert_eq!(service.upstream.calls(), 1);
    gate.add_permits(2);
    fresher.await.unwrap();
    assert_eq!(service.upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn cancelled_operation_leaves_its_histories_in_memory() {
    let (service, gate) = service();
    let context = service.operation();
    field(&service, &context, None).await.unwrap();
    drop(context);
    gate.add_permits(1);
    sleep(Duration::from_millis(1)).await;
    let later = service.operation();
    assert!(service.histories.has_known_sends(&later, activity(0)).await);
    field(&service, &later, None).await.unwrap();
    assert_eq!(service.upstream.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn response_leaves_at_its_deadline_when_the_store_does_not_keep() {
    let (service, _gate) = service();
    let context = service.operation();
    field(&service, &context, None).await.unwrap();
    let written = timeout(2 * MINUTE, service.histories.written(&context)).await;
    assert!(written.is_ok());
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_the_wait_for_the_store() {
    let (service, _gate) = service();
    let context = service.operation();
    field(&service, &context, None).await.unwrap();
    service.histories.give_up();
    let written = timeout(Duration::from_secs(1), service.histories.written(&context)).await;
    assert!(written.is_ok());
}
