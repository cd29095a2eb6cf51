//! Reads pages of the send log and encodes their cursors.

use async_graphql::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sends_store::{LogOrder, LogPageRequest, LogPosition};

use super::{LogCoverage, SendLogFilter};
use crate::{
    schema::{
        ApiError,
        connection::SendConnection,
        enums::SendOrder,
        paging::{PageArguments, cursor_argument, limited_length},
    },
    sources::send_log::LogReader,
};

const DEFAULT_LENGTH: usize = 50;
const MAX_LENGTH: usize = 500;

pub(in crate::schema) async fn page(
    context: &Context<'_>,
    filter: SendLogFilter,
    order: SendOrder,
    arguments: &PageArguments,
) -> Result<SendConnection, ApiError> {
    let request = request(order, arguments)?;
    let filter = filter.check()?;
    let reader = context.data_unchecked::<LogReader>();
    let coverage = LogCoverage::if_selected(context, reader, &filter).await;
    let page = reader
        .read(|log, owner| log.sends.page(owner, &filter, request))
        .await?;
    Ok(SendConnection::of_log(&page, filter, coverage))
}

fn request(order: SendOrder, arguments: &PageArguments) -> Result<LogPageRequest, ApiError> {
    let (name, length, from_end) = match (arguments.first, arguments.last) {
        (Some(_), Some(_)) => return Err(ApiError::first_and_last()),
        (None, Some(last)) => ("last", Some(last), true),
        (first, None) => ("first", first, false),
    };
    Ok(LogPageRequest {
        order: match order {
            SendOrder::NewestFirst => LogOrder::NewestFirst,
            SendOrder::OldestFirst => LogOrder::OldestFirst,
        },
        after: cursor_argument("after", arguments.after.as_deref(), position)?,
        before: cursor_argument("before", arguments.before.as_deref(), position)?,
        limit: limited_length(name, length, MAX_LENGTH)?.unwrap_or(DEFAULT_LENGTH),
        from_end,
    })
}

/// Encodes the run date, the activity and the position within its history. The date is in nanoseconds since 1970. It is empty if
/// the send has no date.
pub(in crate::schema) fn cursor(position: LogPosition) -> String {
    let date = position
        .run_date
        .map_or_else(String::new, |date| date.as_nanosecond().to_string());
    URL_SAFE_NO_PAD.encode(format!("log:{date}:{}:{}", position.activity, position.ordinal))
}

fn position(cursor: &str) -> Option<LogPosition> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.strip_prefix("log:")?.split(':');
    let date = match parts.next()? {
        "" => None,
        date => Some(Timestamp::from_nanosecond(date.parse().ok()?).ok()?),
    };
    let position = LogPosition {
        run_date: date,
        activity: parts.next()?.parse().ok()?,
        ordinal: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip() {
        let moments = [
            None,
            Some(Timestamp::UNIX_EPOCH),
            Some(Timestamp::MAX),
            Some(Timestamp::MIN),
        ];
        for run_date in moments {
            let place = LogPosition {
                run_date,
                activity: "1ead98be-dfa0-4e04-81f7-5f1534d42e9c".parse().unwrap(),
                ordinal: 7,
            };
            assert_eq!(position(&cursor(place)), Some(place));
        }
        for text in ["", "log:", "log:x:y:z", "sendId:1"] {
            assert_eq!(position(&URL_SAFE_NO_PAD.encode(text)), None, "{text}");
        }
        assert_eq!(position("not base64!"), None);
    }

    #[test]
    fn page_length_is_limited() {
        let with = |first, last| {
            let arguments = PageArguments {
                first,
                last,
                ..PageArguments::default()
            };
            request(SendOrder::NewestFirst, &arguments)
        };
        assert_eq!(with(None, None).unwrap().limit, DEFAULT_LENGTH);
        assert_eq!(with(Some(0), None).unwrap().limit, 0);
        assert!(with(None, Some(500)).unwrap().from_end);
        for (first, last) in [
            (Some(501), None),
            (Some(-1), None),
            (None, Some(-1)),
            (Some(1), Some(1)),
        ] {
            assert!(with(first, last).is_err(), "{first:?} {last:?}");
        }
    }
}
