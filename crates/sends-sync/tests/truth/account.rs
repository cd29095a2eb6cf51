//! Simulated account: campaigns with activities and sends, changes by its owner, and responses.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    oddities::{Oddities, Shown},
    random::Random,
};

const PAGE: usize = 3;

#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) run_date: Timestamp,
    pub(crate) count: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) role: &'static str,
    pub(crate) sends: Vec<Send>,
}

#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) id: String,
    name: String,
    pub(crate) status: &'static str,
    updated_at: Timestamp,
    pub(crate) activities: Vec<Activity>,
}

pub(crate) struct Account {
    pub(crate) now: Timestamp,
    pub(crate) campaigns: Vec<Campaign>,
    pub(crate) oddities: Oddities,
    /// Whether the list ignores `after_date`.
    pub(crate) ignores_after_date: bool,
    /// Whether a send ran without an update of its campaign.
    pub(crate) has_silent_send: bool,
    /// Whether an unchanged campaign was shown as changed.
    pub(crate) took_back_changes: bool,
    /// Status for the histories of removed campaigns.
    rejection_status: u16,
    pub(crate) calls: Vec<String>,
    /// Sends that the last response for each activity lacked, and the activity's number of sends.
    pub(crate) lacked: HashMap<String, (BTreeSet<usize>, usize)>,
}

impl Account {
    pub(crate) fn new(random: &mut Random) -> Self {
        let now: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
        let mut account = Self {
            now: now - SignedDuration::from_hours(24 * 400),
            campaigns: Vec::new(),
            oddities: Oddities::default(),
            ignores_after_date: false,
            has_silent_send: false,
            took_back_changes: false,
            rejection_status: random.pick(&[404, 400]),
            calls: Vec::new(),
            lacked: HashMap::new(),
        };
        for _ in 0..random.below(12) {
            account.now += SignedDuration::from_mins(i64::try_from(random.below(40_000)).unwrap());
            account.create(random);
        }
        for _ in 0..random.below(6) {
            account.change(random);
        }
        account.now = now;
        account
    }

    /// Creates an account whose campaigns were updated at intervals of a day, with the last update now.
    pub(crate) fn with_a_campaign_a_day(random: &mut Random, campaigns: i64) -> Self {
        let mut account = Self::new(random);
        account.campaigns.clear();
        let now = account.now;
        for days in (0..campaigns).rev() {
            account.now = now - SignedDuration::from_hours(24 * days);
            account.create(random);
        }
        account
    }

    fn create(&mut self, random: &mut Random) {
        let status = random.pick(&["Done", "Done", "Done", "Draft", "Scheduled", "Error", "Paused"]);
        let mut campaign = Campaign {
            id: random.id(),
            name: format!("Campaign {}", random.below(1_000)),
            status,
            updated_at: self.now,
            activities: vec![activity(random, "primary_email"), activity(random, "permalink")],
        };
        if status != "Draft" && status != "Scheduled" {
            for _ in 0..=random.below(2) {
                self.tick();
                campaign.activities[0].sends.push(send(random, self.now));
            }
        }
        campaign.updated_at = self.now;
        self.campaigns.push(campaign);
    }

    fn tick(&mut self) {
        self.now += SignedDuration::from_secs(77);
    }

