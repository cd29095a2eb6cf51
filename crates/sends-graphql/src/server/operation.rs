//! One operation: from the text of its document to what it answers.
//!
//! Owns the order of the checks before the execution. Must not know how the request came in or how the answer leaves.

use std::sync::Arc;

use async_graphql::{Request, Response, Variables};
use http::{HeaderValue, StatusCode, header};

use super::{Service, rejection::Rejection, response_cache::Cacheable};
use crate::{
    bulkheads::answers::{self, AnswerMemory, Estimate},
    execution::validation::Refused,
    execution::{self, Admitted, Executor},
    schema::{ErrorCode, extension},
    sources::histories::RequestContext,
    sources::loader::{HistoryLoader, ResourceLoader},
    sources::send_log::LogReader,
    telemetry::{self, metrics::Outcome},
};

/// What is to be executed.
pub(super) struct Operation<'request> {
    /// The text of the document.
    pub text: &'request str,
    /// Which of its operations.
    pub name: Option<String>,
    /// The values of its variables.
    pub variables: Variables,
}

/// What came of an operation.
pub(super) struct Executed {
    /// The answer.
    pub response: Response,
    /// What it counts as, if it is given.
    pub outcome: Outcome,
    /// What the response cache needs, if the answer may be cached.
    pub cacheable: Option<Cacheable>,
    /// The memory of the answer.
    pub memory: Arc<AnswerMemory>,
}

/// An operation that has been admitted.
pub(super) struct Prepared(Admitted);

impl Operation<'_> {
    /// Validates it.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] where it may not run.
    pub(super) fn prepare(self, executor: &Executor, is_get: bool) -> Result<Prepared, Rejection> {
        let mut request = Request::new(self.text).variables(self.variables);
        request.operation_name = self.name;
        let admitted = executor.admit(request);
        admitted.map(Prepared).map_err(|refused| match refused {
            Refused::Mutation if is_get => Rejection::new(
                StatusCode::METHOD_NOT_ALLOWED,
                ErrorCode::BadUserInput,
                refused.message(),
            )
            .header(header::ALLOW, HeaderValue::from_static("POST")),
            refused => Rejection::of_document(refused.into_errors()),
        })
    }
}

impl Prepared {
    /// What it is expected to answer.
    pub(super) fn estimate(&self) -> Estimate {
        self.0.estimate()
    }

    /// The name of the operation, if it has one.
    pub(super) fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// Executes it.
    pub(super) async fn execute(
        self,
        service: &Service,
        context: RequestContext,
        memory: Arc<AnswerMemory>,
    ) -> Executed {
        let (caller, owner, stale) = (context.caller.clone(), context.owner, Arc::clone(&context.stale));
        let stored = context.clone();
        let log = LogReader::new(&context, service.log.clone());
        let histories = HistoryLoader::new(service.histories.clone(), context.clone());
        let resources = ResourceLoader::new(service.resources.clone(), context);
        let recorder = self.0.is_cacheable().then(|| histories.read_set_recorder());
        let operation = self.0.name().map(str::to_owned);
        let admitted = self.0.data(histories).data(resources).data(log);
        let mut response = answers::within(Arc::clone(&memory), admitted.execute()).await;
        service.histories.written(&stored).await;
        // What the operation cost: the answers of the upstream that others waited for too are counted where they were
        // asked.
        let upstream = extension::upstream(caller.calls_sent(), &stale);
        response
            .extensions
            .insert(extension::UPSTREAM.to_owned(), upstream);
        telemetry::operation::cost(caller.calls_sent());
        // An answer that cost calls says so, and the next one costs none.
        let costs_nothing = response.errors.is_empty() && caller.calls_sent() == 0;
        let read_set = recorder
            .filter(|_| costs_nothing)
            .and_then(|recorder| recorder.read_set(owner));
        Executed {
            outcome: execution::outcome(&response),
            response,
            cacheable: read_set.map(|read_set| Cacheable { read_set, operation }),
            memory,
        }
    }
}
