use sends_core::ActivityId;
use tokio::time::Instant;

use super::{state::MAX_PATHS, *};

fn path(number: u8) -> Endpoint {
    let id = format!("1ead98be-dfa0-4e04-81f7-5f1534d42e{number:02x}");
    Endpoint::SendHistory(id.parse::<ActivityId>().unwrap())
}

fn admit(breaker: &Arc<Breaker>, endpoint: &Endpoint) -> Admission {
    breaker
        .admit(endpoint)
        .unwrap_or_else(|open| panic!("{endpoint} is suspended: {open:?}"))
}

/// Requests an id and reports a failure if the request is admitted. Returns whether the request was admitted.
fn fail_if_admitted(breaker: &Arc<Breaker>, number: u8) -> bool {
    let admission = breaker.admit(&path(number));
    let is_admitted = admission.is_ok();
    if let Ok(admission) = admission {
        admission.failed(FailureClass::ServerFailure);
    }
    is_admitted
}

/// Opens the circuit of the endpoint, with a failed early probe.
fn open_after_early_probe(breaker: &Arc<Breaker>) {
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
        admit(breaker, &path(number)).failed(FailureClass::ServerFailure);
    }
}

#[tokio::test(start_paused = true)]
async fn endpoint_opens_after_consecutive_failures_of_different_ids() {
    let breaker = Breaker::new(BreakerSettings::default());
    fail(&breaker, 0..4);
    admit(&breaker, &path(100)).succeeded();
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
    open_after_early_probe(&breaker);
    assert!(breaker.is_failing());
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(breaker.upstream_wait(), None);
    assert!(breaker.is_failing(), "without a probe");
    let probe = admit(&breaker, &path(100));
    assert!(breaker.is_failing());
    probe.succeeded();
    assert!(!breaker.is_failing());
}

#[tokio::test(start_paused = true)]
async fn upstream_is_failing_after_five_consecutive_failures_of_any_endpoint() {
    for failures in [0, 5] {
        let breaker = Breaker::new(BreakerSettings {
            failures,
            ..BreakerSettings::default()
        });
        let other = Endpoint::AccountSummary;
        for endpoint in [&path(1), &path(1), &other, &path(1)] {
            admit(&breaker, endpoint).failed(FailureClass::ServerFailure);
        }
        assert!(!breaker.is_failing());
        admit(&breaker, &other).failed(FailureClass::Unreachable);
        assert_eq!(breaker.upstream_wait(), None);
        assert!(breaker.is_failing());
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert!(breaker.is_failing());
        admit(&breaker, &path(2)).throttled(None);
        assert!(!breaker.is_failing());
    }
}

