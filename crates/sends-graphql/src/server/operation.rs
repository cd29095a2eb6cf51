//! Prepares and executes one operation, independent of HTTP except for the status of a rejection.

use std::sync::Arc;

use async_graphql::{Request, Response};
use http::{HeaderValue, StatusCode, header};

use super::{Service, rejection::Rejection, response_cache::Cacheable};
use crate::{
    bulkheads::answers::{self, AnswerMemory},
    execution::validation::Rejected,
    execution::{self, Admitted, Executor},
    schema::{ErrorCode, extension},
    sources::histories::RequestContext,
    sources::loader::{HistoryLoader, ResourceLoader},
    sources::send_log::LogReader,
    telemetry::{self, metrics::Outcome},
};

pub(super) struct Executed {
    pub response: Response,
    /// Outcome for the metrics, provided that the response is sent.
    pub outcome: Outcome,
    pub cacheable: Option<Cacheable>,
    pub memory: Arc<AnswerMemory>,
}

pub(super) fn prepare(executor: &Executor, request: Request, is_get: bool) -> Result<Admitted, Rejection> {
    executor.admit(request).map_err(|rejected| match rejected {
        Rejected::Mutation if is_get => Rejection::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::BadUserInput,
            rejected.message(),
        )
        .header(header::ALLOW, HeaderValue::from_static("POST")),
        rejected => Rejection::of_document(rejected.into_errors()),
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
    // A call shared by several operations is counted only for the operation that made it.
    let upstream = extension::upstream(caller.calls_sent(), &stale);
    response
        .extensions
        .insert(extension::UPSTREAM.to_owned(), upstream);
    telemetry::operation::cost(caller.calls_sent());
    // Responses that caused upstream calls are not cached, since they report the calls and a repeated operation makes none.
    let made_no_calls = response.errors.is_empty() && caller.calls_sent() == 0;
    let read_set = recorder
        .filter(|_| made_no_calls)
        .and_then(|recorder| recorder.read_set(owner));
    Executed {
        outcome: execution::outcome(&response),
        response,
        cacheable: read_set.map(|read_set| Cacheable { read_set, operation }),
        memory,
    }
}
