//! Timeouts and flood limits of one connection, from the requests and responses on it.
//!
//! hyper has a timeout for the head of a request over HTTP/1.1. hyper has none for a client that does not begin its first
//! request, for an idle connection of HTTP/2, or for a response that is not read: neither a closed window of HTTP/2 nor a reader
//! of one byte at a time blocks a write for long, so that a timeout of the socket would not notice them.

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

/// Bytes that a connection can receive without a request, a response or a part of a body in between. HTTP/2 permits any number of
/// frames that request nothing, such as `PING`, `SETTINGS` and `WINDOW_UPDATE`. The limit exceeds the megabyte of a body that a
/// client can send before it detects that the service does not read it.
const FRUITLESS_BYTES: usize = 2 << 20;

/// Consecutive requests of a connection that the client can reset before their responses.
const UNANSWERED: usize = 1_000;

/// Minimum rate, in bytes a second, at which responses have to be read in addition to the write timeout: a quarter of a slow
/// mobile network. Without it a client could occupy the memory of a response for hours by reading a piece now and then.
pub(super) const MIN_RATE: usize = 16 << 10;

/// Upper bound of the time that the minimum rate allows for a response.
const MAX_TIMEOUT: Duration = Duration::from_hours(1);

/// Requests and responses of one connection.
pub(super) struct Activity {
    state: Mutex<State>,
    /// Set by the first request over HTTP/2.
    multiplexed: SetOnce<()>,
    flooded: SetOnce<&'static str>,
}

struct State {
    /// Requests from their head to the end of their response.
    exchanges: usize,
    /// Responses that are being written.
    responses: Vec<Response>,
    /// Time of the last progress in any response.
    progress_at: Instant,
    /// End of the last exchange, or the opening of the connection.
    quiet_since: Instant,
    has_requested: bool,
    fruitless_bytes: usize,
    unanswered: usize,
}

#[derive(Clone, Copy, Eq, PartialEq)]
struct Response {
    bytes: usize,
    /// Latest end at the minimum rate, after all responses that began before.
    read_by: Instant,
}

/// One request and its response. Dropped when the response is written, or when either side aborts.
pub(super) struct Exchange {
    activity: Arc<Activity>,
    response: Option<Response>,
}

/// Reason to close a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overdue {
    /// No request, or not its whole head, within the time.
    Idle,
    /// Responses are not read, or too slowly.
    Unread,
    /// Too many bytes or requests without effect.
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
                fruitless_bytes: 0,
                unanswered: 0,
            }),
            multiplexed: SetOnce::new(),
            flooded: SetOnce::new(),
        }
    }

    /// Begins an exchange with the head of a request.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Exchange {
        let mut state = self.state();
        state.exchanges += 1;
        state.has_requested = true;
        state.fruitless_bytes = 0;
        state.unanswered += 1;
        if version == Version::HTTP_2 {
            // Fails for all but the first.
            let _ = self.multiplexed.set(());
        }
        Exchange {
            activity: Arc::clone(self),
            response: None,
        }
    }

    /// Completes once the connection is known to use HTTP/2.
    pub(super) async fn multiplexed(&self) {
        self.multiplexed.wait().await;
    }

    /// Counts the parts of a request body as progress.
    pub(super) fn observe(self: &Arc<Self>, body: Incoming) -> Body {
        let activity = Arc::clone(self);
        Body::new(body.map_frame(move |frame| {
            if frame.data_ref().is_some_and(|data: &Bytes| !data.is_empty()) {
                activity.state().fruitless_bytes = 0;
            }
            frame
        }))
    }

    /// Counts received bytes of any kind.
    pub(super) fn received(&self, bytes: usize) {
        let mut state = self.state();
        state.fruitless_bytes = state.fruitless_bytes.saturating_add(bytes);
        let flood = if state.fruitless_bytes > FRUITLESS_BYTES {
            "too many bytes without a request"
        } else if state.unanswered > UNANSWERED {
            "too many requests that were reset"
        } else {
            return;
        };
        let _ = self.flooded.set(flood);
    }

    /// Completes when the connection has to be closed.
    pub(super) async fn overdue(&self, limits: &ConnectionLimits) -> Overdue {
        // Lower bound of every deadline that can arise during a sleep.
        let shortest = limits
            .header_timeout
            .min(limits.idle_timeout)
            .min(limits.write_timeout);
        loop {
            let now = Instant::now();
            let next = match self.deadline(limits) {
                Some((deadline, overdue)) if deadline <= now => return overdue,
                Some((deadline, _)) => deadline.min(now + shortest),
                None => now + shortest,
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
    /// Begins the writing of the response.
    pub(super) fn respond(mut self, bytes: usize) -> Self {
        let mut state = self.activity.state();
        let now = Instant::now();
        if state.responses.is_empty() {
            state.progress_at = now;
        }
        state.fruitless_bytes = 0;
        state.unanswered = 0;
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

    /// Notes that a piece of the response was written.
    pub(super) fn progressed(&self) {
        let mut state = self.activity.state();
        state.progress_at = Instant::now();
        state.fruitless_bytes = 0;
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
    async fn responses_are_overdue_when_none_of_them_is_read_any_further() {
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
    async fn a_response_that_is_read_for_long_leaves_the_idle_time_to_its_connection() {
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
    async fn each_response_is_overdue_beyond_the_least_rate_though_others_are_read() {
        let activity = Arc::new(Activity::new());
        let answer = |seconds: usize| activity.begin(Version::HTTP_2).respond(seconds * MIN_RATE);
        let slow = answer(60);
        let from = Instant::now();
        let reading = async {
            for _ in 0..20 {
                let other = answer(60);
                tokio::time::sleep(Duration::from_secs(10)).await;
                other.progressed();
            }
        };
        let (overdue, ()) = tokio::join!(activity.overdue(&LIMITS), reading);
        assert_eq!(overdue, Overdue::Unread);
        assert_eq!(from.elapsed().as_secs(), 200);
        let second = answer(30);
        drop(slow);
        assert_eq!(activity.state().responses.len(), 1);
        drop(second);
        assert!(activity.state().responses.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_the_time_for_a_head_from_its_opening_and_the_idle_time_from_its_last_request() {
        let activity = Arc::new(Activity::new());
        assert_eq!(seconds_until_overdue(&activity).await, 10);
        let request = activity.begin(Version::HTTP_11);
        drop(request);
        assert_eq!(seconds_until_overdue(&activity).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_a_head_that_never_ends_do_not_prolong_the_time_for_it() {
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
    async fn nothing_is_overdue_while_a_request_is_under_way() {
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
    async fn connection_ends_that_sends_much_and_requests_nothing() {
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
    fn connection_ends_that_resets_every_request() {
        let activity = Arc::new(Activity::new());
        let reset = |count: usize| {
            (0..count).for_each(|_| drop(activity.begin(Version::HTTP_2)));
            activity.received(1);
            activity.flooded.initialized()
        };
        assert!(!reset(UNANSWERED));
        drop(activity.begin(Version::HTTP_2).respond(0));
        assert!(!reset(UNANSWERED));
        assert!(reset(1));
    }
}
