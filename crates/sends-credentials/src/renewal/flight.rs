//! A refresh on a thread of its own, and the outcome that any number of callers wait for.
//!
//! On a thread of its own nothing drops it half way: neither a cancelled request, nor a `select!`, nor the end of the
//! runtime that its caller runs on. What is left is the end of the process, which waits for it by [`finish`](crate::finish).

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use sends_client::TokenError;
use tokio::{runtime, sync::oneshot};

use super::{Held, unavailable};

pub(super) type Outcome = Shared<BoxFuture<'static, Result<Arc<Held>, TokenError>>>;

/// A refresh that was started.
#[derive(Debug)]
pub(super) struct Flight {
    outcome: Outcome,
    is_over: Arc<AtomicBool>,
}

/// Set when this is dropped, a panic included.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Flight {
    pub(super) fn start(
        refresh: impl Future<Output = Result<Arc<Held>, TokenError>> + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (tell, told) = oneshot::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Over(Arc::clone(&is_over));
        thread::Builder::new()
            .name("token-refresh".to_owned())
            .spawn(move || {
                let outcome = runtime.block_on(refresh);
                // It is over before anybody is told, so that whoever is told may start the next one.
                drop(over);
                // Callers may have gone, and the refresh was worth it all the same.
                let _ = tell.send(outcome);
            })?;
        let outcome = told
            .map(|told| told.unwrap_or_else(|_| Err(unavailable("the refresh of the access token panicked"))))
            .boxed()
            .shared();
        Ok(Self { outcome, is_over })
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}
