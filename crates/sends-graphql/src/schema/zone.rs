//! Converts instants to the time zone of a field's `zone` argument.

use async_graphql::Context;
use jiff::{Timestamp, tz};

use super::{
    ApiError,
    error::Nullable,
    scalar::{DateTime, TimeZone, time_zone},
};
use crate::sources::loader::ResourceLoader;

/// Adds fields with a `zone` argument to a `SimpleObject`, each from an expression for an optional [`Timestamp`].
macro_rules! dates {
    ($type:ident { $($(#[doc = $doc:tt])+ $name:ident: |$of:ident| $date:expr,)+ }) => {
        #[async_graphql::ComplexObject]
        impl $type {
            $(
                $(#[doc = $doc])+
                async fn $name(
                    &self,
                    context: &async_graphql::Context<'_>,
                    #[graphql(desc = "Time zone of the result.", default)] zone: $crate::schema::scalar::TimeZone,
                ) -> $crate::schema::error::Nullable<$crate::schema::scalar::DateTime> {
                    let $of = self;
                    zone.show(context, $date).await
                }
            )+
        }
    };
}
pub(super) use dates;

/// Null; only the first failure of the operation to determine the account's time zone is an error. Otherwise a missing scope
/// would be reported for every date.
pub(super) fn reported_once<T>(context: &Context<'_>, error: ApiError) -> Nullable<T> {
    let loader = context.data_unchecked::<ResourceLoader>();
    loader.first_failure_of_account().then_some(Err(error))
}

impl TimeZone {
    /// Returns the rules of the time zone. For the account's time zone, reads the account.
    pub(super) async fn rules(&self, context: &Context<'_>) -> Result<tz::TimeZone, ApiError> {
        match self {
            Self::Utc => Ok(tz::TimeZone::UTC),
            Self::Iana(zone) => Ok(zone.clone()),
            Self::Account => {
                let account = context.data_unchecked::<ResourceLoader>().account().await?;
                let zone = account.time_zone_id.as_deref().and_then(time_zone);
                zone.ok_or_else(ApiError::no_time_zone)
            }
        }
    }

    /// Converts an instant to this time zone. If the account cannot be read, only the first such field reports the error.
    pub(super) async fn show(&self, context: &Context<'_>, at: Option<Timestamp>) -> Nullable<DateTime> {
        let at = at?;
        match self.rules(context).await {
            Ok(zone) => Some(Ok(DateTime::zoned(at, &zone))),
            Err(error) => reported_once(context, error),
        }
    }

    /// Variant of [`Self::show`] for an instant whose read can fail.
    pub(super) async fn show_read(
        &self,
        context: &Context<'_>,
        at: Result<Option<Timestamp>, ApiError>,
    ) -> Nullable<DateTime> {
        match at {
            Ok(at) => self.show(context, at).await,
            Err(error) => Some(Err(error)),
        }
    }
}
