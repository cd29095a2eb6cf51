//! Compares two upstreams with the same data, one of which sends random variants of its responses. The service must return the
//! same data for both.

use sends_end_to_end::{CommandProcess, Finished, SandboxProcess, ServiceProcess};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const SEEDS: [&str; 3] = ["1", "2", "3"];
/// Number of generated activities in addition to the bookshop's.
const ACTIVITIES: &str = "40";

struct Read {
    sandbox: SandboxProcess,
    state: TempDir,
}

impl Read {
    async fn of(options: &[&str]) -> Self {
        let sandbox = SandboxProcess::unlimited_shop(&[&["--activities", ACTIVITIES], options].concat());
        let read = Self {
            sandbox,
            state: tempfile::tempdir().unwrap(),
        };
        let finished = read.sync().await;
        assert_eq!(finished.status, Some(0), "{options:?}: {finished:?}");
        read
    }

    async fn sync(&self) -> Finished {
        let (url, folder) = (self.sandbox.api_url(), self.state.path().to_str().unwrap());
        let options = ["sync", "--upstream-url", &url, "--state-dir", folder];
        let unlimited = ["--rate-per-second", "0", "--rate-per-day", "0"];
        let token = [("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN)];
        let process = CommandProcess::start(&[&options[..], &unlimited].concat(), &token);
        tokio::task::spawn_blocking(|| process.finish()).await.unwrap()
    }

    /// Returns the log and the objects that its sends refer to, as returned by the service.
    async fn contents(&self) -> Contents {
        let folder = self.state.path().to_str().unwrap();
        let service = ServiceProcess::unpaced_on(&self.sandbox, &["--state-dir", folder]);
        let coverage = "{ sends(first: 1) { totalCount coverage { isComplete } } syncState { unreadableResources { __typename } failure } }";
        let coverage = data(&service, coverage).await;
        let sends = pages(&service, "sends", SENDS).await;
        let mut campaigns = pages(&service, "campaigns", CAMPAIGNS).await;
        for campaign in &mut campaigns {
            // The order of a campaign's activities is irrelevant.
            if let Some(activities) = campaign["activities"].as_array_mut() {
                activities.sort_by_key(|activity| activity["id"].to_string());
            }
        }
        let mut activities = Vec::new();
        let ids = self.sandbox.activities(60).await;
        for ids in ids.chunks(20) {
            let query = format!("{{ campaignActivities(ids: {}) {{ {ACTIVITY} }} }}", json!(ids));
            activities.push(data(&service, &query).await);
        }
        let account = data(&service, "{ account { organizationName timeZone } }").await;
        Contents {
            coverage,
            sends,
            campaigns,
            resources: json!({"activities": activities, "account": account}),
        }
    }
}

struct Contents {
    coverage: Value,
    sends: Vec<Value>,
    campaigns: Vec<Value>,
    resources: Value,
}

const SENDS: &str =
    "id sendId runDate outcome reasonCode sendStatusRaw count contactListIds segmentIds isContradictory
    activity { id } contactLists { listId name isDeleted } segments { segmentId name }";
const CAMPAIGNS: &str = "campaignId name type status createdAt updatedAt activities { id role }";
const ACTIVITY: &str = "id status role subject fromName fromEmail unreadableSendCount
    sendHistory { id sendId runDate outcome reasonCode count }
    stats { sends opens clicks totalOpens totalClicks bounces { total mailboxFull } }";

async fn data(service: &ServiceProcess, query: &str) -> Value {
    let mut response = service.query(query).await;
    assert!(response["errors"].is_null(), "{query}: {}", response["errors"]);
    response["data"].take()
}

async fn pages(service: &ServiceProcess, connection: &str, fields: &str) -> Vec<Value> {
    let (mut nodes, mut after) = (Vec::new(), Value::Null);
    for _ in 0..100 {
        let query = format!(
            "{{ {connection}(first: 30, after: {after}) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let mut page = data(service, &query).await[connection].take();
        nodes.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return nodes;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
    panic!("{connection} does not end after {} nodes", nodes.len());
}

/// Collects the differences between the data of the wild and the tame upstream by path, except values that the wild upstream
/// omitted.
fn differences(path: &str, tame: &Value, wild: &Value, found: &mut Vec<String>) {
    let of_object = |object: &Map<String, Value>, found: &mut Vec<String>| {
        for (name, tame) in object {
            differences(&format!("{path}.{name}"), tame, &wild[name], found);
        }
    };
    match (tame, wild) {
        (Value::Object(object), Value::Object(_)) => of_object(object, found),
        (Value::Array(tame), Value::Array(wild)) if tame.len() == wild.len() => {
            for (index, (tame, wild)) in tame.iter().zip(wild).enumerate() {
                differences(&format!("{path}[{index}]"), tame, wild, found);
            }
        }
        (Value::String(tame), Value::String(wild)) if *tame == wild.replace('\u{fffd}', "") => {}
        (tame, wild) if tame == wild || (is_left_out(wild) && may_be_absent(path)) => {}
        (tame, wild) => found.push(format!("{path}: {tame} became {wild}")),
    }
}

/// Returns whether a value is missing from the upstream's response, which makes a status or role unknown.
fn is_left_out(wild: &Value) -> bool {
    wild.is_null() || wild == "UNKNOWN"
}

/// Returns whether the upstream may omit the last member of the path.
fn may_be_absent(path: &str) -> bool {
    let member = path.rsplit('.').next().unwrap_or_default();
    !matches!(
        member,
        "id" | "sendId"
            | "runDate"
            | "outcome"
            | "reasonCode"
            | "sendStatusRaw"
            | "totalCount"
            | "isComplete"
    )
}

async fn told_of_wild(seed: &str) -> Contents {
    let wild = Read::of(&["--wild", seed]).await;
    assert!(
        wild.sandbox.answered(203).await > 0,
        "--wild {seed} changes nothing"
    );
    wild.contents().await
}

#[tokio::test]
async fn wild_upstream_yields_the_same_data_as_the_tame_one() {
    let tame = async { Read::of(&[]).await.contents().await };
    let [first, second, third] = SEEDS.map(told_of_wild);
    let (tame, first, second, third) = tokio::join!(tame, first, second, third);
    assert_eq!(tame.coverage["sends"]["coverage"]["isComplete"], true);
    assert!(tame.sends.len() > 60 && tame.campaigns.len() > 60);
    for (seed, wild) in SEEDS.into_iter().zip([first, second, third]) {
        let mut found = Vec::new();
        differences("coverage", &tame.coverage, &wild.coverage, &mut found);
        differences("sends", &json!(tame.sends), &json!(wild.sends), &mut found);
        differences(
            "campaigns",
            &json!(tame.campaigns),
            &json!(wild.campaigns),
            &mut found,
        );
        differences("resources", &tame.resources, &wild.resources, &mut found);
        assert!(found.is_empty(), "--wild {seed}: {}", found.join("\n"));
    }
}
