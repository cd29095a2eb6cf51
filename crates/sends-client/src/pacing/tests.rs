use super::*;

fn turn() -> SlotRequest {
    SlotRequest {
        lane: Lane::default(),
        priority: Priority::Interactive,
        deadline: Instant::now() + Duration::from_mins(1),
    }
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_those_that_wait_for_a_slow_connection() {
    let limits = Limits {
        rate_per_second: 2,
        ..Limits::default()
    };
    let pacer = Pacer::in_memory(limits);
    let start = Instant::now();
    let mut first = [
        pacer.acquire(turn()).await.unwrap(),
        pacer.acquire(turn()).await.unwrap(),
    ];
    assert!(first.iter_mut().all(Slot::depart));
    let connecting = pacer.connecting();
    let comes_about = async {
        sleep(Duration::from_secs(5)).await;
        connecting.succeeded();
        drop(connecting);
    };
    let third = async {
        let _turn = pacer.acquire(turn()).await.unwrap();
        start.elapsed()
    };
    let ((), third) = tokio::join!(comes_about, third);
    assert_eq!(third, Duration::from_secs(5) + SLOT_CLOSED);
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gives_up_its_connection_opens_its_slot() {
    let limits = Limits {
        rate_per_second: 1,
        ..Limits::default()
    };
    let pacer = Pacer::in_memory(limits);
    let start = Instant::now();
    let mut first = pacer.acquire(turn()).await.unwrap();
    assert!(first.depart());
    let _connecting = pacer.connecting();
    let given_up = async {
        sleep(Duration::from_secs(5)).await;
        drop(first);
    };
    let second = async {
        let _turn = pacer.acquire(turn()).await.unwrap();
        start.elapsed()
    };
    let ((), second) = tokio::join!(given_up, second);
    assert_eq!(second, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn calls_go_on_when_a_connection_does_not_come_about() {
    let limits = Limits {
        rate_per_second: 1,
        ..Limits::default()
    };
    let pacer = Pacer::in_memory(limits);
    let start = Instant::now();
    let mut first = pacer.acquire(turn()).await.unwrap();
    assert!(first.depart());
    let connecting = pacer.connecting();
    let fails = async {
        sleep(Duration::from_secs(5)).await;
        drop(connecting);
    };
    let second = async {
        let _turn = pacer.acquire(turn()).await.unwrap();
        start.elapsed()
    };
    let ((), second) = tokio::join!(fails, second);
    assert_eq!(second, Duration::from_secs(5));
    drop(first);
}
