//! Memory of answers: reserved by estimate before an operation is executed, charged for what turns out larger, corrected to
//! the length of the serialised answer, and held until that is written.
//!
//! An answer of up to [`SMALL`] bytes by estimate takes room in a [bulkhead](crate::bulkheads) of its own, so that large
//! answers never keep small ones waiting. While an operation waits for Constant Contact, its memory moves to a third one. Where
//! that has no room, the operation queues for it and keeps its memory meanwhile. Together, those that queue keep at most half of what
//! there is for small and for large answers, so that answers whose data is known have the other half. One connection may hold half of
//! each.
//!
//! Knows neither HTTP nor the schema.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, SetOnce},
    time::timeout,
};

use crate::bulkheads::{Bulkhead, Bulkheads, Room};

/// Estimates up to this many bytes are small: about 3,500 values.
pub const SMALL: usize = 512 << 10;

/// Memory of one value while an answer is made: the value, its name, its share of an index, and its text. Measured: 133 bytes
/// a value for an answer of 226,000.
const VALUE: usize = 144;

/// Memory of one value that waits for something to be read, beside the calls. The library starts all fields before it goes on
/// with the first. Measured for 40 activities with 12 fields: 3.3 kB where all operations wait for the same calls, 3.6 kB
/// where each has calls of its own that wait for their turn.
const WAIT: usize = 3_600;

/// Memory of one call to Constant Contact on its way, most of it for the request and a connection of its own. Measured without a
/// pace: 28 kB.
const CALL: usize = 28 << 10;

/// Memory of one field of an operation while it is executed: its plan, and what the library executes.
const FIELD: usize = 512;

/// How often the arguments of an operation are in memory while it is executed: in its plan, in what the library executes, and
/// as what a resolver has read of them. Measured: 2.2 times for 490 ids of 100 kB.
const ARGUMENT_COPIES: usize = 3;

/// Memory of one error of an answer beside the names in its path, most of it for its extensions. Measured: 2.7 kB.
const ERROR: usize = 3 << 10;

/// The length of a name up to which [`VALUE`] has room for it.
const NAME: usize = 16;

/// What an operation may hold uncounted while it waits for the memory of its answer: the memory for waiting can be taken by
/// others for long, and the operations that wait are counted anyway.
const LITTLE: usize = 16 << 10;

/// How long an operation is executed without a pause for others. The library resolves what is known already in one piece.
const SLICE: Duration = Duration::from_millis(2);

/// Admits answers.
pub struct Answers {
    large: Bulkhead,
    small: Bulkhead,
    waiting: Bulkhead,
    queued_small: Bulkhead,
    queued_large: Bulkhead,
    wait: Duration,
}

/// What one connection may hold: half of what there is for answers of either size and for operations that wait, or a single
/// answer beyond that. Clones share it.
#[derive(Clone, Debug)]
pub struct Part {
    large: Side,
    small: Side,
    waiting: Side,
    /// What answers hold of their bulkheads while they queue for memory to wait in.
    queued_small: Bulkhead,
    queued_large: Bulkhead,
    wait: Duration,
}

/// Which bulkhead memory is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Budget {
    Small,
    Large,
    Waiting,
}

