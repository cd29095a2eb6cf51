//! Reference servers.
//!
//! *Static* is an axum handler that reads the request body and returns the same JSON from memory. Its throughput is the upper
//! bound of HTTP on this machine. *Library* is async-graphql and async-graphql-axum with default settings and with the same
//! fields over data in memory, without limits, guard, freshness or upstream. *Relay* is an axum handler that calls the upstream
//! with reqwest for each request, and forwards the response. Its delay is the lower bound of the time that a service adds.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, EmptyMutation, EmptySubscription, ID, Object, Schema};
use async_graphql_axum::GraphQL;
use axum::{
    Router,
    body::Bytes,
    extract::Request,
    http::header::CONTENT_TYPE,
    routing::{post, post_service},
};
use sends_core::{SendAttempt, SendHistory};
use sends_end_to_end::SandboxProcess;
use serde_json::Value;
use tokio::net::TcpListener;

/// Serves the content of standard input as every response.
pub(crate) async fn serve_static() {
    let answer = std::io::read_to_string(std::io::stdin()).expect("standard input has a response");
    let answer = Bytes::from(answer);
    let handler = move |_: Bytes| async move { ([(CONTENT_TYPE, "application/json")], answer) };
    serve(Router::new().route("/graphql", post(handler))).await;
}

pub(crate) async fn serve_relay() {
    let upstream = std::io::read_to_string(std::io::stdin()).expect("standard input has a URL");
    let http = sends_end_to_end::http_client();
    let handler = move |request: Request| async move {
        let target = format!("{upstream}{}", request.uri().path());
        let response = http
            .get(target)
            .bearer_auth(SandboxProcess::ACCESS_TOKEN)
            .send()
            .await;
        let answer = response.expect("the upstream responds").bytes().await;
        (
            [(CONTENT_TYPE, "application/json")],
            answer.expect("the body is complete"),
        )
    };
    serve(Router::new().fallback(handler)).await;
}

pub(crate) async fn serve_library() {
    let histories: HashMap<String, SendHistory> =
        serde_json::from_reader(std::io::stdin()).expect("histories");
    let histories: Histories = histories
        .into_iter()
        .map(|(id, history)| (id, Arc::new(history)))
        .collect();
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
        .data(histories)
        .finish();
    serve(Router::new().route("/graphql", post_service(GraphQL::new(schema)))).await;
}

#[expect(clippy::print_stdout, reason = "the harness reads the address")]
pub(crate) async fn serve(router: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("http://{}", listener.local_addr().expect("an address"));
    axum::serve(listener, router).await.expect("it serves");
}

type Histories = HashMap<String, Arc<SendHistory>>;

struct Query;

#[Object]
impl Query {
    async fn campaign_activity(&self, context: &Context<'_>, id: ID) -> Option<Activity> {
        let history = context.data_unchecked::<Histories>().get(id.as_str())?;
        Some(Activity {
            id,
            history: Arc::clone(history),
        })
    }
}

struct Activity {
    id: ID,
    history: Arc<SendHistory>,
}

#[Object(name = "CampaignActivity")]
impl Activity {
    async fn id(&self) -> &ID {
        &self.id
    }

    async fn send_history(&self) -> Vec<Send> {
        let send = |index| Send {
            history: Arc::clone(&self.history),
            index,
        };
        (0..self.history.len()).map(send).collect()
    }
}

struct Send {
    history: Arc<SendHistory>,
    index: usize,
}

impl Send {
    fn attempt(&self) -> &SendAttempt {
        &self.history.sends()[self.index]
    }
}

#[Object]
impl Send {
    async fn send_id(&self) -> i32 {
        self.attempt().send_id
    }

    async fn contact_list_ids(&self) -> Vec<ID> {
        let ids = self.attempt().contact_list_ids.iter();
        ids.map(|id| ID(id.to_string())).collect()
    }

    async fn segment_ids(&self) -> Vec<ID> {
        let ids = self.attempt().segment_ids.iter();
        ids.map(|id| ID(id.to_string())).collect()
    }

    async fn count(&self) -> Option<i64> {
        self.attempt().count
    }

    async fn run_date(&self) -> Option<String> {
        self.attempt().run_date.map(|date| format!("{date:.3}"))
    }

    async fn send_status(&self) -> Option<&str> {
        self.attempt()
            .send_status
            .as_ref()
            .map(sends_core::Verbatim::verbatim)
    }

    async fn reason_code(&self) -> Option<i32> {
        self.attempt().reason_code.map(sends_core::ReasonCode::get)
    }

    async fn outcome(&self) -> &'static str {
        self.attempt().outcome().as_str()
    }

    async fn reason(&self) -> Option<Reason> {
        self.attempt().reason().map(Reason)
    }
}

struct Reason(sends_core::Reason);

#[Object]
impl Reason {
    async fn code(&self) -> i32 {
        self.0.code.get()
    }

    async fn name(&self) -> &str {
        self.0.name
    }

    async fn description(&self) -> &str {
        self.0.meaning
    }

    async fn remedy(&self) -> &str {
        self.0.remedy
    }
}

/// Serializes histories for the standard input of [`serve_library`].
pub(crate) fn description<'a>(histories: impl Iterator<Item = (&'a str, &'a SendHistory)>) -> Vec<u8> {
    let histories: HashMap<&str, Value> = histories
        .map(|(id, history)| (id, serde_json::to_value(history).expect("a history is JSON")))
        .collect();
    serde_json::to_vec(&histories).expect("histories are JSON")
}
