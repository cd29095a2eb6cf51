//! API key authentication and allowed listen addresses.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use sends_end_to_end::{ServiceProcess, failed_start};

use super::{QUERY, body, client, post, rejection, send};

fn write_keys(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn only_callers_with_a_key_are_served_and_keys_can_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    write_keys(
        &file,
        "# dashboard\nkey-of-the-dashboard\n\nkey-of-the-reports\n",
        0o600,
    );
    let service = super::service(&["--api-key-file", file.to_str().unwrap()]);
    let ask = |key: &str| post(&service).header("x-api-key", key).json(&body(QUERY));
    for key in ["key-of-the-dashboard", "key-of-the-reports"] {
        assert_eq!(send(ask(key)).await.status(), 200, "{key}");
    }
    let refused = (401, "UNAUTHENTICATED".to_owned());
    assert_eq!(rejection(post(&service).json(&body(QUERY))).await, refused);
    for key in ["", "key-of-the-dashboar", "# dashboard", "key-of-somebody-else"] {
        assert_eq!(rejection(ask(key)).await, refused, "{key}");
    }
    write_keys(&file, "another-key-altogether\n", 0o600);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(send(ask("another-key-altogether")).await.status(), 200);
    assert_eq!(rejection(ask("key-of-the-dashboard")).await, refused);
    assert!(!service.log().contains("another-key"), "{}", service.log());
}

async fn until_ready_is(service: &ServiceProcess, status: u16) -> String {
    for _ in 0..100 {
        let (message, report) = service.get("/health/ready").await;
        if message == status {
            return report;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("readiness does not become {status}: {}", service.log());
}

#[tokio::test]
async fn no_key_is_valid_while_the_file_is_empty_missing_or_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let write = || write_keys(&file, "key-of-the-dashboard\n", 0o600);
    write();
    let service = super::service(&["--api-key-file", file.to_str().unwrap()]);
    let ask = || {
        post(&service)
            .header("x-api-key", "key-of-the-dashboard")
            .json(&body(QUERY))
    };
    let refused = (401, "UNAUTHENTICATED".to_owned());
    for (expected, spoil) in [
        ("contains no key", &(|| write_keys(&file, "", 0o600)) as &dyn Fn()),
        ("cannot read", &|| std::fs::remove_file(&file).unwrap()),
        ("chmod 600", &|| {
            write_keys(&file, "key-of-the-dashboard\n", 0o644);
        }),
    ] {
        assert_eq!(send(ask()).await.status(), 200, "{expected}");
        spoil();
        let report = until_ready_is(&service, 503).await;
        assert!(
            report.contains("API_KEYS_UNREADABLE") && report.contains(expected),
            "{report}"
        );
        assert_eq!(rejection(ask()).await, refused, "{expected}");
        assert!(service.log().contains(expected), "{}", service.log());
        write();
        until_ready_is(&service, 200).await;
    }
}

#[tokio::test]
async fn metrics_require_a_key_and_health_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    write_keys(&file, "key-of-the-prometheus\n", 0o600);
    let service = super::service(&["--api-key-file", file.to_str().unwrap()]);
    let metrics = || client().get(format!("{}/metrics", service.origin()));
    let refused = (401, "UNAUTHENTICATED".to_owned());
    assert_eq!(rejection(metrics()).await, refused);
    assert_eq!(
        rejection(metrics().header("x-api-key", "key-of-nobody-here")).await,
        refused
    );
    let read = send(metrics().header("x-api-key", "key-of-the-prometheus")).await;
    assert_eq!(read.status(), 200);
    assert!(
        read.text()
            .await
            .unwrap()
            .contains("sends_operations_in_progress")
    );
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(service.get(path).await.0, 200, "{path}");
    }
}

#[test]
fn account_is_not_exposed_to_other_machines_without_authentication() {
    let token = [("SENDS_ACCESS_TOKEN", "token")];
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0"] {
        let (status, message) = failed_start(&["--listen", listen], &token);
        assert_eq!(status, Some(2), "{message}");
        assert!(
            message.contains("--api-key-file") && message.contains("--behind-authenticating-proxy"),
            "{message}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    for (text, mode) in [("", 0o600), ("key-of-the-dashboard", 0o644), ("short", 0o600)] {
        write_keys(&file, text, mode);
        let options = ["--listen", "0.0.0.0:0", "--api-key-file", file.to_str().unwrap()];
        let (status, message) = failed_start(&options, &token);
        assert!(
            status == Some(2) && message.contains("--api-key-file"),
            "{message}"
        );
    }
    write_keys(&file, "key-of-the-dashboard", 0o600);
    let with_keys = ["--listen", "0.0.0.0:0", "--api-key-file", file.to_str().unwrap()];
    let behind_proxy = ["--listen", "0.0.0.0:0", "--behind-authenticating-proxy"];
    let callers = ["--listen", "0.0.0.0:0", "--caller-tokens"];
    let no_token: &[(&str, &str)] = &[];
    for (options, environment) in [
        (&with_keys[..], &token[..]),
        (&behind_proxy, &token),
        (&callers, no_token),
    ] {
        // Panics unless the service starts.
        ServiceProcess::start(options, environment);
    }
}
