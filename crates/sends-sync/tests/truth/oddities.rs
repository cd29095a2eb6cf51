//! Incorrect and undocumented responses of an upstream.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::{
    account::{Account, Activity, Campaign},
    random::Random,
};

/// Modification of a response.
#[derive(Clone, Debug)]
pub(crate) enum Odd {
    Status(u16),
    Body(&'static str),
    /// Replaces the record at an index.
    Record(usize, Value),
    /// Replaces a member of the record at an index.
    Member(usize, &'static str, Value),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Shown {
    Removed,
    Activities(Value),
}

#[derive(Clone, Debug)]
pub(crate) enum Link {
    EndsEarly,
    Replaced(Value),
    Itself,
}

/// Incorrect responses of a listing, by the number of the page from 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListingOddities {
    pages: HashMap<usize, Vec<Odd>>,
    /// Whether the listing is empty.
    is_empty: bool,
    links: HashMap<usize, Link>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Oddities {
    pub(crate) campaigns: ListingOddities,
    pub(crate) summaries: ListingOddities,
    /// Incorrect responses for campaigns, each with a current update time.
    pub(crate) shown: HashMap<String, Shown>,
    details: HashMap<String, Odd>,
    histories: HashMap<String, Odd>,
    /// Indices of the sends with an unreadable count, by activity.
    countless: HashMap<String, usize>,
    /// Indices of the sends that responses lack, by activity.
    pub(crate) lacking: HashMap<String, BTreeSet<usize>>,
    /// Whether a lacking send was never returned before.
    pub(crate) lacks_unknown: bool,
    /// Whether all histories except those of the oldest campaign fail.
    pub(crate) fails_widely: bool,
    /// Indices of the sends with an unreadable date, by activity.
    dateless: HashMap<String, usize>,
}

/// Statuses of failed requests. The rejection of a single path is 401 or 403.
const STATUSES: [u16; 10] = [400, 401, 404, 500, 503, 400, 403, 404, 500, 503];
const BODIES: [&str; 7] = [
    "<html></html>",
    "{}",
    r#"{"campaigns": null, "bulk_email_campaign_summaries": null}"#,
    r#"{"campaigns": {}, "bulk_email_campaign_summaries": {}}"#,
    "null",
    "",
    "7",
];

fn odd_record(random: &mut Random) -> Value {
    random.pick(&[json!(null), json!({}), json!("x"), json!(["x"]), json!(7)])
}

fn odd_value(random: &mut Random) -> Value {
    random.pick(&[
        json!(null),
        json!(""),
        json!(7),
        json!({}),
        json!("\u{fffd}"),
        json!("2026-05-01"),
    ])
}

impl Oddities {
    /// Generates random incorrect responses for an account. `known` has the number of logged sends per activity after the first
    /// synchronisation.
    pub(crate) fn random(
        random: &mut Random,
        account: &Account,
        known: Option<&HashMap<String, usize>>,
    ) -> Self {
        let is_first = known.is_none();
        let mut oddities = Self::default();
        let often = random.pick(&[0, 3, 15, 40]);
        oddities.campaigns = ListingOddities::random(random, often, "updated_at");
        oddities.summaries = ListingOddities::random(random, often, "last_sent_date");
        if random.percent(often) {
            let rejected = vec![Odd::Status(403)];
            oddities.summaries.pages = (0..9).map(|page| (page, rejected.clone())).collect();
        }
        // Only the other listing detects a listing that ends early.
        if is_first && random.percent(often) {
            oddities.summaries = ListingOddities::default();
            oddities.campaigns.links.insert(random.below(2), Link::EndsEarly);
        }
        // Two consecutive empty listings would count as a confirmed removal.
        let may_be_empty = !is_first && random.percent(often / 2);
        oddities.campaigns.is_empty = may_be_empty && !account.oddities.campaigns.is_empty;
        oddities.fails_widely = random.percent(often / 2);
        let wide = random.pick(&[403, 500]);
        for (nth, campaign) in account.campaigns.iter().enumerate() {
            let before = &account.oddities;
            let ids = || campaign.activities.iter().map(|activity| &activity.id);
            let is_known = known.is_none_or(|known| ids().any(|id| known.contains_key(id)));
            // A second such response would count as a confirmed removal.
            let was_not_found = matches!(before.details.get(&campaign.id), Some(Odd::Status(404)));
            let is_in_doubt = match before.shown.get(&campaign.id) {
                Some(Shown::Removed) => true,
                Some(Shown::Activities(_)) => !is_known,
                None => was_not_found,
            };
            let is_in_doubt = is_in_doubt || ids().any(|id| lacks_all(account, id));
            if random.percent(often / 2) && is_known && !is_in_doubt && campaign.status != "Removed" {
                let others = account.campaigns.iter().filter(|other| other.id != campaign.id);
                let others: Vec<_> = others.flat_map(|other| &other.activities).collect();
                let other = (!others.is_empty()).then(|| random.pick(&others).id.clone());
                let shown = Shown::random(random, is_first, other);
                oddities.shown.insert(campaign.id.clone(), shown);
                continue;
            }
            if random.percent(often) && !is_in_doubt {
                oddities.details.insert(campaign.id.clone(), odd_detail(random));
            }
            for activity in &campaign.activities {
                let is_odd = random.percent(often);
                if oddities.fails_widely && nth > 0 {
                    oddities.histories.insert(activity.id.clone(), Odd::Status(wide));
                } else if is_odd {
                    let odd = match random.below(4) {
                        0 => Odd::Status(random.pick(&STATUSES)),
                        1 => Odd::Body(random.pick(&BODIES)),
                        2 => Odd::Record(random.below(2), odd_record(random)),
                        _ => Odd::Member(random.below(2), "send_id", json!("x")),
                    };
                    oddities.histories.insert(activity.id.clone(), odd);
                } else if random.percent(often) {
                    oddities.countless.insert(activity.id.clone(), random.below(2));
                }
                if random.percent(often / 2) {
                    oddities.dateless.insert(activity.id.clone(), random.below(2));
                }
                if random.percent(often) && !is_odd && !is_in_doubt && !activity.sends.is_empty() {
                    let logged = known
                        .and_then(|known| known.get(&activity.id))
                        .copied()
                        .unwrap_or(0);
                    oddities.lack(random, account, campaign, activity, logged);
                }
            }
        }
        oddities
    }

    /// Makes a response lack logged sends, or the last send of the campaign, which the report shows.
    fn lack(
        &mut self,
        random: &mut Random,
        account: &Account,
        campaign: &Campaign,
        activity: &Activity,
        logged: usize,
    ) {
        let count = activity.sends.len();
        let last = campaign
            .activities
            .iter()
            .flat_map(|own| &own.sends)
            .map(|send| send.run_date)
            .max();
        let is_last = activity.sends.last().map(|send| send.run_date) == last;
        let lacking: BTreeSet<usize> = match random.below(3) {
            0 if logged == count => (0..count).collect(),
            1 if is_last && logged + 1 == count => BTreeSet::from([count - 1]),
            _ if logged > 0 => BTreeSet::from([random.below(logged)]),
            _ => return,
        };
        // The same absence in two responses would count as a confirmed removal.
        let nothing = (BTreeSet::new(), count);
        let (before, had) = account.lacked.get(&activity.id).unwrap_or(&nothing);
        if !before.is_empty()
            && lacking
                .iter()
                .copied()
                .filter(|place| place < had)
                .collect::<BTreeSet<_>>()
                == *before
        {
            return;
        }
        self.lacks_unknown |= lacking.last().is_some_and(|last| *last >= logged);
        self.lacking.insert(activity.id.clone(), lacking);
    }

    pub(crate) fn with_failing(ids: impl Iterator<Item = String>) -> Self {
        Self {
            histories: ids.map(|id| (id, Odd::Status(500))).collect(),
            ..Self::default()
        }
    }

    pub(crate) fn is_odd_history(&self, id: &str) -> bool {
        self.histories.contains_key(id)
    }

    pub(crate) fn rejects_report(&self) -> bool {
        let first = self.summaries.pages.get(&0).and_then(|odd| odd.first());
        matches!(first, Some(Odd::Status(403)))
    }

    pub(crate) fn detail(&self, id: &str, mut detail: Value) -> (u16, String) {
        if let Some(Shown::Activities(activities)) = self.shown.get(id) {
            detail["campaign_activities"] = activities.clone();
        }
        match self.details.get(id) {
            Some(Odd::Record(place, value)) => {
                let mut detail = detail;
                let activities = detail["campaign_activities"].as_array_mut().unwrap();
                if let Some(activity) = activities.get_mut(*place) {
                    *activity = value.clone();
                }
                (200, detail.to_string())
            }
            Some(Odd::Member(_, name, value)) => {
                let mut detail = detail;
                detail[*name] = value.clone();
                (200, detail.to_string())
            }
            odd => whole(odd, &detail),
        }
    }

    pub(crate) fn history(&self, id: &str, mut records: Vec<Value>) -> (u16, String) {
        if let Some(record) = self.countless.get(id).and_then(|place| records.get_mut(*place)) {
            record["count"] = json!("many");
        }
        if let Some(record) = self.dateless.get(id).and_then(|place| records.get_mut(*place)) {
            record["run_date"] = json!("yesterday");
        }
        if let Some(lacking) = self.lacking.get(id) {
            let mut place = 0..;
            records.retain(|_| place.next().is_none_or(|place| !lacking.contains(&place)));
        }
        match self.histories.get(id) {
            Some(Odd::Record(place, value)) => {
                if let Some(record) = records.get_mut(*place) {
                    *record = value.clone();
                }
                (200, Value::Array(records).to_string())
            }
            Some(Odd::Member(place, name, value)) => {
                if let Some(record) = records.get_mut(*place) {
                    record[*name] = value.clone();
                }
                (200, Value::Array(records).to_string())
            }
            odd => whole(odd, &Value::Array(records)),
        }
    }
}

impl Shown {
    fn random(random: &mut Random, is_first: bool, of_another: Option<String>) -> Self {
        let other = |role: &str, id: String| json!([{ "campaign_activity_id": id, "role": role }]);
        let (replaced, permalink) = (
            other("primary_email", random.id()),
            other("permalink", random.id()),
        );
        match random.below(6) {
            // Nothing contradicts this response for a campaign that was never read.
            5 if !is_first && of_another.is_some() => {
                Self::Activities(other("primary_email", of_another.unwrap()))
            }
            // A campaign that was never read cannot be retained.
            0 | 1 if !is_first => Self::Removed,
            2 if !is_first => Self::Activities(replaced),
            3 => Self::Activities(permalink),
            _ => Self::Activities(random.pick(&[json!([]), json!(null)])),
        }
    }
}

fn odd_detail(random: &mut Random) -> Odd {
    match random.below(6) {
        0 | 1 => Odd::Status(random.pick(&STATUSES)),
        2 => Odd::Body(random.pick(&BODIES)),
        3 => Odd::Record(
            random.below(3),
            json!({ "role": "primary_email", "campaign_activity_id": "58z" }),
        ),
        4 => Odd::Member(
            0,
            random.pick(&["updated_at", "current_status", "name"]),
            odd_value(random),
        ),
        _ => Odd::Member(0, "campaign_activities", json!(7)),
    }
}

fn whole(odd: Option<&Odd>, answer: &Value) -> (u16, String) {
    match odd {
        Some(Odd::Status(status)) => (*status, "{}".to_owned()),
        Some(Odd::Body(body)) => (200, (*body).to_owned()),
        _ => (200, answer.to_string()),
    }
}

impl ListingOddities {
    fn random(random: &mut Random, often: usize, date: &'static str) -> Self {
        let mut oddities = Self::default();
        for page in 0..5 {
            while random.percent(often) {
                let odd = match random.below(6) {
                    // A listing without its first page fails as a whole.
                    0 if page > 0 => Odd::Status(random.pick(&STATUSES)),
                    1 if page > 0 => Odd::Body(random.pick(&BODIES)),
                    0..=2 => Odd::Record(random.below(3), odd_record(random)),
                    3 => Odd::Member(random.below(3), "campaign_id", json!("58z")),
                    _ => Odd::Member(
                        random.below(3),
                        random.pick(&[date, "current_status", "name"]),
                        odd_value(random),
                    ),
                };
                oddities.pages.entry(page).or_default().push(odd);
            }
            if random.percent(often / 2) {
                let link = match random.below(4) {
                    0 => Link::Itself,
                    1 => Link::Replaced(json!("https://elsewhere.example/v3/contacts?cursor=1")),
                    2 => Link::Replaced(json!(7)),
                    _ => Link::Replaced(json!("/v3/contacts?cursor=1")),
                };
                oddities.links.insert(page, link);
            }
        }
        oddities
    }

    pub(crate) fn page(
        &self,
        path: &str,
        member: &str,
        records: Vec<(String, Value)>,
        query: &str,
        length: usize,
    ) -> (u16, String) {
        let number: usize =
            crate::account::argument(query, "cursor").map_or(0, |cursor| cursor.parse().unwrap());
        // A search for a single campaign is not a listing.
        let is_search = query.contains("before_date");
        if self.is_empty && !is_search {
            return (200, json!({ member: [] }).to_string());
        }
        let count = records.len();
        let mut page: Vec<Value> = records
            .into_iter()
            .map(|(_, record)| record)
            .skip(number * length)
            .take(length)
            .collect();
        let odd = self.pages.get(&number).filter(|_| !is_search);
        for odd in odd.into_iter().flatten() {
            match odd {
                Odd::Status(_) | Odd::Body(_) => return whole(Some(odd), &Value::Null),
                Odd::Record(place, value) => {
                    if let Some(record) = page.get_mut(*place) {
                        *record = value.clone();
                    }
                }
                Odd::Member(place, name, value) => {
                    if let Some(Value::Object(record)) = page.get_mut(*place) {
                        record.insert((*name).to_owned(), value.clone());
                    }
                }
            }
        }
        let rest: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.starts_with("cursor="))
            .collect();
        let rest = rest.join("&");
        let next =
            ((number + 1) * length < count).then(|| json!(format!("{path}?{rest}&cursor={}", number + 1)));
        let next = match self.links.get(&number).filter(|_| next.is_some() && !is_search) {
            None => next,
            Some(Link::EndsEarly) => None,
            Some(Link::Itself) => Some(json!(format!("{path}?{query}"))),
            Some(Link::Replaced(link)) => Some(link.clone()),
        };
        let mut answer = json!({ member: page });
        if let Some(next) = next {
            answer["_links"] = json!({ "next": { "href": next } });
        }
        (200, answer.to_string())
    }
}

fn lacks_all(account: &Account, id: &str) -> bool {
    let lacked = account.lacked.get(id);
    lacked.is_some_and(|(lacking, had)| *had > 0 && lacking.len() == *had)
}
