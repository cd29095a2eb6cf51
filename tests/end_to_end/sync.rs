//! Synchronisation of the send log: its cost, the calls left for other work, and the completeness of the result.

mod clocks;
mod costs;
mod interruptions;
mod truth;
mod unreadable;

use std::collections::BTreeMap;

use sends_end_to_end::{CommandProcess, Finished, SandboxProcess, ServiceProcess, http_client};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Account with generated data only, which has no malformed records.
const ACCOUNT: &str = "log";
const TOKEN: &str = "token-of-the-log";

struct Account {
    sandbox: SandboxProcess,
    state: TempDir,
}

impl Account {
    fn new(activities: u32, options: &[&str]) -> Self {
        let (activities, token) = (activities.to_string(), format!("{ACCOUNT}:{TOKEN}"));
        let account = ["--activities", &activities, "--access-token", &token];
        Self {
            sandbox: SandboxProcess::unlimited(&[&account, options].concat()),
            state: tempfile::tempdir().unwrap(),
        }
    }

    fn start_sync(&self, options: &[&str]) -> CommandProcess {
        let (url, folder) = (self.sandbox.api_url(), self.state.path().to_str().unwrap());
        let ours = ["sync", "--upstream-url", &url, "--state-dir", folder];
        let unlimited = ["--rate-per-second", "0", "--rate-per-day", "0"];
        let limits = if options.is_empty() {
            &unlimited[..]
        } else {
            options
        };
        CommandProcess::start(&[&ours, limits].concat(), &[("SENDS_ACCESS_TOKEN", TOKEN)])
    }

    async fn sync(&self, options: &[&str]) -> Finished {
        let process = self.start_sync(options);
        tokio::task::spawn_blocking(|| process.finish()).await.unwrap()
    }

    async fn export(&self, options: &[&str]) -> Finished {
        let ours = ["export", "--state-dir", self.state.path().to_str().unwrap()];
        let process = CommandProcess::start(&[&ours, options].concat(), &[("SENDS_ACCESS_TOKEN", TOKEN)]);
        tokio::task::spawn_blocking(|| process.finish()).await.unwrap()
    }

    async fn complete(&self) {
        let finished = self.sync(&[]).await;
        assert_eq!(finished.status, Some(0), "{finished:?}");
    }

    fn serve(&self, options: &[&str]) -> ServiceProcess {
        let (url, folder) = (self.sandbox.api_url(), self.state.path().to_str().unwrap());
        let ours = ["--upstream-url", &url, "--state-dir", folder];
        ServiceProcess::start(&[&ours, options].concat(), &[("SENDS_ACCESS_TOKEN", TOKEN)])
    }

    async fn change(&self, mut change: Value) -> Value {
        change["account"] = json!(ACCOUNT);
        self.sandbox.control("POST", "sends", &change).await
    }

    /// Moves all times in the state folder that come from this machine's clock, as if the clock had been ahead by `seconds`.
    /// Times from the upstream's clock stay. No process may have the folder open.
    fn shift_local_times(&self, seconds: i64) {
        let state = rusqlite::Connection::open(self.state.path().join("sends.db")).unwrap();
        let statements = format!(
            "UPDATE activity_history SET fetched_at = fetched_at + {seconds}, checksum = NULL;
             UPDATE sync_state SET listed_at = listed_at + {milliseconds},
                reports_read_at = reports_read_at + {milliseconds}, finished_at = finished_at + {milliseconds};
             UPDATE unreadable SET since = since + {milliseconds}, tried_at = tried_at + {milliseconds};",
            milliseconds = 1_000 * seconds,
        );
        state.execute_batch(&statements).unwrap();
    }

    /// Damages the counts of all histories that were sent in the last hour, but leaves their checksums unchanged. No process may
    /// have the folder open.
    fn damage_new_histories(&self) {
        let state = rusqlite::Connection::open(self.state.path().join("sends.db")).unwrap();
        let statement = "UPDATE send SET count = coalesce(count, 0) + 1
            WHERE history IN (SELECT history FROM send WHERE run_date > unixepoch() - 3600)";
        assert!(state.execute(statement, []).unwrap() > 0);
    }

    /// Moves the fetch times of all histories that were sent in the last hour back by `seconds`. No process may have the folder
    /// open.
    fn backdate_new_histories(&self, seconds: i64) {
        let state = rusqlite::Connection::open(self.state.path().join("sends.db")).unwrap();
        let statement = "UPDATE activity_history SET fetched_at = fetched_at - ?1
            WHERE id IN (SELECT history FROM send WHERE run_date > unixepoch() - 3600)";
        assert!(state.execute(statement, [seconds]).unwrap() > 0);
    }

