//! Statistics, many in one call.
//!
//! Operations that ask for the same batch at the same time share one call. The upstream refuses a batch as a whole (404, and
//! perhaps 400): documented for drafts alone and for a campaign that it does not know. Whether it refuses a batch of drafts and
//! sent activities as well, or answers for those that were sent, is not documented. So a refusal is believed
//!
//! - of a single id, and of known drafts, which are asked for apart from the rest;
//! - of any other batch as far as the [`Practice`] of this upstream is known.
//!
//! Otherwise the batch is split until each id that offends was refused alone, with [`MOST_SPLITS`] at the most. So is a batch
//! that keeps failing by itself (500, however often it was asked for), since one id can be the cause. It is not while the upstream
//! fails as a whole: unreachable, too slow, its circuit open.

mod counted;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use http::StatusCode;
use sends_client::{Batch, FailureClass, UpstreamError};
use sends_core::EngagementStats;
use tokio::time::Instant;

pub(crate) use self::counted::Counted;
use super::Resources;
use crate::sources::histories::{ReadError, RequestContext};

/// What the upstream tells of the statistics of one activity or campaign.
#[derive(Debug)]
pub enum Told<Stats> {
    /// The statistics.
    Stats(Stats),
    /// There are none, since nothing was sent: by a refusal, or because it gave none for a known draft.
    Unsent,
    /// It answered without them: it does not know the id, or nothing was sent.
    Absent,
}

/// What is known of the statistics of one activity or campaign.
pub type Known<Stats> = Arc<Told<Stats>>;

/// The statistics of all ids of a batch.
pub(crate) type WholeBatch<Id> = HashMap<Id, Known<<Id as Counted>::Stats>>;

/// The statistics of each id that was asked for.
pub(crate) type StatsById<Id> = HashMap<Id, Result<Known<<Id as Counted>::Stats>, ReadError>>;

/// How many parts of a refused batch may be split in turn. Among 150 campaigns that is enough for about eight which offend;
/// what is not found by then is an error.
const MOST_SPLITS: usize = 32;

/// How long [`Practice::OnlyUnsent`] is good for.
const PRACTICE_AGE: Duration = Duration::from_mins(1);

/// What is known of how the upstream treats a batch in which some ids have statistics and some have none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Practice {
    /// Nothing.
    #[default]
    Unknown,
    /// It answers for those that have some, so that a refused batch has none.
    Answers,
    /// It refuses the whole, so that a refused batch can have some.
    Refuses,
    /// At this moment, a refused batch of unknown ids was looked through, and had none.
    OnlyUnsent(Instant),
}

impl Practice {
    /// Whether the refusal of a batch says that none of its ids has statistics.
    fn explains_refusals(self) -> bool {
        match self {
            Self::Answers => true,
            Self::OnlyUnsent(at) => at.elapsed() < PRACTICE_AGE,
            Self::Unknown | Self::Refuses => false,
        }
    }
}

/// The most ids of a refused batch that are each asked for alone next. A larger batch is halved first: where one id of ten
/// offends it costs 8 calls, where all do 13.
const MOST_ALONE: usize = 5;

impl Resources {
    /// The statistics of one of them, if they are known already.
    pub(crate) fn known_stats<Id: Counted>(
        &self,
        context: &RequestContext,
        id: Id,
    ) -> Option<Known<Id::Stats>> {
        Id::cache(&self.0).known(context.owner, &id)
    }

    /// Whether it was a draft when it was last read.
    pub(crate) fn is_known_draft<Id: Counted>(&self, context: &RequestContext, id: Id) -> bool {
        Id::drafts(&self.0).known(context.owner, &id).is_some()
    }

