//! Caller identity, lane, priority, deadline and call budget of an operation.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use tokio::{sync::watch, time::Instant};

use crate::TokenSource;

/// Queue of the calls of one operation or client. Lanes are served round-robin so that a long lane does not delay other lanes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Lane(u64);

impl Lane {
    /// Creates a new lane.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Lane {
    fn default() -> Self {
        Self::new()
    }
}

/// Operations that share one upstream call. The call waits in the lanes of all members with the highest priority among them, so
/// that a small operation does not wait behind a large operation that fetches the same data.
#[derive(Clone, Debug)]
pub struct CallerGroup(Arc<watch::Sender<Vec<(Lane, Priority)>>>);

impl CallerGroup {
    /// Creates an empty group.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }

    /// Adds an operation to the group.
    pub fn join(&self, caller: &Caller) {
        let member = (caller.lane, caller.priority);
        self.0.send_if_modified(|members| {
            let is_new = !members.contains(&member);
            if is_new {
                members.push(member);
            }
            is_new
        });
    }

    /// Subscribes to the members of the group.
    pub(crate) fn members(&self) -> watch::Receiver<Vec<(Lane, Priority)>> {
        let mut members = self.0.subscribe();
        // The channel is marked as changed so that members that joined before the call was queued are processed as well.
        members.mark_changed();
        members
    }

    /// Returns the highest priority among `own` and the members.
    pub(crate) fn effective_priority(&self, own: Priority) -> Priority {
        let is_interactive = |&(_, priority): &(Lane, Priority)| priority == Priority::Interactive;
        if self.0.borrow().iter().any(is_interactive) {
            Priority::Interactive
        } else {
            own
        }
    }
}

impl Default for CallerGroup {
    fn default() -> Self {
        Self::new()
    }
}

/// Priority of a call in the queue.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Priority {
    /// A user or client waits for the response.
    #[default]
    Interactive,
    /// Background work. Background calls get every eighth slot, and other slots only while no interactive call waits. They may
    /// not use the daily reserve.
    Background,
}

/// Context of an operation that makes upstream calls. Clones belong to the same operation and share its lane and counts.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use sends_client::{AccessToken, Caller};
/// use tokio::{sync::watch, time::Instant};
///
/// let token = AccessToken::new("eyJhbGciOi")?;
/// let caller = Caller::new(Arc::new(token), Instant::now() + Duration::from_secs(60));
/// assert_eq!(caller.calls_sent(), 0);
/// # Ok::<(), sends_client::InvalidToken>(())
/// ```
#[derive(Clone, Debug)]
pub struct Caller {
    access: Arc<dyn TokenSource>,
    lane: Lane,
    priority: Priority,
    deadline: Instant,
    allowance: Arc<AtomicU32>,
    sent: Arc<AtomicU32>,
    group: CallerGroup,
    brings_token: bool,
}

impl Caller {
    /// Creates an interactive operation that has its own lane and ends at `deadline`.
    pub fn new(access: Arc<dyn TokenSource>, deadline: Instant) -> Self {
        Self {
            access,
            lane: Lane::new(),
            priority: Priority::Interactive,
            deadline,
            allowance: Arc::new(AtomicU32::new(u32::MAX)),
            sent: Arc::default(),
            group: CallerGroup::new(),
            brings_token: false,
        }
    }

    /// Marks the token as supplied by the caller and unverified. Until the upstream accepts the token, its calls share a small
    /// budget with the calls of all unverified tokens.
    #[must_use]
    pub fn bringing_its_token(mut self) -> Self {
        self.brings_token = true;
        self
    }

    /// Sets the priority to [`Priority::Background`].
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.priority = Priority::Background;
        self
    }

    /// Sets a shared lane, for example for all operations of one client.
    #[must_use]
    pub fn in_lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    /// Sets the maximum number of further calls. Retries do not count.
    #[must_use]
    pub fn with_allowance(mut self, calls: u32) -> Self {
        self.allowance = Arc::new(AtomicU32::new(calls));
        self
    }

    /// Sets the group of operations that share a call.
    #[must_use]
    pub fn in_group(mut self, group: CallerGroup) -> Self {
        self.group = group;
        self
    }

    /// Returns the number of API requests sent for this operation so far, including retries.
    pub fn calls_sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Returns the time at which the operation ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns whether the priority is [`Priority::Background`].
    pub fn is_background(&self) -> bool {
        self.priority == Priority::Background
    }

    /// Deducts a call from the allowance. Returns `false` if the allowance is used up.
    pub(crate) fn begin_call(&self) -> bool {
        let (order, seen) = (Ordering::Relaxed, Ordering::Relaxed);
        self.allowance
            .fetch_update(order, seen, |left| left.checked_sub(1))
            .is_ok()
    }

    pub(crate) fn count_call(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn access(&self) -> &dyn TokenSource {
        &*self.access
    }

    pub(crate) fn lane(&self) -> Lane {
        self.lane
    }

    pub(crate) fn brings_token(&self) -> bool {
        self.brings_token
    }

    pub(crate) fn group(&self) -> &CallerGroup {
        &self.group
    }

    pub(crate) fn priority(&self) -> Priority {
        self.priority
    }
}
