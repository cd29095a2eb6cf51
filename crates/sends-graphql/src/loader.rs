//! The dataloader: within one operation, each activity costs at most one upstream call.
//!
//! One loader belongs to one operation. However the ids are spread over aliases, lists and fragments, the ones asked for
//! in the same turn form a batch, and the ones asked for again are answered from what the batch started.
//!
//! The `dataloader` crate holds its lock while the batch function is awaited. If that function waited for the upstream, a
//! slow batch would hold up the next one, and one slow activity all others. So the batch only *starts* the calls and
//! hands back, for each key, a future that any number of fields can wait for, each for itself.

use std::{collections::HashMap, sync::Arc};

use ::dataloader::{BatchFn, cached::Loader};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use sends_client::{Caller, ConstantContact, UpstreamError};
use sends_core::{ActivityId, SendHistory};
use tokio_util::task::AbortOnDropHandle;

/// A history on its way, which any number of fields can wait for. (A type of its own, since the compiler cannot prove
/// `'static` of a future named inside the resolvers' futures.)
#[derive(Clone)]
struct Fetch(Shared<BoxFuture<'static, Result<Arc<SendHistory>, LoadError>>>);

/// Why a history could not be loaded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoadError {
    /// The upstream call failed.
    #[error(transparent)]
    Upstream(Arc<UpstreamError>),
    /// The task that made the call ended without an answer, which only a defect in this program can cause.
    #[error("the upstream call was lost")]
    Lost,
}

/// Loads the send histories that one operation asks for.
pub struct HistoryLoader {
    loader: Loader<ActivityId, Fetch, StartFetches>,
}

struct StartFetches {
    client: ConstantContact,
    caller: Caller,
}

impl HistoryLoader {
    /// A loader for the operation that `caller` stands for.
    pub fn new(client: ConstantContact, caller: Caller) -> Self {
        Self {
            loader: Loader::new(StartFetches { client, caller }),
        }
    }

    /// The history of one activity, fetched at most once in the life of this loader.
    ///
    /// # Errors
    ///
    /// [`LoadError`], the same for everyone who asks this loader for the same activity.
    pub async fn load(&self, activity: ActivityId) -> Result<Arc<SendHistory>, LoadError> {
        let fetch = self
            .loader
            .try_load(activity)
            .await
            .map_err(|_| LoadError::Lost)?;
        fetch.0.await
    }
}

impl BatchFn<ActivityId, Fetch> for StartFetches {
    async fn load(&mut self, activities: &[ActivityId]) -> HashMap<ActivityId, Fetch> {
        activities
            .iter()
            .map(|&activity| {
                (
                    activity,
                    start(self.client.clone(), self.caller.clone(), activity),
                )
            })
            .collect()
    }
}

/// Starts the call at once. It is given up when nobody can wait for it any more, as when the caller has gone.
fn start(client: ConstantContact, caller: Caller, activity: ActivityId) -> Fetch {
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        client.send_history(&caller, activity).await
    }));
    let fetch = async move {
        match task.await {
            Ok(Ok(history)) => Ok(Arc::new(history)),
            Ok(Err(error)) => {
                tracing::warn!(request_id = error.request_id, "{error}");
                Err(LoadError::Upstream(Arc::new(error)))
            }
            Err(error) => {
                tracing::error!("the task of an upstream call ended early: {error}");
                Err(LoadError::Lost)
            }
        }
    };
    Fetch(fetch.boxed().shared())
}
