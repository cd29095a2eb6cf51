//! Timeouts and flood limits of one connection, based on its requests and responses.
//!
//! hyper has a timeout for HTTP/1.1 request heads, but not for clients that never send a request, for idle HTTP/2 connections or
//! for unread responses. A socket timeout would not detect unread responses: neither a closed HTTP/2 window nor a client that
//! reads single bytes blocks a write for long.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http::Version;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::{sync::SetOnce, time::Instant};

use super::ConnectionLimits;

/// Maximum bytes received between two requests, responses or parts of a body. HTTP/2 permits any number of other frames, such as
/// `PING`, `SETTINGS` and `WINDOW_UPDATE`. The limit exceeds the megabyte of a body that a client can send before it detects that
/// the service does not read the body.
const MAX_BYTES_WITHOUT_PROGRESS: usize = 2 << 20;

/// Maximum number of consecutive requests that a client can reset before their responses.
const MAX_RESET_REQUESTS: usize = 1_000;

/// Minimum read rate of responses in bytes per second, a quarter of a slow mobile network. If only the write timeout applied, a
/// client could occupy a response's memory for hours by reading a piece from time to time.
pub(super) const MIN_RATE: usize = 16 << 10;

/// Maximum time that the minimum rate allows for a response.
const MAX_TIMEOUT: Duration = Duration::from_hours(1);

pub(super) struct Activity {
    state: Mutex<State>,
    /// Whether the connection has received a request over HTTP/2.
    multiplexed: SetOnce<()>,
    flooded: SetOnce<&'static str>,
}

struct State {
    /// Number of requests whose response is incomplete.
    exchanges: usize,
    responses: Vec<Response>,
    progress_at: Instant,
    /// End of the last exchange, or the time when the connection was accepted.
    quiet_since: Instant,
    has_requested: bool,
    bytes_without_progress: usize,
    requests_without_response: usize,
}

#[derive(Clone, Copy, Eq, PartialEq)]
struct Response {
    bytes: usize,
    /// Deadline at the minimum rate, after all responses that started earlier.
    read_by: Instant,
}