    pub(crate) fn change(&mut self, random: &mut Random) {
        self.tick();
        if self.campaigns.is_empty() || random.percent(20) {
            return self.create(random);
        }
        let now = self.now;
        let index = random.below(self.campaigns.len());
        let campaign = &mut self.campaigns[index];
        if campaign.status == "Removed" {
            return;
        }
        let change = random.below(10);
        let updated_before = campaign.updated_at;
        campaign.updated_at = now;
        match change {
            0 | 1 => {
                let email = campaign
                    .activities
                    .iter_mut()
                    .find(|activity| activity.role != "permalink");
                if let Some(email) = email {
                    email.sends.push(send(random, now));
                    campaign.status = random.pick(&["Done", "Done", "Executing"]);
                }
            }
            2 => {
                let mut resend = activity(random, "resend");
                resend.sends.push(send(random, now));
                campaign.activities.push(resend);
            }
            // Adds a resend and another send of the same campaign, in either order, with one update of the campaign.
            8 => {
                let (mut resend, later) = (activity(random, "resend"), now + SignedDuration::from_mins(9));
                let (first, second) = random.pick(&[(now, later), (later, now)]);
                resend.sends.push(send(random, first));
                if let Some(email) = campaign
                    .activities
                    .first_mut()
                    .filter(|own| own.role != "permalink")
                {
                    email.sends.push(send(random, second));
                }
                campaign.activities.push(resend);
                (campaign.updated_at, self.now) = (later, later);
            }
            // Only the report shows this send.
            9 => {
                if let Some(email) = campaign
                    .activities
                    .first_mut()
                    .filter(|own| own.role != "permalink")
                {
                    email.sends.push(send(random, now));
                    self.has_silent_send = true;
                }
                campaign.updated_at = updated_before;
            }
            3 => campaign.name.push('!'),
            4 => campaign.status = "Removed",
            5 => campaign.status = random.pick(&["Draft", "Scheduled", "Archived", "DONE"]),
            6 => {
                let last = campaign
                    .activities
                    .iter()
                    .rposition(|activity| activity.role != "permalink");
                if let Some(last) = last {
                    campaign.activities.remove(last);
                }
            }
            // The campaign is sent and reverted to a draft between two synchronisations.
            _ => {
                if let Some(email) = campaign
                    .activities
                    .first_mut()
                    .filter(|own| own.role != "permalink")
                {
                    email.sends.push(send(random, now));
                    campaign.status = "Draft";
                }
            }
        }
        // A campaign that was sent has an activity.
        let campaign = &mut self.campaigns[index];
        let is_sendable = |activity: &Activity| activity.role != "permalink";
        if campaign.status.eq_ignore_ascii_case("done") && !campaign.activities.iter().any(is_sendable) {
            campaign.status = "Draft";
        }
    }

    /// Returns whether the history may change without an update of its campaign, because the campaign is being sent.
    pub(crate) fn is_executing(&self, activity: &str) -> bool {
        self.campaigns.iter().any(|campaign| {
            campaign.status == "Executing" && campaign.activities.iter().any(|own| own.id == activity)
        })
    }

    pub(crate) fn answer(&mut self, path: &str, query: &str) -> (u16, String) {
        if path == "/v3/account/user/privileges" {
            // The client probes this path after a 401.
            return (200, "[]".to_owned());
        }
        self.calls.push(format!("{path}?{query}"));
        let path = path.strip_prefix("/v3").unwrap();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (status, body) = match parts[..] {
            ["emails"] => self.campaigns_page(query),
            ["reports", "summary_reports", "email_campaign_summaries"] => self.summaries_page(query),
            ["emails", "activities", id, "send_history"] => self.history(id),
            ["emails", id] => self.campaign(id),
            _ => panic!("{path}"),
        };
        (status, body)
    }

    fn campaigns_page(&self, query: &str) -> (u16, String) {
        let moment = |name| argument(query, name).map(|text| text.parse::<Timestamp>().unwrap());
        let (after, before) = (moment("after_date"), moment("before_date"));
        let as_shown = |campaign: &Campaign| {
            let mut campaign = campaign.clone();
            if let Some(shown) = self.oddities.shown.get(&campaign.id) {
                campaign.updated_at = self.now;
                if *shown == Shown::Removed {
                    campaign.status = "Removed";
                }
            }
            campaign
        };
        let is_within = |campaign: &Campaign| {
            let is_later = after.is_none_or(|after| campaign.updated_at > after);
            (is_later || self.ignores_after_date && before.is_none())
                && before.is_none_or(|before| campaign.updated_at < before)
        };
        let mut listed: Vec<Campaign> = self.campaigns.iter().map(as_shown).filter(is_within).collect();
        listed.sort_by_key(|campaign| std::cmp::Reverse(campaign.updated_at));
        let records = listed.into_iter().map(|campaign| {
            let record = json!({
                "campaign_id": campaign.id, "name": campaign.name, "current_status": campaign.status,
                "updated_at": campaign.updated_at.to_string(), "type": "NEWSLETTER", "type_code": 10,
            });
            (campaign.id.clone(), record)
        });
        self.oddities
            .campaigns
            .page("/v3/emails", "campaigns", records.collect(), query, PAGE)
    }