    async fn activities(&self) -> Vec<String> {
        let path = format!("activities?account={ACCOUNT}&limit=100000");
        let response = self.sandbox.control("GET", &path, &Value::Null).await;
        let ids = response["activities"].as_array().unwrap().iter();
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    async fn ask(&self, path: &str) -> Option<Value> {
        let request = http_client()
            .get(format!("{}{path}", self.sandbox.api_url()))
            .bearer_auth(TOKEN);
        let response = request.send().await.unwrap();
        (response.status() == 200).then_some(response.json().await.unwrap())
    }

    async fn campaigns(&self) -> Vec<Value> {
        let mut campaigns = Vec::new();
        let mut path = "/emails?limit=500".to_owned();
        loop {
            let page = self.ask(&path).await.unwrap();
            campaigns.extend(page["campaigns"].as_array().unwrap().iter().cloned());
            assert!(campaigns.len() < 100_000, "the pagination does not end");
            match page["_links"]["next"]["href"].as_str() {
                Some(next) => next.trim_start_matches("/v3").clone_into(&mut path),
                None => return campaigns,
            }
        }
    }

    async fn truth(&self, activities: &[String]) -> Log {
        let mut truth = Log::new();
        for activity in activities {
            let path = format!("/emails/activities/{activity}/send_history");
            let sends = self.ask(&path).await.unwrap_or(json!([]));
            let sends: Vec<Value> = sends.as_array().unwrap().iter().map(of_upstream).collect();
            if !sends.is_empty() {
                truth.insert(activity.clone(), sends);
            }
        }
        truth
    }

    async fn logged(&self) -> Log {
        let service = self.serve(&[]);
        let (mut logged, mut count) = (Log::new(), 0);
        let mut after = Value::Null;
        loop {
            let query = "query ($after: String) { sends(first: 500, after: $after, orderBy: OLDEST_FIRST) {
                nodes { activity { id } sendId runDate count sendStatusRaw reasonCode contactListIds segmentIds }
                pageInfo { hasNextPage endCursor } } }";
            let (_, response) = service
                .post(&json!({ "query": query, "variables": { "after": after } }))
                .await;
            let page = &response["data"]["sends"];
            let nodes = page["nodes"].as_array();
            let nodes = nodes.unwrap_or_else(|| panic!("{response}"));
            count += nodes.len();
            assert!(count < 1_000_000, "the pagination does not end");
            for send in nodes {
                let mut send = send.as_object().unwrap().clone();
                let activity = send.remove("activity").unwrap()["id"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                logged.entry(activity).or_default().push(Value::Object(send));
            }
            if page["pageInfo"]["hasNextPage"] == false {
                return logged;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    async fn sync_state(&self) -> Value {
        let query = "{ syncState { coverage { isComplete unreadableResourceCount } unreadCampaignCount estimatedCallCount \
                     estimatedCompleteAt pausedUntil failure \
                     unreadableResources { campaign { campaignId name } activity { id } firstFailedAt lastTriedAt failure } } }";
        self.serve(&[]).query(query).await["data"]["syncState"].clone()
    }

    async fn assert_logged(&self, activities: &[String]) {
        let (truth, logged) = (self.truth(activities).await, self.logged().await);
        for (activity, sends) in &truth {
            assert_eq!(logged.get(activity), Some(sends), "{activity}");
        }
        let beyond: Vec<&String> = logged.keys().filter(|id| !truth.contains_key(*id)).collect();
        assert!(beyond.is_empty(), "{beyond:?}");
    }
}

/// Sends in the order of their activity's history, by activity.
type Log = BTreeMap<String, Vec<Value>>;

fn of_upstream(send: &Value) -> Value {
    let lists = send.get("contact_list_ids").cloned().unwrap_or(json!([]));
    let segments = send["segment_ids"].as_array().into_iter().flatten();
    json!({
        "sendId": send["send_id"], "runDate": send["run_date"], "count": send["count"],
        "sendStatusRaw": send["send_status"], "reasonCode": send["reason_code"],
        "contactListIds": lists, "segmentIds": segments.map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Counts requests by kind, excluding the first `from` requests.
async fn requests_since(sandbox: &SandboxProcess, from: usize) -> BTreeMap<&'static str, usize> {
    let mut requests = BTreeMap::new();
    for request in sandbox.requests().await.iter().skip(from) {
        let path = request["path"].as_str().unwrap();
        let kind = match path.rsplit('/').next().unwrap() {
            "emails" => "campaigns",
            "email_campaign_summaries" => "summaries",
            "send_history" => "histories",
            _ => "details",
        };
        *requests.entry(kind).or_default() += 1;
    }
    requests
}
