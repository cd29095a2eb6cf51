use super::{
    token_state::{CAPACITY, FIRST_PAUSE, MAX_PATHS, MAX_PAUSE},
    *,
};

const OTHER: Endpoint = Endpoint::AccountSummary;

fn token(text: &str) -> AccessToken {
    AccessToken::new(text).unwrap()
}

fn history(number: usize) -> Endpoint {
    Endpoint::SendHistory(format!("1ead98be-dfa0-4e04-81f7-{number:012x}").parse().unwrap())
}

async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

/// Simulates a request that is accepted after a millisecond.
async fn accept(refusals: &Refusals, token: &AccessToken, endpoint: &Endpoint) {
    let departed = Instant::now();
    pass(Duration::from_millis(1)).await;
    refusals.accepted(token, endpoint, departed);
}

/// Simulates a request that is rejected after a millisecond, and a probe with this outcome if a probe is needed. Returns the
/// rejection and whether there was a probe.
async fn refuse(
    refusals: &Refusals,
    token: &AccessToken,
    endpoint: &Endpoint,
    is_good: bool,
) -> (TokenRejection, bool) {
    let departed = Instant::now();
    pass(Duration::from_millis(1)).await;
    if let Some(rejection) = refusals.refused(token, endpoint, departed) {
        return (rejection, false);
    }
    let probe = refusals.probe(token, endpoint);
    assert_ne!(&probe, endpoint);
    if !is_good {
        return (refusals.confirmed(token), true);
    }
    accept(refusals, token, &probe).await;
    (refusals.refused(token, endpoint, departed).unwrap(), true)
}

#[tokio::test(start_paused = true)]
async fn revoked_token_is_suspended_on_all_paths_and_retried_after_growing_pauses() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(1)).await;
    let (rejection, is_probed) = refuse(&refusals, &token, &history(1), false).await;
    assert_eq!((rejection.by, is_probed), (RefusedBy::Upstream, true));
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        let pause = Duration::from_secs(minutes * 60);
        for endpoint in [history(1), history(2), OTHER] {
            let rejection = refusals.check(&token, &endpoint).unwrap_err();
            assert_eq!(
                (rejection.wait, rejection.by),
                (pause, RefusedBy::Upstream),
                "{endpoint}"
            );
        }
        pass(pause).await;
        let probe = history(2);
        let admission = refusals.admit(&token, &probe).unwrap();
        assert!(
            refusals.admit(&token, &probe).is_err(),
            "a second probe is admitted"
        );
        assert!(refusals.admit(&token, &OTHER).is_err());
        admission.refused();
        let (_, is_probed) = refuse(&refusals, &token, &history(2), false).await;
        assert!(!is_probed, "a rejected token is not probed again");
    }
    pass(MAX_PAUSE).await;
    accept(&refusals, &token, &history(1)).await;
    assert_eq!(refusals.check(&token, &OTHER), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn rejection_by_a_single_path_suspends_only_that_path() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(2)).await;
    let (rejection, is_probed) = refuse(&refusals, &token, &history(1), true).await;
    assert_eq!(
        (rejection.by, rejection.may_renew, is_probed),
        (RefusedBy::PathAlone, false, true)
    );
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(refusals.check(&token, &history(2)), Ok(()));
        let rejection = refusals.check(&token, &history(1)).unwrap_err();
        assert_eq!(rejection.by, RefusedBy::PathAlone);
        assert!(
            rejection.wait > Duration::from_secs(minutes * 60 - 1),
            "{rejection:?}"
        );
        pass(rejection.wait).await;
        refusals.admit(&token, &history(1)).unwrap().refused();
        let (rejection, is_probed) = refuse(&refusals, &token, &history(1), false).await;
        assert_eq!((rejection.by, is_probed), (RefusedBy::PathAlone, false));
    }
    pass(MAX_PAUSE).await;
    accept(&refusals, &token, &history(1)).await;
    assert_eq!(refusals.check(&token, &history(1)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn one_probe_per_minute_determines_the_scope_for_many_paths() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(0)).await;
    let mut probes = 0;
    for number in 1..=20 {
        let (rejection, is_probed) = refuse(&refusals, &token, &history(number), true).await;
        assert_eq!(rejection.by, RefusedBy::PathAlone, "{number}");
        probes += u32::from(is_probed);
    }
    assert_eq!(probes, 1);
    pass(PROBE_VALIDITY).await;
    assert!(refuse(&refusals, &token, &history(21), true).await.1);
}

