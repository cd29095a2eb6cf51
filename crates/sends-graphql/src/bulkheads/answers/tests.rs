use std::sync::Mutex;

use super::{
    estimate::{ERROR, FIELD, VALUE},
    *,
};

const BUDGET: usize = 16 * SMALL;
const LARGE: usize = BUDGET - BUDGET / 4;

fn answers() -> (AnswerBudget, Bulkheads) {
    let bulkheads = Bulkheads {
        connections: Bulkhead::new("connections", 1),
        bodies: Bulkhead::new("bodies", 1),
        operations: Bulkhead::new("operations", 8),
        waiting_operations: Bulkhead::new("waiting_operations", 8),
        large_answers: Bulkhead::new("large_answers", LARGE),
        small_answers: Bulkhead::new("small_answers", BUDGET / 4),
        waiting_memory: Bulkhead::new("waiting_memory", BUDGET),
    };
    (AnswerBudget::new(&bulkheads, Duration::from_secs(5)), bulkheads)
}

fn estimate(bytes: usize) -> Estimate {
    Estimate {
        values: bytes / VALUE,
        ..Estimate::default()
    }
}

#[tokio::test(start_paused = true)]
async fn large_responses_queue_without_delaying_small_responses() {
    let (answers, bulkheads) = answers();
    let half = estimate(LARGE / 2);
    let first = answers.connection().reserve(half).await.unwrap();
    let _second = answers.connection().reserve(half).await.unwrap();
    let rejected = answers.connection().reserve(half).await;
    assert_eq!(rejected.unwrap_err(), Exceeded::Busy);
    assert_eq!(bulkheads.large_answers.occupancy().refused, 1);
    let small = answers.connection().reserve(estimate(SMALL)).await;
    assert!(small.is_ok());
    let freed = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        drop(first);
    };
    let part = answers.connection();
    let (third, ()) = tokio::join!(part.reserve(half), freed);
    assert!(third.is_ok());
}

#[tokio::test(start_paused = true)]
async fn operation_without_waiting_memory_is_rejected_immediately() {
    let (answers, bulkheads) = answers();
    let part = answers.connection();
    let _memory = part.reserve(estimate(LARGE)).await.unwrap();
    let started = tokio::time::Instant::now();
    let long = Estimate {
        document: BUDGET / 4,
        ..estimate(LARGE / 2)
    };
    // One connection can use half of the waiting lane.
    let waiting = [(); 2].map(|()| part.reserve(long));
    let one_more = async {
        tokio::task::yield_now().await;
        let rejected = part.reserve(long).await;
        (rejected.unwrap_err(), started.elapsed())
    };
    let (waited, rejected) = tokio::join!(futures_util::future::join_all(waiting), one_more);
    assert_eq!(rejected, (Exceeded::Busy, Duration::ZERO));
    assert!(waited.iter().all(Result::is_err));
    assert_eq!(bulkheads.waiting_memory.occupancy().refused, 1);
    assert_eq!(bulkheads.large_answers.occupancy().refused, 2);
}

#[tokio::test(start_paused = true)]
async fn one_connection_uses_half_of_a_lane_or_a_single_response() {
    let (answers, bulkheads) = answers();
    let (one, other) = (answers.connection(), answers.connection());
    let third = estimate(LARGE / 3);
    let memory_in_use = one.reserve(third).await.unwrap();
    assert!(one.reserve(third).await.is_err());
    assert!(other.reserve(third).await.is_ok());
    drop(memory_in_use);
    let whole = one.reserve(estimate(LARGE)).await.unwrap();
    assert_eq!(bulkheads.large_answers.occupancy().in_use, whole.bytes());
    assert!(one.lend(SMALL + 1).is_none());
    assert!(one.lend(SMALL).is_some() && other.lend(SMALL + 1).is_some());
    let beyond = other.reserve(estimate(LARGE + VALUE)).await;
    assert_eq!(beyond.unwrap_err(), Exceeded::TooLarge);
}