impl Budget {
    /// The budget that an answer of so many bytes is reserved from.
    const fn of(bytes: usize) -> Self {
        if bytes <= SMALL { Self::Small } else { Self::Large }
    }
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
    /// Those of the values that wait for something to be read, all at once.
    pub waits: usize,
    /// The calls to Constant Contact that it can need.
    pub calls: usize,
    /// Those of the values that describe the schema. Each exists in three forms at a time.
    pub of_schema: usize,
    /// The bytes of the document, whose text is kept for the places of errors.
    pub document: usize,
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
            (self.calls, CALL),
            (self.of_schema, 2 * VALUE),
            (self.document, 1),
            (self.texts, 1),
            (self.arguments, ARGUMENT_COPIES),
        ];
        let bytes = parts.map(|(count, each)| count.saturating_mul(each));
        bytes.into_iter().fold(0, usize::saturating_add)
    }

    /// What the operation holds before it is executed.
    fn before_execution(self) -> usize {
        let fields = self.fields.saturating_mul(FIELD);
        fields
            .saturating_add(self.document)
            .saturating_add(self.arguments)
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
        Self {
            large: bulkheads.large_answers.clone(),
            small: bulkheads.small_answers.clone(),
            waiting: bulkheads.waiting_memory.clone(),
            queued_small: Bulkhead::new("queued small answers", bulkheads.small_answers.limit() / 2),
            queued_large: Bulkhead::new("queued large answers", bulkheads.large_answers.limit() / 2),
            wait,
        }
    }

    /// The part of a new connection.
    pub fn part(&self) -> Part {
        let side = |lane: &Bulkhead| Side {
            lane: lane.clone(),
            part: Bulkhead::new("answers of a connection", lane.limit() / 2),
        };
        Part {
            large: side(&self.large),
            small: side(&self.small),
            waiting: side(&self.waiting),
            queued_small: self.queued_small.clone(),
            queued_large: self.queued_large.clone(),
            wait: self.wait,
        }
    }

    /// Memory for the answer of one operation, in the order of arrival.
    ///
    /// # Errors
    ///
    /// [`Exceeded`], when there is none in time, none for what the operation holds meanwhile, or there can never be as much.
    pub async fn reserve(&self, part: &Part, estimate: Estimate) -> Result<Arc<AnswerMemory>, Exceeded> {
        let held = self
            .hold(part, estimate.bytes(), estimate.before_execution())
            .await?;
        Ok(AnswerMemory::new(part, held, estimate))
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
        let sum = |bytes: fn(Estimate) -> usize| {
            let each = estimates.iter().map(|estimate| bytes(*estimate));
            each.fold(0, usize::saturating_add)
        };
        let (bytes, before) = (sum(Estimate::bytes), sum(Estimate::before_execution));
        let mut held = self.hold(part, bytes, before).await?;
        let each = estimates.iter().map(|estimate| {
            let held = Held {
                budget: held.budget,
                share: held.share.split(estimate.bytes()),
            };
            AnswerMemory::new(part, held, *estimate)
        });
        Ok(each.collect())
    }

    /// Memory of so many bytes, for what holds `before` until it has it.
    async fn hold(&self, part: &Part, bytes: usize, before: usize) -> Result<Held, Exceeded> {
        let budget = Budget::of(bytes);
        let side = part.side(budget);
        if bytes > side.lane.limit() {
            side.lane.refuse();
            return Err(Exceeded::TooLarge);
        }
        if let Some(share) = side.share_if_free(bytes) {
            return Ok(Held { budget, share });
        }
        let _before = match before {
            ..=LITTLE => None,
            _ => Some(part.wait_in(before).ok_or(Exceeded::Busy)?),
        };
        let share = side.lane.within(side.share(bytes), self.wait).await;
        share.map(|share| Held { budget, share }).ok_or(Exceeded::Busy)
    }

    /// Memory for an answer that exists already, without waiting. Several connections can share it, each within its part.
    pub fn lend(&self, bytes: usize) -> Option<Room> {
        let lane = if bytes <= SMALL { &self.small } else { &self.large };
        lane.enter_if_free(bytes)
    }
}

impl Part {
    /// Room for an answer that exists already, without waiting.
    pub fn lend(&self, bytes: usize) -> Option<Room> {
        let side = self.side(Budget::of(bytes));
        side.part.enter_if_free(bytes.min(side.part.limit()))
    }

    /// Memory for what an operation holds while it waits. `None` is counted as a refusal.
    pub fn wait_in(&self, bytes: usize) -> Option<Waiting> {
        let share = self.waiting.more(bytes, 0);
        if share.is_none() {
            self.waiting.lane.refuse();
        }
        share.map(|share| Waiting { _share: share })
    }

    fn side(&self, budget: Budget) -> &Side {
        match budget {
            Budget::Small => &self.small,
            Budget::Large => &self.large,
            Budget::Waiting => &self.waiting,
        }
    }

    /// What answers of this budget hold of it while they queue for memory to wait in.
    fn queued(&self, budget: Budget) -> Option<&Bulkhead> {
        match budget {
            Budget::Small => Some(&self.queued_small),
            Budget::Large => Some(&self.queued_large),
            Budget::Waiting => None,
        }
    }
}

/// Memory of an operation that waits, given back when this is dropped.
#[derive(Debug)]
pub struct Waiting {
    _share: Share,
}

impl Side {
    /// Room of both that is free now.
    fn share_if_free(&self, bytes: usize) -> Option<Share> {
        let of_part = self.part.enter_if_free(bytes.min(self.part.limit()))?;
        let room = self.lane.enter_if_free(bytes)?;
        Some(Share { room, of_part })
    }

