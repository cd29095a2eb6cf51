//! Simulated account that uses no HTTP, on a clock that the test advances.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use sends_client::{Clock, Endpoint, FailureClass, NextPage, ResourcePage, UpstreamError};
use sends_core::{
    ActivityId, ActivityReference, ActivityRole, Campaign, CampaignDetail, CampaignId, CampaignStatus,
    CampaignSummary, SendHistory,
};
use sends_store::{Answer, Coverage, Owner, SqliteStore, Store, StoredAnswer, Subject, SyncLog};
use sends_sync::{Progress, Reading, Report, Synchronisation, Upstream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) const fn activity(number: u16) -> ActivityId {
    ActivityId::from_bytes(bytes(1, number))
}

pub(crate) const fn campaign(number: u16) -> CampaignId {
    CampaignId::from_bytes(bytes(2, number))
}

const fn bytes(kind: u8, number: u16) -> [u8; 16] {
    let [high, low] = number.to_be_bytes();
    [kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low]
}

const BEGIN: &str = "2026-05-01T00:00:00Z";

/// Account whose campaigns were sent once, an hour before the start.
pub(crate) struct Account {
    pub(crate) owner: Owner,
    pub(crate) store: Arc<SqliteStore>,
    remote: Arc<Remote>,
}

/// Incorrect responses for the campaigns, each with a current update time.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Removed,
    /// Lists these activities, each with this history.
    Activities(Vec<ActivityId>, Answer),
}

struct Remote {
    campaigns: u16,
    store: Arc<SqliteStore>,
    owner: Owner,
    now: Mutex<Timestamp>,
    failing: Mutex<HashMap<Subject, FailureClass>>,
    requested: Mutex<Vec<Subject>>,
    calls: AtomicU64,
    /// Number of unreadable activities per campaign.
    unreadable_activities: AtomicUsize,
    is_cut_short: AtomicBool,
    lacks_summaries: AtomicBool,
    reported: Mutex<Vec<CampaignSummary>>,
    shown: Mutex<Option<Shown>>,
}

impl Account {
    pub(crate) async fn new(campaigns: u16) -> Self {
        let owner = Owner::new([1; 16]);
        let store = Arc::new(SqliteStore::in_memory().await.unwrap());
        let remote = Remote {
            campaigns,
            store: Arc::clone(&store),
            owner,
            now: Mutex::new(BEGIN.parse().unwrap()),
            failing: Mutex::default(),
            requested: Mutex::default(),
            calls: AtomicU64::new(0),
            unreadable_activities: AtomicUsize::new(0),
            is_cut_short: AtomicBool::new(false),
            lacks_summaries: AtomicBool::new(false),
            reported: Mutex::default(),
            shown: Mutex::default(),
        };
        Self {
            owner,
            store,
            remote: Arc::new(remote),
        }
    }

    pub(crate) fn fails(&self, subject: Subject, class: Option<FailureClass>) {
        let mut failing = self.remote.failing.lock().unwrap();
        match class {
            Some(class) => failing.insert(subject, class),
            None => failing.remove(&subject),
        };
    }

    pub(crate) fn lacks_activities(&self, count: usize) {
        self.remote.unreadable_activities.store(count, Ordering::Relaxed);
    }

    pub(crate) fn cuts_short(&self, cuts: bool) {
        self.remote.is_cut_short.store(cuts, Ordering::Relaxed);
    }

    pub(crate) fn lacks_summaries(&self, lacks: bool) {
        self.remote.lacks_summaries.store(lacks, Ordering::Relaxed);
    }

    /// Sets the date of all campaigns in the report. `None` is an unreadable date.
    pub(crate) fn reports(&self, last_sent_date: Option<Timestamp>) {
        let summary = |number| CampaignSummary {
            id: campaign(number),
            campaign_type: None,
            last_sent_date,
            unique_counts: None,
        };
        *self.remote.reported.lock().unwrap() = (1..=self.remote.campaigns).map(summary).collect();
    }

