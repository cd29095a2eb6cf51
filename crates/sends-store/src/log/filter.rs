//! Filter of the send log.

use sends_core::{ActivityId, CampaignId, SendFilter};

/// Conditions that all have to match. The default matches every send.
///
/// An empty list is no condition; otherwise one value of the list has to match. A send of an unknown campaign matches no
/// condition on the campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogFilter {
    pub send: SendFilter,
    pub campaigns: Vec<CampaignId>,
    pub activities: Vec<ActivityId>,
    /// A part of the campaign's name, without regard to case. An empty text matches every campaign with a name.
    pub campaign_name: Option<String>,
}

/// A name in Unicode's full case folding.
pub(crate) fn folded(name: &str) -> String {
    unicase::UniCase::unicode(name).to_folded_case()
}
