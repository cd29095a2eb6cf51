//! Responses from memory: one repeated query, random ids, and documents that never repeat.

use sends_core::SendHistory;
use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use crate::{
    Plan, baseline,
    load::{Load, Order, Outcome, Question},
    peer::Peer,
    question::{self, Activity},
    table::{self, Target},
};

const SENDS: usize = 10;

struct Stage {
    sandbox: SandboxProcess,
    service: ServiceProcess,
    uncached: ServiceProcess,
}

#[derive(Default)]
struct Rounds {
    per_second: Vec<f64>,
    /// Microseconds of processor time per response.
    processor: Vec<f64>,
    median: Vec<f64>,
    p99: Vec<f64>,
}

impl Stage {
    fn start() -> Self {
        let sandbox = SandboxProcess::unlimited(&["--activities", "12000"]);
        // Only reads from memory are measured, so nothing may expire during the run.
        let aged = ["--max-age", "86400", "--max-age-settled", "86400"];
        let service = ServiceProcess::unpaced_on(&sandbox, &aged);
        let uncached = ServiceProcess::unpaced_on(&sandbox, &[&aged[..], &["--answer-cache", "0"]].concat());
        Self {
            sandbox,
            service,
            uncached,
        }
    }

    async fn long_activity(&self) -> Activity {
        let made = json!({ "operation": "create_campaign", "name": "Measured" });
        let made = self.sandbox.control("POST", "sends", &made).await;
        let id = made["activity_id"].as_str().expect("an id").to_owned();
        for _ in 0..SENDS {
            let send = json!({ "operation": "append_send", "activity_id": id });
            self.sandbox.control("POST", "sends", &send).await;
        }
        self.activity(id).await
    }

    async fn activity(&self, id: String) -> Activity {
        let history = self.sandbox.history(&id).await;
        Activity {
            history: SendHistory::from_json(history.as_bytes()).expect("a history"),
            id,
        }
    }

    /// Returns `count` generated activities, whose histories are then in the memory of both services.
    async fn many(&self, count: usize) -> Vec<Activity> {
        let mut activities = Vec::with_capacity(count);
        for id in self.sandbox.generated_activities(count).await {
            activities.push(self.activity(id).await);
        }
        let ids: Vec<&str> = activities.iter().map(|activity| activity.id.as_str()).collect();
        for ids in ids.chunks(250) {
            let query = format!(
                "{{ campaignActivities(ids: {}) {{ sendSummary {{ attemptCount }} }} }}",
                json!(ids)
            );
            for service in [&self.service, &self.uncached] {
                let answer = service.query(&query).await;
                assert!(answer["errors"].is_null(), "{answer}");
            }
        }
        activities
    }
}

pub(crate) async fn measure(plan: &Plan) {
    if !["warm: one", "warm: ids", "warm: texts"]
        .iter()
        .any(|name| plan.wants(name))
    {
        return;
    }
    let stage = Stage::start();
    let long = stage.long_activity().await;
    let services = [&stage.service, &stage.uncached].map(Peer::service);

    if plan.wants("warm: one") {
        one_question(plan, &services, &long).await;
    }
    if plan.wants("warm: ids") || plan.wants("warm: texts") {
        let count = if plan.brief { 200 } else { 10_000 };
        let many = stage.many(count).await;
        let calls_before = stage.sandbox.history_requests().await;
        if plan.wants("warm: ids") {
            random_ids(plan, &services, &long, &many).await;
        }
        if plan.wants("warm: texts") {
            different_texts(plan, &services, &many).await;
        }
        let calls = stage.sandbox.history_requests().await - calls_before;
        assert!(calls <= 2, "{calls} calls for data in memory");
    }
}

async fn one_question(plan: &Plan, [service, uncached]: &[Peer; 2], activity: &Activity) {
    let question = Question {
        body: question::with_variable(&activity.id).to_string(),
        answer: activity.answer(),
    };
    let fixed = static_peer(activity);
    let library = library_peer(std::slice::from_ref(activity));
    for connections in [32, 64] {
        let work = format!("warm: one activity, same query, {connections} connections");
        let ask = |_: usize| (Order::Around, vec![question.clone()]);
        let servers = [service, &fixed, &library, &fixed, uncached];
        let rounds = rounds(plan, connections, &servers, ask).await;
        let [sends, fixed, library, again, executed] = &rounds[..] else {
            unreachable!("five servers are measured")
        };
        print_rate(
            &work,
            sends,
            fixed,
            library,
            Target::AtLeast(0.80),
            Target::AtLeast(1.6),
        );
        print_rate(
            &format!("{work}, without the response cache"),
            executed,
            fixed,
            library,
            Target::None,
            Target::AtLeast(1.0),
        );
        table::print(
            &work,
            "processor time, × static axum",
            table::ratio(&sends.processor, &fixed.processor),
            "",
            Target::AtMost(1.35),
        );
        table::print(
            &work,
            "p99, × static axum",
            table::ratio(&sends.p99, &fixed.p99),
            "",
            Target::AtMost(2.0),
        );
        let noise: Vec<f64> = [&fixed.per_second[..], &again.per_second[..]].concat();
        table::print(
            &work,
            "noise: static axum next to itself",
            table::spread(&noise) * 100.0,
            "%",
            Target::None,
        );
    }
}