    /// Asks for the statistics of these.
    pub(crate) async fn stats<Id: Counted>(
        &self,
        context: &RequestContext,
        batch: Batch<Id>,
    ) -> StatsById<Id> {
        let read = async {
            let found = self.ask_for_stats(context, batch.clone()).await;
            let known = |(id, stats): (&Id, &Result<_, _>)| Some((*id, Arc::clone(stats.as_ref().ok()?)));
            // What failed for this operation may succeed for the next, so that it is shared with nobody.
            found
                .iter()
                .map(known)
                .collect::<Option<WholeBatch<Id>>>()
                .ok_or(found)
        };
        match Id::batches(&self.0)
            .get_or(context.owner, batch.clone(), read)
            .await
        {
            Ok(whole) => whole
                .iter()
                .map(|(&id, stats)| (id, Ok(Arc::clone(stats))))
                .collect(),
            Err(found) => {
                let answers = Id::cache(&self.0);
                let instead = |(id, stats): (Id, Result<_, _>)| {
                    (
                        id,
                        stats.or_else(|error| self.instead(context, answers, &id, error)),
                    )
                };
                found.into_iter().map(instead).collect()
            }
        }
    }

    async fn ask_for_stats<Id: Counted>(&self, context: &RequestContext, batch: Batch<Id>) -> StatsById<Id> {
        let mut found = StatsById::<Id>::new();
        let Err(error) = self.ask_once(context, &batch, &mut found).await else {
            return found;
        };
        let (ids, is_refusal) = (batch.ids(), blames_an_id(&error));
        if is_refusal && self.is_believed(context, ids, &error) {
            found.extend(self.unsent(context, ids));
        } else if ids.len() == 1 || !(is_refusal || has_kept_failing(&error)) {
            found.extend(ids.iter().map(|&id| (id, Err(error.clone()))));
        } else {
            // One batch at a time is looked through, so that the next one can profit from it.
            let mut practice = Id::practice(&self.0).lock().await;
            if !is_refusal {
                found = self.look_through(context, &batch, error).await;
            } else if practice.explains_refusals() {
                found.extend(self.unsent(context, ids));
            } else {
                found = self.look_through(context, &batch, error).await;
                let has_some = |told: &Result<Known<_>, _>| matches!(told.as_deref(), Ok(Told::Stats(_)));
                if found.values().any(has_some) {
                    *practice = Practice::Refuses;
                } else if found.values().all(Result::is_ok) {
                    *practice = Practice::OnlyUnsent(Instant::now());
                }
            }
        }
        found
    }

    /// Asks for the parts of a batch that was refused or failed by itself, until each id that offends was refused or failed
    /// alone.
    async fn look_through<Id: Counted>(
        &self,
        context: &RequestContext,
        batch: &Batch<Id>,
        error: ReadError,
    ) -> StatsById<Id> {
        let mut found = StatsById::<Id>::new();
        // In the order of their sizes, so that the parts without an offending id come in between: a run of failures would open
        // the circuit of the endpoint.
        let mut to_ask = VecDeque::from(parts(batch));
        let mut splits = 1;
        while let Some(batch) = to_ask.pop_front() {
            let Err(error) = self.ask_once(context, &batch, &mut found).await else {
                continue;
            };
            let (ids, is_refusal) = (batch.ids(), blames_an_id(&error));
            if is_refusal && self.is_believed(context, ids, &error) {
                found.extend(self.unsent(context, ids));
            } else if (is_refusal || fails_by_itself(&error)) && ids.len() > 1 && splits < MOST_SPLITS {
                to_ask.extend(parts(&batch));
                splits += 1;
            } else {
                let error = if is_refusal && ids.len() > 1 {
                    unresolved(&error)
                } else {
                    error
                };
                found.extend(ids.iter().map(|&id| (id, Err(error.clone()))));
            }
        }
        // A batch has an answer for every id of it.
        for &id in batch.ids() {
            found.entry(id).or_insert_with(|| Err(error.clone()));
        }
        found
    }

