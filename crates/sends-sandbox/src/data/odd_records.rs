//! Owns the odd records: an account for tests, where each activity shows one thing the upstream may answer, malformed and
//! undocumented forms included. Dates are fixed. Must not know generated data or HTTP. The crate's documentation lists what
//! each activity shows.

use uuid::Uuid;

use super::campaigns::{Activity, Campaign, PERMALINK, PRIMARY, RESEND};
use super::lists::{
    DELETED, DELETED_SEGMENT, EMPTY, ENGAGED, FRIENDS, GUIDE_LIST, LARGE_SEGMENT, REGULARS, SPARSE,
};
use super::records::{FROM_EMAIL, FROM_NAME, GUIDE_ACTIVITY, GUIDE_CAMPAIGN, Records, guide_sends};
use super::send::{Field, Row, RunDate, Send, Status};
use crate::clock::Moment;

const CODES: u128 = 0xc0de_0000_0000_4000_8000_0000_0000_0000;
const CODE_CAMPAIGNS: u128 = 0xcafe_c0de_0000_4000_8000_0000_0000_0000;
const FEATURES: u128 = 0xfeed_0000_0000_4000_8000_0000_0000_0000;
const FEATURE_CAMPAIGNS: u128 = 0xcafe_feed_0000_4000_8000_0000_0000_0000;

pub(super) fn odd_records() -> Records {
    let mut odd = Records::default();
    guide(&mut odd);
    reason_codes(&mut odd);
    histories(&mut odd);
    states(&mut odd);
    written_forms(&mut odd);
    odd
}

impl Records {
    /// Adds a campaign with a primary activity and its permalink, and gives the two back to be altered.
    fn add(
        &mut self,
        activity_id: Uuid,
        campaign_id: Uuid,
        subject: &'static str,
        sends: Vec<Row>,
    ) -> (&mut Campaign, &mut Activity) {
        let sends: Vec<Send> = sends.into_iter().map(Send::Row).collect();
        let number = i64::try_from(self.campaigns.len()).unwrap_or(0);
        let created_at = Moment(1_550_000_000_000).plus_seconds(number * 5 * 86_400);
        let last = sends.iter().filter_map(Send::run_at).max();
        let status = if last.is_some() { "DONE" } else { "DRAFT" };
        let primary = Activity {
            id: activity_id,
            campaign_id,
            role: PRIMARY.into(),
            status: status.into(),
            list_ids: vec![GUIDE_LIST],
            segment_ids: Vec::new(),
            subject: subject.into(),
            from_name: FROM_NAME.into(),
            from_email: FROM_EMAIL.into(),
            scheduled_at: None,
            sends,
        };
        let permalink_id = Uuid::from_u128(campaign_id.as_u128() ^ (1 << 48));
        let permalink = Activity {
            id: permalink_id,
            role: PERMALINK.into(),
            status: "DONE".into(),
            sends: Vec::new(),
            ..primary.clone()
        };
        let mut activities = vec![(activity_id, PRIMARY.into()), (permalink_id, PERMALINK.into())];
        if number % 2 == 1 {
            activities.reverse();
        }
        let campaign = self.campaigns.push_mut(Campaign {
            id: campaign_id,
            name: subject.into(),
            status: if last.is_some() { "Done" } else { "Draft" }.into(),
            kind: "NEWSLETTER".into(),
            created_at,
            updated_at: last.unwrap_or(created_at).max(created_at).plus_seconds(120),
            activities,
            detail_is_gone: false,
        });
        self.activities.push(permalink);
        (campaign, self.activities.push_mut(primary))
    }

    fn feature(
        &mut self,
        number: u128,
        subject: &'static str,
        sends: Vec<Row>,
    ) -> (&mut Campaign, &mut Activity) {
        let (activity, campaign) = (FEATURES | number, FEATURE_CAMPAIGNS | number);
        self.add(
            Uuid::from_u128(activity),
            Uuid::from_u128(campaign),
            subject,
            sends,
        )
    }
}

const fn at(text: &'static str) -> RunDate {
    RunDate::Written(text)
}

fn row(send_id: i64, count: i64, run_date: &'static str, reason_code: i64) -> Row {
    Row::to_lists(send_id, vec![GUIDE_LIST], count, at(run_date), reason_code)
}

fn guide(odd: &mut Records) {
    odd.add(GUIDE_ACTIVITY, GUIDE_CAMPAIGN, "Spring opening", guide_sends());
}

