//! Reference server: async-graphql with a dataloader over the upstream. The implementation is minimal and has no limits, pacing,
//! freshness or store.

use std::collections::HashMap;

use async_graphql::{Context, EmptyMutation, EmptySubscription, ID, Object, Schema};
use async_graphql_axum::GraphQL;
use axum::{Router, routing::post_service};
use dataloader::{BatchFn, cached::Loader};
use futures_util::future::join_all;
use reqwest::Client;
use sends_core::SendHistory;
use sends_end_to_end::SandboxProcess;

use crate::baseline;

pub(crate) async fn serve() {
    let upstream = std::io::read_to_string(std::io::stdin()).expect("standard input has a URL");
    let fetch = Fetch {
        http: sends_end_to_end::http_client(),
        upstream,
    };
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
        .data(Histories::new(fetch))
        .finish();
    baseline::serve(Router::new().route("/graphql", post_service(GraphQL::new(schema)))).await;
}

type Histories = Loader<String, usize, Fetch>;

struct Fetch {
    http: Client,
    upstream: String,
}

impl BatchFn<String, usize> for Fetch {
    async fn load(&mut self, ids: &[String]) -> HashMap<String, usize> {
        let counts = ids.iter().map(async |id| {
            let url = format!("{}/emails/activities/{id}/send_history", self.upstream);
            let request = self.http.get(url).bearer_auth(SandboxProcess::ACCESS_TOKEN);
            let answer = request.send().await.expect("the upstream responds");
            let body = answer.bytes().await.expect("the body is complete");
            let history = SendHistory::from_json(&body).expect("a history");
            (id.clone(), history.len())
        });
        join_all(counts).await.into_iter().collect()
    }
}

struct Query;

#[Object]
impl Query {
    async fn campaign_activity(&self, id: ID) -> Activity {
        Activity(id)
    }
}

struct Activity(ID);

#[Object(name = "CampaignActivity")]
impl Activity {
    async fn send_summary(&self, context: &Context<'_>) -> Summary {
        let histories = context.data_unchecked::<Histories>();
        Summary(histories.load(self.0.to_string()).await)
    }
}

struct Summary(usize);

#[Object(name = "SendSummary")]
impl Summary {
    async fn attempt_count(&self) -> usize {
        self.0
    }
}
