use clap::Parser;
use secrecy::SecretString;

use super::*;
use crate::cli::Arguments;

/// Checks these options as `serve` would, in a state folder of the test's own.
fn check(options: &[&str], token: Option<&str>) -> Result<Settings, Vec<Problem>> {
    let folder = std::env::temp_dir().join(format!("sends-settings-{}", std::process::id()));
    let state = format!("--state-dir={}", folder.display());
    let arguments = ["sends-graphql", &state]
        .into_iter()
        .chain(options.iter().copied());
    let variables = EnvironmentVariables {
        access_token: token.map(SecretString::from),
        ..EnvironmentVariables::default()
    };
    Settings::check(&Arguments::parse_from(arguments).serve, variables)
}

fn problems(options: &[&str], token: Option<&str>) -> String {
    let problems = check(options, token).unwrap_err();
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn nobodys_log_is_kept_in_step_where_callers_bring_their_own_accounts() {
    assert!(problems(&["--caller-tokens", "--sync-every=60"], None).contains("--sync-every"));
    assert!(problems(&["--sync-every=often"], Some("token")).contains("--sync-every"));
    let settings = check(&["--sync-every=60"], Some("token")).unwrap();
    assert_eq!(settings.sync_every, Some(Duration::from_mins(1)));
    assert_eq!(check(&[], Some("token")).unwrap().sync_every, None);
}

#[test]
fn every_wrong_setting_is_reported_at_once() {
    let options = [
        "--listen=8080",
        "--graphiql=maybe",
        "--upstream-url=api.cc.email/v3",
        "--upstream-timeout=soon",
        "--rate-per-second=-1",
        "--rate-per-day=many",
        "--request-timeout=0",
        "--max-age=NaN",
        "--store=postgres",
        "--log-format=xml",
        "--metrics=perhaps",
        "--grace=-1",
        "--shutdown-delay=soon",
        "--oauth-url=http://example.com/",
    ];
    insta::assert_snapshot!(problems(&options, Some("two words")), @r#"
    --listen (SENDS_LISTEN): "8080" is not HOST:PORT, such as 127.0.0.1:8080
    --graphiql (SENDS_GRAPHIQL): "maybe" is not true or false
    --request-timeout (SENDS_REQUEST_TIMEOUT): "0" is not a number of seconds from 0.1 to 3600
    --max-age (SENDS_MAX_AGE): "NaN" is not a number of seconds from 0 to 31536000
    --log-format (SENDS_LOG_FORMAT): "xml" is not auto, pretty or json
    --metrics (SENDS_METRICS): "perhaps" is not true or false
    --grace (SENDS_GRACE): "-1" is not a number of seconds from 0 to 3600
    --shutdown-delay (SENDS_SHUTDOWN_DELAY): "soon" is not a number of seconds from 0 to 3600
    --upstream-url (SENDS_UPSTREAM_URL): not a URL such as https://api.cc.email/v3: relative URL without a base
    --upstream-timeout (SENDS_UPSTREAM_TIMEOUT): "soon" is not a number of seconds from 0.1 to 600
    --rate-per-second (SENDS_RATE_PER_SECOND): "-1" is not a number from 0 to 1000000
    --rate-per-day (SENDS_RATE_PER_DAY): "many" is not a number from 0 to 1000000000
    --store (SENDS_STORE): "postgres" is not sqlite or memory
    --oauth-url (SENDS_OAUTH_URL): the OAuth address must begin with https:// (http:// is for this machine only)
    SENDS_ACCESS_TOKEN: the access token is empty or holds a space or a character that cannot stand in an HTTP header
    "#);
}

#[test]
fn graphiql_is_on_unless_it_is_switched_off() {
    let graphiql = |options: &[&str]| check(options, Some("token")).unwrap().graphiql;
    assert!(graphiql(&[]));
    assert!(graphiql(&["--graphiql="]));
    assert!(!graphiql(&["--graphiql", "false"]));
}

#[test]
fn the_sandbox_needs_no_token_and_tolerates_no_second_upstream() {
    assert!(matches!(
        check(&["--sandbox"], None).unwrap().source,
        Source::Sandbox(_)
    ));
    assert!(matches!(
        check(&["--sandbox"], Some("token")).unwrap().source,
        Source::Sandbox(_)
    ));
    assert_eq!(
        check(&["--sandbox", "--upstream-url=http://127.0.0.1:1/v3"], None).unwrap_err(),
        [Problem::TwoUpstreams]
    );
}

#[test]
fn calls_to_the_sandbox_are_paced_only_when_that_is_asked_for_and_counted_always() {
    let limits = |options: &[&str]| {
        let settings = check(&[&["--sandbox"], options].concat(), None).unwrap();
        (
            settings.upstream.limits.rate_per_second,
            settings.upstream.limits.rate_per_day,
        )
    };
    assert_eq!(limits(&[]), (0, 250_000));
    assert_eq!(limits(&["--sandbox-limits"]), (4, 10_000));
    assert_eq!(limits(&["--rate-per-second=2"]), (2, 10_000));
    assert_eq!(limits(&["--sandbox-limits=no", "--rate-per-day=0"]), (0, 0));
    let account = check(&[], Some("token")).unwrap();
    assert_eq!(account.upstream.limits.rate_per_second, 4);
    assert_eq!(account.upstream.limits.rate_per_day, 10_000);
    assert_eq!(
        check(&["--sandbox-limits"], Some("token")).unwrap_err(),
        [Problem::NoSandbox]
    );
}

#[test]
fn it_stays_obvious_whose_token_answers() {
    assert!(matches!(
        check(&["--caller-tokens"], None).unwrap().source,
        Source::CallersAccounts { .. }
    ));
    assert_eq!(
        check(&["--caller-tokens"], Some("token")).unwrap_err(),
        [Problem::TwoModes]
    );
    assert_eq!(
        check(&["--caller-tokens", "--sandbox"], None).unwrap_err(),
        [Problem::SandboxOfCallers]
    );
}

#[test]
fn a_refresh_token_needs_the_application_it_was_issued_to() {
    let variables = || EnvironmentVariables {
        refresh_token: Some(SecretString::from("rt_1")),
        ..EnvironmentVariables::default()
    };
    let folder = std::env::temp_dir().join(format!("sends-settings-{}", std::process::id()));
    let mut serve =
        Arguments::parse_from(["sends-graphql", &format!("--state-dir={}", folder.display())]).serve;
    let problems = Settings::check(&serve, variables()).unwrap_err();
    assert_eq!(problems, [Problem::Environment(InvalidEnvironment::NoClientId)]);
    serve.account.client_id = Some("an application".into());
    Settings::check(&serve, variables()).unwrap();
}

#[test]
fn no_setting_prints_a_secret() {
    let printed = format!("{:?}", check(&[], Some("hush-hush")));
    assert!(!printed.contains("hush"), "{printed}");
}
