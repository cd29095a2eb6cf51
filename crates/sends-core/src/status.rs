//! Statuses of sends, campaigns and activities. `COMPLETED` alone does not imply delivery; see [`Outcome`](crate::Outcome).

use crate::open_enum::open_enum;

open_enum! {
    /// The upstream's `send_status`. Two values are documented; any other value is preserved. Values are recognised in any
    /// letter case (inferred: the upstream uses different cases for another enum).
    ///
    /// ```
    /// use sends_core::SendStatus;
    ///
    /// assert_eq!(SendStatus::from("Completed"), SendStatus::Completed);
    /// assert_eq!(SendStatus::from("PAUSED").as_str(), "PAUSED");
    /// ```
    pub enum SendStatus {
        /// The upstream finished processing the attempt, possibly without recipients.
        Completed = "COMPLETED",
        /// The attempt failed.
        Errored = "ERRORED",
    }
}

open_enum! {
    /// The upstream's `current_status` of a campaign or an activity. Six values are documented, in upper case for activities
    /// and capitalised for campaigns; any other value is preserved. Values are recognised in any letter case, and
    /// [`as_str`](Self::as_str) returns a documented value in upper case.
    ///
    /// ```
    /// use sends_core::CampaignStatus;
    ///
    /// assert_eq!(CampaignStatus::from("Done"), CampaignStatus::from("DONE"));
    /// assert_eq!(CampaignStatus::from("Archived").as_str(), "Archived");
    /// ```
    pub enum CampaignStatus {
        /// Not yet scheduled.
        Draft = "DRAFT",
        /// Scheduled for a future time.
        Scheduled = "SCHEDULED",
        /// The send is in progress.
        Executing = "EXECUTING",
        /// The email was sent. The send history contains the outcome.
        Done = "DONE",
        /// The last send failed.
        Error = "ERROR",
        /// Deleted: still listed, but its activities cannot be read (documented).
        Removed = "REMOVED",
    }
}
