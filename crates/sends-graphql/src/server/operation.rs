//! Preparation and execution of one operation, independent of HTTP except for the status of a rejection.

use std::sync::Arc;

use async_graphql::{Request, Response};
use http::{HeaderValue, StatusCode, header};

use super::{Service, rejection::Rejection, response_cache::Cacheable};
use crate::{
    bulkheads::answers::{self, AnswerMemory},
    execution::validation::Refused,
    execution::{self, Admitted, Executor},
    schema::{ErrorCode, extension},
    sources::histories::RequestContext,
    sources::loader::{HistoryLoader, ResourceLoader},
    sources::send_log::LogReader,
    telemetry::{self, metrics::Outcome},
};

/// Result of an operation.
pub(super) struct Executed {
    pub response: Response,
    /// For metrics, if the response is sent.
    pub outcome: Outcome,
    /// `None` if the response is not cached.
    pub cacheable: Option<Cacheable>,
    pub memory: Arc<AnswerMemory>,
}

pub(super) fn prepare(executor: &Executor, request: Request, is_get: bool) -> Result<Admitted, Rejection> {
    executor.admit(request).map_err(|refused| match refused {
        Refused::Mutation if is_get => Rejection::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::BadUserInput,
            refused.message(),
        )
        .header(header::ALLOW, HeaderValue::from_static("POST")),
        refused => Rejection::of_document(refused.into_errors()),
    })
}

pub(super) async fn execute(
    admitted: Admitted,
    service: &Service,
    context: RequestContext,
    memory: Arc<AnswerMemory>,
) -> Executed {
    let (caller, owner, stale) = (context.caller.clone(), context.owner, Arc::clone(&context.stale));
    let stored = context.clone();
    let log = LogReader::new(&context, service.backend.log.clone());
    let histories = HistoryLoader::new(service.backend.histories.clone(), context.clone());
    let resources = ResourceLoader::new(service.backend.resources.clone(), context);
    let recorder = admitted.is_cacheable().then(|| histories.read_set_recorder());
    let operation = admitted.name().map(str::to_owned);
    let admitted = admitted.data(histories).data(resources).data(log);
    let mut response = answers::within(Arc::clone(&memory), admitted.execute()).await;
    service.backend.histories.written(&stored).await;
    // A call that several operations wait for is counted for the one that made it.
    let upstream = extension::upstream(caller.calls_sent(), &stale);
    response
        .extensions
        .insert(extension::UPSTREAM.to_owned(), upstream);
    telemetry::operation::cost(caller.calls_sent());
    // The response reports its calls, and a repeated operation makes none.
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
