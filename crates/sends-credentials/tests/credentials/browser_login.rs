//! Browser login, with valid and invalid redirects.

use std::time::Duration;

use secrecy::SecretString;
use sends_credentials::{Application, CodeLogin, LoginError, LoginRequest, Settings};
use sends_sandbox::config;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use url::Url;

use crate::upstream::Upstream;

async fn waiting(upstream: &Upstream) -> CodeLogin {
    CodeLogin::start(upstream.request(), None, &upstream.dir(), &upstream.settings())
        .await
        .unwrap()
}

fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap().1.into_owned()
}

fn redirect_uri(url: &Url, query: &[(&str, &str)]) -> Url {
    let mut uri = Url::parse(&parameter(url, "redirect_uri")).unwrap();
    uri.query_pairs_mut().extend_pairs(query);
    uri
}

#[tokio::test]
async fn authorization_url_has_a_challenge_and_no_secret() {
    let upstream = Upstream::start().await;
    let waiting = waiting(&upstream).await;
    let url = waiting.url();
    assert_eq!(parameter(url, "response_type"), "code");
    assert_eq!(parameter(url, "code_challenge_method"), "S256");
    assert_eq!(parameter(url, "client_id"), config::DEFAULT_PUBLIC_CLIENT_ID);
    assert!(parameter(url, "state").len() >= 16);
    let redirect = parameter(url, "redirect_uri");
    assert!(
        redirect.starts_with("http://127.0.0.1:") && redirect.ends_with("/callback"),
        "{redirect}"
    );
    let query = url.query().unwrap();
    assert!(
        query.contains("scope=campaign_data%20contact_data%20account_read%20offline_access"),
        "{query}"
    );
    assert!(!query.contains("verifier"), "{query}");
}

#[tokio::test]
async fn browser_login_yields_working_tokens_and_sends_no_query() {
    let upstream = Upstream::start().await;
    let grant = upstream.granted().await;
    upstream.login().save(grant.clone()).await.unwrap();
    assert!(upstream.accepts(&grant.access_token().unwrap()).await);
    assert!(grant.is_renewable());
    assert_eq!(grant.scopes(), sends_credentials::DEFAULT_SCOPES);
    for request in upstream.requests().await {
        if request["method"] == "POST" {
            assert!(request["query"].is_null(), "{request}");
        }
    }
}