    pub(crate) fn shows(&self, shown: Option<Shown>) {
        *self.remote.shown.lock().unwrap() = shown;
    }

    pub(crate) fn pass(&self, hours: i64) {
        *self.remote.now.lock().unwrap() += SignedDuration::from_hours(hours);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.remote.now()
    }

    /// Returns the subjects requested since the last call of this method.
    pub(crate) fn requested(&self) -> Vec<Subject> {
        std::mem::take(&mut *self.remote.requested.lock().unwrap())
    }

    /// Stores a history that was fetched two hours ago, with a send `hours` ago.
    pub(crate) async fn stores_history(&self, number: u16, hours: i64) {
        let now = self.now();
        let stored = StoredAnswer {
            fetched_at: now - SignedDuration::from_hours(2),
            answer: sent_at(now - SignedDuration::from_hours(hours)),
        };
        self.store
            .keep(self.owner, activity(number), stored)
            .await
            .unwrap();
    }

    pub(crate) async fn is_complete(&self) -> bool {
        let coverage = self.store.coverage(self.owner).await.unwrap();
        coverage != Coverage::Nothing && coverage.contains(None, None)
    }

    pub(crate) async fn sync(&self) -> Report {
        let synchronisation = Synchronisation {
            owner: self.owner,
            upstream: Arc::<Remote>::clone(&self.remote),
            log: Arc::<SqliteStore>::clone(&self.store),
            store: Arc::<SqliteStore>::clone(&self.store),
            clock: Arc::<Remote>::clone(&self.remote),
            progress: watch::Sender::new(Progress::default()),
            stop: CancellationToken::new(),
        };
        synchronisation.run().await.unwrap()
    }
}

impl Remote {
    /// Records a request for a subject. Returns the failure of the subject, if any.
    fn failure(&self, subject: Subject) -> Option<UpstreamError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.requested.lock().unwrap().push(subject);
        let class = self.failing.lock().unwrap().get(&subject).copied();
        let endpoint = match subject {
            Subject::Campaign(id) => Endpoint::Campaign(id),
            Subject::History(id) => Endpoint::SendHistory(id),
            Subject::Campaigns | Subject::Summaries => Endpoint::UserPrivileges,
        };
        class.map(|class| failed(endpoint, class))
    }

    fn shown(&self) -> Option<Shown> {
        self.shown.lock().unwrap().clone()
    }

    /// Returns a campaign whose update time is that of its send, unless an incorrect response is configured.
    fn listed(&self, number: u16) -> Campaign {
        let begin: Timestamp = BEGIN.parse().unwrap();
        let shown = self.shown();
        let status = match shown {
            Some(Shown::Removed) => CampaignStatus::Removed,
            _ => CampaignStatus::Done,
        };
        let sent_at = begin - SignedDuration::from_hours(1);
        Campaign {
            id: campaign(number),
            name: Some(format!("Number {number}")),
            status: Some(status.into()),
            campaign_type: None,
            type_code: None,
            created_at: None,
            updated_at: Some(shown.map_or(sent_at, |_| self.now())),
        }
    }
}

fn failed(endpoint: Endpoint, class: FailureClass) -> UpstreamError {
    let is_throttled = class == FailureClass::Throttled;
    UpstreamError {
        status: is_throttled.then(|| 429.try_into().unwrap()),
        ..UpstreamError::without_answer(endpoint, class, class.name().to_owned())
    }
}

pub(crate) fn its_send() -> Answer {
    let begin: Timestamp = BEGIN.parse().unwrap();
    sent_at(begin - SignedDuration::from_hours(1))
}

fn sent_at(moment: Timestamp) -> Answer {
    let json = format!(
        r#"[{{"send_id": 1, "count": 5, "send_status": "COMPLETED", "reason_code": 0, "run_date": "{moment}"}}]"#
    );
    Answer::History(Arc::new(SendHistory::from_json(json.as_bytes()).unwrap()))
}