#[tokio::test]
async fn serialised_length_replaces_the_estimate() {
    let (answers, bulkheads) = answers();
    let small = answers.connection().reserve(estimate(SMALL)).await.unwrap();
    small.charge(4 * SMALL / VALUE, 0).unwrap();
    assert!(bulkheads.large_answers.occupancy().in_use > 3 * SMALL);
    small.settle(2 * SMALL).unwrap();
    assert_eq!(small.bytes(), 2 * SMALL);
    small.settle(1_000).unwrap();
    let in_use = [&bulkheads.large_answers, &bulkheads.small_answers].map(|of| of.occupancy().in_use);
    assert_eq!(in_use, [0, 1_000]);
    small.settle(2_000).unwrap();
    assert_eq!(small.bytes(), 2_000);
}

#[tokio::test]
async fn failed_charge_rejects_the_operation_permanently() {
    let (answers, _bulkheads) = answers();
    let _other = answers.connection().reserve(estimate(LARGE / 2)).await.unwrap();
    let one = answers.connection().reserve(estimate(SMALL)).await.unwrap();
    assert_eq!(one.charge(LARGE / VALUE, 0), Err(Exceeded::TooLarge));
    assert_eq!(one.charge(1, 0), Err(Exceeded::TooLarge));
    let other = answers.connection().reserve(estimate(SMALL)).await.unwrap();
    assert_eq!(other.charge(LARGE * 3 / 4 / VALUE, 0), Err(Exceeded::Busy));
    let counted = within(Arc::clone(&other), async { (charge_error(), exceeded()) }).await;
    assert_eq!(counted, (Err(Exceeded::Busy), Some(Exceeded::Busy)));
    assert_eq!(charge_error(), Ok(()));
}

#[tokio::test]
async fn large_response_that_shrank_can_grow_again() {
    let (answers, bulkheads) = answers();
    let memory = answers.connection().reserve(estimate(LARGE)).await.unwrap();
    memory.settle(1_000).unwrap();
    memory.settle(2_000).unwrap();
    let in_use = [&bulkheads.large_answers, &bulkheads.small_answers].map(|of| of.occupancy().in_use);
    assert_eq!(in_use, [0, 2_000]);
}

#[tokio::test(start_paused = true)]
async fn response_in_progress_grows_ahead_of_the_queue() {
    let (answers, _bulkheads) = answers();
    let in_progress = answers.connection().reserve(estimate(LARGE / 2)).await.unwrap();
    let part = answers.connection();
    let grown = async {
        tokio::task::yield_now().await;
        let grown = in_progress.charge(LARGE / 4 / VALUE, 0);
        drop(in_progress);
        grown
    };
    let (waited, grown) = tokio::join!(part.reserve(estimate(LARGE * 3 / 4)), grown);
    assert_eq!(grown, Ok(()));
    assert!(waited.is_ok());
}

#[tokio::test(start_paused = true)]
async fn batch_reserves_memory_in_one_step_and_releases_it_per_operation() {
    let (answers, bulkheads) = answers();
    let in_use = || bulkheads.large_answers.occupancy().in_use;
    let part = answers.connection();
    let quarters = [estimate(LARGE / 4); 4];
    let mut batch = part.reserve_batch(&quarters).await.unwrap();
    let quarter = quarters[0].bytes();
    assert_eq!(batch[3].bytes(), quarter);
    batch.truncate(1);
    assert_eq!(in_use(), quarter);
    batch[0].charge(LARGE / 4 / VALUE, 0).unwrap();
    assert_eq!(in_use(), 2 * quarter);
    drop(batch);
    assert_eq!(in_use(), 0);
    let started = tokio::time::Instant::now();
    let beyond = part.reserve_batch(&[estimate(LARGE / 2 + VALUE); 2]).await;
    assert_eq!(beyond.unwrap_err(), Exceeded::TooLarge);
    assert!(started.elapsed().is_zero());
    assert_eq!(part.own(Lane::Large).occupancy().in_use, 0);
}