#[tokio::test(start_paused = true)]
async fn probe_delay_doubles_until_a_success_closes_the_circuit() {
    let breaker = Breaker::new(BreakerSettings::default());
    open_after_early_probe(&breaker);
    for (delay, number) in [1, 2, 4, 8, 16, 30, 30].into_iter().zip(10..) {
        let wait = Duration::from_secs(delay);
        assert_eq!(breaker.check(&path(100)), suspended_for(delay));
        assert_eq!(breaker.upstream_wait(), Some(wait));
        tokio::time::sleep(wait).await;
        assert_eq!(breaker.upstream_wait(), None);
        let probe = admit(&breaker, &path(number));
        assert!(breaker.admit(&path(100)).is_err(), "the second probe is admitted");
        probe.failed(FailureClass::TimedOut);
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    admit(&breaker, &path(100)).succeeded();
    fail(&breaker, 50..54);
    assert_eq!(breaker.check(&path(100)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn cancelled_probe_is_replaced_by_the_next_request() {
    let breaker = Breaker::new(BreakerSettings::default());
    open_after_early_probe(&breaker);
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(admit(&breaker, &path(6)));
    assert!(breaker.admit(&path(6)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn failing_ids_are_suspended_without_affecting_others() {
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
async fn isolated_failures_never_open_the_endpoints_circuit() {
    let breaker = Breaker::new(BreakerSettings::default());
    for round in 0..100 {
        for number in 0..20 {
            if number % 4 == 0 {
                admit(&breaker, &path(200 + number)).succeeded();
            }
            if let Ok(admission) = breaker.admit(&path(number)) {
                admission.failed(FailureClass::ServerFailure);
            }
        }
        assert_eq!(breaker.check(&path(100)), Ok(()), "{round}");
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
    // These twenty consecutive failures are all isolated.
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
async fn ids_that_fail_before_the_first_success_open_the_endpoints_circuit_only_once() {
    let breaker = Breaker::new(BreakerSettings::default());
    let concurrent: Vec<_> = (0..8).map(|number| admit(&breaker, &path(number))).collect();
    for admission in concurrent {
        admission.failed(FailureClass::ServerFailure);
    }
    assert_eq!(breaker.check(&path(7)), suspended_for(2));
    admit(&breaker, &path(100)).succeeded();
    // The endpoint is available, so these failures are isolated from now on.
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
async fn connection_errors_suspend_all_endpoints() {
    let breaker = Breaker::new(BreakerSettings::default());
    for _ in 0..5 {
        admit(&breaker, &path(1)).failed(FailureClass::Unreachable);
    }
    assert!(breaker.check(&Endpoint::AccountSummary).is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Any response, even a failure, shows that the upstream is reachable.
    admit(&breaker, &path(1)).failed(FailureClass::ServerFailure);
    assert_eq!(breaker.check(&Endpoint::AccountSummary), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn ids_that_failed_in_an_outage_are_available_after_it() {
    // The first outage has too few ids to open the endpoint's circuit; each id opens its own circuit.
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
            .expect("the id is requested again");
        admit(&breaker, &path(0)).succeeded();
        for number in outage {
            assert_eq!(breaker.check(&path(number)), Ok(()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn number_of_failing_ids_is_bounded() {
    let breaker = Breaker::new(BreakerSettings::default());
    admit(&breaker, &path(255)).succeeded();
    for number in 0..3_000_u16 {
        let [high, low] = number.to_be_bytes();
        let id = ActivityId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        admit(&breaker, &Endpoint::SendHistory(id)).failed(FailureClass::ServerFailure);
        admit(&breaker, &path(255)).succeeded();
    }
    assert_eq!(breaker.state().paths.len(), MAX_PATHS);
}

#[tokio::test(start_paused = true)]
async fn five_failing_ids_do_not_affect_a_good_id_after_a_cold_start() {
    let breaker = Breaker::new(BreakerSettings::default());
    for round in 0..2 * 600 {
        for number in 0..5 {
            fail_if_admitted(&breaker, number);
        }
        admit(&breaker, &path(100)).succeeded();
        assert_eq!(breaker.upstream_wait(), None, "{round}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn id_without_failures_probes_before_failed_ids() {
    let breaker = Breaker::new(BreakerSettings::default());
    // The sixth request is the early probe.
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
    admit(&breaker, &path(100)).succeeded();
    assert_eq!(breaker.upstream_wait(), None);
}

#[tokio::test(start_paused = true)]
async fn outage_causes_one_early_probe_and_then_one_probe_per_delay() {
    // Either only failed ids are requested, whose probes are a second later, or only other ids.
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
async fn id_throttled_while_others_succeed_opens_only_its_own_circuit() {
    let breaker = Breaker::new(BreakerSettings::default());
    let hour = Some(Duration::from_hours(1));
    let throttled = |number| admit(&breaker, &path(number)).throttled(None);
    assert_eq!(throttled(1), Throttling::Everything);
    // No other id has succeeded in between.
    assert_eq!(throttled(1), Throttling::Everything);
    for _ in 0..2 {
        admit(&breaker, &path(2)).succeeded();
        assert_eq!(throttled(1), Throttling::PerhapsOne);
    }
    admit(&breaker, &path(2)).succeeded();
    assert_eq!(throttled(1), Throttling::One);
    let only_own_circuit = |wait| {
        Err(CircuitOpen {
            wait: Duration::from_secs(wait),
            own_failure: Some(FailureClass::Throttled),
        })
    };
    assert_eq!(breaker.check(&path(1)), only_own_circuit(1));
    assert_eq!(breaker.check(&path(2)), Ok(()));
    tokio::time::advance(Duration::from_secs(1)).await;
    // `Retry-After` extends the delay up to the maximum for a single id.
    let probe = admit(&breaker, &path(1));
    assert_eq!(probe.throttled(hour), Throttling::One);
    assert_eq!(breaker.check(&path(1)), only_own_circuit(300));
    tokio::time::advance(Duration::from_mins(5)).await;
    admit(&breaker, &path(1)).succeeded();
    assert_eq!(throttled(1), Throttling::Everything);
}

#[tokio::test(start_paused = true)]
async fn throttled_ids_do_not_open_the_endpoint() {
    let breaker = Breaker::new(BreakerSettings::default());
    for number in 0..50 {
        assert_eq!(
            admit(&breaker, &path(number)).throttled(None),
            Throttling::Everything
        );
    }
    assert_eq!(breaker.check(&path(60)), Ok(()));
}