fn page<T>(records: Vec<T>) -> ResourcePage<T> {
    ResourcePage {
        unreadable_values: vec![0; records.len()],
        records,
        unreadable: 0,
        lacks_list: false,
        next: None,
        cut_short: None,
    }
}

impl Upstream for Remote {
    fn campaigns(
        &self,
        updated_after: Option<Timestamp>,
        updated_before: Option<Timestamp>,
    ) -> Reading<'_, ResourcePage<Campaign>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let subject = Subject::Campaigns;
        if let Some(&class) = self.failing.lock().unwrap().get(&subject) {
            self.requested.lock().unwrap().push(subject);
            return std::future::ready(Err(failed(Endpoint::UserPrivileges, class))).boxed();
        }
        let all = (1..=self.campaigns).map(|number| self.listed(number));
        let is_within = |campaign: &Campaign| {
            let updated_at = campaign.updated_at.unwrap();
            updated_after.is_none_or(|after| updated_at > after)
                && updated_before.is_none_or(|before| updated_at < before)
        };
        let updated = all.filter(is_within);
        let mut records = page(updated.collect());
        let is_cut_short = self.is_cut_short.load(Ordering::Relaxed);
        records.cut_short = is_cut_short.then_some("it leads in a circle");
        async { Ok(records) }.boxed()
    }

    fn more_campaigns(&self, _: NextPage<Campaign>) -> Reading<'_, ResourcePage<Campaign>> {
        unreachable!("the listing has one page")
    }

    fn summaries(&self) -> Reading<'_, ResourcePage<CampaignSummary>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let class = self.failing.lock().unwrap().get(&Subject::Summaries).copied();
        let answer = match class {
            None => {
                let lacks_list = self.lacks_summaries.load(Ordering::Relaxed);
                Ok(ResourcePage {
                    unreadable: usize::from(lacks_list),
                    lacks_list,
                    ..page(self.reported.lock().unwrap().clone())
                })
            }
            Some(class) => {
                self.requested.lock().unwrap().push(Subject::Summaries);
                Err(failed(Endpoint::UserPrivileges, class))
            }
        };
        std::future::ready(answer).boxed()
    }

    fn more_summaries(&self, _: NextPage<CampaignSummary>) -> Reading<'_, ResourcePage<CampaignSummary>> {
        unreachable!("the listing has one page")
    }

    fn campaign(&self, id: CampaignId) -> Reading<'_, CampaignDetail> {
        async move {
            if let Some(failure) = self.failure(Subject::Campaign(id)) {
                return Err(failure);
            }
            let number = (1..=self.campaigns)
                .find(|&number| campaign(number) == id)
                .unwrap();
            let ids = match self.shown() {
                None => vec![activity(number)],
                Some(Shown::Activities(ids, _)) => ids,
                Some(Shown::Removed) => {
                    return Err(failed(Endpoint::Campaign(id), FailureClass::NotFound));
                }
            };
            let reference = |id| ActivityReference {
                id,
                role: Some(ActivityRole::PrimaryEmail.into()),
            };
            Ok(CampaignDetail {
                campaign: self.listed(number),
                activities: ids.into_iter().map(reference).collect(),
                unreadable_activities: self.unreadable_activities.load(Ordering::Relaxed),
                unreadable_values: 0,
                unreadable_roles: 0,
            })
        }
        .boxed()
    }

    fn history(&self, id: ActivityId) -> Reading<'_, StoredAnswer> {
        async move {
            if let Some(failure) = self.failure(Subject::History(id)) {
                return Err(failure);
            }
            let stored = StoredAnswer {
                fetched_at: self.now(),
                answer: match self.shown() {
                    Some(Shown::Activities(_, answer)) => answer,
                    None if (1..=self.campaigns).any(|number| activity(number) == id) => its_send(),
                    Some(Shown::Removed) | None => Answer::NotFound,
                },
            };
            self.store.keep(self.owner, id, stored.clone()).await.unwrap();
            Ok(stored)
        }
        .boxed()
    }

    fn calls_made(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Clock for Remote {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Remote").finish_non_exhaustive()
    }
}
