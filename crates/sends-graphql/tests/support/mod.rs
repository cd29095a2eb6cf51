//! The executor over the embedded sandbox, without HTTP in front.

use std::{sync::Arc, time::Duration};

use async_graphql::Request;
use sends_client::{
    AccessToken, Caller, Clock, ConstantContact, Pacer, Settings, SystemClock, pacing::Limits as Pace,
};
use sends_graphql::{
    execution::Executor,
    execution::validation::Limits,
    schema::Schema,
    sources::histories::{Asker, Freshness, Histories},
    sources::loader::{HistoryLoader, NeighbourLoader},
    sources::resources::Neighbours,
    sources::send_log::{Log, LogReader},
};
use sends_sandbox::{Config, Sandbox};
use sends_store::{Owner, SqliteStore};

/// The activity of the upstream's own guide, with two sends.
pub(crate) const GUIDE: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";

/// Everything between a request and the sandbox.
pub(crate) struct Service {
    /// What is tested.
    pub(crate) executor: Executor,
    /// The library alone.
    #[allow(dead_code, reason = "not every test compares with it")]
    pub(crate) schema: Schema,
    sandbox: Sandbox,
    histories: Histories,
    neighbours: Neighbours,
    log: Log,
}

impl Service {
    /// Over a sandbox of its own.
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
        let neighbours = Neighbours::new(client, clock, freshness.max_age, histories.ending());
        let schema = Schema::new(false, pacer);
        Self {
            executor: Executor::new(schema.clone(), Limits::default()),
            schema,
            sandbox,
            histories,
            neighbours,
            log,
        }
    }

    /// An operation with everything that resolvers use.
    #[allow(dead_code, reason = "not every test executes operations")]
    pub(crate) fn request(&self, query: &str) -> Request {
        Request::new(query)
            .data(self.loader())
            .data(NeighbourLoader::new(self.neighbours.clone(), self.asker()))
            .data(self.log())
    }

    /// What an operation asks with.
    pub(crate) fn loader(&self) -> HistoryLoader {
        HistoryLoader::new(self.histories.clone(), self.asker())
    }

    /// What an operation reads the log with.
    #[allow(dead_code, reason = "not every test reads the log")]
    pub(crate) fn log(&self) -> LogReader {
        LogReader::new(&self.asker(), Some(self.log.clone()))
    }

    fn asker(&self) -> Asker {
        let token = AccessToken::new(self.sandbox.access_token()).expect("a token");
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        Asker {
            owner: Owner::new([1; 16]),
            caller: Caller::new(Arc::new(token), deadline),
            asked_at: SystemClock.now(),
            oldest: None,
            stale: Arc::default(),
        }
    }
}
