//! Token refreshes that are in progress when the program, or the client that caused them, ends.

use std::time::Duration;

use sends_end_to_end::GUIDE_ACTIVITY;
use serde_json::json;
use tokio::time::sleep;

use super::{Home, works};

/// Returns whether the programs under test handle a signal. They inherit ignored signals from this process: SIGHUP below `nohup`,
/// and SIGQUIT in a background command of a shell without job control. The tests skip such signals.
fn handles(signal: &str) -> bool {
    let bit = match signal {
        "HUP" => 0,
        "QUIT" => 2,
        _ => return true,
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let is_heeded = ignored.unwrap_or_default() >> bit & 1 == 0;
    if !is_heeded {
        eprintln!("SIG{signal} is not tested, because this process and its children ignore it");
    }
    is_heeded
}

#[tokio::test]
async fn exit_waits_for_a_refresh_in_progress() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    // This synchronisation reads everything, so that the next synchronisation is short.
    home.run(&["sync"]).await;
    for command in [&["history", "--max-age", "0", GUIDE_ACTIVITY][..], &["sync"]] {
        home.slow_token_responses().await;
        home.make_expire_in(200);
        let before = home.token_calls().await;
        let ended = home.run(command).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        // Whether the refresh was sent depends on the timing.
        assert!(home.token_calls().await <= before + 1);
        assert!(home.can_be_renewed().await, "{command:?}");
    }
}

#[tokio::test]
async fn signal_waits_for_a_refresh_in_progress() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let signals = ["TERM", "INT", "QUIT", "HUP"];
    for signal in signals.into_iter().filter(|signal| handles(signal)) {
        let mut service = home.serve(&[]);
        home.slow_token_responses().await;
        home.make_expire_in(200);
        let before = home.token_calls().await;
        assert!(works(&service).await);
        home.token_calls_reach(before + 1).await;
        service.signal(signal);
        let ended = service.exit_code_within(Duration::from_secs(10)).await;
        assert_eq!(ended, Some(0), "{}", service.log());
        assert!(home.can_be_renewed().await, "{signal}: {}", service.log());
    }

    // This command itself waits for the token.
    home.slow_token_responses().await;
    home.make_expire_in(-10);
    let before = home.token_calls().await;
    let command = home.start(&["history", "c0de0000-0000-4000-8000-000000000002"]);
    home.token_calls_reach(before + 1).await;
    command.interrupt();
    let ended = home.finish(command).await;
    // The status is 0 if the response arrived, and the command ended, before the signal.
    assert!(matches!(ended.status, Some(130 | 0)), "{ended:?}");
    assert!(home.can_be_renewed().await);
}

/// Delays the responses of the token endpoint for longer than several signals take, but for less than the call timeout.
async fn very_slow_token_responses(home: &Home) {
    let fault = json!({ "kind": "slow_body", "path_contains": "/v1/token", "bytes": 100, "delay_ms": 200 });
    home.sandbox.fault(&fault).await;
}

#[tokio::test]
async fn repeated_sigterm_never_abandons_a_refresh() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let mut service = home.serve(&[]);
    very_slow_token_responses(&home).await;
    home.make_expire_in(200);
    let before = home.token_calls().await;
    assert!(works(&service).await);
    home.token_calls_reach(before + 1).await;
    for _ in 0..4 {
        service.signal("TERM");
        sleep(Duration::from_millis(300)).await;
    }
    let ended = service.exit_code_within(Duration::from_secs(20)).await;
    assert_eq!(ended, Some(0), "{}", service.log());
    assert!(home.can_be_renewed().await, "{}", service.log());

    // `history` ends with the status of the signal. `sync` ends with 3, because work is left.
    for (command, status) in [
        (&["history", "--max-age", "0", GUIDE_ACTIVITY][..], 143),
        (&["sync"], 3),
    ] {
        very_slow_token_responses(&home).await;
        home.make_expire_in(-10);
        let before = home.token_calls().await;
        let process = home.start(command);
        home.token_calls_reach(before + 1).await;
        for _ in 0..4 {
            process.signal("TERM");
            sleep(Duration::from_millis(300)).await;
        }
        let ended = home.finish(process).await;
        // The status is 0 if the refresh was stored and the command ended before the signal was handled. The status is 143 if a
        // later signal ended a synchronisation that was already complete.
        let expected = [Some(status), Some(143), Some(0)];
        assert!(expected.contains(&ended.status), "{ended:?}");
        assert!(home.can_be_renewed().await, "{command:?}");
    }
}

#[tokio::test]
async fn closed_terminal_ends_no_command_before_its_refresh_is_stored() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let signals = [("QUIT", 131), ("HUP", 129)];
    for (signal, status) in signals.into_iter().filter(|(signal, _)| handles(signal)) {
        // `history` ends with the status of the signal. `sync` ends with 3, because work is left.
        for (command, status) in [
            (&["history", "--max-age", "0", GUIDE_ACTIVITY][..], status),
            (&["sync"], 3),
        ] {
            very_slow_token_responses(&home).await;
            home.make_expire_in(-10);
            let before = home.token_calls().await;
            let process = home.start(command);
            home.token_calls_reach(before + 1).await;
            // The terminal and the shell send one signal each.
            process.signal(signal);
            sleep(Duration::from_millis(300)).await;
            process.signal(signal);
            let ended = home.finish(process).await;
            // The status is 0 if the refresh was stored and the command ended before the signal was handled.
            assert!(
                [Some(status), Some(0)].contains(&ended.status),
                "{signal} {ended:?}"
            );
            assert!(home.can_be_renewed().await, "{signal} {command:?}");
        }
    }
}

#[tokio::test]
async fn ctrl_c_abandons_a_refresh_only_after_a_warning() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let mut service = home.serve(&[]);
    home.sandbox
        .fault(&json!({ "kind": "latency", "path_contains": "/v1/token", "delay_ms": 15_000 }))
        .await;
    home.make_expire_in(200);
    assert!(works(&service).await);
    // The request is in flight. The upstream logs the request once the response is sent.
    sleep(Duration::from_millis(500)).await;
    service.signal("INT");
    service.log_once(|log| log.contains("stopped")).await;
    service.signal("INT");
    service.log_once(|log| log.contains("Ctrl-C cancels it")).await;
    // This signal arrives too early to be a reaction to the warning.
    service.signal("INT");
    assert_eq!(service.exit_code_within(Duration::from_millis(1_500)).await, None);
    service.signal("INT");
    let ended = service.exit_code_within(Duration::from_secs(5)).await;
    assert_eq!(ended, Some(0), "{}", service.log());
}

#[tokio::test]
async fn refresh_continues_after_its_client_disconnects() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let service = home.serve(&[]);
    home.slow_token_responses().await;
    home.make_expire_in(-10);
    let before = home.token_calls().await;
    let requested = tokio::time::timeout(Duration::from_millis(200), works(&service)).await;
    assert!(requested.is_err(), "the client disconnects before the response");
    assert!(works(&service).await, "{}", service.log());
    assert_eq!(home.token_calls().await, before + 1);
    assert!(home.can_be_renewed().await);
}