fn reason_codes(odd: &mut Records) {
    let subjects = [
        "Sent as it should be",
        "Failed for no stated reason",
        "Held by account review",
        "Billing lapsed",
        "Too many contacts",
        "Released in portions",
        "Stopped half way",
        "An image is missing",
        "A link is too long",
        "The sender could not be verified",
        "The sender could not be verified, otherwise",
        "A survey that may not be sent",
        "Nobody left to send to",
    ];
    for (code, subject) in (0_u8..).zip(subjects) {
        // The identifier ends in the code as people write it: …0012 is code 12.
        let digits = u128::from(code / 10 * 16 + code % 10);
        let count = if code == 12 { 0 } else { 120 + i64::from(code) };
        let sends = vec![Row::to_lists(
            1,
            vec![REGULARS],
            count,
            at("2024-05-14T09:30:00.000Z"),
            code.into(),
        )];
        let (campaign, activity) = odd.add(
            Uuid::from_u128(CODES | digits),
            Uuid::from_u128(CODE_CAMPAIGNS | digits),
            subject,
            sends,
        );
        activity.list_ids = vec![REGULARS];
        if !matches!(code, 0 | 6 | 12) {
            activity.status = "ERROR".into();
            campaign.status = "Error".into();
        }
    }
    let unknown_code = vec![row(1, 7, "2025-11-03T08:00:00.000Z", 42)];
    let (activity, campaign) = (CODES | 0x42, CODE_CAMPAIGNS | 0x42);
    odd.add(
        Uuid::from_u128(activity),
        Uuid::from_u128(campaign),
        "A reason nobody knows yet",
        unknown_code,
    );
    let mut unknown_status = row(1, 7, "2025-11-04T08:00:00.000Z", 0);
    unknown_status.send_status = Field::Is(Status::Written("PAUSED"));
    let (activity, campaign) = (CODES | 0xff, CODE_CAMPAIGNS | 0xff);
    odd.add(
        Uuid::from_u128(activity),
        Uuid::from_u128(campaign),
        "A status nobody knows yet",
        vec![unknown_status],
    );
}

fn histories(odd: &mut Records) {
    let to_segment = Row::to_segments(1, vec![ENGAGED], 340, at("2024-06-01T12:00:00.000Z"), 0);
    let (_, activity) = odd.feature(0x01, "To a segment", vec![to_segment]);
    activity.list_ids = Vec::new();
    activity.segment_ids = vec![ENGAGED];

    odd.feature(
        0x02,
        "Rescheduled three times",
        vec![
            row(1, 800, "2024-01-10T10:00:00.000Z", 0),
            row(2, 45, "2024-01-17T10:00:00.000Z", 0),
            row(3, 12, "2024-01-24T10:00:00.000Z", 0),
            row(4, 0, "2024-01-31T10:00:00.000Z", 12),
        ],
    );

    let resend_id = Uuid::from_u128(FEATURES | 0x04);
    let (campaign, activity) = odd.feature(
        0x03,
        "Sent again to who did not open it",
        vec![row(1, 500, "2024-02-01T10:00:00.000Z", 0)],
    );
    campaign.activities.insert(0, (resend_id, RESEND.into()));
    campaign.updated_at = campaign.updated_at.plus_seconds(4 * 86_400);
    let resend = Activity {
        id: resend_id,
        role: RESEND.into(),
        sends: vec![Send::Row(row(1, 310, "2024-02-05T10:00:00.000Z", 0))],
        ..activity.clone()
    };
    odd.activities.push(resend);

    odd.feature(
        0x14,
        "Failed, mended, sent",
        vec![
            row(1, 90, "2024-03-01T10:00:00.000Z", 7),
            row(2, 90, "2024-03-01T11:30:00.000Z", 0),
        ],
    );
    odd.feature(
        0x17,
        "Staged, then released",
        vec![
            row(1, 5000, "2024-03-04T10:00:00.000Z", 5),
            row(2, 4400, "2024-03-06T10:00:00.000Z", 0),
        ],
    );
    let weekly = (1..=40).map(|send_id| {
        let sunday = Moment(1_704_621_600_000).plus_seconds((send_id - 1) * 7 * 86_400);
        Row::to_lists(
            send_id,
            vec![GUIDE_LIST, REGULARS],
            40 - send_id,
            RunDate::At(sunday),
            0,
        )
    });
    odd.feature(0x13, "Forty times", weekly.collect());
    odd.feature(
        0x16,
        "To more than 32 bits count",
        vec![row(1, 5_000_000_000, "2024-04-01T10:00:00.000Z", 0)],
    );
}