/// Request with its response, dropped when the response is written or either side aborts.
pub(super) struct Exchange {
    activity: Arc<Activity>,
    response: Option<Response>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overdue {
    /// No complete request head arrived in time.
    Idle,
    /// The client reads responses too slowly or not at all.
    Unread,
    /// The client sent too many bytes or requests without progress.
    Flooded(&'static str),
}

impl Activity {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                exchanges: 0,
                responses: Vec::new(),
                progress_at: now,
                quiet_since: now,
                has_requested: false,
                bytes_without_progress: 0,
                requests_without_response: 0,
            }),
            multiplexed: SetOnce::new(),
            flooded: SetOnce::new(),
        }
    }

    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Exchange {
        let mut state = self.state();
        state.exchanges += 1;
        state.has_requested = true;
        state.bytes_without_progress = 0;
        state.requests_without_response += 1;
        if version == Version::HTTP_2 {
            // Setting the flag fails for all requests after the first.
            let _ = self.multiplexed.set(());
        }
        Exchange {
            activity: Arc::clone(self),
            response: None,
        }
    }

    pub(super) async fn multiplexed(&self) {
        self.multiplexed.wait().await;
    }

    /// Counts the parts of a request body as progress.
    pub(super) fn observe(self: &Arc<Self>, body: Incoming) -> Body {
        let activity = Arc::clone(self);
        Body::new(body.map_frame(move |frame| {
            if frame.data_ref().is_some_and(|data: &Bytes| !data.is_empty()) {
                activity.state().bytes_without_progress = 0;
            }
            frame
        }))
    }

    pub(super) fn received(&self, bytes: usize) {
        let mut state = self.state();
        state.bytes_without_progress = state.bytes_without_progress.saturating_add(bytes);
        let flood = if state.bytes_without_progress > MAX_BYTES_WITHOUT_PROGRESS {
            "too many bytes without a request"
        } else if state.requests_without_response > MAX_RESET_REQUESTS {
            "too many requests that were reset"
        } else {
            return;
        };
        let _ = self.flooded.set(flood);
    }

    /// Waits until the connection must be closed, and returns the reason.
    pub(super) async fn overdue(&self, limits: &ConnectionLimits) -> Overdue {
        // Lower bound of all deadlines that can start during the sleep.
        let min_timeout = limits
            .header_timeout
            .min(limits.idle_timeout)
            .min(limits.write_timeout);
        loop {
            let now = Instant::now();
            let next = match self.deadline(limits) {
                Some((deadline, overdue)) if deadline <= now => return overdue,
                Some((deadline, _)) => deadline.min(now + min_timeout),
                None => now + min_timeout,
            };
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                flood = self.flooded.wait() => return Overdue::Flooded(flood),
            }
        }
    }

    fn deadline(&self, limits: &ConnectionLimits) -> Option<(Instant, Overdue)> {
        let state = self.state();
        if let Some(first) = state.responses.iter().map(|response| response.read_by).min() {
            let since = first.min(state.progress_at);
            return Some((since + limits.write_timeout, Overdue::Unread));
        }
        let timeout = if state.has_requested {
            limits.idle_timeout
        } else {
            limits.header_timeout
        };
        (state.exchanges == 0).then(|| (state.quiet_since + timeout, Overdue::Idle))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    pub(super) fn respond(mut self, bytes: usize) -> Self {
        let mut state = self.activity.state();
        let now = Instant::now();
        if state.responses.is_empty() {
            state.progress_at = now;
        }
        state.bytes_without_progress = 0;
        state.requests_without_response = 0;
        let before = state.responses.iter().map(|response| response.bytes);
        let seconds = before.fold(bytes, usize::saturating_add) / MIN_RATE;
        let time = Duration::from_secs(seconds.try_into().unwrap_or(u64::MAX)).min(MAX_TIMEOUT);
        let response = Response {
            bytes,
            read_by: now + time,
        };
        state.responses.push(response);
        drop(state);
        self.response = Some(response);
        self
    }

    pub(super) fn progressed(&self) {
        let mut state = self.activity.state();
        state.progress_at = Instant::now();
        state.bytes_without_progress = 0;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        let now = Instant::now();
        state.exchanges -= 1;
        state.quiet_since = now;
        if let Some(response) = self.response {
            state.progress_at = now;
            if let Some(index) = state.responses.iter().position(|other| *other == response) {
                state.responses.swap_remove(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits {
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_mins(1),
        write_timeout: Duration::from_secs(30),
        connections: 1,
    };

    async fn seconds_until_overdue(activity: &Activity) -> u64 {
        let from = Instant::now();
        activity.overdue(&LIMITS).await;
        from.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn responses_are_overdue_when_the_client_stops_reading() {
        let activity = Arc::new(Activity::new());
        let responses = [(); 2].map(|()| activity.begin(Version::HTTP_2).respond(300 * MIN_RATE));
        let from = Instant::now();
        let reading = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                responses[0].progressed();
            }
        };
        let (overdue, ()) = tokio::join!(activity.overdue(&LIMITS), reading);
        assert_eq!((overdue, from.elapsed().as_secs()), (Overdue::Unread, 230));
        drop(responses);
        assert_eq!(activity.overdue(&LIMITS).await, Overdue::Idle);
        assert_eq!(from.elapsed().as_secs(), 290);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_timeout_starts_after_a_slowly_read_response() {
        let activity = Arc::new(Activity::new());
        let response = activity.begin(Version::HTTP_11).respond(200 * MIN_RATE);
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            response.progressed();
        }
        activity.received(1);
        drop(response);
        assert_eq!(seconds_until_overdue(&activity).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn response_below_the_minimum_rate_is_overdue_while_others_progress() {
        let activity = Arc::new(Activity::new());
        let response = |seconds: usize| activity.begin(Version::HTTP_2).respond(seconds * MIN_RATE);
        let slow = response(60);
        let from = Instant::now();
        let reading = async {
            for _ in 0..20 {
                let other = response(60);
                tokio::time::sleep(Duration::from_secs(10)).await;
                other.progressed();
            }
        };
        let (overdue, ()) = tokio::join!(activity.overdue(&LIMITS), reading);
        assert_eq!(overdue, Overdue::Unread);
        assert_eq!(from.elapsed().as_secs(), 200);
        let second = response(30);
        drop(slow);
        assert_eq!(activity.state().responses.len(), 1);
        drop(second);
        assert!(activity.state().responses.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn header_timeout_precedes_the_first_request_and_idle_timeout_follows_it() {
        let activity = Arc::new(Activity::new());
        assert_eq!(seconds_until_overdue(&activity).await, 10);
        let request = activity.begin(Version::HTTP_11);
        drop(request);
        assert_eq!(seconds_until_overdue(&activity).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn incomplete_request_head_does_not_extend_the_timeout() {
        let activity = Arc::new(Activity::new());
        let drip = async || {
            loop {
                activity.received(1);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let overdue = async |expected| {
            tokio::select! {
                seconds = seconds_until_overdue(&activity) => assert_eq!(seconds, expected),
                () = drip() => {}
            }
        };
        overdue(10).await;
        drop(activity.begin(Version::HTTP_11));
        overdue(60).await;
    }

    #[tokio::test(start_paused = true)]
    async fn connection_is_not_overdue_during_a_request() {
        let activity = Arc::new(Activity::new());
        let request = activity.begin(Version::HTTP_2);
        let long = Duration::from_secs(500);
        assert!(
            tokio::time::timeout(long, activity.overdue(&LIMITS))
                .await
                .is_err()
        );
        drop(request);
        activity.received(1);
        assert_eq!(seconds_until_overdue(&activity).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn connection_that_sends_bytes_without_requests_is_closed() {
        let activity = Arc::new(Activity::new());
        let megabytes = |count: usize| (0..count).for_each(|_| activity.received(1 << 20));
        megabytes(2);
        let request = activity.begin(Version::HTTP_2);
        megabytes(2);
        drop(request.respond(0));
        megabytes(2);
        assert!(!activity.flooded.initialized());
        megabytes(1);
        assert!(matches!(activity.overdue(&LIMITS).await, Overdue::Flooded(_)));
    }

    #[test]
    fn connection_that_resets_every_request_is_closed() {
        let activity = Arc::new(Activity::new());
        let reset = |count: usize| {
            (0..count).for_each(|_| drop(activity.begin(Version::HTTP_2)));
            activity.received(1);
            activity.flooded.initialized()
        };
        assert!(!reset(MAX_RESET_REQUESTS));
        drop(activity.begin(Version::HTTP_2).respond(0));
        assert!(!reset(MAX_RESET_REQUESTS));
        assert!(reset(1));
    }
}
