//! Runs an operation from its parameters to its response: document, permit, validation, memory, execution.
//!
//! Permits and memory are acquired before the step that needs them, for all operations of a batch together. Every operation is
//! counted here, including rejected operations.

use std::sync::Arc;

use async_graphql::{Request, Variables};
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::Value;
use tokio::time::Instant;

use super::{Endpoint, Serialised, serialise};
use crate::{
    bulkheads::answers::{AnswerMemory, ConnectionBudget, Exceeded, WaitingMemory},
    bulkheads::places::OperationPermit,
    execution::Admitted,
    schema::ErrorCode,
    server::{
        admission::{self, overloaded},
        documents::Document,
        operation::{Executed, execute, prepare},
        parameters::Parameters,
        rejection::Rejection,
    },
    sources::access::TokenMissing,
    sources::histories::RequestContext,
    telemetry::{metrics::Outcome, operation},
};

/// Estimated number of values beyond which execution counts as [long work](crate::bulkheads::long_work). Such an execution takes
/// about a millisecond. Smaller operations do not justify the overhead of a thread switch.
const LARGE_RESPONSE: usize = 500;

impl Endpoint {
    fn context(&self, headers: &HeaderMap) -> Result<RequestContext, Rejection> {
        let service = &self.service;
        let deadline = Instant::now() + service.request_timeout;
        let max_calls = service.schema.limits().upstream_calls;
        let context = service
            .backend
            .access
            .context(headers, service.backend.clock.now(), deadline);
        context
            .map(|context| context.with_allowance(max_calls.try_into().unwrap_or(u32::MAX)))
            .map_err(token_missing)
    }

