//! Refresh on a dedicated thread, with an outcome that any number of callers can await.
//!
//! Neither a cancelled request nor the end of the caller's runtime interrupts the refresh. [`finish`](crate::finish) delays the
//! exit of the process until the refresh is done.

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

use super::{Loaded, unavailable};

pub(super) type Outcome = Shared<BoxFuture<'static, Result<Arc<Loaded>, TokenError>>>;

#[derive(Debug)]
pub(super) struct BackgroundRefresh {
    outcome: Outcome,
    is_over: Arc<AtomicBool>,
}

/// Guard that sets the flag on drop, even after a panic.
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl BackgroundRefresh {
    pub(super) fn start(
        refresh: impl Future<Output = Result<Arc<Loaded>, TokenError>> + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, receiver) = oneshot::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let guard = SetOnDrop(Arc::clone(&is_over));
        thread::Builder::new()
            .name("token-refresh".to_owned())
            .spawn(move || {
                let outcome = runtime.block_on(refresh);
                // The flag is set before the outcome is sent, so that receivers can start the next refresh.
                drop(guard);
                // The callers may have been cancelled.
                let _ = sender.send(outcome);
            })?;
        let outcome = receiver
            .map(|sent| sent.unwrap_or_else(|_| Err(unavailable("the refresh of the access token panicked"))))
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
