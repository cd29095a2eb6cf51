//! Logins and refreshes at an upstream whose token responses vary at random.

use super::{Home, works};

/// Several seeds are tested, because token responses vary more than their individual members, and a login is quick.
const SEEDS: std::ops::RangeInclusive<u32> = 1..=6;
const REFRESHES: usize = 6;

/// Refreshes the token several times. Each refresh rotates the refresh token or leaves it unchanged. The next refresh would
/// detect a lost token.
async fn refresh_repeatedly(home: &mut Home, seed: &str) {
    let service = home.serve(&[]);
    let before = home.token_calls().await;
    for refresh in 0..REFRESHES {
        home.make_expire_in(-10);
        assert!(
            works(&service).await,
            "--wild {seed}, refresh {refresh}: {}",
            service.log()
        );
    }
    let calls = home.token_calls().await - before;
    assert!(calls >= REFRESHES, "--wild {seed}: {calls} refreshes");
    let log = service.log();
    for secret in ["rt_", "eyJ"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    drop(service);
    assert_eq!(
        home.sandbox.answered(400).await,
        0,
        "--wild {seed}: a token was used twice"
    );
}

#[tokio::test]
async fn browser_login_and_its_refreshes_survive_wild_token_responses() {
    for seed in SEEDS.map(|seed| seed.to_string()) {
        let mut home = Home::new(&["--wild", &seed]);
        let login = home.log_in().await;
        assert_eq!(login.status, Some(0), "--wild {seed}: {login:?}");
        assert!(login.output.contains("Connected"), "--wild {seed}: {login:?}");
        assert!(
            !login.output.contains("cannot be renewed"),
            "--wild {seed}: {login:?}"
        );
        refresh_repeatedly(&mut home, &seed).await;
    }
}

#[tokio::test]
async fn device_login_and_its_refreshes_survive_wild_token_responses() {
    for seed in SEEDS.map(|seed| seed.to_string()) {
        let mut home = Home::new(&[
            "--wild",
            &seed,
            "--device-approves-after",
            "0",
            "--device-interval",
            "1",
        ]);
        let login = home.run(&["login", "--device"]).await;
        assert_eq!(login.status, Some(0), "--wild {seed}: {login:?}");
        assert!(login.output.contains("Connected"), "--wild {seed}: {login:?}");
        assert!(
            !login.output.contains("cannot be renewed"),
            "--wild {seed}: {login:?}"
        );
        refresh_repeatedly(&mut home, &seed).await;
    }
}
