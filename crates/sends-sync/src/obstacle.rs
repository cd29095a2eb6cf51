//! What stands in the way of the rest of the work.

use sends_client::{Endpoint, FailureClass, UpstreamError};
use sends_store::StoreError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Obstacle {
    /// The caller has no more time.
    #[error("told to stop")]
    ToldToStop,
    /// A call failed.
    #[error(transparent)]
    Upstream(Box<UpstreamError>),
    /// Part of an answer cannot be read, for this reason; the rest of it is used.
    #[error("{0}")]
    Partial(&'static str),
    /// Nothing can be remembered.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UpstreamError> for Obstacle {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(Box::new(error))
    }
}

/// How far an obstacle reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// Whatever comes next would meet it, too.
    Everything,
    /// Only this, and it may pass by itself.
    ThisForNow,
    /// Only this, and the next answer would be the same.
    This,
}

impl Obstacle {
    /// Whether whatever comes next would meet it, too.
    pub(crate) fn is_in_every_way(&self) -> bool {
        self.reach() == Reach::Everything
    }

    pub(crate) fn reach(&self) -> Reach {
        match self {
            Self::Upstream(error) => reach_of(error.class),
            Self::Partial(_) => Reach::This,
            Self::ToldToStop | Self::Store(_) => Reach::Everything,
        }
    }

    /// Why, in a sentence for whoever reads the log: nothing that only the operator should know.
    pub(crate) fn for_people(&self) -> &'static str {
        match self {
            Self::ToldToStop => "The program was told to stop.",
            Self::Partial(reason) => reason,
            Self::Store(_) => "The log cannot be written.",
            Self::Upstream(error) => describe(error.class),
        }
    }

    /// The same with what it is about, where that is one campaign or activity.
    pub(crate) fn about(&self) -> String {
        let reason = self.for_people();
        let Self::Upstream(error) = self else {
            return reason.to_owned();
        };
        match &error.endpoint {
            _ if self.is_in_every_way() => reason.to_owned(),
            Endpoint::SendHistory(activity) => format!("{reason} This was about the activity {activity}."),
            Endpoint::Campaign(campaign) => format!("{reason} This was about the campaign {campaign}."),
            _ => reason.to_owned(),
        }
    }
}

fn describe(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Unreachable
        | FailureClass::CircuitOpen
        | FailureClass::Interrupted
        | FailureClass::ServerFailure => "Constant Contact could not be reached, broke off, or failed.",
        FailureClass::TimedOut => "Constant Contact took too long to answer.",
        FailureClass::QueueFull
        | FailureClass::DeadlineExceeded
        | FailureClass::AllowanceUsedUp
        | FailureClass::Throttled => "People's queries needed all the calls that Constant Contact allows.",
        FailureClass::QuotaExceeded => "The day's calls are used up.",
        FailureClass::TokenUnavailable => "No access token could be had at the moment.",
        FailureClass::Unauthenticated | FailureClass::LoginRequired => {
            "The service's login is not accepted; its operator has to log in again."
        }
        FailureClass::Forbidden => {
            "The login may not read campaigns: a scope or privilege is missing, or the application was deactivated."
        }
        FailureClass::NoSuchPath => "The address of Constant Contact's API is wrong: there is no such path.",
        FailureClass::Invalid => "Constant Contact gave an answer that cannot be understood.",
        FailureClass::NotFound | FailureClass::Rejected => "Constant Contact refused a correct request.",
    }
}

fn reach_of(class: FailureClass) -> Reach {
    match class {
        // The client has tried again by now. If it is more than this one answer, the client stops asking by itself, which is
        // another class.
        FailureClass::ServerFailure | FailureClass::Interrupted | FailureClass::TimedOut => Reach::ThisForNow,
        FailureClass::Invalid | FailureClass::NotFound | FailureClass::Rejected => Reach::This,
        FailureClass::Unreachable
        | FailureClass::CircuitOpen
        | FailureClass::QueueFull
        | FailureClass::DeadlineExceeded
        | FailureClass::AllowanceUsedUp
        | FailureClass::Throttled
        | FailureClass::QuotaExceeded
        | FailureClass::TokenUnavailable
        | FailureClass::Unauthenticated
        | FailureClass::LoginRequired
        | FailureClass::Forbidden
        | FailureClass::NoSuchPath => Reach::Everything,
    }
}
