//! Load on a separate thread, and the times of regular requests during the load.

use std::{
    fmt,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::Client;
use sends_end_to_end::{ServiceProcess, http_client_builder};
use serde_json::Value;

use crate::{
    is_full,
    memory::{peak_megabytes, resident_megabytes},
};

const INTERVAL: Duration = Duration::from_millis(10);

const LIMIT: Duration = Duration::from_mins(15);

const MAX_MEGABYTES: u64 = 256;

/// Responses of concurrent operations, and the times of small operations during them.
pub(crate) struct ConcurrentLoad<T> {
    pub(crate) answers: Vec<T>,
    pub(crate) times: Times,
    /// Resident memory before the load, in megabytes.
    pub(crate) before: u64,
    /// Peak memory, in megabytes.
    pub(crate) peak: u64,
}

impl<T> ConcurrentLoad<T> {
    /// Asserts that the memory stayed within the default budget. In the short run with its small budget, the memory may grow by
    /// at most `max_growth` megabytes.
    pub(crate) fn assert_memory(&self, max_growth: u64) {
        let most = if is_full() {
            MAX_MEGABYTES
        } else {
            self.before + max_growth
        };
        assert!(self.peak <= most, "{} MB, at most {most} allowed", self.peak);
    }
}

/// Sends `count` concurrent operations, each with a client and the URL of the service, and `small` operations during them.
pub(crate) async fn concurrent<T: Send + 'static, F: Future<Output = T> + Send>(
    service: &ServiceProcess,
    small: &Value,
    count: usize,
    send: impl Fn(Client, String) -> F + Send + 'static,
) -> ConcurrentLoad<T> {
    let before = resident_megabytes(service);
    let url = format!("{}/graphql", service.origin());
    let load = on_a_thread(async move {
        let client = http_client_builder().no_gzip().build().unwrap();
        join_all((0..count).map(|_| send(client.clone(), url.clone()))).await
    });
    let (answers, times) = times_during(load, async || {
        let (_, response) = service.post(small).await;
        assert!(response.get("errors").is_none(), "{response}");
    })
    .await;
    ConcurrentLoad {
        answers,
        times,
        before,
        peak: peak_megabytes(service),
    }
}

/// Runs the clients of a load on a separate thread. In a shared task, a regular client would wait while they read, which caused
/// half of the slowest times. On Linux, the thread has the lowest priority, as if the clients were on another machine.
pub(crate) fn on_a_thread<T: Send + 'static>(
    load: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    std::thread::spawn(|| {
        #[cfg(target_os = "linux")]
        rustix::process::nice(19).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(load)
    })
}

pub(crate) async fn times_during<T>(load: JoinHandle<T>, request: impl AsyncFn()) -> (T, Times) {
    let (mut times, deadline) = (Vec::new(), Instant::now() + LIMIT);
    while !load.is_finished() {
        assert!(
            Instant::now() < deadline,
            "the load does not end within {LIMIT:?}"
        );
        let began = Instant::now();
        request().await;
        times.push(began.elapsed());
        tokio::time::sleep(INTERVAL).await;
    }
    times.sort_unstable();
    (load.join().unwrap(), Times(times))
}

/// Response times of at least one request, in ascending order.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }
}

impl fmt::Display for Times {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, ninety_nine, slowest] = [50, 99, 100].map(|percent| self.percentile(percent));
        let count = self.0.len();
        write!(
            formatter,
            "{count}, median {median:.1?}, p99 {ninety_nine:.1?}, slowest {slowest:.1?}"
        )
    }
}
