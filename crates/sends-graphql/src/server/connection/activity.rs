//! What happens on a connection, and when it is overdue.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http::Version;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::SetOnce,
    time::Instant,
};

use super::ConnectionLimits;

/// How many bytes a connection may receive while nothing comes of them: no request, no answer, no part of a body. HTTP/2 lets
/// a client send as many frames as it likes that ask for nothing, such as `PING`, `SETTINGS` and `WINDOW_UPDATE`. It is more than
/// the body that a client may send before it learns that nobody reads it, which is a megabyte.
const FRUITLESS_BYTES: usize = 2 << 20;

/// The least rate at which the responses of a connection have to be read, in bytes a second, beyond the time for writing: a
/// quarter of a slow mobile network. A client that takes a piece now and then would keep the memory of a response for hours.
pub(super) const LEAST_RATE: usize = 16 << 10;

/// The longest time that the least rate gives to any response.
const LONGEST: Duration = Duration::from_hours(1);

/// How many requests a connection may begin in a row of which none is answered, since the client gives them up.
const UNANSWERED: usize = 1_000;

/// What has happened on one connection.
pub(super) struct Activity {
    state: Mutex<State>,
    /// Set by the first request over HTTP/2.
    multiplexed: SetOnce<()>,
}

struct State {
    /// Requests under way.
    under_way: usize,
    /// Responses that are being written.
    answering: usize,
    /// The bytes of those responses.
    answering_bytes: usize,
    /// For each of them, when it would be read at the least rate, after all that were begun before it.
    read_by: Vec<Instant>,
    /// Since when none of them was read any further.
    unread_since: Instant,
    /// Since when there has been none.
    quiet_since: Instant,
    /// When the next request began to arrive.
    head_since: Option<Instant>,
    /// Whether there has been a request.
    spoken: bool,
    /// Bytes of which nothing came so far.
    fruitless: usize,
    /// Requests begun since the last answer.
    unanswered: usize,
}

/// A request under way, until this is dropped.
pub(super) struct UnderWay(Arc<Activity>);

/// A response that is being written, until this is dropped.
pub(super) struct Answering {
    activity: Arc<Activity>,
    bytes: usize,
    read_by: Instant,
}

/// Why a connection is to be closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overdue {
    /// No request has come, or not the whole of its head.
    Silent,
    /// The responses are not being read.
    Unread,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                under_way: 0,
                answering: 0,
                answering_bytes: 0,
                read_by: Vec::new(),
                unread_since: Instant::now(),
                quiet_since: Instant::now(),
                head_since: None,
                spoken: false,
                fruitless: 0,
                unanswered: 0,
            }),
            multiplexed: SetOnce::new(),
        }
    }

    pub(super) fn begin(self: &Arc<Self>, version: Version) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        state.spoken = true;
        state.head_since = None;
        state.fruitless = 0;
        state.unanswered += 1;
        if version == Version::HTTP_2 {
            // Only the first one sets it.
            let _ = self.multiplexed.set(());
        }
        UnderWay(Arc::clone(self))
    }

    /// A request was answered.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.fruitless = 0;
        state.unanswered = 0;
    }

    /// Completes once the connection speaks HTTP/2, which has its own conversation beside the requests.
    pub(super) async fn multiplexed(&self) {
        self.multiplexed.wait().await;
    }

    /// A body that tells when something of it is taken.
    pub(super) fn watch(self: &Arc<Self>, body: Incoming) -> Body {
        let activity = Arc::clone(self);
        Body::new(body.map_frame(move |frame| {
            if frame.data_ref().is_some_and(|data: &Bytes| !data.is_empty()) {
                activity.state().fruitless = 0;
            }
            frame
        }))
    }

    fn bytes_arrived(&self, count: usize) -> io::Result<()> {
        let mut state = self.state();
        let is_quiet = state.under_way == 0 && state.answering == 0;
        if is_quiet && !self.multiplexed.initialized() && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
        state.fruitless = state.fruitless.saturating_add(count);
        if state.fruitless > FRUITLESS_BYTES {
            return Err(io::Error::other("the client sends much and asks for nothing"));
        }
        if state.unanswered > UNANSWERED {
            return Err(io::Error::other(
                "the client gives up every request that it makes",
            ));
        }
        Ok(())
    }

    /// Completes when the connection has kept the service waiting for too long.
    pub(super) async fn overdue(&self, limits: &ConnectionLimits) -> Overdue {
        // A deadline that is set after a look can lie so far ahead at the least.
        let look_again = limits
            .header_timeout
            .min(limits.idle_timeout)
            .min(limits.write_timeout);
        loop {
            let now = Instant::now();
            let next = match self.due(limits) {
                Some((due, overdue)) if due <= now => return overdue,
                Some((due, _)) => due.min(now + look_again),
                None => now + look_again,
            };
            tokio::time::sleep_until(next).await;
        }
    }

    fn due(&self, limits: &ConnectionLimits) -> Option<(Instant, Overdue)> {
        let state = self.state();
        if state.answering > 0 {
            let first = state.read_by.iter().copied().min();
            let since = first.map_or(state.unread_since, |first| first.min(state.unread_since));
            return Some((since + limits.write_timeout, Overdue::Unread));
        }
        if state.under_way > 0 {
            return None;
        }
        let idle = if state.spoken {
            limits.idle_timeout
        } else {
            limits.header_timeout
        };
        let idle = state.quiet_since + idle;
        let due = state
            .head_since
            .map_or(idle, |since| since + limits.header_timeout);
        Some((due, Overdue::Silent))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// The same once the response, of so many bytes, is there and is being written.
    pub(super) fn answering(&self, bytes: usize) -> Answering {
        let mut state = self.0.state();
        let now = Instant::now();
        if state.answering == 0 {
            state.unread_since = now;
        }
        state.answering += 1;
        state.answering_bytes = state.answering_bytes.saturating_add(bytes);
        let seconds = state.answering_bytes / LEAST_RATE;
        let read_by = now + Duration::from_secs(seconds.try_into().unwrap_or(u64::MAX)).min(LONGEST);
        state.read_by.push(read_by);
        Answering {
            activity: Arc::clone(&self.0),
            bytes,
            read_by,
        }
    }
}