    /// Room of both for what is in progress and holds so much already. A single answer may take more than the part of its
    /// connection.
    fn more(&self, bytes: usize, held: usize) -> Option<Share> {
        let most = self.part.limit().saturating_sub(held);
        let of_part = self.part.enter_before_waiting(bytes.min(most))?;
        let room = self.lane.enter_before_waiting(bytes)?;
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
    /// Tells [`within`] that a field waits and finds no memory to wait in.
    queues: Notify,
    /// Set when there is memory to wait in, or the operation is refused.
    queued: SetOnce<()>,
    /// Memory of one error.
    error: usize,
    /// When the operation was executed from, since its last pause.
    slice: Mutex<Instant>,
}

#[derive(Debug)]
struct Held {
    budget: Budget,
    share: Share,
}

impl Held {
    fn size(&self) -> usize {
        self.share.room.size()
    }
}

tokio::task_local! {
    /// The memory of the operation that the task executes: errors are made where nothing else of it is at hand.
    static CURRENT: Arc<AnswerMemory>;
}

/// Executes an operation that answers in this memory, and queues for memory to wait in when one of its fields needs it.
pub async fn within<T>(memory: Arc<AnswerMemory>, operation: impl Future<Output = T>) -> T {
    let mut operation = pin!(CURRENT.scope(Arc::clone(&memory), operation));
    tokio::select! {
        biased;
        output = &mut operation => return output,
        () = memory.queue_when_it_waits() => {}
    }
    operation.await
}

/// The memory that the operation of this task answers in. Only what comes over HTTP has one.
pub fn current() -> Option<Arc<AnswerMemory>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Moves the memory of the operation of this task to what there is for operations that wait, as soon as there is room, in the order
/// of arrival. There it stays until the answer is made: what the upstream has answered must not wait again.
///
/// # Errors
///
/// [`Exceeded`], as for values: the operation is refused.
pub async fn begin_to_wait() -> Result<(), Exceeded> {
    let Some(memory) = current() else {
        return Ok(());
    };
    if !memory.begin_to_wait()? {
        memory.queues.notify_one();
        memory.queued.wait().await;
    }
    memory.exceeded().map_or(Ok(()), Err)
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
    fn new(part: &Part, held: Held, estimate: Estimate) -> Arc<Self> {
        Arc::new(Self {
            part: part.clone(),
            held: Mutex::new(held),
            exceeded: OnceLock::new(),
            queues: Notify::new(),
            queued: SetOnce::new(),
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

    /// Corrects what is held to the length of the serialised answer, which belongs to the answers of its size if there is room.
    ///
    /// # Errors
    ///
    /// [`Exceeded`], where it is longer than the memory that it was made in.
    pub fn settle(&self, length: usize) -> Result<(), Exceeded> {
        let missing = length.saturating_sub(self.bytes());
        if missing > 0 {
            self.grow(missing)?;
        }
        let mut held = self.held();
        let budget = Budget::of(length);
        let moved = (budget != held.budget).then(|| self.part.side(budget).share_if_free(length));
        match moved.flatten() {
            Some(share) => *held = Held { budget, share },
            None => held.share.shrink_to(length),
        }
        Ok(())
    }

    /// Moves the memory now, or says that there is no room at the moment.
    fn begin_to_wait(&self) -> Result<bool, Exceeded> {
        if let Some(exceeded) = self.exceeded() {
            return Err(exceeded);
        }
        let waiting = &self.part.waiting;
        let mut held = self.held();
        if held.budget == Budget::Waiting {
            return Ok(true);
        }
        if held.size() > waiting.lane.limit() {
            // An answer whose data is known may take more than there is to wait in, and would never find room there.
            waiting.lane.refuse();
            return Err(*self.exceeded.get_or_init(|| Exceeded::TooLarge));
        }
        let share = waiting.share_if_free(held.size());
        let is_moved = share.is_some();
        if let Some(share) = share {
            *held = Held {
                budget: Budget::Waiting,
                share,
            };
        }
        Ok(is_moved)
    }

    /// Queues for memory to wait in, once a field needs it.
    async fn queue_when_it_waits(&self) {
        self.queues.notified().await;
        if self.queue().await.is_none() {
            self.part.waiting.lane.refuse();
            self.exceeded.get_or_init(|| Exceeded::Busy);
        }
        // Set only here.
        let _ = self.queued.set(());
    }

    async fn queue(&self) -> Option<()> {
        let (budget, size) = {
            let held = self.held();
            (held.budget, held.size())
        };
        let _queued = match self.part.queued(budget) {
            Some(queued) => Some(queued.enter_before_waiting(size.min(queued.limit()))?),
            None => None,
        };
        let waiting = &self.part.waiting;
        let share = timeout(self.part.wait, waiting.share(size)).await;
        let mut share = share.ok().flatten()?;
        let mut held = self.held();
        let grown = held.size().saturating_sub(size);
        if grown > 0 {
            share.merge(waiting.more(grown, size)?);
        }
        *held = Held {
            budget: Budget::Waiting,
            share,
        };
        Some(())
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
        let budget = match held.budget {
            Budget::Small => Budget::of(total),
            other => other,
        };
        let side = self.part.side(budget);
        let is_moved = budget != held.budget;
        // There is more memory to wait in than one answer may take.
        let is_too_large = total > self.part.large.lane.limit();
        let share = if is_too_large {
            None
        } else if is_moved {
            side.more(total, 0)
        } else {
            side.more(bytes, held.size())
        };
        let Some(share) = share else {
            side.lane.refuse();
            let exceeded = if is_too_large {
                Exceeded::TooLarge
            } else {
                Exceeded::Busy
            };
            return Err(*self.exceeded.get_or_init(|| exceeded));
        };
        if is_moved {
            *held = Held { budget, share };
        } else {
            held.share.merge(share);
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
