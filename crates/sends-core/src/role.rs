//! What an activity is within its campaign.
//!
//! Owns the known roles and which of them can have been sent. Must not know single activities.

use crate::open_enum::open_enum;

open_enum! {
    /// The upstream's `role` of an activity.
    ///
    /// Three values are documented. The set is open: any other value is kept as it came. An activity is chosen by its role,
    /// never by its position in the campaign.
    ///
    /// ```
    /// use sends_core::ActivityRole;
    ///
    /// assert_eq!(ActivityRole::from("Primary_Email"), ActivityRole::PrimaryEmail);
    /// assert!(!ActivityRole::Permalink.can_be_sent());
    /// assert!(ActivityRole::from("sms").can_be_sent());
    /// ```
    pub enum ActivityRole {
        /// The email itself.
        PrimaryEmail = "primary_email",
        /// The email as a web page.
        Permalink = "permalink",
        /// The email once more, to those who did not open it.
        Resend = "resend",
    }
}

impl ActivityRole {
    /// Whether an activity in this role can have a send history.
    ///
    /// A permalink is a page and cannot, so that nobody has to ask for its history (this project's reading; what the
    /// upstream answers is not documented). A role that is not documented may.
    pub fn can_be_sent(&self) -> bool {
        *self != Self::Permalink
    }
}
