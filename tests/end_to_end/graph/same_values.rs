//! An object has the same values on every path of the schema that leads to it.

use std::collections::{BTreeMap, BTreeSet};

use sends_end_to_end::{SandboxProcess, ServiceProcess, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Types with a global id.
const NODES: [&str; 5] = ["Campaign", "CampaignActivity", "ContactList", "Segment", "Send"];

/// Maximum number of ids per query.
const CHUNK: usize = 10;

const INTROSPECTION: &str = "{ __schema { types { name kind fields { name type { name kind
    ofType { name kind ofType { name kind ofType { name kind } } } } } } } }";

/// The fields of each object type, with the name and kind of their types.
struct Schema(BTreeMap<String, Vec<[String; 3]>>);

impl Schema {
    async fn of(service: &ServiceProcess) -> Self {
        let answer = service.query(INTROSPECTION).await;
        let types = answer["data"]["__schema"]["types"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let fields = |of: &Value| -> Vec<[String; 3]> {
            let fields = of["fields"].as_array().into_iter().flatten();
            let field = |field: &Value| {
                let mut of = &field["type"];
                while !of["ofType"].is_null() {
                    of = &of["ofType"];
                }
                [text(&field["name"]), text(&of["name"]), text(&of["kind"])]
            };
            fields.map(field).collect()
        };
        Self(types.iter().map(|of| (text(&of["name"]), fields(of))).collect())
    }

    /// Selects every field of a type, and `id` of the objects with an id that it leads to.
    fn every_field(&self, of: &str) -> String {
        let selected = self.0[of].iter().map(|[name, of, kind]| match kind.as_str() {
            "SCALAR" | "ENUM" => name.clone(),
            _ if NODES.contains(&of.as_str()) => format!("{name} {{ __typename id }}"),
            _ => format!("{name} {{ {} }}", self.every_field(of)),
        });
        let selected: Vec<String> = selected.collect();
        format!("__typename {}", selected.join(" "))
    }
}

/// The values of each field of each object, with one of the paths that returned them.
#[derive(Default)]
struct Seen(BTreeMap<[String; 3], BTreeMap<String, String>>);

impl Seen {
    fn add(&mut self, path: &str, value: &Value) {
        if let Some(fields) = value.as_object() {
            if let (Some(of), Some(id)) = (fields.get("__typename"), fields.get("id")) {
                for (name, value) in fields {
                    let key = [of, id].map(|text| text.as_str().unwrap().to_owned());
                    let [of, id] = key;
                    let values = self.0.entry([of, id, name.clone()]).or_default();
                    values
                        .entry(plain(value).to_string())
                        .or_insert_with(|| path.to_owned());
                }
            }
            fields
                .iter()
                .for_each(|(name, value)| self.add(&format!("{path}.{name}"), value));
        }
        value
            .as_array()
            .into_iter()
            .flatten()
            .for_each(|item| self.add(path, item));
    }

