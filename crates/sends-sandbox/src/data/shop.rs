//! Owns the campaigns of a small bookshop, the account that a person explores: weekly newsletters, a sale, events, a survey,
//! and the failures that such a shop meets, so that every documented reason code occurs once or more. Dates are relative to
//! the day the sandbox was started on, identifiers are fixed. Must not know HTTP. The crate's documentation lists the activities
//! worth a look.

mod calendar;
mod email;

use jiff::civil::Weekday;

pub(crate) use self::calendar::Calendar;
use self::email::Email;
use super::campaigns::{Activity, Campaign, PERMALINK, PRIMARY};
use super::identifiers::{Key, Kind};
use super::lists::{
    BOOK_CLUB, ENGAGED, EVENT_GUESTS, FAIR, FAMILIES, FRIENDS_OF_SHOP, NEARBY, NEWSLETTER, SCHOOLS, TRADE,
};
use super::records::{FROM_EMAIL, FROM_NAME, GUIDE_ACTIVITY, GUIDE_CAMPAIGN, Records, guide_sends};
use super::send::Send;
use crate::clock::Moment;

/// The identifier of a kind that belongs to a campaign's key, whatever the seed.
fn identifier(key: &str, kind: Kind) -> uuid::Uuid {
    Key::derive(0x6C61_6E74, key).identifier(kind, 0)
}

/// What the shop has sent, as of a day.
pub(super) fn shop(calendar: &Calendar) -> Records {
    let mut emails = vec![survey(calendar), reading_group(calendar)];
    emails.extend(newsletters(calendar));
    emails.extend(sale(calendar));
    emails.extend(events(calendar));
    emails.extend(campaigns_that_failed(calendar));
    emails.extend(not_sent_yet(calendar));
    let mut records = Records::default();
    guide(&mut records);
    for email in emails {
        email.add_to(&mut records);
    }
    records
}

/// The numbered newsletters of the last sixteen weeks, on Tuesdays at ten.
fn newsletters(calendar: &Calendar) -> Vec<Email> {
    let letter = |weeks: i32, key, title: &'static str| {
        let name = format!("Newsletter {}: {title}", 149 - weeks);
        let sent = calendar.back(weeks, Weekday::Tuesday, 10, 0);
        // The list has grown by a score of contacts a week.
        let count = 4_302 - 21 * i64::from(weeks) - i64::from(weeks * weeks) % 7;
        (Email::new(key, name, title).for_lists(&[NEWSLETTER]), sent, count)
    };
    let sent = |weeks, key, title| {
        let (email, sent, count) = letter(weeks, key, title);
        email.send(sent, count, 0)
    };
    let resent = |weeks, key, title| {
        let (email, sent, count) = letter(weeks, key, title);
        email
            .send(sent, count, 0)
            .resend_to_non_openers(sent.later(3, 16, 0), count * 58 / 100)
    };
    let mended = |weeks, key, title, code, days, hour, minute| {
        let (email, sent, count) = letter(weeks, key, title);
        let again = sent.later(days, hour, minute);
        email.send(sent, count, code).send(again, count, 0)
    };
    let (partial, partly_sent, contacts) = letter(7, "second-hand", "Second-hand finds");
    let (curious, first_sent, first_count) = letter(4, "curious", "Non-fiction for the curious");
    vec![
        sent(16, "short-novels", "Ten short novels for one sitting"),
        sent(15, "paperback", "New in paperback"),
        sent(14, "staff-picks", "What our staff are reading"),
        mended(13, "maps", "Maps, walks and islands", 7, 0, 11, 25),
        sent(12, "poetry", "Poetry, and a reading by candlelight"),
        sent(11, "cookbooks", "Cookbooks we cook from"),
        resent(10, "translated", "Translated fiction"),
        sent(9, "films", "Books that became films"),
        mended(8, "local-authors", "Three new local authors", 1, 1, 9, 30),
        partial.send(partly_sent, contacts, 6),
        mended(6, "signed", "Signed copies on the counter", 8, 0, 10, 40),
        resent(5, "mysteries", "Mysteries for long evenings"),
        curious
            .send(first_sent, first_count, 0)
            .send(first_sent.later(2, 10, 0), 38, 0),
        sent(3, "tea", "Tea &amp; biscuits with our editor"),
        resent(2, "audiobooks", "Audiobooks for the road"),
        sent(1, "front-table", "On the front table this week"),
    ]
}

