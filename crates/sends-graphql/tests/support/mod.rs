//! Executor with an embedded sandbox as its upstream. Operations are executed directly, not over HTTP.

use std::{sync::Arc, time::Duration};

use async_graphql::Request;
use sends_client::{
    AccessToken, Caller, Clock, ConstantContact, Pacer, Settings, SystemClock, pacing::Limits as Pace,
};
use sends_graphql::{
    execution::Executor,
    execution::validation::Limits,
    schema::Schema,
    sources::histories::{Freshness, Histories, RequestContext},
    sources::loader::{HistoryLoader, ResourceLoader},
    sources::resources::Resources,
    sources::send_log::{Log, LogReader},
};
use sends_sandbox::{Config, Sandbox};
use sends_store::{Owner, SqliteStore};

/// Activity from Constant Contact's API guide, which has two sends.
pub(crate) const GUIDE: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";

pub(crate) struct Service {
    pub(crate) executor: Executor,
    /// Schema for execution by async-graphql alone.
    #[allow(dead_code, reason = "not every test compares with async-graphql")]
    pub(crate) schema: Schema,
    sandbox: Sandbox,
    histories: Histories,
    resources: Resources,
    log: Log,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::start(Config::unlimited().with_odd_records())
            .await
            .expect("a sandbox");
        let settings = Settings::new(sandbox.base_url().parse().expect("a URL"));
        let pacer = Pacer::in_memory(Pace::NONE);
        let client = ConstantContact::new(settings, pacer.clone()).expect("a client");
        let freshness = Freshness::new(Duration::from_mins(1), Duration::from_mins(1));
        let store = Arc::new(SqliteStore::in_memory().await.expect("a store"));
        let log = Log::of(&store);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let histories = Histories::new(Arc::new(client.clone()), store, Arc::clone(&clock), freshness);
        let resources = Resources::new(client, clock, freshness.max_age, histories.ending());
        let schema = Schema::new(false, pacer);
        Self {
            executor: Executor::new(schema.clone(), Limits::default()),
            schema,
            sandbox,
            histories,
            resources,
            log,
        }
    }

    #[allow(dead_code, reason = "not every test executes operations")]
    pub(crate) fn request(&self, query: &str) -> Request {
        Request::new(query)
            .data(self.loader())
            .data(ResourceLoader::new(self.resources.clone(), self.context()))
            .data(self.log())
    }

    pub(crate) fn loader(&self) -> HistoryLoader {
        HistoryLoader::new(self.histories.clone(), self.context())
    }

    #[allow(dead_code, reason = "not every test reads the log")]
    pub(crate) fn log(&self) -> LogReader {
        LogReader::new(&self.context(), Some(self.log.clone()))
    }

    fn context(&self) -> RequestContext {
        let token = AccessToken::new(self.sandbox.access_token()).expect("a token");
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        RequestContext {
            owner: Owner::new([1; 16]),
            caller: Caller::new(Arc::new(token), deadline),
            asked_at: SystemClock.now(),
            oldest: None,
            stale: Arc::default(),
            unwritten: Arc::default(),
        }
    }
}
