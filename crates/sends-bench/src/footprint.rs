//! Memory, and the time from start to first response.

use std::time::Instant;

use sends_core::SendHistory;
use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};

use crate::{
    Plan,
    load::{Load, Order, Question},
    peer::Peer,
    question::{self, Activity},
    table::{self, Target},
};

pub(crate) async fn measure(plan: &Plan) {
    if plan.wants("footprint: start") {
        start(plan).await;
    }
    if plan.wants("footprint: texts") {
        texts(plan).await;
    }
}

/// Measures the time from the start of the process to its first response, which needs an upstream call, and the memory
/// afterwards.
async fn start(plan: &Plan) {
    let repeats = if plan.brief { 1 } else { 15 };
    let sandbox = SandboxProcess::unlimited(&[]);
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        let started = Instant::now();
        let service = ServiceProcess::unpaced_on(&sandbox, &[]);
        service.activity(GUIDE_ACTIVITY, 60).await;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        memory.push(Peer::service(&service).resident_megabytes());
    }
    let work = "footprint: start";
    table::print(
        work,
        "to the first answer",
        table::median(&times),
        "ms",
        Target::AtMost(60.0),
    );
    table::print(
        work,
        "memory when idle",
        table::median(&memory),
        "MB",
        Target::AtMost(20.0),
    );
}

/// Measures the memory after many distinct documents, and its growth with further documents.
async fn texts(plan: &Plan) {
    let count = if plan.brief { 200 } else { 20_000 };
    let sandbox = SandboxProcess::unlimited(&["--activities", "2000"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--max-age", "86400", "--max-age-settled", "86400"]);
    let mut activities = Vec::new();
    for id in sandbox
        .generated_activities(if plan.brief { 20 } else { 1_000 })
        .await
    {
        let history = SendHistory::from_json(sandbox.history(&id).await.as_bytes()).expect("a history");
        activities.push(Activity { id, history });
    }
    let peer = Peer::service(&service);
    let mut resident = Vec::new();
    for pass in 0..3 {
        let questions = (pass * count..(pass + 1) * count).map(|number| {
            let activity = &activities[number % activities.len()];
            Question {
                body: question::with_unique_text(&activity.id, number).to_string(),
                answer: activity.answer(),
            }
        });
        let load = Load {
            address: peer.address().to_owned(),
            path: "/graphql".to_owned(),
            connections: 32,
            order: Order::Once,
            seconds: 300.0,
            questions: questions.collect(),
        };
        let outcome = load.put().await;
        assert_eq!(outcome.answers, count as u64, "every query received a response");
        resident.push(peer.resident_megabytes());
    }
    let work = "footprint: 20,000 texts, all different, ids written into them";
    table::print(work, "memory", resident[0], "MB", Target::AtMost(60.0));
    table::print(
        work,
        "growth over 40,000 more",
        resident[2] - resident[0],
        "MB",
        Target::None,
    );
}
