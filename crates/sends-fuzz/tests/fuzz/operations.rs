//! Query documents and variables, through the guard, the parser, the validator and the executor.
//!
//! An input is the query document, followed by a line `---` and the variables as JSON.

use std::{io, sync::Arc, time::Duration};

use async_graphql::{Request, Response, Variables};
use sends_client::{
    AccessToken, Caller, Clock, ConstantContact, Pacer, Settings, SystemClock, TokenSource,
    pacing::Limits as Pace,
};
use sends_graphql::{
    execution::validation::Limits,
    execution::{Executor, is_request_error},
    schema::Schema,
    sources::histories::{Freshness, Histories, RequestContext},
    sources::loader::{HistoryLoader, ResourceLoader},
    sources::resources::Resources,
    sources::send_log::{Log, LogReader},
};
use sends_sandbox::{Config, Sandbox};
use sends_store::{Owner, SqliteStore};
use tokio::{runtime::Runtime, time::Instant};

/// Maximum size of a response in bytes. The guard bounds the requested data, and therefore the response.
const MAX_RESPONSE_BYTES: usize = 8 << 20;

pub(crate) struct Operations {
    runtime: Runtime,
    executor: Executor,
    histories: Histories,
    resources: Resources,
    log: Log,
    token: Arc<dyn TokenSource>,
    // Dropping the sandbox stops it.
    _sandbox: Sandbox,
}

impl Operations {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Runtime::new()?;
        let sandbox = runtime.block_on(Sandbox::start(Config::unlimited().with_odd_records()))?;
        let token = AccessToken::new(sandbox.access_token()).map_err(io::Error::other)?;
        let settings = Settings::new(sandbox.base_url().parse().map_err(io::Error::other)?);
        let pacer = Pacer::in_memory(Pace::NONE);
        let client = ConstantContact::new(settings, pacer.clone()).map_err(io::Error::other)?;
        let freshness = Freshness::new(Duration::from_hours(1), Duration::from_hours(1));
        let store = runtime
            .block_on(SqliteStore::in_memory())
            .map_err(io::Error::other)?;
        let store = Arc::new(store);
        let log = Log::of(&store);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let histories = Histories::new(Arc::new(client.clone()), store, Arc::clone(&clock), freshness);
        let resources = Resources::new(client, clock, freshness.max_age, histories.ending());
        Ok(Self {
            runtime,
            log,
            executor: Executor::new(Schema::new(false, pacer), Limits::default()),
            histories,
            resources,
            token: Arc::new(token),
            _sandbox: sandbox,
        })
    }

    /// Executes an input and checks the errors of the response. There are few errors, each has a single line and a code, and none
    /// is a defect of the service.
    pub(crate) fn feed(&self, input: &[u8]) -> bool {
        let text = String::from_utf8_lossy(input);
        let (query, variables) = text.split_once("\n---\n").unwrap_or((&text, ""));
        let variables =
            serde_json::from_str(variables).map_or_else(|_| Variables::default(), Variables::from_json);
        let request = Request::new(query).variables(variables);
        let response = self.runtime.block_on(async {
            let deadline = Instant::now() + Duration::from_secs(2);
            let context = RequestContext {
                owner: Owner::new([1; 16]),
                caller: Caller::new(Arc::clone(&self.token), deadline),
                asked_at: SystemClock.now(),
                oldest: None,
                stale: Arc::default(),
                unwritten: Arc::default(),
            };
            let log = LogReader::new(&context, Some(self.log.clone()));
            let histories = HistoryLoader::new(self.histories.clone(), context.clone());
            let resources = ResourceLoader::new(self.resources.clone(), context);
            let request = request.data(histories).data(resources).data(log);
            self.executor.execute(request).await
        });
        check(&text, &response);
        !is_request_error(&response)
    }
}

fn check(text: &str, response: &Response) {
    let mistakes = response
        .errors
        .iter()
        .filter(|error| error.path.is_empty())
        .count();
    assert!(mistakes <= 21, "{text:?}: {mistakes} mistakes");
    for error in &response.errors {
        let code = error
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.get("code"));
        let code = code.map(ToString::to_string).unwrap_or_default();
        assert!(code.len() > 2 && code != "\"INTERNAL\"", "{text:?}: {error:?}");
        let is_short = error.message.len() <= 510 && !error.message.contains(['\n', '\r']);
        assert!(is_short && !error.message.is_empty(), "{text:?}: {error:?}");
    }
    let written = serde_json::to_string(response).expect("a response is JSON");
    assert!(
        written.len() < MAX_RESPONSE_BYTES,
        "{text:?}: {} bytes",
        written.len()
    );
    assert!(!written.contains("the type\""), "{text:?}: {written}");
}
