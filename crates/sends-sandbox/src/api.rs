//! Owns the paths of the API and what each needs: its scope and privilege. Must not know limits, faults or the wire.

mod account;
mod emails;
mod lists;
mod paging;
mod reports;

use http::Method;
use http::request::Parts;

use crate::bearer::Bearer;
use crate::config::settings::Settings;
use crate::errors;
use crate::reply::Reply;
use crate::upstream::Upstream;

/// What a path of the API asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    SendHistory(String),
    Emails,
    Campaign(String),
    Activity(String),
    Schedules(String),
    ActivityStats(String),
    CampaignStats(String),
    CampaignSummaries,
    ContactLists,
    ContactList(String),
    Segments,
    Segment(String),
    AccountSummary,
    Privileges,
    Unknown,
}

impl Route {
    pub(crate) fn parse(path: &str) -> Self {
        let Some(path) = path.strip_prefix("/v3/") else {
            return Self::Unknown;
        };
        let mut parts = path.split('/');
        let mut next = || parts.next();
        match (next(), next(), next(), next(), next()) {
            (Some("emails"), Some("activities"), Some(id), Some("send_history"), None) => {
                Self::SendHistory(id.to_owned())
            }
            (Some("emails"), None, None, None, None) => Self::Emails,
            (Some("emails"), Some(id), None, None, None) => Self::Campaign(id.to_owned()),
            (Some("emails"), Some("activities"), Some(id), None, None) => Self::Activity(id.to_owned()),
            (Some("emails"), Some("activities"), Some(id), Some("schedules"), None) => {
                Self::Schedules(id.to_owned())
            }
            (Some("reports"), Some("stats"), Some("email_campaign_activities"), Some(ids), None) => {
                Self::ActivityStats(ids.to_owned())
            }
            (Some("reports"), Some("stats"), Some("email_campaigns"), Some(ids), None) => {
                Self::CampaignStats(ids.to_owned())
            }
            (Some("reports"), Some("summary_reports"), Some("email_campaign_summaries"), None, None) => {
                Self::CampaignSummaries
            }
            (Some("contact_lists"), None, None, None, None) => Self::ContactLists,
            (Some("contact_lists"), Some(id), None, None, None) => Self::ContactList(id.to_owned()),
            (Some("segments"), None, None, None, None) => Self::Segments,
            (Some("segments"), Some(id), None, None, None) => Self::Segment(id.to_owned()),
            (Some("account"), Some("summary"), None, None, None) => Self::AccountSummary,
            (Some("account"), Some("user"), Some("privileges"), None, None) => Self::Privileges,
            _ => Self::Unknown,
        }
    }

    /// The name under which requests are counted.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::SendHistory(_) => "send_history",
            Self::Emails => "emails",
            Self::Campaign(_) => "campaign",
            Self::Activity(_) => "activity",
            Self::Schedules(_) => "schedules",
            Self::ActivityStats(_) => "activity_stats",
            Self::CampaignStats(_) => "campaign_stats",
            Self::CampaignSummaries => "campaign_summaries",
            Self::ContactLists => "contact_lists",
            Self::ContactList(_) => "contact_list",
            Self::Segments => "segments",
            Self::Segment(_) => "segment",
            Self::AccountSummary => "account_summary",
            Self::Privileges => "privileges",
            Self::Unknown => "unknown",
        }
    }

    fn scope(&self) -> Option<&'static str> {
        match self {
            Self::SendHistory(_)
            | Self::Emails
            | Self::Campaign(_)
            | Self::Activity(_)
            | Self::Schedules(_)
            | Self::ActivityStats(_)
            | Self::CampaignStats(_)
            | Self::CampaignSummaries => Some("campaign_data"),
            Self::ContactLists | Self::ContactList(_) | Self::Segments | Self::Segment(_) => {
                Some("contact_data")
            }
            Self::AccountSummary => Some("account_read"),
            Self::Privileges | Self::Unknown => None,
        }
    }

    /// The privileges that the token's user needs besides the scope.
    fn privileges(&self) -> &'static [&'static str] {
        match self {
            Self::ActivityStats(_) | Self::CampaignStats(_) | Self::CampaignSummaries => {
                &["campaign:read", "ui:campaign:metrics"]
            }
            Self::SendHistory(_)
            | Self::Emails
            | Self::Campaign(_)
            | Self::Activity(_)
            | Self::Schedules(_) => &["campaign:read"],
            Self::ContactLists
            | Self::ContactList(_)
            | Self::Segments
            | Self::Segment(_)
            | Self::AccountSummary
            | Self::Privileges
            | Self::Unknown => &[],
        }
    }
}

/// What an endpoint's answer depends on.
struct Call<'a> {
    bearer: &'a Bearer,
    settings: &'a Settings,
    query: paging::Query,
}

pub(crate) fn answer(
    upstream: &Upstream,
    settings: &Settings,
    parts: &Parts,
    route: &Route,
    bearer: &Bearer,
) -> Reply {
    if parts.method != Method::GET || *route == Route::Unknown {
        return errors::gateway_forbidden();
    }
    let has_scope = route.scope().is_none_or(|scope| bearer.has_scope(scope));
    let mut needed = route.privileges().iter();
    if !has_scope || !needed.all(|privilege| bearer.has_privilege(privilege, settings)) {
        return errors::access_denied();
    }
    let call = Call {
        bearer,
        settings,
        query: paging::Query::parse(parts.uri.query()),
    };
    let answered = match route {
        Route::SendHistory(id) => emails::send_history(&call, id, upstream.clock.now()),
        Route::Emails => emails::list(&call),
        Route::Campaign(id) => emails::campaign(&call, id),
        Route::Activity(id) => emails::activity(&call, id),
        Route::Schedules(id) => emails::schedules(&call, id),
        Route::ActivityStats(ids) => reports::activity_stats(&call, ids, upstream.clock.now()),
        Route::CampaignStats(ids) => reports::campaign_stats(&call, ids, upstream.clock.now()),
        Route::CampaignSummaries => reports::campaign_summaries(&call),
        Route::ContactLists => lists::contact_lists(&call),
        Route::ContactList(id) => lists::contact_list(&call, id),
        Route::Segments => lists::segments(&call),
        Route::Segment(id) => lists::segment(&call, id),
        Route::AccountSummary => Ok(account::summary(&call)),
        Route::Privileges => Ok(account::privileges(&call)),
        Route::Unknown => Err(errors::gateway_forbidden()),
    };
    answered.unwrap_or_else(|error| error)
}
