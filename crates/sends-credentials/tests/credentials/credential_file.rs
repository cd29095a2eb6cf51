//! Credential file: permissions, damage, and the effects of login, logout and account.

use std::{fs, time::Duration};

use sends_client::{TokenError, TokenSource};
use sends_credentials::{Account, LoginRequired, StoreError};

use crate::upstream::Upstream;

fn account(id: &str) -> Account {
    Account {
        id: id.to_owned(),
        organization: Some("Lantern".to_owned()),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn files_in_the_folder_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let upstream = Upstream::start().await;
    upstream.logged_in().await;
    for entry in fs::read_dir(upstream.dir().path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn file_readable_by_others_is_rejected_until_the_next_login() {
    use std::os::unix::fs::PermissionsExt;
    let upstream = Upstream::start().await;
    upstream.logged_in().await;
    fs::set_permissions(upstream.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let login = upstream.login();
    let error = login.status().unwrap_err();
    assert!(
        matches!(error, StoreError::ReadableByOthers { mode: 0o644, .. }),
        "{error}"
    );
    let error = login.token().await.unwrap_err();
    assert!(error.to_string().contains("0644"), "{error}");
    upstream.logged_in().await;
    login.token().await.unwrap();
}

#[tokio::test]
async fn login_replaces_a_damaged_file_but_not_one_of_a_newer_version() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    // The file is overwritten in place, which preserves its permissions.
    fs::write(upstream.file(), "{\"version\":1,").unwrap();
    assert!(matches!(login.status().unwrap_err(), StoreError::Damaged { .. }));
    assert!(matches!(
        login.token().await.unwrap_err(),
        TokenError::Unavailable { .. }
    ));
    login.save(upstream.granted().await).await.unwrap();
    login.token().await.unwrap();

    fs::write(upstream.file(), "{\"version\":2}").unwrap();
    let error = login.save(upstream.granted().await).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 2, .. }), "{error}");
    assert!(
        login.logout().await.unwrap(),
        "logout removes a file of a newer version"
    );
    login.save(upstream.granted().await).await.unwrap();
}

#[tokio::test]
async fn credential_id_is_stable_for_the_same_account_only() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let first = login.set_account(account("a")).await.unwrap();
    let fresh = login.save(upstream.granted().await).await.unwrap();
    assert_ne!(first, fresh, "the account may be different");
    // A login without an account preserves the account of the previous login.
    login.save(upstream.granted().await).await.unwrap();
    assert_eq!(login.set_account(account("a")).await.unwrap(), first);
    login.save(upstream.granted().await).await.unwrap();
    assert_ne!(login.set_account(account("b")).await.unwrap(), first);
}

#[tokio::test]
async fn status_shows_the_account_and_the_age_of_the_tokens() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    let id = login.set_account(account("a")).await.unwrap();
    let status = login.status().unwrap().unwrap();
    assert_eq!(status.credential_id, id);
    assert_eq!(status.client_id, sends_sandbox::config::DEFAULT_PUBLIC_CLIENT_ID);
    assert_eq!(status.account, Some(account("a")));
    assert_eq!(status.scopes, sends_credentials::DEFAULT_SCOPES);
    let access = status.access_token.unwrap();
    let life = access.expires_at.unwrap().duration_since(access.obtained_at);
    assert_eq!(life.as_hours(), 24);
    let refresh = status.refresh_token.unwrap();
    assert_eq!(
        refresh.dies_at.duration_since(refresh.obtained_at).as_hours(),
        180 * 24
    );
    assert_eq!(
        (status.refresh_in_flight_since, status.login_required),
        (None, None)
    );
}

#[tokio::test]
async fn logout_is_detected_by_other_users_of_the_login() {
    let upstream = Upstream::start().await;
    let login = upstream.logged_in().await;
    login.token().await.unwrap();
    assert!(upstream.login().logout().await.unwrap());
    assert!(!upstream.file().exists());
    assert_eq!(login.token().await.unwrap_err(), TokenError::LoginRequired);
    assert_eq!(login.login_required().unwrap(), Some(LoginRequired::NotLoggedIn));
    assert!(!login.logout().await.unwrap());
    assert_eq!(
        login.set_account(account("a")).await.unwrap_err(),
        StoreError::NotLoggedIn
    );
}

#[tokio::test]
async fn login_without_a_refresh_token_lasts_as_long_as_its_access_token() {
    let upstream = Upstream::start().await;
    let request = sends_credentials::LoginRequest {
        scopes: vec!["campaign_data".to_owned()],
        ..upstream.request()
    };
    let waiting = sends_credentials::CodeLogin::start(request, None, &upstream.dir(), &upstream.settings())
        .await
        .unwrap();
    let visit = tokio::spawn(upstream.http.get(waiting.url().clone()).send());
    let grant = waiting.finish().await.unwrap();
    visit.await.unwrap().unwrap();
    assert!(!grant.is_renewable());
    let login = upstream.login();
    login.save(grant).await.unwrap();
    let token = login.token().await.unwrap();
    // A rejection before the expiry is reported until the next attempt is due.
    assert_eq!(login.renew(&token).await.unwrap_err(), TokenError::LoginRequired);
    login.refused(&token, Duration::from_mins(1));
    assert_eq!(
        login.login_required().unwrap(),
        Some(LoginRequired::NoRefreshToken)
    );
    login.accepted(&token);
    assert_eq!(login.login_required().unwrap(), None);
    upstream.expire();
    assert_eq!(login.token().await.unwrap_err(), TokenError::LoginRequired);
    assert_eq!(
        login.login_required().unwrap(),
        Some(LoginRequired::NoRefreshToken)
    );
}
