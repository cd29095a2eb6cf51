//! Tests of storing: fields receive fetched histories before they are stored, while a response waits for the writes.

use sends_store::LayeredStore;
use tokio::{sync::Semaphore, time::timeout};

use super::{batches::CountingStore, *};

/// Creates a service with an in-memory layer over a store. Each write to the store takes a permit of the returned semaphore.
fn service() -> (Service, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let inner = CountingStore {
        store: MemoryStore::new(1 << 20),
        queries: Arc::default(),
        damaged: None,
        fails_for_latest: false,
        gate: Some(Arc::clone(&gate)),
    };
    let store = LayeredStore::new(MemoryStore::new(1 << 20), Arc::new(inner));
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
async fn response_waits_for_store_writes_and_fields_do_not() {
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
async fn stricter_operation_starts_a_new_fetch_after_the_pending_write() {
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
async fn response_is_sent_at_its_deadline_if_the_store_blocks() {
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
