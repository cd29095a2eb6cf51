//! On whose behalf a call is made: with which token, in which lane, until when, how many there may be, and who counts them.
//!
//! Must not know what is asked, nor how turns are given.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use tokio::{sync::watch, time::Instant};

use crate::TokenSource;

/// Calls that wait in one line. Lanes are served in turn, so that a long line does not hold up a short one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Lane(u64);

impl Lane {
    /// A lane that nobody else has.
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

/// The operations that share one upstream call. The call departs when the first of their lanes has its turn, so that a small
/// operation does not wait behind a large one that fetches the same, and with the highest priority among them.
#[derive(Clone, Debug)]
pub struct CallerGroup(Arc<watch::Sender<Vec<(Lane, Priority)>>>);

impl CallerGroup {
    /// An empty group.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }

    /// Adds an operation that waits for the call.
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

    /// The members so far, with a notification for each later one.
    pub(crate) fn members(&self) -> watch::Receiver<Vec<(Lane, Priority)>> {
        let mut members = self.0.subscribe();
        // Members that joined before the call was queued count as well.
        members.mark_changed();
        members
    }

    /// The priority of a call that is made with `own` and waited for by these.
    pub(crate) fn lifted(&self, own: Priority) -> Priority {
        let is_person = |&(_, priority): &(Lane, Priority)| priority == Priority::Interactive;
        if self.0.borrow().iter().any(is_person) {
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

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Priority {
    /// A person, or a program that a person waits for.
    #[default]
    Interactive,
    /// Nobody: the call goes when no interactive one waits or as one of eight, and leaves the reserve of the day alone.
    Background,
}

/// One operation that needs upstream calls. Clones belong to the same operation: they share its lane and its count.
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
    /// An interactive operation in a lane of its own, which has no use for what arrives after `deadline`.
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

    /// The same operation with a token that somebody else brought, and that may be made up: until the upstream has accepted
    /// it, its calls share a small budget with those of all such tokens.
    #[must_use]
    pub fn bringing_its_token(mut self) -> Self {
        self.brings_token = true;
        self
    }

    /// The same operation as background work.
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.priority = Priority::Background;
        self
    }

    /// The same operation in a lane that it shares, as when all operations of one client are to wait in one line.
    #[must_use]
    pub fn in_lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    /// The same operation, which may make so many calls from now on. However often a call is tried, it is one.
    #[must_use]
    pub fn with_allowance(mut self, calls: u32) -> Self {
        self.allowance = Arc::new(AtomicU32::new(calls));
        self
    }

    /// The same operation, for one call that others may wait for too.
    #[must_use]
    pub fn in_group(mut self, group: CallerGroup) -> Self {
        self.group = group;
        self
    }

    /// How many requests were sent to the upstream's API for this operation so far, retries included.
    pub fn calls_sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// When the operation stops waiting.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether nobody waits for it.
    pub fn is_background(&self) -> bool {
        self.priority == Priority::Background
    }

    /// Takes a call off the allowance, if there is one left.
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