impl Answering {
    /// A piece of the response has left.
    pub(super) fn progressed(&self) {
        let mut state = self.activity.state();
        state.unread_since = Instant::now();
        state.fruitless = 0;
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        let now = Instant::now();
        state.answering -= 1;
        state.answering_bytes = state.answering_bytes.saturating_sub(self.bytes);
        if let Some(index) = state.read_by.iter().position(|by| *by == self.read_by) {
            state.read_by.swap_remove(index);
        }
        state.unread_since = now;
        state.quiet_since = now;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        state.quiet_since = Instant::now();
    }
}

/// A stream that tells when bytes arrive.
pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        let count = buffer.filled().len() - before;
        if count > 0 {
            self.activity.bytes_arrived(count)?;
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
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
        let responses = [(); 2].map(|()| activity.begin(Version::HTTP_2).answering(300 * LEAST_RATE));
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
        assert_eq!(activity.overdue(&LIMITS).await, Overdue::Silent);
        assert_eq!(from.elapsed().as_secs(), 290);
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_read_for_long_leaves_the_idle_time_to_its_connection() {
        let activity = Arc::new(Activity::new());
        let response = activity.begin(Version::HTTP_11).answering(200 * LEAST_RATE);
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            response.progressed();
        }
        activity.bytes_arrived(1).unwrap();
        drop(response);
        assert_eq!(seconds_until_overdue(&activity).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn each_response_is_overdue_beyond_the_least_rate_though_others_are_read() {
        let activity = Arc::new(Activity::new());
        let answer = |seconds: usize| activity.begin(Version::HTTP_2).answering(seconds * LEAST_RATE);
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
        assert_eq!(activity.state().read_by.len(), 1);
        drop(second);
        assert_eq!(activity.state().answering_bytes, 0);
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
    async fn a_head_that_drips_is_overdue_by_its_first_byte() {
        let activity = Arc::new(Activity::new());
        drop(activity.begin(Version::HTTP_11));
        tokio::time::sleep(Duration::from_secs(30)).await;
        let dripping = async {
            for _ in 0..30 {
                activity.bytes_arrived(1).unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let (seconds, ()) = tokio::join!(seconds_until_overdue(&activity), dripping);
        assert_eq!(seconds, 10);
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
        activity.bytes_arrived(1).unwrap();
        assert_eq!(seconds_until_overdue(&activity).await, 60);
    }

    #[test]
    fn connection_ends_that_sends_much_and_asks_for_nothing() {
        let activity = Arc::new(Activity::new());
        let megabyte = || activity.bytes_arrived(1 << 20).is_ok();
        assert!(megabyte() && megabyte());
        let request = activity.begin(Version::HTTP_2);
        assert!(megabyte() && megabyte());
        activity.answered();
        drop(request);
        assert!(megabyte() && megabyte());
        assert!(!megabyte());
    }

    #[test]
    fn connection_ends_that_gives_up_every_request() {
        let activity = Arc::new(Activity::new());
        let give_up = |count: usize| (0..count).for_each(|_| drop(activity.begin(Version::HTTP_2)));
        give_up(UNANSWERED);
        assert!(activity.bytes_arrived(1).is_ok());
        activity.answered();
        give_up(UNANSWERED);
        assert!(activity.bytes_arrived(1).is_ok());
        give_up(1);
        assert!(activity.bytes_arrived(1).is_err());
    }
}
