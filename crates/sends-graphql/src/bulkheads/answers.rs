//! Memory of answers: reserved by estimate before an operation is executed, charged for what turns out larger, corrected to
//! the length of the serialised answer, and held until that is written.
//!
//! An answer of up to [`SMALL`] bytes by estimate takes room in a [bulkhead](crate::bulkheads) of its own, so that large
//! answers never keep small ones waiting. One connection may hold half of the budget.
//!
//! Knows neither HTTP nor the schema.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use crate::bulkheads::{Bulkhead, Bulkheads, Room};

/// Estimates up to this many bytes are small: about 3,500 values.
pub const SMALL: usize = 512 << 10;

/// Memory of one value while an answer is made: the value, its name, its share of an index, and its text. Measured: 133 bytes
/// a value for an answer of 226,000.
const VALUE: usize = 144;

/// Memory of one value that waits for something to be read. Measured: 2.35 kB. The library starts all fields before it goes on with the first.
const WAIT: usize = 2_400;

/// Memory of one field of an operation while it is executed: its plan, and what the library executes.
const FIELD: usize = 512;

/// How often the arguments of an operation are in memory while it is executed: in its plan, in what the library executes, and
/// as what a resolver has read of them. Measured: 2.2 times for 490 ids of 100 kB.
const ARGUMENT_COPIES: usize = 3;

/// Memory of one error of an answer beside the names in its path, most of it for its extensions. Measured: 2.7 kB.
const ERROR: usize = 3 << 10;

/// The length of a name up to which [`VALUE`] has room for it.
const NAME: usize = 16;

/// How long an operation is executed without a pause for others. The library resolves what is known already in one piece.
const SLICE: Duration = Duration::from_millis(2);

/// Admits answers.
pub struct Answers {
    large: Lane,
    small: Lane,
    wait: Duration,
}

/// A bulkhead with a bound on those that wait for it: each keeps an operation's place.
struct Lane {
    room: Bulkhead,
    queue: Semaphore,
}

/// What one connection may hold: half of what there is for answers of either size, or a single answer beyond that. Clones
/// share it.
#[derive(Clone, Debug)]
pub struct Part {
    large: Side,
    small: Side,
}

/// A bulkhead, and what one connection may hold of it.
#[derive(Clone, Debug)]
struct Side {
    lane: Bulkhead,
    part: Bulkhead,
}

/// Memory in both.
#[derive(Debug)]
struct Share {
    room: Room,
    of_part: Room,
}

/// What an operation is expected to answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Estimate {
    /// The fields of the operation, with every fragment in its place.
    pub fields: usize,
    /// The values of its answer.
    pub values: usize,
    /// Those of them that wait for something to be read, all at once.
    pub waits: usize,
    /// Those of them that describe the schema. Each exists in three forms at a time.
    pub of_schema: usize,
    /// Bytes of long names in the text of the answer, and of the arguments that an object of it has been asked with.
    pub texts: usize,
    /// Bytes of the arguments of the operation, with the values of its variables in their places.
    pub arguments: usize,
    /// Bytes of the names in the longest path that an error can have.
    pub path: usize,
}

/// The bytes of a name that the memory of its value has no room for.
pub const fn long_name(name: &str) -> usize {
    name.len().saturating_sub(NAME)
}

impl Estimate {
    fn bytes(self) -> usize {
        let parts = [
            (self.fields, FIELD),
            (self.values, VALUE),
            (self.waits, WAIT),
            (self.of_schema, 2 * VALUE),
            (self.texts, 1),
            (self.arguments, ARGUMENT_COPIES),
        ];
        let bytes = parts.map(|(count, each)| count.saturating_mul(each));
        bytes.into_iter().fold(0, usize::saturating_add)
    }
}

/// Why there is no memory for an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exceeded {
    /// Other answers hold it at the moment.
    Busy,
    /// The answer is larger than one may be.
    TooLarge,
}

impl Exceeded {
    /// The refusal in words for the caller.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Busy => {
                "The memory for answers (answer-budget) is in use at the moment; try again shortly."
            }
            Self::TooLarge => {
                "The answer takes more memory than one may (answer-budget); ask for fewer sends with `first`, for fewer \
                 activities, or for fewer fields."
            }
        }
    }
}

impl Answers {
    /// Admits answers within these bulkheads, each after so much waiting.
    pub fn new(bulkheads: &Bulkheads, wait: Duration) -> Self {
        let (large, small) = (&bulkheads.large_answers, &bulkheads.small_answers);
        let queue = bulkheads.operations.limit().div_ceil(4);
        let lane = |room: &Bulkhead| Lane {
            room: room.clone(),
            queue: Semaphore::new(queue),
        };
        Self {
            large: lane(large),
            small: lane(small),
            wait,
        }
    }

