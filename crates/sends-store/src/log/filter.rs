//! Choosing sends of the log.
//!
//! Owns the conditions on what a send belongs to; those on the send itself are the core crate's. Must not know how a
//! condition is searched for.

use sends_core::{ActivityId, CampaignId, SendFilter};

/// Conditions a send of the log has to meet, all of them. The default has none and matches every send.
///
/// An empty list is no condition; a list with values is met by a send that has one of them. A send whose campaign is not
/// known meets no condition on the campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogFilter {
    /// What the send itself has to meet.
    pub send: SendFilter,
    /// The campaigns to choose.
    pub campaigns: Vec<CampaignId>,
    /// The activities to choose.
    pub activities: Vec<ActivityId>,
    /// A text that the campaign's name has to contain, whatever the case of either. No character in it is special. An empty
    /// text is met by every campaign that has a name.
    pub campaign_name: Option<String>,
}

/// A name or a part of one with the differences of case folded away, by Unicode's full case folding.
pub(crate) fn folded(name: &str) -> String {
    unicase::UniCase::unicode(name).to_folded_case()
}