#[tokio::test]
async fn application_with_a_secret_authenticates_with_it() {
    let upstream = Upstream::start().await;
    let application = |secret: &str| LoginRequest {
        application: Application::confidential(config::DEFAULT_CLIENT_ID, SecretString::from(secret)),
        ..upstream.request()
    };
    for (secret, works) in [(config::DEFAULT_CLIENT_SECRET, true), ("wrong", false)] {
        let login = CodeLogin::start(application(secret), None, &upstream.dir(), &upstream.settings())
            .await
            .unwrap();
        let visit = tokio::spawn(upstream.http.get(login.url().clone()).send());
        let outcome = login.finish().await;
        visit.await.unwrap().unwrap();
        match outcome {
            Ok(_) => assert!(works),
            Err(LoginError::Refused { error, .. }) => assert!(!works && error == "invalid_client"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn redirect_with_another_state_is_rejected_and_the_right_one_still_succeeds() {
    let upstream = Upstream::start().await;
    let login = waiting(&upstream).await;
    let url = login.url().clone();
    let state = parameter(&url, "state");
    let finished = tokio::spawn(login.finish());
    let wrong = [
        redirect_uri(&url, &[("code", "stolen"), ("state", "guess")]),
        redirect_uri(&url, &[("code", "stolen")]),
        redirect_uri(&url, &[("error", "access_denied"), ("state", &state[1..])]),
        redirect_uri(&url, &[("code", "a"), ("code", "b"), ("state", &state)]),
        redirect_uri(&url, &[("state", &state)]),
    ];
    for wrong in wrong {
        let status = upstream.http.get(wrong.clone()).send().await.unwrap().status();
        assert_eq!(status, 400, "{wrong}");
    }
    assert_eq!(upstream.token_calls().await, 0);
    assert!(!finished.is_finished());
    upstream.http.get(url).send().await.unwrap();
    assert!(finished.await.unwrap().is_ok());
}

#[tokio::test]
async fn code_of_another_login_fails_the_verifier_check() {
    let upstream = Upstream::start().await;
    let (mine, other) = (waiting(&upstream).await, waiting(&upstream).await);
    let (url, other_url) = (mine.url().clone(), other.url().clone());
    // The code is issued for this login's redirect URI, so that only the challenge differs.
    let mut crossed = other_url.clone();
    let pairs: Vec<_> = other_url.query_pairs().into_owned().collect();
    crossed
        .query_pairs_mut()
        .clear()
        .extend_pairs(pairs.iter().map(|(name, value)| {
            let own = matches!(name.as_str(), "redirect_uri" | "state");
            (
                name.clone(),
                if own { parameter(&url, name) } else { value.clone() },
            )
        }));
    let finished = tokio::spawn(mine.finish());
    upstream.http.get(crossed).send().await.unwrap();
    let error = finished.await.unwrap().unwrap_err();
    assert!(
        matches!(&error, LoginError::Refused { error, .. } if error == "invalid_grant"),
        "{error}"
    );
}

#[tokio::test]
async fn denial_by_the_user_ends_the_login() {
    let upstream = Upstream::start().await;
    let login = waiting(&upstream).await;
    let mut url = login.url().clone();
    url.query_pairs_mut().append_pair("decision", "deny");
    let finished = tokio::spawn(login.finish());
    upstream.http.get(url).send().await.unwrap();
    let error = finished.await.unwrap().unwrap_err();
    assert!(matches!(error, LoginError::Denied { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "access was denied (The user denied the request.)"
    );
}

#[tokio::test]
async fn other_requests_get_an_error_page_and_do_not_end_the_login() {
    let upstream = Upstream::start().await;
    let login = waiting(&upstream).await;
    let url = login.url().clone();
    let callback = redirect_uri(&url, &[]);
    let finished = tokio::spawn(login.finish());
    for (path, status) in [("/favicon.ico", 404), ("/", 404), ("/callback/", 404)] {
        let response = upstream
            .http
            .get(callback.join(path).unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    assert_eq!(upstream.http.post(callback).send().await.unwrap().status(), 405);
    let page = upstream.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Go back to the program"), "{page}");
    assert!(finished.await.unwrap().is_ok());
}

#[tokio::test]
async fn slow_and_invalid_connections_do_not_block_the_browser() {
    let upstream = Upstream::start().await;
    let login = waiting(&upstream).await;
    let url = login.url().clone();
    let port = redirect_uri(&url, &[]).port().unwrap();
    let finished = tokio::spawn(login.finish());
    let mut idle = Vec::new();
    for start in ["", "GET /callback", "\u{1}\u{2}\r\n\r\n", "GET / HTTP/1.1\r\nx: "] {
        for _ in 0..5 {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.write_all(start.as_bytes()).await.unwrap();
            idle.push(stream);
        }
    }
    let redirected = async {
        upstream.http.get(url).send().await.unwrap();
        finished.await.unwrap().unwrap();
    };
    // The server closes a single idle connection only after ten seconds.
    tokio::time::timeout(Duration::from_secs(9), redirected)
        .await
        .expect("the browser is served despite idle connections");
}

#[tokio::test]
async fn long_requests_and_a_connection_beyond_the_limit_do_not_end_the_login() {
    let upstream = Upstream::start().await;
    let login = waiting(&upstream).await;
    let url = login.url().clone();
    let port = redirect_uri(&url, &[]).port().unwrap();
    let finished = tokio::spawn(login.finish());
    let connect = async || TcpStream::connect(("127.0.0.1", port)).await.unwrap();

    let mut long = connect().await;
    let head = format!("GET /callback?code={} HTTP/1.1\r\n", "a".repeat(1 << 20));
    // Fails when the server closes the connection before the end of the head.
    let _ = long.write_all(head.as_bytes()).await;
    let mut response = Vec::new();
    let read = timeout(Duration::from_secs(30), long.read_to_end(&mut response));
    let _ = read.await.expect("the connection is closed");
    let response = String::from_utf8_lossy(&response);
    assert!(
        response.is_empty() || response.starts_with("HTTP/1.1 4"),
        "{response}"
    );

    // As many idle connections as are served concurrently; further ones wait until one of these is closed.
    let mut idle = Vec::new();
    for _ in 0..32 {
        idle.push(connect().await);
    }
    let mut beyond = connect().await;
    beyond
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut first_byte = [0];
    let early = timeout(Duration::from_millis(200), beyond.read(&mut first_byte)).await;
    assert!(early.is_err(), "served beyond the limit: {early:?}");
    idle.truncate(31);
    let served = timeout(Duration::from_secs(30), beyond.read(&mut first_byte)).await;
    assert_eq!(served.expect("a place is free").unwrap(), 1);
    drop((idle, beyond));

    upstream.http.get(url).send().await.unwrap();
    assert!(finished.await.unwrap().is_ok());
}

#[tokio::test]
async fn missing_redirect_ends_the_login_after_the_timeout() {
    let upstream = Upstream::start().await;
    let settings = Settings {
        login_timeout: Duration::from_millis(50),
        ..upstream.settings()
    };
    let login = CodeLogin::start(upstream.request(), None, &upstream.dir(), &settings)
        .await
        .unwrap();
    assert_eq!(login.finish().await.unwrap_err(), LoginError::Expired);
}

#[tokio::test]
async fn occupied_port_is_named_in_the_error() {
    let upstream = Upstream::start().await;
    let taken = waiting(&upstream).await;
    let port = redirect_uri(taken.url(), &[]).port().unwrap();
    let second = CodeLogin::start(
        upstream.request(),
        Some(port),
        &upstream.dir(),
        &upstream.settings(),
    )
    .await;
    let Err(error) = second else {
        panic!("the second login listens on an occupied port")
    };
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn unknown_scope_is_rejected_with_the_upstream_error() {
    let upstream = Upstream::start().await;
    let request = LoginRequest {
        scopes: vec!["everything".to_owned()],
        ..upstream.request()
    };
    let login = CodeLogin::start(request, None, &upstream.dir(), &upstream.settings())
        .await
        .unwrap();
    let visit = tokio::spawn(upstream.http.get(login.url().clone()).send());
    let error = login.finish().await.unwrap_err();
    visit.await.unwrap().unwrap();
    assert!(
        matches!(&error, LoginError::Refused { error, .. } if error == "invalid_scope"),
        "{error}"
    );
}