    /// The part of a new connection.
    pub fn part(&self) -> Part {
        let side = |lane: &Lane| Side {
            lane: lane.room.clone(),
            part: Bulkhead::new("answers of a connection", lane.room.limit() / 2),
        };
        Part {
            large: side(&self.large),
            small: side(&self.small),
        }
    }

    /// Memory for the answer of one operation, in the order of arrival.
    ///
    /// # Errors
    ///
    /// [`Exceeded`], when there is none in time, too many wait for it, or there can never be as much.
    pub async fn reserve(&self, part: &Part, estimate: Estimate) -> Result<Arc<AnswerMemory>, Exceeded> {
        let bytes = estimate.bytes();
        let (share, is_small) = self.share(part, bytes).await?;
        Ok(AnswerMemory::new(part, share, is_small, estimate))
    }

    /// Memory for the answers of all operations of a batch at once, so that none waits for what another one holds. Together
    /// they may take as much as a single answer.
    ///
    /// # Errors
    ///
    /// As for [`reserve`](Self::reserve).
    pub async fn reserve_together(
        &self,
        part: &Part,
        estimates: &[Estimate],
    ) -> Result<Vec<Arc<AnswerMemory>>, Exceeded> {
        let bytes = estimates.iter().map(|estimate| estimate.bytes());
        let together = bytes.fold(0, usize::saturating_add);
        let (mut share, is_small) = self.share(part, together).await?;
        let each = estimates
            .iter()
            .map(|estimate| AnswerMemory::new(part, share.split(estimate.bytes()), is_small, *estimate));
        Ok(each.collect())
    }

    /// So many bytes, and whether they are of the small answers.
    async fn share(&self, part: &Part, bytes: usize) -> Result<(Share, bool), Exceeded> {
        let is_small = bytes <= SMALL;
        let lane = if is_small { &self.small } else { &self.large };
        let side = part.side(bytes);
        if bytes > side.lane.limit() {
            side.lane.refuse();
            return Err(Exceeded::TooLarge);
        }
        if let Some(share) = side.share_if_free(bytes) {
            return Ok((share, is_small));
        }
        let Ok(_waiting) = lane.queue.try_acquire() else {
            side.lane.refuse();
            return Err(Exceeded::Busy);
        };
        let share = side.lane.within(side.share(bytes), self.wait).await;
        share.map(|share| (share, is_small)).ok_or(Exceeded::Busy)
    }

    /// Memory for an answer that exists already, without waiting. Several connections can share it, each within its part.
    pub fn lend(&self, bytes: usize) -> Option<Room> {
        let lane = if bytes <= SMALL { &self.small } else { &self.large };
        lane.room.enter_if_free(bytes)
    }
}

impl Part {
    /// Room for an answer that exists already, without waiting.
    pub fn lend(&self, bytes: usize) -> Option<Room> {
        let side = self.side(bytes);
        side.part.enter_if_free(bytes.min(side.part.limit()))
    }

    fn side(&self, bytes: usize) -> &Side {
        if bytes <= SMALL { &self.small } else { &self.large }
    }
}

impl Side {
    /// Room of both that is free now.
    fn share_if_free(&self, bytes: usize) -> Option<Share> {
        let of_part = self.part.enter_if_free(bytes.min(self.part.limit()))?;
        let room = self.lane.enter_if_free(bytes)?;
        Some(Share { room, of_part })
    }

    /// Room of both, in the order of arrival.
    async fn share(&self, bytes: usize) -> Option<Share> {
        let of_part = self.part.enter(bytes.min(self.part.limit())).await?;
        let room = self.lane.enter(bytes).await?;
        Some(Share { room, of_part })
    }
}

impl Share {
    /// Takes a part of it. All of the part of a connection may be taken already, where a single answer takes more than that.
    fn split(&mut self, bytes: usize) -> Self {
        Self {
            room: self.room.split_at_most(bytes),
            of_part: self.of_part.split_at_most(bytes),
        }
    }

    fn merge(&mut self, other: Self) {
        self.room.merge(other.room);
        self.of_part.merge(other.of_part);
    }

    fn shrink_to(&mut self, size: usize) {
        self.room.shrink_to(size);
        self.of_part.shrink_to(size);
    }
}

/// The memory of one answer, given back when this is dropped.
#[derive(Debug)]
pub struct AnswerMemory {
    part: Part,
    held: Mutex<Held>,
    exceeded: OnceLock<Exceeded>,
    /// Memory of one error.
    error: usize,
    /// When the operation was executed from, since its last pause.
    slice: Mutex<Instant>,
}

#[derive(Debug)]
struct Held {
    /// Whether the estimate was small.
    is_small: bool,
    /// On the side of the estimate.
    share: Share,
    /// Of a large answer that was expected to be small.
    more: Option<Share>,
}