fn sale(calendar: &Calendar) -> Vec<Email> {
    let season = calendar.season();
    let begins = calendar.back(6, Weekday::Thursday, 9, 0);
    vec![
        Email::new(
            "preview",
            format!("{season} sale: preview for friends"),
            "You are invited a day early",
        )
        .for_lists(&[FRIENDS_OF_SHOP])
        .send(begins.later(-1, 18, 0), 86, 0),
        Email::new(
            "sale",
            format!("{season} sale"),
            "Three for two, until Sunday week",
        )
        .for_lists(&[NEWSLETTER, FRIENDS_OF_SHOP])
        .send(begins, 4_251, 0)
        .resend_to_non_openers(begins.later(3, 9, 30), 2_418),
        Email::new(
            "last-days",
            format!("{season} sale: the last two days"),
            "Only until Sunday",
        )
        .for_segments(&[ENGAGED])
        .send(begins.later(9, 9, 0), 1_902, 0),
    ]
}

fn events(calendar: &Calendar) -> Vec<Email> {
    let invited = calendar.back(4, Weekday::Thursday, 12, 0);
    // The Saturday before the evening, which is three weeks after the invitation.
    let reminded = invited.later(16, 10, 0);
    vec![
        Email::new(
            "evening",
            "Invitation: an evening with Mara Lindqvist",
            "Mara Lindqvist reads from her new novel",
        )
        .for_segments(&[ENGAGED, NEARBY])
        .send(invited, 2_116, 0)
        .send(invited.later(7, 12, 0), 47, 0),
        Email::new(
            "reminder",
            "Reminder: an evening with Mara Lindqvist",
            "See you on Thursday at seven",
        )
        .for_lists(&[EVENT_GUESTS])
        .send(reminded, 118, 0)
        // Nobody had signed up since.
        .send(reminded.later(2, 9, 0), 0, 12),
    ]
}

/// Surveys are no part of the shop's plan.
fn survey(calendar: &Calendar) -> Email {
    let sent = calendar.back(2, Weekday::Friday, 11, 0);
    Email::new(
        "survey",
        "Survey: what should we stock?",
        "Two minutes for better shelves?",
    )
    .for_segments(&[ENGAGED])
    .send(sent, 1_958, 11)
}

/// The latest failure: the address that it is sent from was never verified.
fn reading_group(calendar: &Calendar) -> Email {
    Email::new(
        "reading-group",
        "Reading group: the new dates",
        "Our next six books, and when we meet",
    )
    .from("readinggroup@lantern-events.example")
    .for_lists(&[BOOK_CLUB])
    .send(calendar.back(1, Weekday::Friday, 15, 0), 64, 9)
}