#[tokio::test]
async fn waiting_operation_moves_to_the_waiting_lane_and_back() {
    let (answers, bulkheads) = answers();
    let in_use = || {
        let budgets = [
            &bulkheads.small_answers,
            &bulkheads.large_answers,
            &bulkheads.waiting_memory,
        ];
        budgets.map(|budget| budget.occupancy().in_use)
    };
    let part = answers.connection();
    let half = VALUE * (SMALL / VALUE / 2);
    let mut waiting = Vec::new();
    // Twice the limit of one connection for small responses.
    for _ in 0..8 {
        let memory = part.reserve(estimate(half)).await.unwrap();
        let waits = within(Arc::clone(&memory), begin_to_wait());
        assert_eq!(waits.await, Ok(()));
        waiting.push(memory);
    }
    assert_eq!(in_use(), [0, 0, 8 * half]);
    waiting.truncate(1);
    // The operation finds more data than estimated after the wait.
    waiting[0].charge(SMALL / VALUE, 0).unwrap();
    assert!(in_use()[2] > SMALL && in_use()[..2] == [0, 0]);
    waiting[0].settle(1_000).unwrap();
    assert_eq!(in_use(), [1_000, 0, 0]);
    let memory = part.reserve(estimate(half)).await.unwrap();
    let waits = within(Arc::clone(&memory), begin_to_wait());
    assert_eq!(waits.await, Ok(()));
    // The limit of a single response also applies to waiting operations.
    assert_eq!(memory.charge(LARGE / VALUE, 0), Err(Exceeded::TooLarge));
    assert_eq!(begin_to_wait().await, Ok(()), "outside an operation");
}

#[tokio::test(start_paused = true)]
async fn operation_queues_for_the_waiting_lane_until_the_timeout() {
    let (answers, bulkheads) = answers();
    let (one, other, third) = (answers.connection(), answers.connection(), answers.connection());
    let first = one.wait_in(BUDGET / 2).unwrap();
    assert!(
        one.wait_in(1).is_none(),
        "one connection can use half of the lane"
    );
    let _second = other.wait_in(BUDGET / 2).unwrap();
    let reserve = async |budget: &ConnectionBudget| budget.reserve(estimate(SMALL / 2)).await.unwrap();
    let memory = reserve(&third).await;
    let waits = || within(Arc::clone(&memory), begin_to_wait());
    let started = tokio::time::Instant::now();
    assert_eq!(waits().await, Err(Exceeded::Busy));
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert_eq!(bulkheads.waiting_memory.occupancy().refused, 2);

    let (early, late) = (reserve(&third).await, reserve(&third).await);
    let order = Mutex::new(Vec::new());
    let waits = async |name, memory: &Arc<AnswerMemory>| {
        let fields = async { tokio::join!(begin_to_wait(), begin_to_wait()) };
        let fields = within(Arc::clone(memory), fields).await;
        order.lock().unwrap().push(name);
        fields
    };
    let freed = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        drop(first);
    };
    let (first_in, second_in, ()) = tokio::join!(waits("early", &early), waits("late", &late), freed);
    assert_eq!((first_in, second_in), ((Ok(()), Ok(())), (Ok(()), Ok(()))));
    assert_eq!(*order.lock().unwrap(), ["early", "late"]);
    assert_eq!(
        waits("rejected", &memory).await.0,
        Err(Exceeded::Busy),
        "the rejection is permanent"
    );
    assert_eq!(memory.exceeded(), Some(Exceeded::Busy));
}