impl Held {
    fn size(&self) -> usize {
        self.share.room.size() + self.more.as_ref().map_or(0, |more| more.room.size())
    }
}

tokio::task_local! {
    /// The memory of the operation that the task executes: errors are made where nothing else of it is at hand.
    static CURRENT: Arc<AnswerMemory>;
}

/// Executes an operation that answers in this memory.
pub async fn within<T>(memory: Arc<AnswerMemory>, operation: impl Future<Output = T>) -> T {
    CURRENT.scope(memory, operation).await
}

/// The memory that the operation of this task answers in. Only what comes over HTTP has one.
pub fn current() -> Option<Arc<AnswerMemory>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Why the operation of this task is refused in the middle of it.
pub fn exceeded() -> Option<Exceeded> {
    CURRENT.try_with(|memory| memory.exceeded()).ok().flatten()
}

/// Takes memory for an error of the operation of this task, which no estimate expects.
///
/// # Errors
///
/// [`Exceeded`], as for values. The operation is refused, so that the error need not say anything.
pub fn charge_error() -> Result<(), Exceeded> {
    let charged = CURRENT.try_with(|memory| memory.charge_bytes(memory.error));
    charged.unwrap_or(Ok(()))
}

impl AnswerMemory {
    fn new(part: &Part, share: Share, is_small: bool, estimate: Estimate) -> Arc<Self> {
        Arc::new(Self {
            part: part.clone(),
            held: Mutex::new(Held {
                is_small,
                share,
                more: None,
            }),
            exceeded: OnceLock::new(),
            error: ERROR.saturating_add(estimate.path),
            slice: Mutex::new(Instant::now()),
        })
    }

    /// Takes memory for so many values beyond the estimate, and for so many bytes of long names.
    ///
    /// # Errors
    ///
    /// [`Exceeded`], from then on for whatever is charged. The answer must not be given.
    pub fn charge(&self, values: usize, texts: usize) -> Result<(), Exceeded> {
        self.charge_bytes(values.saturating_mul(VALUE).saturating_add(texts))
    }

    fn charge_bytes(&self, bytes: usize) -> Result<(), Exceeded> {
        match self.exceeded.get() {
            Some(exceeded) => Err(*exceeded),
            None => self.grow(bytes),
        }
    }

    /// Corrects what is held to the length of the serialised answer.
    ///
    /// # Errors
    ///
    /// [`Exceeded`], where it is longer than the memory that it was made in.
    pub fn settle(&self, length: usize) -> Result<(), Exceeded> {
        let mut held = self.held();
        if let Some(missing) = length.checked_sub(held.size()).filter(|missing| *missing > 0) {
            drop(held);
            return self.grow(missing);
        }
        let beyond = length.saturating_sub(held.share.room.size());
        held.share.shrink_to(length);
        match &mut held.more {
            Some(more) if beyond > 0 => more.shrink_to(beyond),
            more => *more = None,
        }
        Ok(())
    }

    /// How much is held.
    pub fn bytes(&self) -> usize {
        self.held().size()
    }

    /// Whether a charge has failed.
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get().copied()
    }

    /// Lets others run, if the operation has been executed for a while.
    pub async fn pause(&self) {
        loop {
            let began = *self.slice();
            if began.elapsed() < SLICE {
                return;
            }
            tokio::task::yield_now().await;
            // The first of many fields that pause at once begins the next slice for all.
            let mut slice = self.slice();
            if *slice == began {
                *slice = Instant::now();
            }
        }
    }

    fn grow(&self, bytes: usize) -> Result<(), Exceeded> {
        let mut held = self.held();
        let total = held.size().saturating_add(bytes);
        let is_more = held.is_small && total > SMALL;
        let side = if held.is_small {
            self.part.side(total)
        } else {
            &self.part.large
        };
        // A single answer may take more than the part of its connection.
        let most = side.part.limit().saturating_sub(held.size());
        let of_part = side.part.enter_before_waiting(bytes.min(most));
        let room = of_part
            .as_ref()
            .and_then(|_| side.lane.enter_before_waiting(bytes));
        let (Some(room), Some(of_part)) = (room, of_part) else {
            side.lane.refuse();
            let exceeded = if total > side.lane.limit() {
                Exceeded::TooLarge
            } else {
                Exceeded::Busy
            };
            return Err(*self.exceeded.get_or_init(|| exceeded));
        };
        let share = Share { room, of_part };
        match &mut held.more {
            _ if !is_more => held.share.merge(share),
            Some(more) => more.merge(share),
            more => *more = Some(share),
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slice(&self) -> MutexGuard<'_, Instant> {
        self.slice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
