//! A runtime of its own for work that keeps a thread busy for long: large operations, long texts and bodies, the compression of
//! large answers.
//!
//! On a worker of the service's runtime such work holds up everything that this worker has to do, a liveness probe as well.
//! Here it has threads of its own, as many as there are cores, and the operating system shares the cores among both runtimes. On
//! Linux it prefers the service's: a core that both want is long work's for a tenth of the time.
//!
//! Not `spawn_blocking` or `block_in_place`: `yield_now` does not yield there, so that the dataloaders would send batches of
//! one. Sockets, timers and tasks that the work starts belong to the service's runtime all the same.

use std::{future::poll_fn, io, panic, thread::available_parallelism};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// What is added to the nice value of the threads for long work. Measured beside 256 large operations, with the clients on the
/// same 2 cores: the 99th percentile of small operations falls from 8 to 3 ms, and the slowest from 43 to 15 ms. With one thread
/// instead of two it is 1.6 ms, but large operations take twice the time where the cores are free.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The runtime for long work.
#[derive(Debug)]
pub struct LongWork {
    handle: Handle,
    /// Always there until this is dropped.
    runtime: Option<Runtime>,
}

impl LongWork {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the operating system gives no threads.
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

    /// Does this work, until the caller has gone.
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
                // The threads have ended with the process.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Lowers the priority of the calling thread. The kernel has one for each thread, whatever the name of the function says.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!("long work has the priority of everything else: {error}");
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
    async fn service_goes_on_while_work_keeps_a_thread_busy() {
        let long_work = LongWork::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        let busy = long_work.run(async move { receiver.recv_timeout(Duration::from_secs(30)) });
        // The only thread of this runtime gets to it.
        let (heard, told) = tokio::join!(busy, async move { sender.send(7) });
        assert_eq!((heard, told), (Ok(7), Ok(())));
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
    async fn work_that_nobody_waits_for_is_given_up() {
        let long_work = LongWork::new().unwrap();
        let (kept, dropped) = tokio::sync::oneshot::channel::<()>();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = long_work.run(async move {
            let _ = sender.send(());
            std::future::pending::<()>().await;
            drop(kept);
        });
        tokio::select! {
            () = work => {}
            begun = receiver => begun.unwrap(),
        }
        let dropped = tokio::time::timeout(Duration::from_secs(30), dropped).await;
        assert!(dropped.expect("the work is given up").is_err());
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
