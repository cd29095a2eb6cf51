//! Load on a thread of its own, and the times of honest requests beside it.

use std::{
    fmt,
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Time between two honest requests.
const INTERVAL: Duration = Duration::from_millis(10);

/// Runs the clients of the load on a thread of its own. In one task with them, an honest client waits for what they read: half
/// of the slowest times were that. On Linux the thread has the lowest priority, since clients elsewhere would take nothing of
/// the service's cores.
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

/// What came of the load, and the times of honest requests meanwhile.
pub(crate) async fn beside<T>(load: JoinHandle<T>, request: impl AsyncFn()) -> (T, Times) {
    let mut times = Vec::new();
    while !load.is_finished() {
        let began = Instant::now();
        request().await;
        times.push(began.elapsed());
        tokio::time::sleep(INTERVAL).await;
    }
    times.sort_unstable();
    (load.join().unwrap(), Times(times))
}

/// Times of requests, the shortest first; of one at least.
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
