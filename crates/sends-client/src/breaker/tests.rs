use sends_core::ActivityId;
use tokio::time::Instant;

use super::{state::MAX_PATHS, *};

fn path(number: u8) -> Endpoint {
    let id = format!("1ead98be-dfa0-4e04-81f7-5f1534d42e{number:02x}");
    Endpoint::SendHistory(id.parse::<ActivityId>().unwrap())
}

fn ask(breaker: &Arc<Breaker>, endpoint: &Endpoint) -> Admission {
    breaker
        .admit(endpoint)
        .unwrap_or_else(|open| panic!("{endpoint} is suspended: {open:?}"))
}

/// Requests an id and reports a failure if admitted. Returns whether the request was admitted.
fn fail_if_admitted(breaker: &Arc<Breaker>, number: u8) -> bool {
    let admission = breaker.admit(&path(number));
    let is_admitted = admission.is_ok();
    if let Ok(admission) = admission {
        admission.failed(FailureClass::ServerFailure);
    }
    is_admitted
}

/// Opens the endpoint, with a failed early probe.
fn open_for_good(breaker: &Arc<Breaker>) {
    fail(breaker, 0..6);
}

fn suspended_for(seconds: u64) -> Result<(), CircuitOpen> {
    Err(CircuitOpen {
        wait: Duration::from_secs(seconds),
        own_failure: None,
    })
}