    fn unsent<'a, Id: Counted>(
        &'a self,
        context: &'a RequestContext,
        ids: &'a [Id],
    ) -> impl Iterator<Item = (Id, Result<Known<Id::Stats>, ReadError>)> + 'a {
        let since = Instant::now();
        ids.iter()
            .map(move |&id| (id, Ok(self.keep(context, id, Told::Unsent, since))))
    }

    /// Asks for a batch once, and keeps what that tells of its ids.
    async fn ask_once<Id: Counted>(
        &self,
        context: &RequestContext,
        batch: &Batch<Id>,
        found: &mut StatsById<Id>,
    ) -> Result<(), ReadError> {
        let since = Instant::now();
        let call = Id::ask(&self.0.client, &context.caller, batch);
        let answer = self.until_the_end(call).await?;
        let mut told = HashMap::<Id, Id::Stats>::new();
        for stats in answer.records {
            match told.entry(Id::id_of(&stats)) {
                Entry::Vacant(place) => {
                    place.insert(stats);
                }
                // A second record of an id is odd; whichever of them has counts is the better one.
                Entry::Occupied(mut first) if *Id::counts(first.get()) == EngagementStats::default() => {
                    first.insert(stats);
                }
                Entry::Occupied(_) => {}
            }
        }
        let unreadable = answer.unreadable.map(Arc::new);
        let is_in_part = !told.is_empty() && told.len() < batch.ids().len() && unreadable.is_none();
        // Whoever holds it finds out for itself.
        if is_in_part
            && let Ok(mut practice) = Id::practice(&self.0).try_lock()
            && !matches!(*practice, Practice::Refuses)
        {
            *practice = Practice::Answers;
        }
        found.extend(batch.ids().iter().map(|&id| {
            let told = match (told.remove(&id), &unreadable) {
                (None, Some(error)) => Err(ReadError::Upstream(Arc::clone(error))),
                (None, None) if self.is_known_draft(context, id) => {
                    Ok(self.keep(context, id, Told::Unsent, since))
                }
                (None, None) => Ok(self.keep(context, id, Told::Absent, since)),
                (Some(stats), _) => Ok(self.keep(context, id, Told::Stats(stats), since)),
            };
            (id, told)
        }));
        Ok(())
    }

    fn keep<Id: Counted>(
        &self,
        context: &RequestContext,
        id: Id,
        told: Told<Id::Stats>,
        since: Instant,
    ) -> Known<Id::Stats> {
        let told = Arc::new(told);
        Id::cache(&self.0).put(context.owner, id, Arc::clone(&told), since);
        told
    }

    /// Whether a refusal says of each of these ids that it has no statistics. Only of drafts 400 is taken to say so.
    fn is_believed<Id: Counted>(&self, context: &RequestContext, ids: &[Id], error: &ReadError) -> bool {
        let is_refused_alone = ids.len() == 1 && error.is_not_found();
        is_refused_alone || ids.iter().all(|&id| self.is_known_draft(context, id))
    }
}

/// What to ask for instead of a refused batch.
fn parts<Id: Counted>(batch: &Batch<Id>) -> Vec<Batch<Id>> {
    match batch.halves() {
        Some(halves) if batch.ids().len() > MOST_ALONE => halves.into(),
        _ => batch.ids().chunks(1).flat_map(Batch::split).collect(),
    }
}

/// Whether a batch was refused for what is in it: documented is 404, and 400 is not ruled out.
fn blames_an_id(error: &ReadError) -> bool {
    let ReadError::Upstream(error) = error else {
        return false;
    };
    matches!(error.class, FailureClass::NotFound | FailureClass::Rejected)
}

/// Whether the upstream failed in a way that one id of a batch can cause. 503 and 504 are said of the upstream as a whole, and
/// an open circuit is another class.
fn fails_by_itself(error: &ReadError) -> bool {
    let ReadError::Upstream(error) = error else {
        return false;
    };
    let is_of_the_whole = matches!(
        error.status,
        Some(StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
    );
    error.class == FailureClass::ServerFailure && !is_of_the_whole
}

/// The same after several attempts, or without any since this batch alone is left alone for its failures. A single failure can
/// be a passing one.
fn has_kept_failing(error: &ReadError) -> bool {
    let is_single = matches!(error, ReadError::Upstream(error) if error.attempts == 1);
    fails_by_itself(error) && !is_single
}

/// What is said of ids in a batch that was refused and not looked through to the end: not that there are no statistics.
fn unresolved(error: &ReadError) -> ReadError {
    let ReadError::Upstream(error) = error else {
        return error.clone();
    };
    ReadError::Upstream(Arc::new(UpstreamError {
        class: FailureClass::Rejected,
        ..UpstreamError::clone(error)
    }))
}
