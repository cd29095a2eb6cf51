//! Several processes on one state folder, each simulated by a `Login` that shares only the folder.

use futures_util::future::join_all;
use sends_client::TokenSource;
use sends_sandbox::{Fault, FaultKind};

use crate::upstream::Upstream;

#[tokio::test]
async fn processes_on_one_folder_refresh_once() {
    let upstream = Upstream::start().await;
    upstream.logged_in().await;
    upstream.expire();
    upstream
        .fault(Fault::new(FaultKind::Latency).on_path("/v1/token"))
        .await;
    let before = upstream.token_calls().await;
    let processes: Vec<_> = (0..8).map(|_| upstream.login()).collect();
    let tokens = join_all(processes.iter().map(TokenSource::token)).await;
    let first = tokens[0].clone().unwrap();
    assert!(tokens.into_iter().all(|token| token.unwrap() == first));
    assert_eq!(upstream.token_calls().await, before + 1);
}

#[tokio::test]
async fn token_renewed_by_another_process_is_reused() {
    let upstream = Upstream::start().await;
    let (one, other) = (upstream.logged_in().await, upstream.login());
    let rejected = one.token().await.unwrap();
    assert_eq!(other.token().await.unwrap(), rejected);
    upstream.revoke("access").await;
    let renewed = one.renew(&rejected).await.unwrap();
    assert_eq!(other.renew(&rejected).await.unwrap(), renewed);
    assert_eq!(other.token().await.unwrap(), renewed);
    assert_eq!(upstream.token_calls().await, 2);
}