fn fail(breaker: &Arc<Breaker>, numbers: std::ops::Range<u8>) {
    for number in numbers {
        ask(breaker, &path(number)).failed(FailureClass::ServerFailure);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_opens_after_different_ids_failed_in_a_row_and_a_success_begins_the_row_again() {
    let breaker = Breaker::new(BreakerSettings::default());
    fail(&breaker, 0..4);
    ask(&breaker, &path(100)).succeeded();
    fail(&breaker, 4..8);
    assert_eq!(breaker.check(&path(100)), Ok(()));
    fail(&breaker, 8..9);
    assert_eq!(breaker.check(&path(4)), suspended_for(2));
    assert_eq!(breaker.upstream_wait(), Some(Duration::from_secs(1)));
    assert_eq!(breaker.check(&Endpoint::AccountSummary), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn upstream_is_failing_from_the_opening_of_a_circuit_until_the_next_success() {
    let breaker = Breaker::new(BreakerSettings::default());
    open_for_good(&breaker);
    assert!(breaker.is_failing());
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(breaker.upstream_wait(), None);
    assert!(breaker.is_failing(), "without a probe");
    let probe = ask(&breaker, &path(100));
    assert!(breaker.is_failing());
    probe.succeeded();
    assert!(!breaker.is_failing());
}

#[tokio::test(start_paused = true)]
async fn upstream_is_failing_after_five_requests_in_a_row_failed_whatever_they_are_for() {
    for failures in [0, 5] {
        let breaker = Breaker::new(BreakerSettings {
            failures,
            ..BreakerSettings::default()
        });
        let other = Endpoint::AccountSummary;
        for endpoint in [&path(1), &path(1), &other, &path(1)] {
            ask(&breaker, endpoint).failed(FailureClass::ServerFailure);
        }
        assert!(!breaker.is_failing());
        ask(&breaker, &other).failed(FailureClass::Unreachable);
        assert_eq!(breaker.upstream_wait(), None);
        assert!(breaker.is_failing());
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert!(breaker.is_failing());
        ask(&breaker, &path(2)).throttled(None);
        assert!(!breaker.is_failing());
    }
}

#[tokio::test(start_paused = true)]
async fn one_probe_goes_after_a_delay_that_doubles_and_a_success_closes_the_circuit() {
    let breaker = Breaker::new(BreakerSettings::default());
    open_for_good(&breaker);
    for (delay, number) in [1, 2, 4, 8, 16, 30, 30].into_iter().zip(10..) {
        let wait = Duration::from_secs(delay);
        assert_eq!(breaker.check(&path(100)), suspended_for(delay));
        assert_eq!(breaker.upstream_wait(), Some(wait));
        tokio::time::sleep(wait).await;
        assert_eq!(breaker.upstream_wait(), None);
        let probe = ask(&breaker, &path(number));
        assert!(breaker.admit(&path(100)).is_err(), "a second probe");
        probe.failed(FailureClass::TimedOut);
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    ask(&breaker, &path(100)).succeeded();
    fail(&breaker, 50..54);
    assert_eq!(breaker.check(&path(100)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_was_given_up_leaves_its_place_to_the_next() {
    let breaker = Breaker::new(BreakerSettings::default());
    open_for_good(&breaker);
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(ask(&breaker, &path(6)));
    assert!(breaker.admit(&path(6)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn ids_that_always_fail_are_left_alone_and_cost_the_others_nothing() {
    let breaker = Breaker::new(BreakerSettings::default());
    let mut sent = 0;
    for _ in 0..2 * 3_600 {
        for number in 0..2 {
            if let Ok(admission) = breaker.admit(&path(number)) {
                admission.failed(FailureClass::ServerFailure);
                sent += 1;
            }
        }
        assert_eq!(breaker.check(&path(100)), Ok(()));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(sent < 60, "{sent} requests in an hour");
    let open = breaker.check(&path(0)).unwrap_err();
    assert_eq!(open.own_failure, Some(FailureClass::ServerFailure));
    assert!(open.wait <= Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
async fn ids_that_fail_while_others_succeed_never_close_the_endpoint() {
    let breaker = Breaker::new(BreakerSettings::default());
    for round in 0..100 {
        for number in 0..20 {
            if number % 4 == 0 {
                ask(&breaker, &path(200 + number)).succeeded();
            }
            if let Ok(admission) = breaker.admit(&path(number)) {
                admission.failed(FailureClass::ServerFailure);
            }
        }
        assert_eq!(breaker.check(&path(100)), Ok(()), "{round}");
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
    // Twenty failures in a row, all of them isolated.
    for number in 0..20 {
        if let Ok(admission) = breaker.admit(&path(number)) {
            admission.failed(FailureClass::ServerFailure);
        }
    }
    assert_eq!(breaker.check(&path(100)), Ok(()));
    fail(&breaker, 100..105);
    assert_eq!(breaker.check(&path(100)), suspended_for(2));
}

#[tokio::test(start_paused = true)]
async fn ids_that_failed_before_the_first_success_close_the_endpoint_only_once() {
    let breaker = Breaker::new(BreakerSettings::default());
    let together: Vec<_> = (0..8).map(|number| ask(&breaker, &path(number))).collect();
    for admission in together {
        admission.failed(FailureClass::ServerFailure);
    }
    assert_eq!(breaker.check(&path(7)), suspended_for(2));
    ask(&breaker, &path(100)).succeeded();
    // The endpoint is available, so that these failures are isolated from now on.
    for round in 0..100 {
        for number in 0..8 {
            if let Ok(admission) = breaker.admit(&path(number)) {
                admission.failed(FailureClass::ServerFailure);
            }
        }
        assert_eq!(breaker.check(&path(100)), Ok(()), "{round}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_reached_is_left_alone_as_a_whole() {
    let breaker = Breaker::new(BreakerSettings::default());
    for _ in 0..5 {
        ask(&breaker, &path(1)).failed(FailureClass::Unreachable);
    }
    assert!(breaker.check(&Endpoint::AccountSummary).is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Any response, even a failure, shows that the upstream is reachable.
    ask(&breaker, &path(1)).failed(FailureClass::ServerFailure);
    assert_eq!(breaker.check(&Endpoint::AccountSummary), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_nothing_is_left_alone_that_failed_of_it() {
    // First with too few ids to open the endpoint, each with its own circuit.
    for outage in [0..2, 0..10] {
        let breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..600 {
            for number in outage.clone() {
                if let Ok(admission) = breaker.admit(&path(number)) {
                    admission.failed(FailureClass::ServerFailure);
                }
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        assert!(breaker.check(&path(1)).is_err());
        let admitted = async {
            while breaker.check(&path(0)).is_err() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_hours(1), admitted)
            .await
            .expect("it is asked for again");
        ask(&breaker, &path(0)).succeeded();
        for number in outage {
            assert_eq!(breaker.check(&path(number)), Ok(()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_failing_ids_are_remembered_than_fit() {
    let breaker = Breaker::new(BreakerSettings::default());
    ask(&breaker, &path(255)).succeeded();
    for number in 0..3_000_u16 {
        let [high, low] = number.to_be_bytes();
        let id = ActivityId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        ask(&breaker, &Endpoint::SendHistory(id)).failed(FailureClass::ServerFailure);
        ask(&breaker, &path(255)).succeeded();
    }
    assert_eq!(breaker.state().paths.len(), MAX_PATHS);
}

#[tokio::test(start_paused = true)]
async fn five_ids_that_always_fail_cost_a_good_one_nothing_from_a_cold_start() {
    let breaker = Breaker::new(BreakerSettings::default());
    for round in 0..2 * 600 {
        for number in 0..5 {
            fail_if_admitted(&breaker, number);
        }
        ask(&breaker, &path(100)).succeeded();
        assert_eq!(breaker.upstream_wait(), None, "{round}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_good_id_is_the_probe_before_those_that_failed() {
    let breaker = Breaker::new(BreakerSettings::default());
    // The sixth is the early probe.
    for _ in 0..2 {
        for number in 0..6 {
            fail_if_admitted(&breaker, number);
        }
        assert_eq!(breaker.check(&path(5)), suspended_for(2));
        assert_eq!(breaker.check(&path(100)), suspended_for(1));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for number in 0..6 {
        assert!(!fail_if_admitted(&breaker, number), "{number}");
    }
    ask(&breaker, &path(100)).succeeded();
    assert_eq!(breaker.upstream_wait(), None);
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_one_early_probe_and_then_one_probe_for_each_growing_delay() {
    // Either only failed ids are requested, whose probes are a second late, or only other ids.
    let cases: [(_, u16, &[u64]); 2] = [
        (0..5, 5, &[2, 5, 10, 19, 36, 67, 98]),
        (200..205, 200, &[0, 1, 3, 7, 15, 31, 61, 91]),
    ];
    for (failed, ids, expected) in cases {
        let breaker = Breaker::new(BreakerSettings::default());
        fail(&breaker, failed);
        let (began, mut sent) = (Instant::now(), Vec::new());
        for round in 0..400 {
            if fail_if_admitted(&breaker, u8::try_from(round % ids).unwrap()) {
                sent.push(began.elapsed().as_secs());
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert_eq!(sent, expected, "{ids} ids");
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_throttled_while_others_are_answered_opens_its_own_circuit_alone() {
    let breaker = Breaker::new(BreakerSettings::default());
    let hour = Some(Duration::from_hours(1));
    let throttled = |number| ask(&breaker, &path(number)).throttled(None);
    assert_eq!(throttled(1), Throttling::Everything);
    // No other id was answered in between.
    assert_eq!(throttled(1), Throttling::Everything);
    for _ in 0..2 {
        ask(&breaker, &path(2)).succeeded();
        assert_eq!(throttled(1), Throttling::PerhapsOne);
    }
    ask(&breaker, &path(2)).succeeded();
    assert_eq!(throttled(1), Throttling::One);
    let by_itself = |wait| {
        Err(CircuitOpen {
            wait: Duration::from_secs(wait),
            own_failure: Some(FailureClass::Throttled),
        })
    };
    assert_eq!(breaker.check(&path(1)), by_itself(1));
    assert_eq!(breaker.check(&path(2)), Ok(()));
    tokio::time::advance(Duration::from_secs(1)).await;
    // `Retry-After` extends the delay up to the maximum of one id.
    let probe = ask(&breaker, &path(1));
    assert_eq!(probe.throttled(hour), Throttling::One);
    assert_eq!(breaker.check(&path(1)), by_itself(300));
    tokio::time::advance(Duration::from_mins(5)).await;
    ask(&breaker, &path(1)).succeeded();
    assert_eq!(throttled(1), Throttling::Everything);
}

#[tokio::test(start_paused = true)]
async fn throttled_ids_do_not_open_the_endpoint() {
    let breaker = Breaker::new(BreakerSettings::default());
    for number in 0..50 {
        assert_eq!(
            ask(&breaker, &path(number)).throttled(None),
            Throttling::Everything
        );
    }
    assert_eq!(breaker.check(&path(60)), Ok(()));
}
