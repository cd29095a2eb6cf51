//! Role of an activity within its campaign.

use crate::open_enum::open_enum;

open_enum! {
    /// The upstream's `role` of an activity. Three values are documented; any other value is preserved.
    ///
    /// ```
    /// use sends_core::ActivityRole;
    ///
    /// assert_eq!(ActivityRole::from("Primary_Email"), ActivityRole::PrimaryEmail);
    /// assert!(!ActivityRole::Permalink.can_be_sent());
    /// assert!(ActivityRole::from("sms").can_be_sent());
    /// ```
    pub enum ActivityRole {
        /// Email of the campaign.
        PrimaryEmail = "primary_email",
        /// Web page version of the email.
        Permalink = "permalink",
        /// Resend to contacts who did not open the email.
        Resend = "resend",
    }
}

impl ActivityRole {
    /// Returns whether an activity with this role can have a send history: `false` for a permalink, which is a web page
    /// (inferred; the upstream's response is not documented), and `true` for an undocumented role.
    pub fn can_be_sent(&self) -> bool {
        *self != Self::Permalink
    }
}
