//! Login of the service: connecting an account and renewing its token.

mod answers;
mod endings;
mod privileges;
mod refusals;
mod wild_logins;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use sends_end_to_end::{
    CommandProcess, Finished, GUIDE_ACTIVITY, SandboxProcess, ServiceProcess, free_port, http_client, run,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

struct Home {
    sandbox: SandboxProcess,
    state: TempDir,
    message: Vec<Finished>,
}

impl Home {
    fn new(options: &[&str]) -> Self {
        Self {
            sandbox: SandboxProcess::unlimited(&[&["--token-rate-per-second", "0"], options].concat()),
            state: tempfile::tempdir().unwrap(),
            message: Vec::new(),
        }
    }

    fn folder(&self) -> &str {
        self.state.path().to_str().unwrap()
    }

    fn environment(&self) -> Vec<(String, String)> {
        [
            ("SENDS_UPSTREAM_URL", self.sandbox.api_url()),
            ("SENDS_OAUTH_URL", self.sandbox.oauth_url()),
            ("SENDS_CLIENT_ID", "sandbox-public-client".to_owned()),
            ("SENDS_STATE_DIR", self.folder().to_owned()),
            ("SENDS_REDIRECT_PORT", free_port().to_string()),
            ("SENDS_RATE_PER_SECOND", "0".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn start(&self, options: &[&str]) -> CommandProcess {
        CommandProcess::start(options, &borrowed(&self.environment()))
    }

    async fn finish(&mut self, process: CommandProcess) -> &Finished {
        let finished = tokio::task::spawn_blocking(|| process.finish()).await.unwrap();
        self.message.push(finished);
        self.message.last().unwrap()
    }

    async fn run(&mut self, options: &[&str]) -> &Finished {
        let process = self.start(options);
        self.finish(process).await
    }

    /// Logs in by opening the printed URL, as if the program could not open a browser.
    async fn log_in(&mut self) -> &Finished {
        let mut process = self.start(&["login", "--no-browser"]);
        let address = process.line_with("http");
        let page = http_client().get(address.trim()).send().await.unwrap();
        assert!(page.status().is_success(), "{page:?}");
        self.finish(process).await
    }

    fn serve(&self, options: &[&str]) -> ServiceProcess {
        // If no history is cached, every query needs the token.
        let options = [&["--max-age", "0", "--max-age-settled", "0"], options].concat();
        ServiceProcess::start(&options, &borrowed(&self.environment()))
    }

    /// Moves the expiry of the stored access token, and sets its issue to one day before the expiry.
    fn make_expire_in(&self, seconds: i64) {
        let path = self.state.path().join("credential.json");
        let mut stored: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let end = Timestamp::now() + SignedDuration::from_secs(seconds);
        stored["access_token"]["expires_at"] = json!(end.to_string());
        stored["access_token"]["obtained_at"] = json!((end - SignedDuration::from_hours(24)).to_string());
        // The file is overwritten in place, which preserves its permissions. The service detects the change by the length or the
        // modification time.
        std::fs::write(path, serde_json::to_vec(&stored).unwrap()).unwrap();
    }

    async fn token_calls_reach(&self, calls: usize) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.token_calls().await < calls {
            assert!(Instant::now() < deadline, "no refresh was sent");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Delays the responses of the token endpoint after the refresh token has rotated.
    async fn slow_token_responses(&self) {
        let fault =
            json!({ "kind": "slow_body", "path_contains": "/v1/token", "bytes": 100, "delay_ms": 50 });
        self.sandbox.fault(&fault).await;
    }

    async fn can_be_renewed(&mut self) -> bool {
        self.sandbox.control("DELETE", "faults", &Value::Null).await;
        self.make_expire_in(-10);
        let before = self.token_calls().await;
        let read = self.run(&["history", "--max-age", "0", GUIDE_ACTIVITY]).await;
        let worked = read.status == Some(0);
        worked && self.token_calls().await == before + 1
    }

    async fn api_calls(&self) -> usize {
        let is_api = |request: &&Value| {
            request["path"]
                .as_str()
                .is_some_and(|path| path.starts_with("/v3/"))
        };
        self.sandbox.requests().await.iter().filter(is_api).count()
    }

    async fn token_calls(&self) -> usize {
        let is_token = |request: &&Value| {
            request["path"]
                .as_str()
                .is_some_and(|path| path.ends_with("/token"))
        };
        self.sandbox.requests().await.iter().filter(is_token).count()
    }
}

fn borrowed(environment: &[(String, String)]) -> Vec<(&str, &str)> {
    environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

async fn works(service: &ServiceProcess) -> bool {
    let response = service.activity(GUIDE_ACTIVITY, 0).await;
    response["data"]["campaignActivity"]["isStale"] == false
}

async fn code(service: &ServiceProcess) -> Value {
    let response = service.activity(GUIDE_ACTIVITY, 0).await;
    response["errors"][0]["extensions"]["code"].clone()
}

#[tokio::test]
async fn browser_login_is_shown_by_status_and_ended_by_logout() {
    let mut home = Home::new(&[]);
    let logged_out = home.run(&["status"]).await;
    assert_eq!(logged_out.status, Some(0), "{logged_out:?}");
    assert!(
        logged_out.output.contains("account        none; connect one"),
        "{logged_out:?}"
    );
    assert_eq!(
        std::fs::read_dir(home.state.path()).unwrap().count(),
        0,
        "the status command creates no files"
    );

    let login = home.log_in().await;
    assert_eq!(login.status, Some(0), "{login:?}");
    insta::assert_snapshot!(login.output.split_once("\n\n  http").unwrap().0, @"Open this URL in a browser on this machine, and allow the access:");
    insta::assert_snapshot!(login.output.lines().skip(4).collect::<Vec<_>>().join("\n"), @"Connected: The Lantern Bookshop (main).");

    let service = home.serve(&[]);
    assert!(works(&service).await);
    let calls_today = 3;
    let folder = home.folder().to_owned();
    let status = home.run(&["status"]).await;
    assert_eq!(status.status, Some(0), "{status:?}");
    let shown = status.output.replace(&folder, "[state]");
    assert!(
        shown.contains(&format!("calls today    {calls_today} of 10000")),
        "{shown}"
    );
    let stable: Vec<&str> = shown
        .lines()
        .filter(|line| !line.contains(" token ") && !line.starts_with("store"))
        .collect();
    insta::assert_snapshot!(stable.join("\n"), @"
    state folder   [state]
    account        The Lantern Bookshop (main), from a login
    application    sandbox-public-client
    scopes         campaign_data contact_data account_read offline_access
    calls today    3 of 10000; 9997 left until 00:00 UTC
    ");

    let logout = home.run(&["logout"]).await;
    assert_eq!(logout.status, Some(0), "{logout:?}");
    sleep(Duration::from_millis(1_100)).await;
    assert_eq!(code(&service).await, "LOGIN_REQUIRED");
    let logged_out = home.run(&["status"]).await;
    assert!(
        logged_out.output.contains("account        none; connect one"),
        "{logged_out:?}"
    );
    for message in &home.message {
        let message = format!("{message:?}{}", service.log());
        for secret in ["rt_", "eyJ", "code_verifier"] {
            assert!(!message.contains(secret), "{secret} in {message}");
        }
    }
}

#[tokio::test]
async fn machine_without_a_browser_logs_in_with_another_device() {
    let mut home = Home::new(&["--device-approves-after", "1", "--device-interval", "1"]);
    let login = home.run(&["login", "--device"]).await;
    assert_eq!(login.status, Some(0), "{login:?}");
    assert!(login.output.contains("and enter the code"), "{login:?}");
    assert!(login.output.contains("Connected: "), "{login:?}");
    assert!(works(&home.serve(&[])).await);
}

#[tokio::test]
async fn rejected_application_is_reported_with_the_options_to_check() {
    let mut home = Home::new(&["--client", "shop:its-secret"]);
    for (secret, hint) in [
        (
            None,
            Some("set SENDS_CLIENT_SECRET if the application has a client secret"),
        ),
        (Some("wrong"), Some("check --client-id and SENDS_CLIENT_SECRET")),
        (Some("its-secret"), None),
    ] {
        let home_variables = home.environment();
        let mut environment = borrowed(&home_variables);
        environment.push(("SENDS_CLIENT_ID", "shop"));
        environment.extend(secret.map(|secret| ("SENDS_CLIENT_SECRET", secret)));
        let mut process = CommandProcess::start(&["login", "--no-browser"], &environment);
        let address = process.line_with("http");
        http_client().get(address.trim()).send().await.unwrap();
        let login = home.finish(process).await;
        assert_eq!(login.status, Some(i32::from(hint.is_some())), "{login:?}");
        assert!(!login.errors.contains("its-secret"), "{login:?}");
        if let Some(hint) = hint {
            assert!(login.errors.contains("invalid_client"), "{login:?}");
            assert!(login.errors.contains(hint), "{login:?}");
        }
    }
}

#[tokio::test]
async fn login_reports_failed_account_and_privilege_requests() {
    let mut home = Home::new(&[]);
    home.sandbox
        .fault(&json!({ "kind": "status", "status": 403, "path_contains": "/account/summary" }))
        .await;
    let login = home.log_in().await;
    assert_eq!(login.status, Some(0), "{login:?}");
    assert!(
        login
            .output
            .contains("Connected. The account's name is not available."),
        "{login:?}"
    );
    home.sandbox
        .fault(&json!({ "kind": "status", "status": 503, "path_contains": "/privileges" }))
        .await;
    let login = home.log_in().await;
    assert_eq!(login.status, Some(1), "{login:?}");
    assert!(login.errors.contains("the login is stored, but"), "{login:?}");
}

#[tokio::test]
async fn token_is_renewed_before_expiry_and_after_revocation() {
    let mut home = Home::new(&["--expires-in", "3"]);
    home.log_in().await;
    let service = home.serve(&[]);
    let started = Instant::now();
    let mut requested = 0;
    while started.elapsed() < Duration::from_secs(8) {
        assert!(works(&service).await, "{}", service.log());
        requested += 1;
        sleep(Duration::from_millis(100)).await;
    }
    let renewals = home.token_calls().await - 1;
    assert!(
        (2..=9).contains(&renewals),
        "{renewals} renewals for {requested} queries"
    );
    // The client ignores a lifetime below a minute, so an expired token is detected by one rejected call and its probe.
    let refused = home.sandbox.answered(401).await;
    assert!(
        refused <= 2 * u64::try_from(renewals).unwrap(),
        "{refused}, {renewals}"
    );

    // A token that the upstream no longer accepts is renewed once, regardless of the number of rejected calls.
    home.sandbox.configure(&json!({ "expires_in": 86_400 })).await;
    sleep(Duration::from_secs(4)).await;
    assert!(works(&service).await);
    let (before, refused) = (home.token_calls().await, home.sandbox.answered(401).await);
    home.make_expire_in(200);
    assert!(works(&service).await);
    home.token_calls_reach(before + 1).await;
    assert!(works(&service).await);
    assert_eq!(
        home.sandbox.answered(401).await,
        refused,
        "the token was renewed before it expired"
    );

    let before = home.token_calls().await;
    home.sandbox
        .control("POST", "tokens/revoke", &json!({ "kind": "access" }))
        .await;
    let activities = home.sandbox.activities(20).await;
    let response = service.summaries(&activities, 0).await;
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(home.token_calls().await, before + 1);
}

#[tokio::test]
async fn rejected_login_is_reported_everywhere_and_a_new_login_needs_no_restart() {
    let mut home = Home::new(&[]);
    home.log_in().await;
    let service = home.serve(&[]);
    assert!(works(&service).await);
    home.sandbox.control("POST", "tokens/revoke", &json!({})).await;
    let refused = home.token_calls().await;
    for _ in 0..5 {
        assert_eq!(code(&service).await, "LOGIN_REQUIRED");
    }
    assert_eq!(
        home.token_calls().await,
        refused + 1,
        "a rejected token is sent once"
    );
    let log = service.log();
    assert_eq!(log.matches("log in again").count(), 1, "{log}");
    let status = home.run(&["status"]).await;
    assert!(status.output.contains("LOG IN AGAIN"), "{status:?}");

    home.log_in().await;
    assert!(works(&service).await, "{}", service.log());
}

#[tokio::test]
async fn two_services_on_one_login_share_its_renewals() {
    let mut home = Home::new(&["--expires-in", "3"]);
    home.log_in().await;
    let services = [home.serve(&[]), home.serve(&[])];
    let before = home.token_calls().await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(7) {
        let answers = join_all(services.iter().map(works)).await;
        assert_eq!(
            answers,
            [true, true],
            "{}{}",
            services[0].log(),
            services[1].log()
        );
        sleep(Duration::from_millis(50)).await;
    }
    let renewals = home.token_calls().await - before;
    assert!((2..=8).contains(&renewals), "{renewals}");
    let refusals = home.sandbox.answered(400).await;
    assert_eq!(refusals, 0, "a refresh token was used twice");
}

#[tokio::test]
async fn refresh_token_in_the_environment_suffices_and_its_rotations_outlive_the_process() {
    let home = Home::new(&["--expires-in", "3"]);
    let requested = json!({ "client_id": "sandbox-public-client" });
    let issued = home.sandbox.control("POST", "tokens", &requested).await;
    let mut environment = home.environment();
    let token = issued["refresh_token"].as_str().unwrap();
    environment.push(("SENDS_REFRESH_TOKEN".to_owned(), token.to_owned()));
    for _ in 0..3 {
        // Every start passes the first token, which the first start has already used.
        let service = ServiceProcess::start(&["--max-age", "0"], &borrowed(&environment));
        assert!(works(&service).await, "{}", service.log());
        sleep(Duration::from_millis(1_500)).await;
        assert!(works(&service).await, "{}", service.log());
        assert!(!service.log().contains(token));
    }
    let status = run(&["status"], &borrowed(&environment));
    assert!(status.output.contains("the environment"), "{status:?}");
    assert!(!status.output.contains(token), "{status:?}");
}

#[tokio::test]
async fn random_kills_lose_neither_the_login_nor_the_store_nor_the_daily_count() {
    // A step that is coprime to the range distributes the kills over the lifetime of a process and needs no random numbers.
    let mut home = Home::new(&["--expires-in", "1"]);
    home.log_in().await;
    let activities = home.sandbox.activities(60).await;
    let started = Instant::now();
    let (mut kills, mut lost) = (0_u32, 0);
    // The kills may need more calls than the default daily limit.
    let options = ["--rate-per-day", "1000000"];
    while started.elapsed() < Duration::from_secs(15) {
        let service = home.serve(&options);
        let life = Duration::from_millis(u64::from(kills * 37 % 331));
        let storm = async {
            loop {
                let response = service.summaries(&activities, 0).await;
                let codes = response["errors"].as_array().cloned().unwrap_or_default();
                if codes
                    .iter()
                    .any(|error| error["extensions"]["code"] == "LOGIN_REQUIRED")
                {
                    return;
                }
            }
        };
        let ended = tokio::time::timeout(life, storm).await;
        let log = service.log();
        drop(service);
        kills += 1;
        if ended.is_ok() {
            // The previous kill fell between the upstream's rotation and the write to disk. The service detects and reports this
            // loss.
            assert!(
                log.contains("log in again") && log.contains("was lost before it was stored"),
                "{log}"
            );
            lost += 1;
            home.log_in().await;
        }
    }
    let requested = home.sandbox.history_requests().await;
    let rotations = home.token_calls().await;
    let service = home.serve(&options);
    let budget = service.query("{ upstreamBudget { usedToday } }").await;
    let counted = usize::try_from(budget["data"]["upstreamBudget"]["usedToday"].as_u64().unwrap()).unwrap();
    eprintln!(
        "{kills} kills, {rotations} rotations, {lost} logins lost and detected; {requested} calls, {counted} counted"
    );
    assert!(lost * 4 <= kills, "{lost} of {kills}");
    // The count loses at most the calls in flight at each kill, which are a batch of sixty.
    assert!(
        counted + 60 * usize::try_from(kills).unwrap() >= requested,
        "{counted} of {requested}"
    );
    if code(&service).await == "LOGIN_REQUIRED" {
        home.log_in().await;
    }
    assert!(works(&service).await, "{}", service.log());
    let integrity = run(&["status"], &borrowed(&home.environment()));
    assert_eq!(integrity.status, Some(0), "{integrity:?}");
}
