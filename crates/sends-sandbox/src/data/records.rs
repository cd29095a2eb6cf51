//! Owns what the two sets of written records have in common: the shop's name, and the example of the vendor's guide.

use uuid::{Uuid, uuid};

use super::campaigns::{Activity, Campaign};
use super::lists::GUIDE_LIST;
use super::send::{Row, RunDate};

/// The activity of the vendor's guide, with its two sends.
pub(super) const GUIDE_ACTIVITY: Uuid = uuid!("1ead98be-dfa0-4e04-81f7-5f1534d42e9c");
pub(super) const GUIDE_CAMPAIGN: Uuid = uuid!("cafe1ead-0000-4000-8000-000000000001");

pub(super) const FROM_NAME: &str = "The Lantern Bookshop";
pub(super) const FROM_EMAIL: &str = "hello@lantern.example";

/// The campaigns and activities that an account holds besides generated ones.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) campaigns: Vec<Campaign>,
    pub(super) activities: Vec<Activity>,
}

/// The sends of the guide's example, whose dates never change.
pub(super) fn guide_sends() -> Vec<Row> {
    let row = |send_id, count, run_date, reason_code| {
        let run_date = RunDate::Written(run_date);
        Row::to_lists(send_id, vec![GUIDE_LIST], count, run_date, reason_code)
    };
    vec![
        row(1, 2, "2019-04-18T20:03:08.000Z", 0),
        row(2, 0, "2019-05-07T14:42:57.000Z", 12),
    ]
}