fn states(odd: &mut Records) {
    odd.feature(0x05, "Never sent", Vec::new());

    let (campaign, activity) = odd.feature(0x06, "Scheduled", Vec::new());
    campaign.status = "Scheduled".into();
    activity.status = "SCHEDULED".into();
    activity.scheduled_at = Moment::parse("2027-05-17T16:37:59.091Z");

    let (campaign, activity) = odd.feature(
        0x07,
        "Being sent",
        vec![row(1, 600, "2025-12-01T10:00:00.000Z", 0)],
    );
    campaign.status = "Executing".into();
    activity.status = "EXECUTING".into();

    let (campaign, activity) = odd.feature(0x0e, "Removed", vec![row(1, 33, "2024-07-01T10:00:00.000Z", 0)]);
    campaign.status = "Removed".into();
    activity.status = "REMOVED".into();

    let (campaign, _) = odd.feature(
        0x12,
        "Listed, yet gone",
        vec![row(1, 21, "2024-07-02T10:00:00.000Z", 0)],
    );
    campaign.detail_is_gone = true;

    let (_, activity) = odd.feature(
        0x10,
        "To what was deleted since",
        vec![
            Row::to_lists(1, vec![DELETED, EMPTY], 412, at("2024-02-20T10:00:00.000Z"), 0),
            Row::to_segments(
                2,
                vec![DELETED_SEGMENT, LARGE_SEGMENT],
                60,
                at("2024-02-27T10:00:00.000Z"),
                0,
            ),
        ],
    );
    activity.list_ids = vec![GUIDE_LIST];

    odd.feature(
        0x11,
        "Tea &amp; biscuits: &quot;free&quot; &lt;today&gt;",
        vec![Row::to_lists(
            1,
            vec![FRIENDS],
            86,
            at("2024-08-01T10:00:00.000Z"),
            0,
        )],
    );
}

fn written_forms(odd: &mut Records) {
    let nothing = Row {
        contact_list_ids: Field::Absent,
        count: Field::Absent,
        run_date: Field::Absent,
        send_status: Field::Absent,
        reason_code: Field::Absent,
        ..row(1, 0, "", 0)
    };
    odd.feature(
        0x08,
        "Fields left out",
        vec![nothing.clone(), row(2, 5, "2024-09-02T10:00:00.000Z", 0)],
    );

    let nulls = Row {
        contact_list_ids: Field::Null,
        segment_ids: Field::Null,
        count: Field::Null,
        run_date: Field::Null,
        send_status: Field::Null,
        reason_code: Field::Null,
        ..nothing
    };
    odd.feature(0x09, "Fields of null", vec![nulls]);

    let empty = Row {
        segment_ids: Field::Is(Vec::new()),
        ..row(1, 5, "2024-09-04T10:00:00.000Z", 0)
    };
    odd.feature(
        0x0a,
        "Empty lists",
        vec![Row {
            contact_list_ids: Field::Is(Vec::new()),
            ..empty
        }],
    );

    odd.feature(
        0x0b,
        "Dates in every form",
        vec![
            row(1, 9, "2024-09-05T10:00:00.000Z", 0),
            row(2, 9, "2024-09-06T10:00:00.108Z", 0),
            row(3, 9, "2024-09-07T10:00:00Z", 0),
            row(4, 9, "2024-09-08T05:00:00-05:00", 0),
        ],
    );

    let misspelt = Row {
        lists_key: "contact_lists_ids",
        ..row(1, 4, "2024-09-09T10:00:00.000Z", 0)
    };
    odd.feature(0x0c, "The other spelling", vec![misspelt]);

    let both = Row {
        contact_list_ids: Field::Is(vec![GUIDE_LIST, SPARSE]),
        ..Row::to_segments(1, vec![ENGAGED], 4, at("2024-09-10T10:00:00.000Z"), 0)
    };
    odd.feature(0x0d, "Lists and segments at once", vec![both]);

    let nameless = Row {
        send_id: Field::Absent,
        ..row(1, 4, "2024-09-11T10:00:00.000Z", 0)
    };
    odd.feature(
        0x15,
        "A row without its number",
        vec![row(1, 4, "2024-09-11T09:00:00.000Z", 0), nameless],
    );
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;

    #[test]
    fn every_listed_activity_exists_and_no_identifier_is_used_twice() {
        let odd = odd_records();
        let ids: std::collections::BTreeSet<_> = odd.activities.iter().map(|activity| activity.id).collect();
        assert_eq!(ids.len(), odd.activities.len());
        for (id, _) in odd.campaigns.iter().flat_map(|campaign| &campaign.activities) {
            assert!(ids.contains(id), "{id}");
        }
    }

    #[test]
    fn code_twelve_ends_in_twelve() {
        let id = uuid!("c0de0000-0000-4000-8000-000000000012");
        let odd = odd_records();
        let activity = odd.activities.iter().find(|activity| activity.id == id).unwrap();
        assert!(matches!(&activity.sends[0], Send::Row(row) if row.reason_code == Field::Is(12)));
    }
}
