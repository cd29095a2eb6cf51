//! What happens on a connection, and when it is overdue.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use http::Version;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::settings::ConnectionLimits;

/// What has happened on one connection.
pub(super) struct Activity {
    state: Mutex<State>,
}

struct State {
    /// Requests under way.
    under_way: usize,
    /// Responses that are being written.
    answering: usize,
    /// Since when none of them was read any further.
    unread_since: Instant,
    /// Since when there has been none.
    quiet_since: Instant,
    /// When the next request began to arrive.
    head_since: Option<Instant>,
    /// Whether there has been a request.
    spoken: bool,
    /// Whether bytes mean more than requests: HTTP/2 has its own conversation beside them.
    multiplexed: bool,
}

/// A request under way, until this is dropped.
pub(super) struct UnderWay(Arc<Activity>);

/// A response that is being written, until this is dropped.
pub(super) struct Answering(Arc<Activity>);

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
                unread_since: Instant::now(),
                quiet_since: Instant::now(),
                head_since: None,
                spoken: false,
                multiplexed: false,
            }),
        }
    }

    pub(super) fn begin(self: &Arc<Self>, version: Version) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        state.spoken = true;
        state.head_since = None;
        state.multiplexed = version == Version::HTTP_2;
        UnderWay(Arc::clone(self))
    }

    fn bytes_arrived(&self) {
        let mut state = self.state();
        let is_quiet = state.under_way == 0 && state.answering == 0;
        if is_quiet && !state.multiplexed && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
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
            return Some((state.unread_since + limits.write_timeout, Overdue::Unread));
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
    /// The same once the response is there and is being written.
    pub(super) fn answering(&self) -> Answering {
        let mut state = self.0.state();
        if state.answering == 0 {
            state.unread_since = Instant::now();
        }
        state.answering += 1;
        Answering(Arc::clone(&self.0))
    }
}

impl Answering {
    /// A piece of the response has left.
    pub(super) fn progressed(&self) {
        self.0.state().unread_since = Instant::now();
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let now = Instant::now();
        state.answering -= 1;
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
        if buffer.filled().len() > before {
            self.activity.bytes_arrived();
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
    use std::time::Duration;

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
        let responses = [(); 2].map(|()| activity.begin(Version::HTTP_2).answering());
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
        let response = activity.begin(Version::HTTP_11).answering();
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            response.progressed();
        }
        activity.bytes_arrived();
        drop(response);
        assert_eq!(seconds_until_overdue(&activity).await, 60);
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
                activity.bytes_arrived();
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
        activity.bytes_arrived();
        assert_eq!(seconds_until_overdue(&activity).await, 60);
    }
}
