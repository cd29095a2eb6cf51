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

/// A request that is accepted after a millisecond.
async fn accept(refusals: &Refusals, token: &AccessToken, endpoint: &Endpoint) {
    let departed = Instant::now();
    pass(Duration::from_millis(1)).await;
    refusals.accepted(token, endpoint, departed);
}

/// A request that is rejected after a millisecond, and its probe, if needed, with this outcome. Returns the rejection and
/// whether there was a probe.
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
async fn a_revoked_token_is_held_everywhere_and_tried_after_growing_pauses() {
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
        assert!(refusals.admit(&token, &probe).is_err(), "one at a time");
        assert!(refusals.admit(&token, &OTHER).is_err());
        admission.refused();
        let (_, is_probed) = refuse(&refusals, &token, &history(2), false).await;
        assert!(!is_probed, "a refused token needs no second call");
    }
    pass(MAX_PAUSE).await;
    accept(&refusals, &token, &history(1)).await;
    assert_eq!(refusals.check(&token, &OTHER), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_path_that_alone_refuses_the_token_holds_up_no_other_and_is_tried_after_growing_pauses() {
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
async fn one_probe_a_minute_settles_the_refusals_of_many_paths() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(0)).await;
    let mut probes = 0;
    for number in 1..=20 {
        let (rejection, is_probed) = refuse(&refusals, &token, &history(number), true).await;
        assert_eq!(rejection.by, RefusedBy::PathAlone, "{number}");
        probes += u32::from(is_probed);
    }
    assert_eq!(probes, 1);
    pass(PROBE_HOLDS).await;
    assert!(refuse(&refusals, &token, &history(21), true).await.1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_revoked_right_after_a_probe_costs_a_bounded_number_of_calls() {
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
async fn a_later_request_that_is_accepted_needs_no_probe_beside_it() {
    let (refusals, token) = (Refusals::default(), token("t"));
    let departed = Instant::now();
    pass(Duration::from_millis(1)).await;
    accept(&refusals, &token, &history(2)).await;
    let rejection = refusals.refused(&token, &history(1), departed).unwrap();
    assert_eq!(rejection.by, RefusedBy::PathAlone);
    // A request sent before the rejection does not count.
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
async fn without_an_outcome_of_a_probe_a_second_path_settles_it() {
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
        assert!(!rejection.may_renew, "no renewal for each call that is not sent");
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
async fn refusals_of_requests_sent_together_count_once() {
    let (refusals, token) = (Refusals::default(), token("t"));
    for _ in 0..20 {
        refusals.confirmed(&token);
    }
    assert_eq!(refusals.check(&token, &OTHER).unwrap_err().wait, FIRST_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn a_probe_without_an_outcome_is_followed_by_another_at_once() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(0)).await;
    refuse(&refusals, &token, &history(1), true).await;
    pass(PROBE_HOLDS).await;
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
async fn a_probe_that_ends_late_leaves_the_pause_of_a_later_refusal_alone() {
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
        "held back by the next probe"
    );
    next.refused();
    let (rejection, _) = refuse(&refusals, &token, &path, false).await;
    assert_eq!(rejection.wait, 2 * FIRST_PAUSE);
    assert_eq!(refusals.check(&token, &OTHER).unwrap_err().wait, rejection.wait);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_is_known_to_refuse_does_not_keep_a_token_refused() {
    let (refusals, token) = (Refusals::default(), token("t"));
    accept(&refusals, &token, &history(0)).await;
    refuse(&refusals, &token, &history(1), true).await;
    pass(PROBE_HOLDS).await;
    refuse(&refusals, &token, &history(2), false).await;
    pass(FIRST_PAUSE).await;
    refusals.admit(&token, &history(1)).unwrap().refused();
    let (rejection, _) = refuse(&refusals, &token, &history(1), true).await;
    assert_eq!(rejection.by, RefusedBy::PathAlone);
    assert!(refusals.admit(&token, &history(0)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_did_not_help_is_repeated_after_a_pause_and_not_for_a_path_alone() {
    let refusals = Refusals::default();
    let tokens = ["1", "2", "3"].map(token);
    accept(&refusals, &tokens[0], &history(0)).await;
    refuse(&refusals, &tokens[0], &history(1), true).await;
    pass(PROBE_HOLDS).await;
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
        "the pauses grow from token to token"
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
async fn an_accepted_token_is_not_displaced_by_refused_ones() {
    let refusals = Refusals::default();
    accept(&refusals, &token("honest"), &OTHER).await;
    for number in 0..2 * CAPACITY {
        pass(Duration::from_millis(1)).await;
        refusals.confirmed(&token(&format!("t{number}")));
    }
    assert!(refusals.is_accepted(&token("honest")));
    assert_eq!(refusals.tokens().len(), CAPACITY);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_tokens_and_paths_is_bounded() {
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
