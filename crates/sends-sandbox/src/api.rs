//! Paths of the API, each with its scope and privileges.

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
use crate::query::Query;
use crate::reply::Reply;
use crate::upstream::Upstream;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    SendHistory,
    Emails,
    Campaign,
    Activity,
    Schedules,
    ActivityStats,
    CampaignStats,
    CampaignSummaries,
    ContactLists,
    ContactList,
    Segments,
    Segment,
    AccountSummary,
    Privileges,
}

#[derive(Debug)]
struct Definition {
    endpoint: Endpoint,
    name: &'static str,
    /// Path below `/v3/`, in which `*` matches an identifier.
    path: &'static str,
    scope: Option<&'static str>,
    /// Privileges of the user, in addition to the scope of the token.
    privileges: &'static [&'static str],
}

const CAMPAIGNS: Option<&str> = Some("campaign_data");
const CONTACTS: Option<&str> = Some("contact_data");
const ACCOUNT: Option<&str> = Some("account_read");
const READ: &[&str] = &["campaign:read"];
const METRICS: &[&str] = &["campaign:read", "ui:campaign:metrics"];

#[rustfmt::skip]
static DEFINITIONS: [Definition; 14] = {
    use Endpoint::{
        AccountSummary, Activity, ActivityStats, Campaign, CampaignStats, CampaignSummaries, ContactList, ContactLists, Emails,
        Privileges, Schedules, Segment, Segments, SendHistory,
    };
    const fn define(
        endpoint: Endpoint,
        name: &'static str,
        path: &'static str,
        scope: Option<&'static str>,
        privileges: &'static [&'static str],
    ) -> Definition {
        Definition { endpoint, name, path, scope, privileges }
    }
    [
        define(SendHistory, "send_history", "emails/activities/*/send_history", CAMPAIGNS, READ),
        define(Emails, "emails", "emails", CAMPAIGNS, READ),
        define(Campaign, "campaign", "emails/*", CAMPAIGNS, READ),
        define(Activity, "activity", "emails/activities/*", CAMPAIGNS, READ),
        define(Schedules, "schedules", "emails/activities/*/schedules", CAMPAIGNS, READ),
        define(ActivityStats, "activity_stats", "reports/stats/email_campaign_activities/*", CAMPAIGNS, METRICS),
        define(CampaignStats, "campaign_stats", "reports/stats/email_campaigns/*", CAMPAIGNS, METRICS),
        define(CampaignSummaries, "campaign_summaries", reports::SUMMARIES_PATH, CAMPAIGNS, METRICS),
        define(ContactLists, "contact_lists", "contact_lists", CONTACTS, &[]),
        define(ContactList, "contact_list", "contact_lists/*", CONTACTS, &[]),
        define(Segments, "segments", "segments", CONTACTS, &[]),
        define(Segment, "segment", "segments/*", CONTACTS, &[]),
        define(AccountSummary, "account_summary", "account/summary", ACCOUNT, &[]),
        define(Privileges, "privileges", "account/user/privileges", None, &[]),
    ]
};

/// Known path with its identifier, which is empty if the path has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route<'p> {
    definition: &'static Definition,
    id: &'p str,
}

impl<'p> Route<'p> {
    pub(crate) fn parse(path: &'p str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix("/v3/")?.split('/').collect();
        DEFINITIONS.iter().find_map(|definition| {
            let pattern: Vec<&str> = definition.path.split('/').collect();
            let pairs = || pattern.iter().zip(&parts);
            let matches =
                pattern.len() == parts.len() && pairs().all(|(want, part)| *want == "*" || want == part);
            let id = pairs()
                .find(|(want, _)| **want == "*")
                .map_or("", |(_, part)| *part);
            matches.then_some(Self { definition, id })
        })
    }

    pub(crate) fn endpoint(self) -> Endpoint {
        self.definition.endpoint
    }

    pub(crate) fn name(self) -> &'static str {
        self.definition.name
    }
}

struct Call<'a> {
    bearer: &'a Bearer,
    settings: &'a Settings,
    query: Query,
}

pub(crate) fn answer(
    upstream: &Upstream,
    settings: &Settings,
    parts: &Parts,
    route: Option<Route<'_>>,
    bearer: &Bearer,
) -> Reply {
    let Some(Route { definition, id }) = route.filter(|_| parts.method == Method::GET) else {
        return errors::gateway_forbidden();
    };
    let has_scope = definition.scope.is_none_or(|scope| bearer.has_scope(scope));
    let mut needed = definition.privileges.iter();
    if !has_scope || !needed.all(|privilege| bearer.has_privilege(privilege, settings)) {
        return errors::access_denied();
    }
    let call = Call {
        bearer,
        settings,
        query: Query::parse(parts.uri.query().unwrap_or_default().as_bytes()),
    };
    let now = upstream.clock.now();
    let answered = match definition.endpoint {
        Endpoint::SendHistory => emails::send_history(&call, id, now),
        Endpoint::Emails => emails::list(&call),
        Endpoint::Campaign => emails::campaign(&call, id),
        Endpoint::Activity => emails::activity(&call, id),
        Endpoint::Schedules => emails::schedules(&call, id),
        Endpoint::ActivityStats => reports::activity_stats(&call, id, now),
        Endpoint::CampaignStats => reports::campaign_stats(&call, id, now),
        Endpoint::CampaignSummaries => reports::campaign_summaries(&call),
        Endpoint::ContactLists => lists::contact_lists(&call),
        Endpoint::ContactList => lists::contact_list(&call, id),
        Endpoint::Segments => lists::segments(&call),
        Endpoint::Segment => lists::segment(&call, id),
        Endpoint::AccountSummary => Ok(account::summary(&call)),
        Endpoint::Privileges => Ok(account::privileges(&call)),
    };
    answered.unwrap_or_else(|error| error)
}