#[tokio::test(start_paused = true)]
async fn memory_that_grows_in_the_queue_moves_as_a_whole() {
    let (answers, bulkheads) = answers();
    let in_use = || bulkheads.waiting_memory.occupancy().in_use;
    let parts = [answers.connection(), answers.connection(), answers.connection()];
    let first = parts[0].wait_in(BUDGET / 2).unwrap();
    let _second = parts[1].wait_in(BUDGET / 2).unwrap();
    let memory = parts[2].reserve(estimate(SMALL / 2)).await.unwrap();
    let grown = async {
        tokio::task::yield_now().await;
        memory.charge(SMALL / 4 / VALUE, 0).unwrap();
        drop(first);
    };
    let (waited, ()) = tokio::join!(within(Arc::clone(&memory), begin_to_wait()), grown);
    assert_eq!(waited, Ok(()));
    assert!(memory.bytes() > SMALL / 2);
    assert_eq!(in_use(), BUDGET / 2 + memory.bytes());
    drop(memory);
    assert_eq!(in_use(), BUDGET / 2);
    assert_eq!(bulkheads.small_answers.occupancy().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn queued_responses_use_at_most_half_of_their_lane() {
    let (answers, bulkheads) = answers();
    let _all = [answers.connection(), answers.connection()].map(|part| part.wait_in(BUDGET / 2).unwrap());
    for budget in [&bulkheads.small_answers, &bulkheads.large_answers] {
        let eighth = estimate(budget.limit() / 8);
        let parts = [answers.connection(), answers.connection(), answers.connection()];
        let started = tokio::time::Instant::now();
        let waits = async |part: &ConnectionBudget| {
            let memory = part.reserve(eighth).await.unwrap();
            let waited = within(memory, begin_to_wait()).await;
            (waited, started.elapsed())
        };
        let queued = futures_util::future::join_all([&parts[0], &parts[0], &parts[1], &parts[1]].map(waits));
        let others = async {
            tokio::task::yield_now().await;
            let in_use = budget.occupancy().in_use;
            let beyond = waits(&parts[2]).await;
            let cached = parts[2].reserve(eighth).await;
            (in_use, beyond, cached.is_ok(), started.elapsed())
        };
        let (queued, (in_use, beyond, is_cached_served, after)) = tokio::join!(queued, others);
        let busy = |after| (Err(Exceeded::Busy), Duration::from_secs(after));
        assert_eq!(in_use, 4 * eighth.bytes());
        assert_eq!(queued, [busy(5); 4]);
        assert_eq!(beyond, busy(0));
        assert!(is_cached_served && after.is_zero());
    }
}

#[tokio::test(start_paused = true)]
async fn queued_operation_reserves_memory_for_its_request() {
    let (answers, bulkheads) = answers();
    let waiting = || bulkheads.waiting_memory.occupancy().in_use;
    let memory_in_use = answers.connection().reserve(estimate(LARGE)).await.unwrap();
    let next = Estimate {
        fields: 10,
        document: 20_000,
        ..estimate(2 * SMALL)
    };
    let part = answers.connection();
    let freed = async {
        tokio::task::yield_now().await;
        let during = waiting();
        drop(memory_in_use);
        during
    };
    let (next, during) = tokio::join!(part.reserve(next), freed);
    assert!(next.is_ok());
    assert_eq!((during, waiting()), (10 * FIELD + 20_000, 0));
}

#[tokio::test]
async fn long_names_arguments_and_error_paths_are_charged() {
    let (answers, _bulkheads) = answers();
    let estimate = Estimate {
        texts: 1_000,
        arguments: 100,
        path: 300,
        ..Estimate::default()
    };
    let memory = answers.connection().reserve(estimate).await.unwrap();
    assert_eq!(memory.bytes(), 1_300);
    within(Arc::clone(&memory), async { charge_error() })
        .await
        .unwrap();
    assert_eq!(memory.bytes(), 1_600 + ERROR);
    memory.charge(1, 50).unwrap();
    assert_eq!(memory.bytes(), 1_650 + ERROR + VALUE);
}

#[tokio::test]
async fn response_larger_than_the_waiting_lane_cannot_wait() {
    let (_, mut bulkheads) = answers();
    bulkheads.waiting_memory = Bulkhead::new("waiting_memory", LARGE / 2);
    let answers = AnswerBudget::new(&bulkheads, Duration::ZERO);
    let part = answers.connection();
    let memory = part.reserve(estimate(LARGE)).await.unwrap();
    let waits = within(Arc::clone(&memory), begin_to_wait());
    assert_eq!(waits.await, Err(Exceeded::TooLarge));
    assert_eq!(memory.exceeded(), Some(Exceeded::TooLarge));
}
