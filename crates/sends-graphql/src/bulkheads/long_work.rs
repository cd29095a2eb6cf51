//! A second runtime for CPU-bound work: large operations, long texts and bodies, and the compression of large responses.
//!
//! On a worker of the service's runtime such work delays all other tasks of that worker, liveness probes included. The second
//! runtime has a thread for each core, and the operating system shares the cores among both. On Linux its threads have a lower
//! priority, and get a tenth of a contended core.
//!
//! `spawn_blocking` and `block_in_place` are no alternative: `yield_now` does not yield there, so that the dataloaders would send
//! batches of one. Sockets, timers and tasks of the work belong to the service's runtime all the same.

use std::{future::poll_fn, io, panic, thread::available_parallelism};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// Nice value of the threads. Measured with 256 concurrent large operations, and the clients on the same 2 cores: it reduces the
/// 99th percentile of small operations from 8 to 3 ms, and the maximum from 43 to 15 ms. One thread instead of two would reduce
/// it to 1.6 ms, but double the time of large operations on idle cores.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Runtime for long work.
#[derive(Debug)]
pub struct LongWork {
    handle: Handle,
    /// `None` only during the drop.
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

    /// Runs a future on the runtime. The future is cancelled with the caller.
    pub async fn run<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (mut work, service) = (Box::pin(work), Handle::current());
        let work = poll_fn(move |context| {
            let _belongs_to = service.enter();
            work.as_mut().poll(context)
        });
        let task = AbortOnDropHandle::new(self.handle.spawn(work.in_current_span()));
        match task.await {
            Ok(output) => output,
            Err(error) => match error.try_into_panic() {
                Ok(panicked) => panic::resume_unwind(panicked),
                // The runtime shuts down with the process.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Lowers the priority of the calling thread: on Linux the nice value belongs to a thread, in spite of the name of the function.
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
    async fn the_service_continues_while_work_blocks_a_thread() {
        let long_work = LongWork::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        let busy = long_work.run(async move { receiver.recv_timeout(Duration::from_secs(30)) });
        // On the only thread of this runtime.
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
            begun = receiver => begun.unwrap(),
        }
        let dropped = tokio::time::timeout(Duration::from_secs(30), dropped).await;
        assert!(dropped.expect("the work is cancelled").is_err());
    }

    #[tokio::test]
    async fn fields_that_yield_are_loaded_together() {
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
