#![doc = include_str!("../README.md")]
//!
//! # Settings
//!
//! [`Settings`] defines the library's configuration, the options and environment variables of the program (`--help`), and the JSON of
//! `POST /_sandbox/config`, with the names of the fields and values in `snake_case`. Undocumented behaviour of the upstream is a
//! setting.
//!
//! # The wild upstream
//!
//! With [`Settings::wild`], or `--wild SEED`, the form of every response is drawn at random among the documented and observed ones,
//! from the seed, the URI, and the number of its requests:
//!
//! - optional members absent or null, empty arrays as `[]`, null or absent, `contact_lists_ids`, activities in any order;
//! - dates with and without a fraction, in UTC or five hours behind; open enumerations in another letter case;
//! - counts of the summaries as numbers or strings, keys of the statistics with dots or underscores;
//! - names escaped for HTML or not, sometimes with half a surrogate pair, a control character or a byte that is not UTF-8;
//! - the seven forms of a last page;
//! - 202 and 203 for 200, other content types or none, gzip or not, request identifiers or none;
//! - errors as an array, an object, a gateway's message, HTML or nothing;
//! - token responses with numbers as strings or floats, `scope` as an array, missing members, and an unchanged refresh token omitted;
//! - one API request in forty fails with 500, 502, 503, 504, the 429 of a second, a reset or a closed connection. A
//!   retry succeeds.
//!
//! The data stays the same: identifiers, sends, outcomes, and counts where present. Forms that hide a fact, such as a page without its
//! records, are left to [`Fault`]s.
//!
//! # Control requests
//!
//! With JSON bodies. An invalid one is answered with 400 or 404 and `{"error": "reason"}`.
//!
//! | request | body or query | answer |
//! |---|---|---|
//! | `GET /_sandbox/requests` | `?from=SEQUENCE` | `{"requests":[{"sequence","at_ms","method","path","query","status","fault","credential","in_flight","took_ms"}]}`, see [`LoggedRequest`] |
//! | `DELETE /_sandbox/requests` | | 204; clears the log and its counters, not the limits |
//! | `GET /_sandbox/counters` | | `{"requests","in_flight","greatest_in_flight","greatest_in_a_second","api_requests_not_get","by_endpoint":{},"by_status":{},"by_fault":{},"keys":{CLIENT:{"passed","throttled","quota_exceeded","today","greatest_in_a_second","greatest_passed_in_a_second"}},"token_endpoint":{CLIENT:{…}}}` |
//! | `GET /_sandbox/activities` | `?account=&offset=&limit=` (limit up to 100,000) | `{"account","total","activities":[ID],"next_offset"}`; those of the shop or the odd records first, then the generated ones by index |
//! | `GET /_sandbox/faults` | | `[{"id","struck","fault":{…}}]` |
//! | `POST /_sandbox/faults` | a [`Fault`] or an array of them: `{"kind":"status","status":503,"body":"html","path_contains":"/send_history","query_contains":null,"activity_id":null,"skip":0,"count":2,"probability":1.0}` | 201 `{"ids":[1]}` |
//! | `DELETE /_sandbox/faults` | `?id=1`, or none for all | 204 |
//! | `GET /_sandbox/config` | | all [`Settings`] |
//! | `POST /_sandbox/config` | some settings: `{"availability":"closed"}` | all [`Settings`] |
//! | `POST /_sandbox/sends` | a change, see below | the identifiers of what was created |
//! | `GET`, `POST /_sandbox/clock` | `{"advance_seconds":3600}`, backwards when negative, `{"to_next_day":true}` | `{"now"}` |
//! | `POST /_sandbox/tokens` | `{"account","client_id","scopes","expires_in"}`, all optional | `{"access_token","refresh_token","expires_in"}` |
//! | `POST /_sandbox/tokens/revoke` | `{"token","fingerprint","account","client_id","kind":"access"}`, all optional; revokes the tokens that match all of them | `{"revoked":2}` |
//! | `POST /_sandbox/devices` | `{"user_code","approve":true,"account"}` | 204 |
//! | `POST /_sandbox/reset` | | 204; restores settings, faults, data, clock, limits, log and fixed tokens; issued tokens stay |
//!
//! A change has an `account` (the first by default) and an `operation`. The changed campaign becomes the newest:
//!
//! | operation | members | answer |
//! |---|---|---|
//! | `append_send` | `activity_id`, and `send`: members that replace those of a successful send | `{"activity_id","send_id"}` |
//! | `create_campaign` | `name` | `{"campaign_id","activity_id"}`, never sent |
//! | `create_activity` | `campaign_id`, `role` (`primary_email` by default) | `{"campaign_id","activity_id"}` |
//! | `set_status` | `activity_id`, `status` of the activity and its campaign | 204 |
//! | `remove_campaign` | `campaign_id`; Removed, still listed, its activities unreadable | 204 |
//! | `forget_campaign` | `campaign_id`; listed, 404 by itself | 204 |
//! | `delete_activity` | `activity_id`; 404 | 204 |
//!
//! # The shop
//!
//! By default, the first account is that of a small bookshop, [`WrittenRecords::Shop`](config::WrittenRecords), with some 35
//! campaigns: weekly newsletters with their resends to non-openers, a sale, an evening, a survey, drafts, scheduled emails, and
//! failures. Dates are relative to the day of the start in US/Eastern, so that two sandboxes of one day agree; every send is before
//! that day. Identifiers depend on neither the day nor the seed. No record is malformed or undocumented. Some of them:
//!
//! | activity | of the campaign | shows |
//! |---|---|---|
//! | `1ead98be-dfa0-4e04-81f7-5f1534d42e9c` | Spring opening | the guide's example: sent to two contacts, then to none (12, `COMPLETED`), in 2019 |
//! | `aff49a6f-b6c8-485a-8aef-90475b7b0242` | Newsletter 148 | a successful send, in the last seven days |
//! | `079f785e-8cbf-46bd-8006-aae0d40981f0` | Reading group | sender not verified (9), in the last seven days |
//! | `29335ad4-8475-4543-8787-f4b79fc66831` | Survey | surveys not allowed (11) |
//! | `d131e0b1-ab15-46c2-9277-6543dd5d1268` | Newsletter 147 | a resend to non-openers, of the primary email `d084c5f1-fbde-4e14-9d62-74188a196c8b` |
//! | `c8315a27-03da-4973-beb2-9acaadd522bd` | Reminder | sent, then to none (12, `COMPLETED`) |
//! | `aa4d5653-b69c-4846-83f9-3d418c841aef` | Newsletter 145 | rescheduled to new contacts |
//! | `395fff6e-c0b6-4349-8da3-d9e1ae66c5f1` | Invitation | sent to segments, rescheduled to new contacts |
//! | `5dbdac17-b682-4bf2-a903-8f1c248401ff` | Newsletter 143 | a link too long (8), corrected and sent |
//! | `3e367af4-fa11-4548-b979-e091b39106f1` | Newsletter 142 | partly sent (6) |
//! | `4a51db71-afb1-4065-b4d1-9261cbebc55a` | Newsletter 141 | failed for an unknown reason (1), sent the day after |
//! | `31cfd0a7-4d4b-474b-88be-013686cf6cd4` | Raffle | held by account review (2), and never cleared |
//! | `367cba9e-2338-49b6-aa4f-a5e46d6b714d` | Members' evening | billing lapsed (3), sent the day after |
//! | `de857dc2-0bae-4906-ac76-de4be2f02f39` | Letter to schools | sender not verified (10), sent the day after |
//! | `13553033-2ee8-4824-9f4d-053b8061bd31` | Town fair | staged (5), released two days later |
//! | `378aa6e6-89e6-415f-abf8-67b478cb60df` | Bicycle | too many contacts (4), then to fewer |
//! | `6bb80546-0137-4f01-a99d-d20d8447e20b` | Newsletter 136 | an image missing (7), corrected and sent |
//! | `3f976701-46d3-4e3b-a51c-7a1588260cf4` | Newsletter 146 | an HTML-escaped name |
//! | `df63ab0f-7c5d-4a8d-811a-d2335982642f` | After the book market | staged (5) since yesterday, in progress |
//! | `023f1d5b-e021-4914-9482-88fd8daf315f` | Newsletter 149 | scheduled: `[]`, and a schedule |
//! | `5bc5e01c-f676-4454-886a-2f2ec58f284a` | Opening hours | a draft: `[]` |
//!
//! # Odd records
//!
//! With [`Config::with_odd_records`], or `--odd-records`, the first account has one activity for each form of response instead,
//! malformed and undocumented ones included, with fixed dates. Their campaigns begin with `cafe`, and the permalink of a campaign is
//! its identifier with `-8001-` for `-8000-`.
//!
//! | activity | shows |
//! |---|---|
//! | `1ead98be-dfa0-4e04-81f7-5f1534d42e9c` | the guide's example: sent to two contacts, then to none (12, `COMPLETED`) |
//! | `c0de0000-0000-4000-8000-0000000000NN` | one send with reason code NN, 00 to 12 in decimal |
//! | `c0de0000-0000-4000-8000-000000000042` | the unknown reason code 42 |
//! | `c0de0000-0000-4000-8000-0000000000ff` | the unknown status `PAUSED` |
//! | `feed0000-0000-4000-8000-000000000001` | a send to a segment: no lists |
//! | …`02` | rescheduled three times, the last time to no contact |
//! | …`03` and …`04` | a primary email, and its resend to non-openers, of one campaign |
//! | …`05` | never sent: `[]` |
//! | …`06` | scheduled: `[]`, and a schedule |
//! | …`07` | in progress for the second time: one row, or two by setting |
//! | …`08` | a row with a `send_id` only, then a full one |
//! | …`09` | a row of nulls |
//! | …`0a` | both lists and segments empty |
//! | …`0b` | four forms of `run_date` |
//! | …`0c` | lists under `contact_lists_ids` |
//! | …`0d` | lists and segments at once |
//! | …`0e` | removed: cannot be read; its history is a setting |
//! | …`10` | sent to a list and a segment that were deleted since |
//! | …`11` | an HTML-escaped subject |
//! | …`12` | its campaign is listed and 404 by itself |
//! | …`13` | forty sends |
//! | …`14` | failed (7), then sent |
//! | …`15` | a row without `send_id` |
//! | …`16` | a count beyond 32 bits |
//! | …`17` | staged (5), then sent |
//! | `cafe1ead-0000-4000-8001-000000000001` | the permalink of the guide's campaign |
//!
//! # Generated data
//!
//! Any number of further activities, derived from (seed, number, account name) and not stored. [`Sandbox::activity_id`] and
//! `GET /_sandbox/activities` enumerate them. Every eighth activity is a resend to non-openers. The last date is 1 June 2026.
//!
//! # Limitations
//!
//! - No TLS and no HTTP/2.
//! - No writing: other methods than GET under `/v3` are refused like an unknown path.
//! - No effect of time: a scheduled send never starts, and a send in progress never ends.
//! - The keys and messages of most errors are invented, since they are not documented; status and format are not.
//! - A refresh token that is used twice has no other effect than `invalid_grant`; any loopback redirect URI is accepted.
//! - Rate limits are exact; the real ones may let a few more requests pass.
//! - The number of connections is not limited.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "used by this workspace's tests and programs alone: a doc comment is for what the name and type do not say"
)]

mod api;
mod bearer;
mod clock;
mod compression;
pub mod config;
mod connection;
mod control;
mod data;
mod errors;
pub mod faults;
mod limits;
mod lock;
mod oauth;
mod query;
mod reply;
mod request_log;
mod sandbox;
mod serving;
mod upstream;
mod wild;

pub use config::Config;
pub use config::settings::Settings;
pub use faults::{BodyShape, Fault, FaultKind};
pub use request_log::LoggedRequest;
pub use sandbox::Sandbox;

/// The example activity of the vendor's guide, with two sends.
pub const GUIDE_ACTIVITY_ID: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";
