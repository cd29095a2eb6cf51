use super::*;

const BUDGET: usize = 16 * SMALL;
const LARGE: usize = BUDGET - BUDGET / 4;

fn answers() -> (Answers, Bulkheads) {
    let bulkheads = Bulkheads {
        connections: Bulkhead::new("connections", 1),
        bodies: Bulkhead::new("bodies", 1),
        operations: Bulkhead::new("operations", 8),
        waiting_operations: Bulkhead::new("waiting_operations", 8),
        large_answers: Bulkhead::new("large_answers", LARGE),
        small_answers: Bulkhead::new("small_answers", BUDGET / 4),
    };
    (Answers::new(&bulkheads, Duration::from_secs(5)), bulkheads)
}

fn estimate(bytes: usize) -> Estimate {
    Estimate {
        values: bytes / VALUE,
        ..Estimate::default()
    }
}

#[tokio::test(start_paused = true)]
async fn large_answers_wait_for_each_other_and_leave_the_room_of_small_ones_alone() {
    let (answers, bulkheads) = answers();
    let half = estimate(LARGE / 2);
    let first = answers.reserve(&answers.part(), half).await.unwrap();
    let _second = answers.reserve(&answers.part(), half).await.unwrap();
    let refused = answers.reserve(&answers.part(), half).await;
    assert_eq!(refused.unwrap_err(), Exceeded::Busy);
    assert_eq!(bulkheads.large_answers.occupancy().refused, 1);
    let small = answers.reserve(&answers.part(), estimate(SMALL)).await;
    assert!(small.is_ok());
    let freed = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        drop(first);
    };
    let part = answers.part();
    let (third, ()) = tokio::join!(answers.reserve(&part, half), freed);
    assert!(third.is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_a_part_of_the_operations_waits() {
    let (answers, bulkheads) = answers();
    let part = answers.part();
    let _held = answers.reserve(&part, estimate(LARGE)).await.unwrap();
    let began = tokio::time::Instant::now();
    // A quarter of the eight operations.
    let waiting = [(); 2].map(|()| answers.reserve(&part, estimate(LARGE)));
    let one_more = async {
        tokio::task::yield_now().await;
        let refused = answers.reserve(&part, estimate(LARGE)).await;
        (refused.unwrap_err(), began.elapsed())
    };
    let (waited, refused) = tokio::join!(futures_util::future::join_all(waiting), one_more);
    assert_eq!(refused, (Exceeded::Busy, Duration::ZERO));
    assert!(waited.iter().all(Result::is_err));
    assert_eq!(bulkheads.large_answers.occupancy().refused, 3);
}

#[tokio::test(start_paused = true)]
async fn one_connection_holds_half_or_a_single_answer() {
    let (answers, bulkheads) = answers();
    let (one, other) = (answers.part(), answers.part());
    let third = estimate(LARGE / 3);
    let held = answers.reserve(&one, third).await.unwrap();
    assert!(answers.reserve(&one, third).await.is_err());
    assert!(answers.reserve(&other, third).await.is_ok());
    drop(held);
    let whole = answers.reserve(&one, estimate(LARGE)).await.unwrap();
    assert_eq!(bulkheads.large_answers.occupancy().in_use, whole.bytes());
    assert!(one.lend(SMALL + 1).is_none());
    assert!(one.lend(SMALL).is_some() && other.lend(SMALL + 1).is_some());
    let beyond = answers.reserve(&other, estimate(LARGE + VALUE)).await;
    assert_eq!(beyond.unwrap_err(), Exceeded::TooLarge);
}

#[tokio::test]
async fn the_length_of_the_text_takes_the_place_of_the_estimate() {
    let (answers, bulkheads) = answers();
    let small = answers.reserve(&answers.part(), estimate(SMALL)).await.unwrap();
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
async fn what_is_beyond_the_estimate_is_refused_for_good_where_there_is_no_room() {
    let (answers, _bulkheads) = answers();
    let _other = answers
        .reserve(&answers.part(), estimate(LARGE / 2))
        .await
        .unwrap();
    let one = answers.reserve(&answers.part(), estimate(SMALL)).await.unwrap();
    assert_eq!(one.charge(LARGE / VALUE, 0), Err(Exceeded::TooLarge));
    assert_eq!(one.charge(1, 0), Err(Exceeded::TooLarge));
    let other = answers.reserve(&answers.part(), estimate(SMALL)).await.unwrap();
    assert_eq!(other.charge(LARGE * 3 / 4 / VALUE, 0), Err(Exceeded::Busy));
    let counted = within(Arc::clone(&other), async { (charge_error(), exceeded()) }).await;
    assert_eq!(counted, (Err(Exceeded::Busy), Some(Exceeded::Busy)));
    assert_eq!(charge_error(), Ok(()));
}

#[tokio::test]
async fn a_large_answer_that_became_small_can_grow_again() {
    let (answers, bulkheads) = answers();
    let memory = answers.reserve(&answers.part(), estimate(LARGE)).await.unwrap();
    memory.settle(1_000).unwrap();
    memory.settle(2_000).unwrap();
    assert_eq!(bulkheads.large_answers.occupancy().in_use, 2_000);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_progress_grows_before_one_that_waits() {
    let (answers, _bulkheads) = answers();
    let in_progress = answers
        .reserve(&answers.part(), estimate(LARGE / 2))
        .await
        .unwrap();
    let part = answers.part();
    let grown = async {
        tokio::task::yield_now().await;
        let grown = in_progress.charge(LARGE / 4 / VALUE, 0);
        drop(in_progress);
        grown
    };
    let (waited, grown) = tokio::join!(answers.reserve(&part, estimate(LARGE * 3 / 4)), grown);
    assert_eq!(grown, Ok(()));
    assert!(waited.is_ok());
}

#[tokio::test(start_paused = true)]
async fn answers_of_a_batch_get_their_memory_at_once_and_give_it_back_one_by_one() {
    let (answers, bulkheads) = answers();
    let in_use = || bulkheads.large_answers.occupancy().in_use;
    let part = answers.part();
    let quarters = [estimate(LARGE / 4); 4];
    let mut batch = answers.reserve_together(&part, &quarters).await.unwrap();
    let quarter = quarters[0].bytes();
    assert_eq!(batch[3].bytes(), quarter);
    batch.truncate(1);
    assert_eq!(in_use(), quarter);
    batch[0].charge(LARGE / 4 / VALUE, 0).unwrap();
    assert_eq!(in_use(), 2 * quarter);
    drop(batch);
    assert_eq!(in_use(), 0);
    let began = tokio::time::Instant::now();
    let beyond = answers
        .reserve_together(&part, &[estimate(LARGE / 2 + VALUE); 2])
        .await;
    assert_eq!(beyond.unwrap_err(), Exceeded::TooLarge);
    assert!(began.elapsed().is_zero());
    assert_eq!(part.large.part.occupancy().in_use, 0);
}

#[tokio::test]
async fn long_names_and_arguments_and_the_paths_of_errors_take_memory() {
    let (answers, _bulkheads) = answers();
    let estimate = Estimate {
        texts: 1_000,
        arguments: 100,
        path: 300,
        ..Estimate::default()
    };
    let memory = answers.reserve(&answers.part(), estimate).await.unwrap();
    assert_eq!(memory.bytes(), 1_300);
    within(Arc::clone(&memory), async { charge_error() })
        .await
        .unwrap();
    assert_eq!(memory.bytes(), 1_600 + ERROR);
    memory.charge(1, 50).unwrap();
    assert_eq!(memory.bytes(), 1_650 + ERROR + VALUE);
}
