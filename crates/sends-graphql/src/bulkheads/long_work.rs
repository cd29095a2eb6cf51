//! Separate Tokio runtime for CPU-bound work: large operations, long documents and bodies, and compression of large responses.
//!
//! On a worker of the main runtime, such work would delay all other tasks, including liveness probes. The separate runtime has
//! one thread per core and competes with the main runtime for CPU time. On Linux, its threads have a lower priority and get a
//! tenth of a contended core.
//!
//! `spawn_blocking` and `block_in_place` are not alternatives, because `yield_now` does not yield there and dataloaders would
//! send batches of one key. Sockets, timers and spawned tasks still belong to the main runtime.

use std::{future::poll_fn, io, panic, thread::available_parallelism};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// Nice value of the threads. With 256 concurrent large operations and the clients on the same 2 cores, it reduces the latency of
/// small operations: p99 from 8 to 3 ms, the maximum from 43 to 15 ms. A single thread would reduce p99 to 1.6 ms, but double the
/// time of large operations on idle cores.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

#[derive(Debug)]
pub struct LongWork {
    handle: Handle,
    /// `None` only during drop.
    runtime: Option<Runtime>,
}

impl LongWork {
    pub fn new() -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(cores)
            .on_thread_start(lower_priority)
            .thread_name("sends-long-work")
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs a future on the runtime. Dropping the returned future cancels the work.
    pub async fn run<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (mut work, service) = (Box::pin(work), Handle::current());
        let work = poll_fn(move |context| {
            let _guard = service.enter();
            work.as_mut().poll(context)
        });
        let task = AbortOnDropHandle::new(self.handle.spawn(work.in_current_span()));
        match task.await {
            Ok(output) => output,
            Err(error) => match error.try_into_panic() {
                Ok(panicked) => panic::resume_unwind(panicked),
                // Cancellation means that the runtime shuts down with the process.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Lowers the priority of the calling thread. On Linux, the nice value is a property of the thread, although POSIX defines it per
/// process.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!("lowering the priority of long work failed: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

impl Drop for LongWork {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn main_runtime_continues_while_work_blocks_a_thread() {
        let long_work = LongWork::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        let busy = long_work.run(async move { receiver.recv_timeout(Duration::from_secs(30)) });
        // The sender runs on the only thread of the test's runtime.
        let (output, sent) = tokio::join!(busy, async move { sender.send(7) });
        assert_eq!((output, sent), (Ok(7), Ok(())));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn long_work_has_a_lower_priority_than_the_service() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let long_work = LongWork::new().unwrap();
        let before = priority();
        let of_long_work = long_work.run(async move { priority() }).await;
        assert_eq!((of_long_work, priority()), ((before + NICENESS).min(19), before));
    }

    #[tokio::test]
    async fn work_is_cancelled_with_its_caller() {
        let long_work = LongWork::new().unwrap();
        let (owned, dropped) = tokio::sync::oneshot::channel::<()>();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = long_work.run(async move {
            let _ = sender.send(());
            std::future::pending::<()>().await;
            drop(owned);
        });
        tokio::select! {
            () = work => {}
            started = receiver => started.unwrap(),
        }
        let dropped = tokio::time::timeout(Duration::from_secs(30), dropped).await;
        assert!(dropped.expect("the work is cancelled").is_err());
    }

    #[tokio::test]
    async fn yielding_fields_are_loaded_in_one_batch() {
        let long_work = LongWork::new().unwrap();
        let steps = long_work.run(async {
            let order = std::sync::Mutex::new(Vec::new());
            let step = async |name: u8| {
                order.lock().unwrap().push(name);
                tokio::task::yield_now().await;
                order.lock().unwrap().push(name);
            };
            futures_util::future::join_all((0..40).map(step)).await;
            order.into_inner().unwrap()
        });
        let steps = steps.await;
        assert_eq!(steps[..40], (0..40).collect::<Vec<_>>());
    }
}
