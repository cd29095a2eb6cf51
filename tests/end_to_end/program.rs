//! Output of the program for its operator, and limits for hostile callers.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess, failed_start, run};

#[tokio::test]
async fn first_log_lines_name_the_address_the_upstream_and_the_page() {
    let service = ServiceProcess::start(&["serve", "--sandbox"], &[]);
    // Once the page is served, all startup lines have been written.
    let page = reqwest_get(&format!("{}/", service.origin())).await;
    assert!(
        page.contains("data-sandbox=\"true\"") && page.contains("invented"),
        "{page}"
    );
    let log = service.log_once(|log| log.contains("/graphiql")).await;
    for expected in [
        format!("listening on {}/graphql", service.origin()),
        "upstream: the embedded sandbox at http://127.0.0.1:".to_owned(),
        "all data is invented".to_owned(),
        format!("open {}/graphiql", service.origin()),
    ] {
        assert!(log.contains(&expected), "{expected:?} is not in {log}");
    }
}

#[test]
fn all_invalid_settings_are_reported_with_status_2() {
    let (status, message) = failed_start(
        &["--listen", "nowhere", "--upstream-url", "ftp://x/v3"],
        &[("SENDS_UPSTREAM_TIMEOUT", "0")],
    );
    assert_eq!(status, Some(2));
    insta::assert_snapshot!(message, @r#"
    sends-graphql: --listen (SENDS_LISTEN): "nowhere" is not HOST:PORT, such as 127.0.0.1:8080
    sends-graphql: --upstream-url (SENDS_UPSTREAM_URL): it must begin with http:// or https://
    sends-graphql: --upstream-timeout (SENDS_UPSTREAM_TIMEOUT): "0" is not a duration from 100ms to 10m, such as 20, 20s or 5m
    sends-graphql: no account is connected: connect one with `sends-graphql login`, set SENDS_ACCESS_TOKEN to an access token for Constant Contact, or use --sandbox for invented data
    "#);
    let (status, message) = failed_start(&["--max-age=old", "--no-such-option"], &[]);
    assert_eq!(status, Some(2), "{message}");
    assert!(
        message.contains("--max-age (SENDS_MAX_AGE)") && message.contains("--no-such-option"),
        "{message}"
    );
}

#[test]
fn empty_variables_count_as_unset_and_serve_variables_do_not_affect_other_commands() {
    let unconcerned = [
        ("SENDS_MAX_AGE", "old"),
        ("SENDS_RATE_PER_DAY", " "),
        ("SENDS_CLIENT_ID", ""),
    ];
    let (status, message) = failed_start(&["status"], &unconcerned);
    assert_eq!((status, message.as_str()), (Some(0), ""));
    let (status, message) = failed_start(&["status"], &[("SENDS_RATE_PER_DAY", "many")]);
    assert_eq!(status, Some(2));
    insta::assert_snapshot!(message, @r#"sends-graphql: --rate-per-day (SENDS_RATE_PER_DAY): "many" is not a number from 0 to 1000000000"#);
}

#[test]
fn missing_account_reports_both_options_and_exits_with_2() {
    let (status, message) = failed_start(&[], &[]);
    assert_eq!(status, Some(2));
    assert!(
        message.contains("SENDS_ACCESS_TOKEN") && message.contains("--sandbox"),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[tokio::test]
async fn occupied_port_is_reported_in_one_sentence() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let taken = service.origin().strip_prefix("http://").unwrap();
    let (status, message) = failed_start(&["--sandbox", "--listen", taken], &[]);
    assert_eq!(status, Some(1));
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(
        message.contains(&format!("cannot listen on {taken}")) && message.contains("--listen"),
        "{message}"
    );
}

#[tokio::test]
async fn options_can_be_set_in_the_environment() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let url = sandbox.api_url();
    let environment = [
        ("SENDS_UPSTREAM_URL", url.as_str()),
        ("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN),
    ];
    let service = ServiceProcess::start(&[], &environment);
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ latestSend {{ sendId }} }} }}"#
        ))
        .await;
    assert_eq!(response["data"]["campaignActivity"]["latestSend"]["sendId"], 2);
    let in_sandbox = ServiceProcess::start(&[], &[("SENDS_SANDBOX", "1")]);
    in_sandbox.log_once(|log| log.contains("invented")).await;
}

#[tokio::test]
async fn oversized_body_is_rejected() {
    let mut service = ServiceProcess::start(&["--sandbox"], &[]);
    let client = sends_end_to_end::http_client();
    let body = format!(r#"{{"query":"{{ {} }}"}}"#, "a ".repeat(5 << 20));
    let response = client
        .post(format!("{}/graphql", service.origin()))
        .header("content-type", "application/json")
        .body(body);
    // The rejection may arrive while the client is still writing, which the client reports as a broken connection.
    if let Ok(response) = response.send().await {
        assert_eq!(response.status(), 413);
    }
    assert!(service.is_alive());
}

async fn reqwest_get(url: &str) -> String {
    let client = sends_end_to_end::http_client();
    client.get(url).send().await.unwrap().text().await.unwrap()
}

#[test]
fn completion_scripts_are_valid_for_bash() {
    let printed = run(&["completions", "bash"], &[]);
    assert_eq!((printed.status, printed.errors.as_str()), (Some(0), ""));
    assert!(printed.output.contains("failures"), "{}", printed.output);
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("completions");
    std::fs::write(&script, printed.output).unwrap();
    let checked = std::process::Command::new("bash").arg("-n").arg(&script).status();
    assert!(checked.unwrap().success());
}

#[test]
fn man_pages_are_written_for_the_program_and_its_commands() {
    let folder = tempfile::tempdir().unwrap();
    let written = run(&["man", folder.path().to_str().unwrap()], &[]);
    assert_eq!((written.status, written.errors.as_str()), (Some(0), ""));
    for (page, part) in [
        ("sends-graphql.1", "failures"),
        ("sends-graphql-serve.1", "listen"),
    ] {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".TH") && text.contains(part), "{page}: {text}");
    }
}
