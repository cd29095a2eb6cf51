//! Records that are written as JSON, in contrast to generated records.

use serde::Deserialize;

use super::campaigns::{Activity, Campaign};
use super::lists::{ContactList, Segment};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Records {
    pub(super) lists: Vec<ContactList>,
    pub(super) segments: Vec<Segment>,
    pub(super) campaigns: Vec<Campaign>,
    pub(super) activities: Vec<Activity>,
}

/// Returns one activity for each variant of a response, including malformed and undocumented variants. Dates are fixed. The
/// crate's documentation lists the activities.
pub(super) fn odd_records() -> Records {
    serde_json::from_str(include_str!("odd_records.json")).expect("the odd records are valid")
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;

    #[test]
    fn every_listed_activity_exists_and_identifiers_are_unique() {
        let odd = odd_records();
        let ids: std::collections::BTreeSet<_> = odd.activities.iter().map(|activity| activity.id).collect();
        assert_eq!(ids.len(), odd.activities.len());
        for listed in odd.campaigns.iter().flat_map(|campaign| &campaign.activities) {
            assert!(ids.contains(&listed.id), "{}", listed.id);
        }
    }

    #[test]
    fn id_of_the_code_twelve_activity_ends_in_twelve() {
        let id = uuid!("c0de0000-0000-4000-8000-000000000012");
        let odd = odd_records();
        let activity = odd.activities.iter().find(|activity| activity.id == id).unwrap();
        assert_eq!(activity.sends[0].reason_code(), Some(12));
    }
}