    /// Runs work of this request on the runtime for long work, and merges its telemetry.
    pub(super) async fn run_long<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (output, notes) = self.service.long_work.run(operation::noted(work)).await;
        operation::add(notes);
        output
    }

    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        parameters: Parameters,
        parts: &Parts,
        method: Method,
        finish: impl FnOnce(Executed) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, Rejection> {
        let prepared = async {
            let budget = self.budget(parts);
            let request = self.identify(parameters, &budget)?;
            let permit = self.admission.enter(1).await?;
            let prepared = self.prepare(request, &permit, &method).await?;
            let memory = budget.reserve(prepared.estimate());
            let memory = permit.waiting(memory).await?.map_err(no_memory)?;
            Ok::<_, Rejection>((prepared, memory, permit))
        };
        let prepared = prepared.await.inspect_err(|_| record_rejection(None));
        let (prepared, memory, permit) = prepared?;
        self.execute(prepared, memory, permit, parts, finish).await
    }

    /// Runs the operations of a batch, each of which results in a response or a rejection. Permits and memory are acquired
    /// together, so that operations do not wait for each other. A failure to acquire them rejects the whole request.
    pub(super) async fn run_batch(
        self: &Arc<Self>,
        batch: Vec<Parameters>,
        parts: &Parts,
    ) -> Result<Vec<Result<Serialised, Rejection>>, Rejection> {
        let budget = self.budget(parts);
        let requests: Vec<_> = batch
            .into_iter()
            .map(|parameters| self.identify(parameters, &budget))
            .collect();
        let permit = self.admission.enter(requests.len()).await?;
        let prepared = requests
            .into_iter()
            .map(async |request| self.prepare(request?, &permit, &Method::POST).await);
        let prepared = join_all(prepared).await;
        let valid = prepared.iter().flatten();
        let estimates: Vec<_> = valid.map(Admitted::estimate).collect();
        let memory = budget.reserve_batch(&estimates);
        let memory = permit.waiting(memory).await?.map_err(no_memory_for_batch)?;
        let mut memory = memory.into_iter();
        let ready = prepared.into_iter().map(|prepared| {
            let prepared = prepared.inspect_err(|_| record_rejection(None))?;
            let memory = memory.next().ok_or_else(overloaded)?;
            Ok::<_, Rejection>((prepared, memory))
        });
        let responses = ready.map(async |ready| {
            let (prepared, memory) = ready?;
            let finish = |executed: Executed| serialise(executed.response, executed.memory);
            self.execute(prepared, memory, permit.clone(), parts, finish)
                .await
        });
        Ok(join_all(responses).await)
    }

    /// Finds the document of a request, checks its size, and reserves memory for a long document. These steps precede the queue.
    fn identify(
        &self,
        mut parameters: Parameters,
        budget: &ConnectionBudget,
    ) -> Result<Identified, Rejection> {
        let document = self.documents.find(&mut parameters)?;
        let variables = Variables::from_json(Value::Object(parameters.variables));
        let length = self.service.schema.check_size(&document.text, &variables);
        let length = length.map_err(|rejected| Rejection::of_document(rejected.into_errors()))?;
        let is_long = self.service.schema.is_long(&document.text, length);
        let memory = is_long.then(|| {
            let memory = budget.wait_in(document.text.len() + length);
            memory.ok_or_else(|| no_memory(Exceeded::Busy))
        });
        let memory = memory.transpose()?;
        Ok(Identified {
            document,
            name: parameters.operation_name,
            variables,
            is_long,
            _memory: memory,
        })
    }

    async fn prepare(
        self: &Arc<Self>,
        request: Identified,
        permit: &OperationPermit,
        method: &Method,
    ) -> Result<Admitted, Rejection> {
        let is_long = request.is_long;
        let (endpoint, is_get) = (Arc::clone(self), method == Method::GET);
        let prepare = async move {
            let mut operation = Request::new(&*request.document.text).variables(request.variables);
            operation.operation_name = request.name;
            let admitted = prepare(&endpoint.service.schema, operation, is_get)?;
            endpoint.documents.register(request.document);
            Ok(admitted)
        };
        if is_long {
            permit.waiting(self.run_long(prepare)).await?
        } else {
            prepare.await
        }
    }

    fn budget(&self, parts: &Parts) -> ConnectionBudget {
        let budget = parts.extensions.get::<ConnectionBudget>().cloned();
        budget.unwrap_or_else(|| self.answers.connection())
    }

    async fn execute<T: Send + 'static>(
        self: &Arc<Self>,
        operation: Admitted,
        memory: Arc<AnswerMemory>,
        permit: OperationPermit,
        parts: &Parts,
        finish: impl FnOnce(Executed) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, Rejection> {
        let name = operation.name().map(str::to_owned);
        // The timeout of the operation starts here.
        let context = self.context(&parts.headers);
        let context = context.inspect_err(|_| record_rejection(name.as_deref()))?;
        let is_large = operation.estimate().values > LARGE_RESPONSE;
        let endpoint = Arc::clone(self);
        let execute = async move {
            let executed = execute(operation, &endpoint.service, context, memory);
            let executed = permit.of(Box::pin(executed)).await;
            let outcome = executed.outcome;
            let finished = match executed.memory.exceeded() {
                None => finish(executed),
                Some(exceeded) => Err(no_memory(exceeded)),
            };
            finished.map(|finished| (finished, outcome))
        };
        let finished = if is_large {
            self.run_long(execute).await
        } else {
            execute.await
        };
        match finished {
            Ok((finished, outcome)) => {
                operation::ended(name, outcome);
                Ok(finished)
            }
            Err(rejection) => {
                record_rejection(name.as_deref());
                Err(rejection)
            }
        }
    }
}

struct Identified {
    document: Document,
    name: Option<String>,
    variables: Variables,
    is_long: bool,
    /// Memory of a long document and its variables while the request queues.
    _memory: Option<WaitingMemory>,
}

fn record_rejection(name: Option<&str>) {
    operation::ended(name.map(str::to_owned), Outcome::Refused);
}

pub(super) fn token_missing(missing: TokenMissing) -> Rejection {
    Rejection::new(
        StatusCode::UNAUTHORIZED,
        ErrorCode::Unauthenticated,
        missing.to_string(),
    )
    .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

pub(super) fn no_memory(exceeded: Exceeded) -> Rejection {
    match exceeded {
        Exceeded::Busy => admission::busy(exceeded.message()),
        Exceeded::TooLarge => Rejection::of_request(exceeded.into(), exceeded.message()),
    }
}

fn no_memory_for_batch(exceeded: Exceeded) -> Rejection {
    match exceeded {
        Exceeded::Busy => no_memory(exceeded),
        Exceeded::TooLarge => Rejection::of_request(
            exceeded.into(),
            "The responses of the batch together exceed the memory limit of a single response (answer-budget); send fewer \
             operations in a batch.",
        ),
    }
}