#[tokio::test(start_paused = true)]
async fn token_revoked_after_a_probe_causes_a_bounded_number_of_calls() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(0)).await;
    refuse(&refusals, &token, &history(1), true).await;
    let mut calls = 0;
    for number in 2..100 {
        if refusals.check(&token, &history(number)).is_ok() {
            let (_, is_probed) = refuse(&refusals, &token, &history(number), false).await;
            calls += 1 + u32::from(is_probed);
        }
    }
    assert_eq!(calls, REFUSALS_PER_PROBE + 1);
}

#[tokio::test(start_paused = true)]
async fn later_accepted_request_replaces_a_probe() {
    let (refusals, token) = (Refusals::default(), token("t"));
    let departed = Instant::now();
    pass(Duration::from_millis(1)).await;
    accept(&refusals, &token, &history(2)).await;
    let rejection = refusals.refused(&token, &history(1), departed).unwrap();
    assert_eq!(rejection.by, RefusedBy::PathAlone);
    // The acceptance of a request that was sent before the rejection does not count.
    let departed = Instant::now();
    pass(Duration::from_millis(1)).await;
    refuse(&refusals, &token, &history(3), false).await;
    refusals.accepted(&token, &history(2), departed);
    assert_eq!(
        refusals.check(&token, &history(2)).unwrap_err().by,
        RefusedBy::Upstream
    );
}

#[tokio::test(start_paused = true)]
async fn second_path_determines_the_scope_if_the_probe_has_no_outcome() {
    for is_good in [false, true] {
        let (refusals, token) = (Refusals::default(), token("t"));
        accept(&refusals, &token, &history(0)).await;
        assert_eq!(
            refusals.refused(&token, &history(1), Instant::now() + Duration::from_millis(1)),
            None
        );
        refusals.probe(&token, &history(1));
        let rejection = refusals.unconfirmed(&token, &history(1));
        assert_eq!((rejection.by, rejection.may_renew), (RefusedBy::Path, true));
        let rejection = refusals.check(&token, &history(1)).unwrap_err();
        assert!(!rejection.may_renew, "calls that are not sent renew no token");
        assert_eq!(refusals.check(&token, &history(2)), Ok(()));
        pass(Duration::from_millis(1)).await;
        if is_good {
            accept(&refusals, &token, &history(0)).await;
        }
        let by = if is_good {
            RefusedBy::PathAlone
        } else {
            RefusedBy::Upstream
        };
        assert_eq!(refuse(&refusals, &token, &history(2), false).await, {
            let rejection = TokenRejection {
                wait: FIRST_PAUSE,
                by,
                may_renew: !is_good,
            };
            (rejection, false)
        });
    }
}

