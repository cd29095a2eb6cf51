//! Comparison of the log with the account.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sends_core::{ActivityId, CampaignId};
use sends_store::{
    LogFilter, LogPageRequest, LoggedSend, SendLog, SqliteStore, Subject, SyncLog, Unreadable,
};

use crate::{OWNER, World, random::Random, readers};

pub(crate) type OddSends = BTreeMap<i32, (Option<Timestamp>, Option<i64>)>;

pub(crate) async fn logged(store: &SqliteStore) -> BTreeMap<ActivityId, OddSends> {
    let request = LogPageRequest {
        limit: 10_000,
        ..LogPageRequest::default()
    };
    let page = store.page(OWNER, &LogFilter::default(), request).await.unwrap();
    let mut logged: BTreeMap<ActivityId, OddSends> = BTreeMap::new();
    for one in page.sends {
        let of_activity = logged.entry(one.activity).or_default();
        of_activity.insert(one.send.send_id, (one.send.run_date, one.send.count));
    }
    logged
}

async fn owners(store: &SqliteStore) -> BTreeMap<ActivityId, Option<CampaignId>> {
    let request = LogPageRequest {
        limit: 10_000,
        ..LogPageRequest::default()
    };
    let page = store.page(OWNER, &LogFilter::default(), request).await.unwrap();
    let campaign = |one: &LoggedSend| one.campaign.as_ref().map(|campaign| campaign.id);
    page.sends
        .iter()
        .map(|one| (one.activity, campaign(one)))
        .collect()
}

impl World {
    /// Compares the log and its completeness with the account. Returns the number of unreadable subjects.
    pub(crate) async fn check(
        &self,
        store: &SqliteStore,
        (seed, round): (u64, usize),
        hours_ahead: i64,
        has_right_dates: bool,
    ) -> u64 {
        let unreadable = store.unreadable(OWNER, usize::MAX).await.unwrap();
        let (logged, owners) = (logged(store).await, owners(store).await);
        let now = self.account.lock().unwrap().now + SignedDuration::from_hours(hours_ahead);
        let reported = readers::query(store, now, &mut Random::new(seed)).await;
        let account = self.account.lock().unwrap();
        let place = format!(
            "seed {seed}, round {round}, unreadable {unreadable:#?}, calls {:#?}, campaigns {:#?}",
            account.calls, account.campaigns
        );
        let failed = |subject: Subject| unreadable.iter().filter(move |one| one.subject == subject);
        let (mut truth, mut shown) = (BTreeMap::new(), BTreeMap::new());
        for campaign in &account.campaigns {
            let campaign_id: CampaignId = campaign.id.parse().unwrap();
            for activity in &campaign.activities {
                let id: ActivityId = activity.id.parse().unwrap();
                let mut sends = BTreeMap::new();
                for (send, number) in activity.sends.iter().zip(1..) {
                    sends.insert(number, (send.run_date, send.count));
                }
                if campaign.status == "Removed" || activity.role == "permalink" {
                    sends.clear();
                }
                let own = failed(Subject::History(id)).chain(failed(Subject::Campaign(campaign_id)));
                let listings = failed(Subject::Campaigns).chain(failed(Subject::Summaries));
                // A failure of another activity of the campaign also covers this activity, since the campaign may list wrong
                // activities.
                let in_its_place = unreadable
                    .iter()
                    .filter(|one| one.campaign.as_ref().is_some_and(|own| own.id == campaign_id));
                let covering: Vec<&Unreadable> = own.clone().chain(listings).chain(in_its_place).collect();
                let mut known = logged.get(&id).cloned().unwrap_or_default();
                for (number, send) in &mut known {
                    if let (date @ None, _) = send {
                        assert!(
                            failed(Subject::History(id)).next().is_some(),
                            "{id} has no date, {place}"
                        );
                        *date = sends.get(number).map(|(ran, _)| *ran);
                    }
                    // An unreadable value is missing from its send only.
                    if let (_, count @ None) = send {
                        *count = sends.get(number).map(|(_, count)| *count);
                    }
                }
                let mut known: BTreeMap<_, _> = known
                    .into_iter()
                    .map(|(number, (run_date, count))| {
                        (number, (run_date.unwrap_or_default(), count.unwrap_or(-1)))
                    })
                    .collect();
                for (number, send) in &sends {
                    let ran = activity.sends[usize::try_from(*number).unwrap() - 1].run_date;
                    let may_lack = |one: &&Unreadable| {
                        !has_right_dates
                            || (one.missing_from.is_none_or(|from| from <= ran) && ran <= one.missing_until)
                    };
                    assert!(
                        known.get(number) == Some(send) || covering.iter().any(may_lack),
                        "send {number} of {id} in {campaign:#?} is {:?} instead of {send:?}, {place}",
                        known.get(number)
                    );
                }
                if covering.is_empty() {
                    assert_eq!(known, sends, "{id} in {campaign:#?}, {place}");
                }
                if campaign.status == "Removed" && !covering.is_empty() {
                    // If an unreadable campaign was removed, the log lacks none of its sends.
                    known.clear();
                }
                truth.insert(id, sends);
                shown.insert(id, known);
            }
        }
        for id in logged.keys() {
            assert!(
                truth.contains_key(id) || !unreadable.is_empty(),
                "{id} is not an activity, {place}"
            );
        }
        for campaign in account.campaigns.iter().filter(|_| unreadable.is_empty()) {
            for activity in &campaign.activities {
                let logged = owners.get(&activity.id.parse().unwrap());
                let own: CampaignId = campaign.id.parse().unwrap();
                assert!(
                    logged.is_none_or(|owner| *owner == Some(own)),
                    "{} belongs to {logged:?}, {place}",
                    activity.id
                );
            }
        }
        for reported in reported {
            reported.check(&unreadable, (&shown, &truth), has_right_dates, &place);
        }
        // An empty report is correct after the only send was deleted, and is confirmed like other removals.
        let is_odd =
            |one: &&Unreadable| !one.is_unconfirmed_removal() && !one.reason.contains("has fewer records");
        u64::try_from(unreadable.iter().filter(is_odd).count()).unwrap()
    }

    /// Checks that the log still has all previously logged sends of the account.
    pub(crate) async fn check_known_sends(
        &self,
        store: &SqliteStore,
        before: &BTreeMap<ActivityId, OddSends>,
        (seed, round): (u64, usize),
    ) {
        let logged = logged(store).await;
        let account = self.account.lock().unwrap();
        let shown = account
            .campaigns
            .iter()
            .filter(|campaign| campaign.status != "Removed");
        for activity in shown.flat_map(|campaign| &campaign.activities) {
            let id: ActivityId = activity.id.parse().unwrap();
            for number in before.get(&id).into_iter().flat_map(BTreeMap::keys) {
                assert!(
                    logged.get(&id).is_some_and(|sends| sends.contains_key(number)),
                    "seed {seed}, round {round}: send {number} of {id} is lost, calls {:#?}",
                    account.calls
                );
            }
        }
    }
}
