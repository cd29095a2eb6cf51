//! The fixed list of upstream paths. A request for anything else cannot be expressed.

use std::fmt;

use sends_core::ActivityId;

/// One upstream resource that this crate reads with GET.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Endpoint {
    /// `GET /emails/activities/{campaign_activity_id}/send_history`: every send attempt of one activity
    /// (documented: scope `campaign_data`, privilege `campaign:read`).
    SendHistory(ActivityId),
    /// `GET /account/summary`: whose account it is (documented: scope `account_read`).
    AccountSummary,
    /// `GET /account/user/privileges`: what the user may do (documented: needs no scope, which makes it a cheap probe of a
    /// token).
    UserPrivileges,
}

impl Endpoint {
    /// The path's name in logs and metrics, without ids, so that the number of names stays small.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SendHistory(_) => "send_history",
            Self::AccountSummary => "account_summary",
            Self::UserPrivileges => "user_privileges",
        }
    }
}

/// The path below the API's base, as the documentation writes it with the id filled in.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendHistory(activity) => write!(formatter, "/emails/activities/{activity}/send_history"),
            Self::AccountSummary => formatter.write_str("/account/summary"),
            Self::UserPrivileges => formatter.write_str("/account/user/privileges"),
        }
    }
}
