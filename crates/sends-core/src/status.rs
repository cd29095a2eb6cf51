//! The upstream's own words for how far a send, a campaign or an activity has come.
//!
//! Owns their known spellings. Must not know what a status means: `COMPLETED` alone does not say that anything was
//! delivered, see [`Outcome`](crate::Outcome).

use crate::open_enum::open_enum;

open_enum! {
    /// The upstream's `send_status`.
    ///
    /// Two values are documented. The set is open: any other value is kept as it came. The known ones are recognised in
    /// any case, which is this project's reading; the upstream spells one enum in different cases at different endpoints.
    ///
    /// ```
    /// use sends_core::SendStatus;
    ///
    /// assert_eq!(SendStatus::from("Completed"), SendStatus::Completed);
    /// assert_eq!(SendStatus::from("PAUSED").as_str(), "PAUSED");
    /// ```
    pub enum SendStatus {
        /// The upstream finished processing the attempt. It may still have reached nobody.
        Completed = "COMPLETED",
        /// The upstream reports that the attempt failed.
        Errored = "ERRORED",
    }
}

open_enum! {
    /// The upstream's `current_status`, of a campaign or of an activity.
    ///
    /// Six values are documented, in upper case for activities and capitalised for campaigns; they are recognised in any
    /// case and spelled in upper case here. The set is open: any other value is kept as it came.
    ///
    /// ```
    /// use sends_core::CampaignStatus;
    ///
    /// assert_eq!(CampaignStatus::from("Done"), CampaignStatus::from("DONE"));
    /// assert_eq!(CampaignStatus::from("Archived").as_str(), "Archived");
    /// ```
    pub enum CampaignStatus {
        /// Being written; not scheduled.
        Draft = "DRAFT",
        /// To be sent at a time that has not come.
        Scheduled = "SCHEDULED",
        /// Being sent.
        Executing = "EXECUTING",
        /// Sent; what became of the send is in its history.
        Done = "DONE",
        /// The last send failed.
        Error = "ERROR",
        /// Deleted. Still listed, but its activities cannot be read any more (documented).
        Removed = "REMOVED",
    }
}
