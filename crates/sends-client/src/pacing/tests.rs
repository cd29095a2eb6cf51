use super::*;

/// Outcome of a connection that two calls wait for.
#[derive(Clone, Copy, Debug)]
enum End {
    Open,
    Failed,
    CallsCancelled,
}

#[tokio::test(start_paused = true)]
async fn slots_stay_closed_while_their_calls_wait_for_a_connection() {
    let connection_takes = Duration::from_secs(5);
    for (end, next_departs) in [
        (End::Open, connection_takes + SLOT_CLOSED),
        (End::Failed, connection_takes),
        (End::CallsCancelled, connection_takes),
    ] {
        let pacer = Pacer::in_memory(Limits {
            rate_per_second: 2,
            ..Limits::default()
        });
        let start = Instant::now();
        let turn = SlotRequest {
            lane: Lane::default(),
            priority: Priority::Interactive,
            deadline: start + Duration::from_mins(1),
        };
        let mut calls = Vec::new();
        for _ in 0..2 {
            let mut slot = pacer.acquire(turn).await.unwrap();
            assert!(slot.depart());
            calls.push(slot);
        }
        let connecting = pacer.connecting();
        let connection_ends = async {
            sleep(connection_takes).await;
            match end {
                End::Open => {
                    connecting.succeeded();
                    drop(connecting);
                    (calls, None)
                }
                End::Failed => {
                    drop(connecting);
                    (calls, None)
                }
                End::CallsCancelled => (Vec::new(), Some(connecting)),
            }
        };
        let next = async {
            let _slot = pacer.acquire(turn).await.unwrap();
            start.elapsed()
        };
        let (_in_flight, departed) = tokio::join!(connection_ends, next);
        assert_eq!(departed, next_departs, "{end:?}");
    }
}
