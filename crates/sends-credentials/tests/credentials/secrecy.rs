//! Absence of secrets from `Debug` output, errors, and the log at its most verbose level.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use secrecy::SecretString;
use sends_client::TokenSource;
use sends_credentials::{Application, CodeLogin, LoginRequest};
use sends_sandbox::{Fault, FaultKind, config};
use tracing_subscriber::fmt::MakeWriter;

use crate::upstream::{Upstream, assert_hides};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_error_or_debug_output_contains_a_secret() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(captured.clone())
        .finish();
    // The subscriber is global, because tracing caches per call site whether any subscriber is interested.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let upstream = Upstream::start().await;
    let request = LoginRequest {
        application: Application::confidential(
            config::DEFAULT_CLIENT_ID,
            SecretString::from(config::DEFAULT_CLIENT_SECRET),
        ),
        ..upstream.request()
    };
    let waiting = CodeLogin::start(request, None, &upstream.dir(), &upstream.settings())
        .await
        .unwrap();
    let visit = tokio::spawn(upstream.http.get(waiting.url().clone()).send());
    let grant = waiting.finish().await.unwrap();
    visit.await.unwrap().unwrap();
    let mut printed = vec![format!("{grant:?}")];
    let login = upstream.login();
    login.save(grant).await.unwrap();
    let mut secrets = vec![config::DEFAULT_CLIENT_SECRET.to_owned()];
    let mut remember = |stored: serde_json::Value| {
        for kind in ["access_token", "refresh_token"] {
            secrets.push(stored[kind]["secret"].as_str().unwrap().to_owned());
        }
    };
    remember(upstream.stored());
    upstream.expire();
    login.token().await.unwrap();
    remember(upstream.stored());
    printed.push(format!("{login:?} {:?}", login.status()));
    upstream.expire();
    upstream
        .fault(Fault::new(FaultKind::AnswerLost).on_path("/v1/token").times(1))
        .await;
    for login in [&login, &upstream.login()] {
        let error = login.token().await.unwrap_err();
        printed.push(format!("{error} {error:?} {login:?} {:?}", login.status()));
    }
    let required = login.login_required().unwrap().unwrap();
    printed.push(format!("{required} {required:?}"));

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("log in again"), "the log was captured");
    assert_eq!(secrets.len(), 5);
    for secret in secrets {
        assert_hides(&secret, &printed);
        assert_hides(&secret, &log);
    }
}
