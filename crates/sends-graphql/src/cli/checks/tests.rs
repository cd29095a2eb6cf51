use secrecy::SecretString;
use sends_credentials::InvalidEnvironment;

use super::*;
use crate::cli::{self, Parsed};

fn parse(options: &[&str]) -> Parsed {
    let folder = std::env::temp_dir().join(format!("sends-config-{}", std::process::id()));
    let state = format!("--state-dir={}", folder.display());
    cli::parse(["sends-graphql", &state].iter().chain(options))
}

fn serve(options: &[&str]) -> ServeOptions {
    let parsed = parse(options);
    assert_eq!(parsed.problems, []);
    parsed.arguments.unwrap().serve
}

fn token(token: Option<&str>) -> EnvironmentVariables {
    EnvironmentVariables {
        access_token: token.map(SecretString::from),
        ..EnvironmentVariables::default()
    }
}

fn check(options: &[&str], access_token: Option<&str>) -> Result<Config, Vec<Problem>> {
    Config::of_serve(&serve(options), token(access_token))
}

#[test]
fn sync_interval_is_rejected_with_caller_tokens() {
    assert_eq!(
        check(&["--caller-tokens", "--sync-every=60"], None).unwrap_err(),
        [Problem::SyncOfCallers]
    );
    check(&["--sync-every=60"], Some("token")).unwrap();
}

#[test]
fn invalid_values_and_combinations_are_reported_together() {
    let options = [
        "--listen=8080",
        "--graphiql=maybe",
        "--upstream-url=api.cc.email/v3",
        "--upstream-timeout=soon",
        "--rate-per-second=-1",
        "--rate-per-day=many",
        "--request-timeout=0",
        "--max-age=NaN",
        "--sync-every=often",
        "--store=postgres",
        "--log-format=xml",
        "--grace=-1",
        "--oauth-url=http://example.com/",
        "--body-limit=1GiB",
        "--max-query-depth=deep",
        "--allowed-host=example.com:80",
        "--api-key-file=/nowhere/keys",
        "--max-connections",
    ];
    let Parsed {
        arguments,
        mut problems,
    } = parse(&options);
    let command = arguments.unwrap().into_command();
    problems.extend(super::problems(&command, token(Some("two words"))));
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    --listen (SENDS_LISTEN): "8080" is not HOST:PORT, such as 127.0.0.1:8080
    --graphiql (SENDS_GRAPHIQL): "maybe" is not true or false
    --upstream-url (SENDS_UPSTREAM_URL): not a URL such as https://api.cc.email/v3: relative URL without a base
    --upstream-timeout (SENDS_UPSTREAM_TIMEOUT): "soon" is not a duration from 100ms to 10m, such as 20, 20s or 5m
    --rate-per-second (SENDS_RATE_PER_SECOND): "-1" is not a number from 0 to 1000000
    --rate-per-day (SENDS_RATE_PER_DAY): "many" is not a number from 0 to 1000000000
    --request-timeout (SENDS_REQUEST_TIMEOUT): "0" is not a duration from 100ms to 1h, such as 20, 20s or 5m
    --max-age (SENDS_MAX_AGE): "NaN" is not a duration from 0s to 8760h, such as 20, 20s or 5m
    --sync-every (SENDS_SYNC_EVERY): "often" is not a duration from 1s to 24h, such as 20, 20s or 5m, or off
    --store (SENDS_STORE): "postgres" is not one of sqlite, memory
    --log-format (SENDS_LOG_FORMAT): "xml" is not one of auto, pretty, json
    --grace (SENDS_GRACE): "-1" is not a duration from 0s to 1h, such as 20, 20s or 5m
    --oauth-url (SENDS_OAUTH_URL): the OAuth address must start with https:// (http:// is allowed only for this machine)
    --body-limit (SENDS_BODY_LIMIT): "1GiB" is not a number of bytes from 1 B to 64.0 MiB, such as 1048576 or 1MiB
    --max-query-depth (SENDS_MAX_QUERY_DEPTH): "deep" is not a number from 0 to 1000000000
    --allowed-host (SENDS_ALLOWED_HOST): "example.com:80" is not a name such as sends.example.com, without a port
    --api-key-file (SENDS_API_KEY_FILE): cannot read /nowhere/keys: No such file or directory (os error 2)
    --max-connections (SENDS_MAX_CONNECTIONS): a value is missing
    SENDS_ACCESS_TOKEN: the access token is empty or contains a character that is invalid in an HTTP header
    "#);
}

#[test]
fn sandbox_needs_no_token_and_rejects_an_upstream_url() {
    for access_token in [None, Some("token")] {
        assert!(matches!(
            check(&["--sandbox"], access_token).unwrap().source,
            Source::Sandbox(_)
        ));
    }
    assert_eq!(
        check(&["--sandbox", "--upstream-url=http://127.0.0.1:1/v3"], None).unwrap_err(),
        [Problem::TwoUpstreams]
    );
}

#[test]
fn sandbox_calls_are_always_counted_and_paced_on_request() {
    let limits = |options: &[&str]| {
        let config = check(&[&["--sandbox"], options].concat(), None).unwrap();
        let limits = config.upstream.limits;
        (limits.rate_per_second, limits.rate_per_day)
    };
    assert_eq!(limits(&[]), (0, 250_000));
    assert_eq!(limits(&["--sandbox-limits"]), (4, 10_000));
    assert_eq!(limits(&["--rate-per-second=2"]), (2, 10_000));
    assert_eq!(limits(&["--rate-per-day=0"]), (0, 0));
    let account = check(&[], Some("token")).unwrap();
    assert_eq!(account.upstream.limits.rate_per_second, 4);
    assert_eq!(account.upstream.limits.rate_per_day, 10_000);
    assert_eq!(
        check(&["--sandbox-limits"], Some("token")).unwrap_err(),
        [Problem::NoSandbox]
    );
}

#[test]
fn conflicting_token_sources_are_rejected() {
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
fn public_address_requires_api_keys_or_an_authenticating_proxy() {
    let open = |options: &[&str]| check(&[&["--listen=0.0.0.0:80"], options].concat(), Some("token"));
    let expected = Problem::Unprotected("0.0.0.0:80".parse().unwrap());
    assert_eq!(open(&[]).unwrap_err(), [expected]);
    open(&["--behind-authenticating-proxy"]).unwrap();
}

#[test]
fn refresh_token_requires_a_client_id() {
    let variables = || EnvironmentVariables {
        refresh_token: Some(SecretString::from("rt_1")),
        ..EnvironmentVariables::default()
    };
    let problems = Config::of_serve(&serve(&[]), variables()).unwrap_err();
    assert_eq!(problems, [Problem::Environment(InvalidEnvironment::NoClientId)]);
    Config::of_serve(&serve(&["--client-id=an application"]), variables()).unwrap();
}

#[test]
fn debug_output_contains_no_secret() {
    let printed = format!("{:?}", check(&[], Some("hush-hush")));
    assert!(!printed.contains("hush"), "{printed}");
}
