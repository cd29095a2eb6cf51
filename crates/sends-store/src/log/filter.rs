use sends_core::{ActivityId, CampaignId, SendFilter};

/// Conjunction of conditions. The default matches every send.
///
/// An empty list imposes no condition. A non-empty list requires a match with one of its values. A send of an unknown campaign
/// matches no condition on the campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogFilter {
    pub send: SendFilter,
    pub campaigns: Vec<CampaignId>,
    pub activities: Vec<ActivityId>,
    /// Substring of the campaign's name, compared without regard to case. An empty string matches every campaign with a name.
    pub campaign_name: Option<String>,
}

pub(crate) fn folded(name: &str) -> String {
    unicase::UniCase::unicode(name).to_folded_case()
}