    fn summaries_page(&self, query: &str) -> (u16, String) {
        let last = |campaign: &Campaign| {
            let sends = campaign.activities.iter().flat_map(|activity| &activity.sends);
            sends.map(|send| send.run_date).max()
        };
        let mut sent: Vec<(Timestamp, &Campaign)> = self
            .campaigns
            .iter()
            .filter_map(|campaign| Some((last(campaign)?, campaign)))
            .collect();
        sent.sort_by_key(|(sent, _)| std::cmp::Reverse(*sent));
        let records = sent.into_iter().map(|(sent, campaign)| {
            let record = json!({ "campaign_id": campaign.id, "last_sent_date": sent.to_string() });
            (campaign.id.clone(), record)
        });
        let path = "/v3/reports/summary_reports/email_campaign_summaries";
        let member = "bulk_email_campaign_summaries";
        self.oddities
            .summaries
            .page(path, member, records.collect(), query, PAGE)
    }

    fn campaign(&self, id: &str) -> (u16, String) {
        let Some(campaign) = self.campaigns.iter().find(|campaign| campaign.id == id) else {
            return (404, "[]".to_owned());
        };
        let is_removed = self.is_shown_as_removed(campaign);
        if is_removed && self.rejection_status == 404 {
            return (404, "[]".to_owned());
        }
        let activities = campaign
            .activities
            .iter()
            .map(|activity| json!({ "campaign_activity_id": activity.id, "role": activity.role }));
        let status = if is_removed { "Removed" } else { campaign.status };
        let detail = json!({
            "campaign_id": id, "name": campaign.name, "current_status": status,
            "updated_at": campaign.updated_at.to_string(), "campaign_activities": activities.collect::<Vec<_>>(),
        });
        self.oddities.detail(id, detail)
    }

    fn is_shown_as_removed(&self, campaign: &Campaign) -> bool {
        campaign.status == "Removed" || self.oddities.shown.get(&campaign.id) == Some(&Shown::Removed)
    }

    fn history(&mut self, id: &str) -> (u16, String) {
        let found = self.campaigns.iter().find_map(|campaign| {
            let activity = campaign.activities.iter().find(|activity| activity.id == id)?;
            Some((campaign, activity))
        });
        match found {
            None => (404, "[]".to_owned()),
            Some((campaign, activity)) if self.is_shown_as_removed(campaign) => {
                let count = activity.sends.len();
                self.lacked.insert(id.to_owned(), ((0..count).collect(), count));
                (self.rejection_status, "[]".to_owned())
            }
            Some((_, activity)) => {
                let records = activity.sends.iter().zip(1..).map(|(send, number)| {
                    json!({
                        "send_id": number, "count": send.count, "run_date": send.run_date.to_string(),
                        "send_status": "COMPLETED", "reason_code": 0,
                    })
                });
                let answer = self.oddities.history(id, records.collect());
                if !self.oddities.is_odd_history(id) {
                    let lacking = self.oddities.lacking.get(id).cloned().unwrap_or_default();
                    self.lacked.insert(id.to_owned(), (lacking, activity.sends.len()));
                }
                answer
            }
        }
    }
}

fn activity(random: &mut Random, role: &'static str) -> Activity {
    Activity {
        id: random.id(),
        role,
        sends: Vec::new(),
    }
}

fn send(random: &mut Random, now: Timestamp) -> Send {
    Send {
        run_date: now,
        count: i64::try_from(random.below(1_000)).unwrap(),
    }
}

/// Returns an argument of a query string. Only dates are percent-encoded.
pub(crate) fn argument(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(value.replace("%3A", ":"))
}