fn campaigns_that_failed(calendar: &Calendar) -> Vec<Email> {
    let billing = calendar.back(9, Weekday::Thursday, 17, 0);
    let too_large = calendar.back(12, Weekday::Thursday, 11, 0);
    let staged = calendar.back(11, Weekday::Monday, 9, 0);
    let schools = calendar.back(10, Weekday::Wednesday, 14, 0);
    vec![
        Email::new(
            "members-evening",
            "Members' evening",
            "The programme of our members' evening",
        )
        .for_lists(&[FRIENDS_OF_SHOP])
        .send(billing, 84, 3)
        .send(billing.later(1, 12, 10), 84, 0),
        // Tried with the imported list too, then without it.
        Email::new(
            "bicycle",
            "We deliver by bicycle",
            "Your books at your door, the same day",
        )
        .for_lists(&[NEWSLETTER])
        .send_to(&[NEWSLETTER, TRADE], too_large, 15_334, 4)
        .send(too_large.later(0, 14, 20), 4_041, 0),
        Email::new(
            "fair",
            "Hello from the town fair",
            "Thank you for visiting our stall",
        )
        .for_lists(&[FAIR])
        .send(staged, 2_140, 5)
        .send(staged.later(2, 9, 0), 2_140, 0),
        Email::new("schools", "Letter to schools", "Class sets and author visits")
            .from("schools@lantern-events.example")
            .for_lists(&[SCHOOLS])
            .send(schools, 41, 10)
            .send(schools.later(1, 10, 0), 41, 0),
        Email::new(
            "raffle",
            "Raffle for the library roof",
            "A ticket for the library's new roof",
        )
        .for_lists(&[TRADE])
        .send(calendar.back(8, Weekday::Saturday, 9, 0), 11_293, 2),
    ]
}

fn not_sent_yet(calendar: &Calendar) -> Vec<Email> {
    vec![
        // Held back by the review of a list that is new to the account.
        Email::new("book-market", "After the book market", "It was good to meet you")
            .for_lists(&[FAIR])
            .send(calendar.days_back(1, 16, 0), 2_140, 5)
            .executing(),
        Email::new(
            "first-novels",
            "Newsletter 149: A shelf of first novels",
            "A shelf of first novels",
        )
        .for_lists(&[NEWSLETTER])
        .scheduled(
            calendar.ahead(Weekday::Tuesday, 10, 0),
            calendar.days_back(1, 11, 40),
        ),
        Email::new("story-hour", "Story hour for children", "Saturday is story hour")
            .for_lists(&[FAMILIES])
            .scheduled(
                calendar.ahead(Weekday::Saturday, 9, 0),
                calendar.days_back(8, 15, 10),
            ),
        Email::new(
            "holidays",
            "Opening hours over the holidays",
            "When we are open, and when we read",
        )
        .for_lists(&[NEWSLETTER])
        .draft(calendar.days_back(9, 17, 30)),
        Email::new(
            "survey-page",
            "Survey, as a link to our own page",
            "Two minutes for better shelves?",
        )
        .for_segments(&[ENGAGED])
        // In the afternoon of the day on which the survey failed.
        .draft(calendar.back(2, Weekday::Friday, 16, 30)),
    ]
}

/// The example of the vendor's guide: a trial of two staff members, long ago.
fn guide(records: &mut Records) {
    let sends: Vec<Send> = guide_sends().into_iter().map(Send::Row).collect();
    let last = sends.iter().filter_map(Send::run_at).max().unwrap_or(Moment(0));
    let primary = Activity {
        id: GUIDE_ACTIVITY,
        campaign_id: GUIDE_CAMPAIGN,
        role: PRIMARY.into(),
        status: "DONE".into(),
        list_ids: vec![super::lists::GUIDE_LIST],
        segment_ids: Vec::new(),
        subject: "Spring opening".into(),
        from_name: FROM_NAME.into(),
        from_email: FROM_EMAIL.into(),
        scheduled_at: None,
        sends,
    };
    let permalink = Activity {
        id: uuid::Uuid::from_u128(GUIDE_CAMPAIGN.as_u128() ^ (1 << 48)),
        role: PERMALINK.into(),
        sends: Vec::new(),
        ..primary.clone()
    };
    records.campaigns.push(Campaign {
        id: GUIDE_CAMPAIGN,
        name: "Spring opening".into(),
        status: "Done".into(),
        kind: "NEWSLETTER".into(),
        created_at: last.plus_seconds(-30 * 86_400),
        updated_at: last.plus_seconds(120),
        activities: vec![(primary.id, PRIMARY.into()), (permalink.id, PERMALINK.into())],
        detail_is_gone: false,
    });
    records.activities.extend([primary, permalink]);
}

#[cfg(test)]
mod tests;
