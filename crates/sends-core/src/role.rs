//! Role of an activity within its campaign.

use crate::open_enum::open_enum;

open_enum! {
    /// The upstream's `role` of an activity. Three values are documented; any other is preserved.
    ///
    /// ```
    /// use sends_core::ActivityRole;
    ///
    /// assert_eq!(ActivityRole::from("Primary_Email"), ActivityRole::PrimaryEmail);
    /// assert!(!ActivityRole::Permalink.can_be_sent());
    /// assert!(ActivityRole::from("sms").can_be_sent());
    /// ```
    pub enum ActivityRole {
        /// The email.
        PrimaryEmail = "primary_email",
        /// The email as a web page.
        Permalink = "permalink",
        /// The resend to contacts who did not open the email.
        Resend = "resend",
    }
}

impl ActivityRole {
    /// Whether an activity with this role can have a send history. `false` for a permalink, which is a web page (inferred; the
    /// upstream's response is not documented), and `true` for an undocumented role.
    pub fn can_be_sent(&self) -> bool {
        *self != Self::Permalink
    }
}
