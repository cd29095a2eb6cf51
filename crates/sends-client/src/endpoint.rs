//! The fixed list of upstream paths. A request for anything else cannot be expressed.

use std::fmt;

use sends_core::ActivityId;
use url::Url;

/// One upstream resource that this crate reads with GET.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Endpoint {
    /// `GET /emails/activities/{campaign_activity_id}/send_history`: every send attempt of one activity
    /// (documented: scope `campaign_data`, privilege `campaign:read`).
    SendHistory(ActivityId),
}

impl Endpoint {
    /// The path's name in logs and metrics, without ids, so that the number of names stays small.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SendHistory(_) => "send_history",
        }
    }

    /// The absolute URL below `base`, whose path is kept (`https://api.cc.email/v3`).
    pub(crate) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        url.set_path(&format!("{}{self}", base.path().trim_end_matches('/')));
        url
    }
}

/// The path below the API's base, as the documentation writes it with the id filled in.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendHistory(activity) => write!(formatter, "/emails/activities/{activity}/send_history"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_base_is_kept_with_and_without_a_final_slash() {
        let endpoint = Endpoint::SendHistory("1ead98be-dfa0-4e04-81f7-5f1534d42e9c".parse().unwrap());
        for base in ["https://api.cc.email/v3", "https://api.cc.email/v3/"] {
            assert_eq!(
                endpoint.url(&base.parse().unwrap()).as_str(),
                "https://api.cc.email/v3/emails/activities/1ead98be-dfa0-4e04-81f7-5f1534d42e9c/send_history"
            );
        }
    }
}