#[tokio::test(start_paused = true)]
async fn rejections_of_concurrent_requests_count_once() {
    let (refusals, token) = (Refusals::default(), token("t"));
    for _ in 0..20 {
        refusals.confirmed(&token);
    }
    assert_eq!(refusals.check(&token, &OTHER).unwrap_err().wait, FIRST_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn probe_without_an_outcome_is_followed_immediately_by_another() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(0)).await;
    refuse(&refusals, &token, &history(1), true).await;
    pass(PROBE_VALIDITY).await;
    refuse(&refusals, &token, &history(2), false).await;
    pass(FIRST_PAUSE).await;
    let (path, refused) = (history(1), |admitted: Result<Admission<'_>, TokenRejection>| {
        admitted.unwrap_err().by
    });
    for _ in 0..3 {
        let probe = refusals.admit(&token, &path).unwrap();
        assert_eq!(refused(refusals.admit(&token, &OTHER)), RefusedBy::Upstream);
        drop(probe);
    }
    // The pauses are unchanged.
    let probe = refusals.admit(&token, &OTHER).unwrap();
    probe.refused();
    let (rejection, _) = refuse(&refusals, &token, &OTHER, false).await;
    assert_eq!(rejection.wait, 2 * FIRST_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn late_end_of_a_probe_does_not_change_a_later_pause() {
    let (refusals, token) = (Refusals::default(), token("t"));
    refusals.confirmed(&token);
    pass(FIRST_PAUSE).await;
    let late = refusals.admit(&token, &OTHER).unwrap();
    pass(FIRST_PAUSE).await;
    let path = history(1);
    let next = refusals.admit(&token, &path).unwrap();
    drop(late);
    assert!(
        refusals.check(&token, &OTHER).is_err(),
        "the next probe suspends other requests"
    );
    next.refused();
    let (rejection, _) = refuse(&refusals, &token, &path, false).await;
    assert_eq!(rejection.wait, 2 * FIRST_PAUSE);
    assert_eq!(refusals.check(&token, &OTHER).unwrap_err().wait, rejection.wait);
}

#[tokio::test(start_paused = true)]
async fn known_path_rejection_does_not_extend_the_pause_of_the_token() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(0)).await;
    refuse(&refusals, &token, &history(1), true).await;
    pass(PROBE_VALIDITY).await;
    refuse(&refusals, &token, &history(2), false).await;
    pass(FIRST_PAUSE).await;
    refusals.admit(&token, &history(1)).unwrap().refused();
    let (rejection, _) = refuse(&refusals, &token, &history(1), true).await;
    assert_eq!(rejection.by, RefusedBy::PathAlone);
    assert!(refusals.admit(&token, &history(0)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn unsuccessful_renewal_is_repeated_only_after_the_pause() {
    let refusals = Refusals::default();
    let tokens = ["1", "2", "3"].map(token);
    accept(&refusals, &tokens[0], &history(0)).await;
    refuse(&refusals, &tokens[0], &history(1), true).await;
    pass(PROBE_VALIDITY).await;
    assert!(
        refuse(&refusals, &tokens[0], &history(2), false)
            .await
            .0
            .may_renew
    );
    refusals.renewed(&tokens[0], &tokens[1]);
    assert_eq!(refusals.check(&tokens[1], &history(2)), Ok(()));
    assert_eq!(
        refuse(&refusals, &tokens[1], &history(1), true).await.0.by,
        RefusedBy::PathAlone
    );
    let (rejection, _) = refuse(&refusals, &tokens[1], &history(2), false).await;
    assert_eq!((rejection.by, rejection.may_renew), (RefusedBy::Upstream, false));
    assert_eq!(
        rejection.wait,
        2 * FIRST_PAUSE,
        "the pauses grow across renewed tokens"
    );
    assert!(!refusals.check(&tokens[1], &OTHER).unwrap_err().may_renew);
    pass(rejection.wait).await;
    refusals.admit(&tokens[1], &OTHER).unwrap().refused();
    assert!(refuse(&refusals, &tokens[1], &OTHER, false).await.0.may_renew);
    refusals.renewed(&tokens[1], &tokens[2]);
    accept(&refusals, &tokens[2], &OTHER).await;
    assert!(
        refuse(&refusals, &tokens[2], &history(3), false)
            .await
            .0
            .may_renew
    );
}

#[tokio::test(start_paused = true)]
async fn accepted_token_is_not_evicted_by_rejected_tokens() {
    let refusals = Refusals::default();
    accept(&refusals, &token("accepted"), &OTHER).await;
    for number in 0..2 * CAPACITY {
        pass(Duration::from_millis(1)).await;
        refusals.confirmed(&token(&format!("t{number}")));
    }
    assert!(refusals.is_accepted(&token("accepted")));
    assert_eq!(refusals.tokens().len(), CAPACITY);
}

#[tokio::test(start_paused = true)]
async fn number_of_tokens_and_paths_is_bounded() {
    let refusals = Refusals::default();
    for number in 0..CAPACITY + 10 {
        refusals.confirmed(&token(&format!("t{number}")));
        pass(Duration::from_millis(1)).await;
    }
    assert_eq!(refusals.tokens().len(), CAPACITY);
    assert!(refusals.check(&token("t0"), &OTHER).is_ok());
    assert!(refusals.check(&token("t20"), &OTHER).is_err());

    let token = token("paths");
    for number in 0..MAX_PATHS + 10 {
        refuse(&refusals, &token, &history(number), true).await;
    }
    let paths = refusals.tokens()[&refusals.key(&token)].refused_by.len();
    assert_eq!(paths, MAX_PATHS);
}