    fn ids_of(&self, of: &str) -> Vec<String> {
        let ids = self
            .0
            .keys()
            .filter(|[name, ..]| name == of)
            .map(|[_, id, _]| id.clone());
        ids.collect::<BTreeSet<String>>().into_iter().collect()
    }
}

/// The value without the fields of the objects with an id in it.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) if fields.contains_key("id") => fields["id"].clone(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// Adds the result of a query, without the fields that failed.
async fn add(seen: &mut Seen, service: &ServiceProcess, path: &str, query: String) -> Value {
    let mut answer = service.query(&query).await;
    assert!(answer["data"].is_object(), "{answer} {query}");
    let errors = answer["errors"].take();
    for error in errors.as_array().into_iter().flatten() {
        let mut place = &mut answer["data"];
        let mut names = error["path"].as_array().unwrap().iter().peekable();
        while let Some(name) = names.next() {
            match (name.as_str(), place) {
                (Some(name), Value::Object(fields)) if names.peek().is_none() => {
                    fields.remove(name);
                    break;
                }
                (Some(name), Value::Object(fields)) => place = fields.get_mut(name).unwrap(),
                (_, Value::Array(items)) => {
                    let index = usize::try_from(name.as_u64().unwrap()).unwrap();
                    place = &mut items[index];
                }
                // Another error has removed the object.
                _ => break,
            }
        }
    }
    seen.add(path, &answer["data"]);
    answer["data"].take()
}

/// Adds all pages of a connection, whose query has a place for the cursor.
async fn add_pages(
    seen: &mut Seen,
    service: &ServiceProcess,
    connection: &str,
    query: impl Fn(&Value) -> String,
) {
    let mut after = Value::Null;
    loop {
        let data = add(seen, service, connection, query(&after)).await;
        let page = &data[connection]["pageInfo"];
        if page["hasNextPage"] != true {
            return;
        }
        after = page["endCursor"].clone();
    }
}

/// Compares all paths of a service on this sandbox.
async fn compare(sandbox: &SandboxProcess, state: &TempDir) {
    let options = [
        "--state-dir",
        state.path().to_str().unwrap(),
        "--max-upstream-calls",
        "5000",
        "--max-answer-values",
        "1000000",
    ];
    let mut ids = Seen::default();
    {
        let service = ServiceProcess::unpaced_on(sandbox, &options);
        let activities =
            "activities { __typename id sendHistory { __typename id contactLists { __typename id }
            segments { __typename id } } }";
        let listing = format!("{{ campaigns(first: 200) {{ nodes {{ __typename id {activities} }} }} }}");
        add(&mut ids, &service, "campaigns", listing).await;
    }

    // A new process, which does not know the roles of the activities yet.
    let service = ServiceProcess::unpaced_on(sandbox, &options);
    let schema = Schema::of(&service).await;
    let [campaign, activity, list, segment, send] = NODES.map(|of| schema.every_field(of));
    let mut seen = Seen::default();
    for of in NODES {
        for chunk in ids.ids_of(of).chunks(CHUNK) {
            let fields = schema.every_field(of);
            let query = format!(
                "{{ nodes(ids: {}) {{ ... on {of} {{ {fields} }} }} }}",
                json!(chunk)
            );
            add(&mut seen, &service, "node", query).await;
        }
    }
    for chunk in ids.ids_of("CampaignActivity").chunks(CHUNK) {
        let query = format!(
            "{{ campaignActivities(ids: {}) {{ {activity} campaign {{ {campaign} }}
                sendHistory {{ {send} contactLists {{ {list} }} segments {{ {segment} }} }} }} }}",
            json!(chunk)
        );
        add(&mut seen, &service, "campaignActivities", query).await;
    }
    add_pages(&mut seen, &service, "campaigns", |after| {
        format!(
            "{{ campaigns(first: 5, after: {after}) {{ pageInfo {{ hasNextPage endCursor }}
                nodes {{ {campaign} activities {{ {activity} }} }} }} }}"
        )
    })
    .await;
    add_pages(&mut seen, &service, "sends", |after| {
        format!(
            "{{ sends(first: 20, after: {after}) {{ pageInfo {{ hasNextPage endCursor }}
                nodes {{ {send} activity {{ {activity} }} campaign {{ {campaign} }} }} }} }}"
        )
    })
    .await;
    let totals = format!(
        "{{ sendTotals(groupBy: CAMPAIGN) {{ groups {{ campaign {{ {campaign} }} }} }}
            lists: sendTotals(groupBy: CONTACT_LIST) {{ groups {{ contactList {{ {list} }} }} }} }}"
    );
    add(&mut seen, &service, "sendTotals", totals).await;

    let differing = seen.0.iter().filter(|(_, values)| values.len() > 1);
    let differing: Vec<String> = differing
        .map(|(key, values)| format!("{key:?} {values:?}"))
        .collect();
    let text = differing.join("\n");
    assert!(differing.is_empty(), "{} values differ:\n{text}", differing.len());
    for of in NODES {
        assert!(seen.ids_of(of).len() > 1, "{of}");
    }
}

#[tokio::test]
async fn every_path_leads_to_the_same_values() {
    let sandbox = SandboxProcess::unlimited_shop(&["--activities", "20"]);
    let state = tempfile::tempdir().unwrap();
    let (url, folder) = (sandbox.api_url(), state.path().to_str().unwrap());
    let token = [("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN)];
    let sync = ["sync", "--upstream-url", &url, "--state-dir", folder];
    let unlimited = ["--rate-per-second", "0", "--rate-per-day", "0"];
    let synchronised = run(&[&sync[..], &unlimited].concat(), &token);
    assert_eq!(synchronised.status, Some(0), "{}", synchronised.errors);
    compare(&sandbox, &state).await;
}

#[tokio::test]
async fn every_path_leads_to_the_same_values_of_malformed_records() {
    let sandbox = SandboxProcess::unlimited(&["--activities", "10"]);
    compare(&sandbox, &tempfile::tempdir().unwrap()).await;
}