async fn random_ids(plan: &Plan, [service, uncached]: &[Peer; 2], long: &Activity, many: &[Activity]) {
    let questions: Vec<Question> = many
        .iter()
        .map(|activity| Question {
            body: question::with_variable(&activity.id).to_string(),
            answer: activity.answer(),
        })
        .collect();
    // The response of the static server has a typical size.
    let typical = many
        .iter()
        .max_by_key(|activity| activity.history.len().min(3))
        .unwrap_or(long);
    let fixed = static_peer(typical);
    let library = library_peer(many);
    let of_static = Question {
        body: questions[0].body.clone(),
        answer: typical.answer(),
    };
    let ask = |server: usize| match server {
        1 => (Order::Around, vec![of_static.clone()]),
        _ => (Order::Random, questions.clone()),
    };
    // The first reads of each id are not measured.
    for _ in 0..3 {
        let load = Load {
            address: service.address().to_owned(),
            path: "/graphql".to_owned(),
            connections: 64,
            order: Order::Once,
            seconds: 60.0,
            questions: questions.clone(),
        };
        load.put().await;
    }
    let rounds = rounds(plan, 64, &[service, &fixed, &library, uncached], ask).await;
    let [sends, fixed, library, executed] = &rounds[..] else {
        unreachable!("four servers are measured")
    };
    let work = format!("warm: ids at random from {}, 64 connections", many.len());
    print_rate(&work, sends, fixed, library, Target::AtLeast(0.55), Target::None);
    print_rate(
        &format!("{work}, without the response cache"),
        executed,
        fixed,
        library,
        Target::None,
        Target::AtLeast(1.0),
    );
}

/// Function that builds the request body for an activity and a number that is unique among the requests.
type Body = fn(&str, usize) -> Value;

async fn different_texts(plan: &Plan, [service, uncached]: &[Peer; 2], many: &[Activity]) {
    let library = library_peer(many);
    let texts = if plan.brief { 400 } else { 40_000 };
    let kinds: [(&str, Body); 2] = [
        ("texts that differ in their ids", question::in_text),
        ("no document twice", question::with_unique_text),
    ];
    for (kind, body) in kinds {
        let mut begin = 0;
        let ask = |_: usize| {
            begin += texts;
            let questions = (begin..begin + texts).map(|number| {
                let activity = &many[number % many.len()];
                Question {
                    body: body(&activity.id, number).to_string(),
                    answer: activity.answer(),
                }
            });
            (Order::Once, questions.collect())
        };
        let rounds = rounds(plan, 64, &[service, &library, uncached], ask).await;
        let [sends, library, executed] = &rounds[..] else {
            unreachable!("three servers are measured")
        };
        let work = format!("warm: {kind}, 64 connections");
        for (work, sends, target) in [
            (work.clone(), sends, Target::AtLeast(1.0)),
            (
                format!("{work}, without the response cache"),
                executed,
                Target::None,
            ),
        ] {
            table::print(
                &work,
                "answers/s",
                table::median(&sends.per_second),
                "",
                Target::None,
            );
            let ratio = table::ratio(&sends.per_second, &library.per_second);
            table::print(&work, "× the library with default settings", ratio, "", target);
            let tail = table::ratio(&sends.p99, &sends.median);
            table::print(&work, "p99, × its median", tail, "", Target::AtMost(3.0));
        }
    }
}

fn static_peer(activity: &Activity) -> Peer {
    Peer::start("static", format!("{}}}", activity.answer()).as_bytes())
}

fn library_peer(activities: &[Activity]) -> Peer {
    let histories = activities
        .iter()
        .map(|activity| (activity.id.as_str(), &activity.history));
    Peer::start("library", &baseline::description(histories))
}

/// Measures the servers one after the other in every round. Before the first round, each server is loaded for a short time, so
/// that none starts cold.
async fn rounds(
    plan: &Plan,
    connections: usize,
    servers: &[&Peer],
    mut questions: impl FnMut(usize) -> (Order, Vec<Question>),
) -> Vec<Rounds> {
    let mut results: Vec<Rounds> = servers.iter().map(|_| Rounds::default()).collect();
    for round in 0..=plan.rounds {
        for (place, server) in servers.iter().enumerate() {
            let (order, questions) = questions(place);
            let warming_up = round == 0;
            let load = Load {
                address: server.address().to_owned(),
                path: "/graphql".to_owned(),
                connections,
                order,
                seconds: if warming_up {
                    plan.seconds / 3.0
                } else {
                    plan.seconds
                },
                questions,
            };
            let processor = server.processor_seconds();
            let outcome: Outcome = load.put().await;
            if warming_up {
                continue;
            }
            let processor = server.processor_seconds() - processor;
            let result = &mut results[place];
            result.per_second.push(outcome.per_second());
            #[expect(clippy::cast_precision_loss, reason = "no run is so long")]
            {
                result.processor.push(processor * 1e6 / outcome.answers as f64);
                result.median.push(outcome.median as f64);
                result.p99.push(outcome.p99 as f64);
            }
        }
    }
    results
}

fn print_rate(
    work: &str,
    sends: &Rounds,
    fixed: &Rounds,
    library: &Rounds,
    target: Target,
    to_library: Target,
) {
    table::print(
        work,
        "answers/s",
        table::median(&sends.per_second),
        "",
        Target::None,
    );
    table::print(
        work,
        "× static axum",
        table::ratio(&sends.per_second, &fixed.per_second),
        "",
        target,
    );
    table::print(
        work,
        "× the library with default settings",
        table::ratio(&sends.per_second, &library.per_second),
        "",
        to_library,
    );
    table::print(
        work,
        "processor time for one answer",
        table::median(&sends.processor),
        "µs",
        Target::None,
    );
}
