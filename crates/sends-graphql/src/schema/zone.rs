//! In which zone a date is shown.

use async_graphql::{Context, Enum};
use jiff::{Timestamp, tz::TimeZone};

use super::{ApiError, scalar::DateTime};
use crate::sources::loader::ResourceLoader;

/// The zone that a date is shown in.
#[derive(Clone, Copy, Debug, Default, Enum, Eq, PartialEq)]
pub(super) enum DateTimeZone {
    /// Coordinated Universal Time.
    #[default]
    Utc,
    /// The time zone of the Constant Contact account, with the offset of that day. Needs the scope `account_read` and one
    /// upstream call, however many dates ask for it. Where the account cannot be read, the dates are null, with one error
    /// for the whole operation.
    Account,
}

impl DateTimeZone {
    /// The date in this zone, if there is one.
    pub(super) async fn show(
        self,
        context: &Context<'_>,
        at: Option<Timestamp>,
    ) -> Option<Result<DateTime, ApiError>> {
        let at = at?;
        match self {
            Self::Utc => Some(Ok(DateTime::utc(at))),
            Self::Account => {
                let loader = context.data_unchecked::<ResourceLoader>();
                match zone_of_account(loader).await {
                    Ok(zone) => Some(Ok(DateTime::zoned(at, &zone))),
                    Err(error) => loader.first_failure_of_account().then_some(Err(error)),
                }
            }
        }
    }

    /// The same for a date that has to be read first.
    pub(super) async fn show_read(
        self,
        context: &Context<'_>,
        at: Result<Option<Timestamp>, ApiError>,
    ) -> Option<Result<DateTime, ApiError>> {
        match at {
            Ok(at) => self.show(context, at).await,
            Err(error) => Some(Err(error)),
        }
    }
}

async fn zone_of_account(loader: &ResourceLoader) -> Result<TimeZone, ApiError> {
    let account = loader.account().await?;
    let name = account.time_zone_id.as_deref();
    name.and_then(|name| TimeZone::get(name).ok())
        .ok_or_else(ApiError::no_time_zone)
}
