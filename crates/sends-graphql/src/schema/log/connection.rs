//! A page of the log.

use async_graphql::{Context, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sends_store::{LogFilter, LogOrder, LogPage, LogPageRequest, LogPosition};

use super::{LogCoverage, SendLogFilter};
use crate::{
    schema::{
        ApiError, charge, connection::PageInfo, enums::SendOrder, paging::PageArguments, scalar::int,
        send::HistoricSend,
    },
    sources::send_log::LogReader,
};

/// How many sends a page has unless asked otherwise, and at the most.
const DEFAULT_LENGTH: usize = 50;
const MAX_LENGTH: usize = 500;

/// A page of the sends of the account.
pub(in crate::schema) struct LoggedSendConnection {
    filter: LogFilter,
    coverage: Option<Result<LogCoverage, ApiError>>,
    page: LogPage,
}

/// Reads a page.
pub(in crate::schema) async fn page(
    context: &Context<'_>,
    filter: Option<SendLogFilter>,
    order: SendOrder,
    arguments: &PageArguments,
) -> Result<LoggedSendConnection, ApiError> {
    let request = request(order, arguments)?;
    let filter = SendLogFilter::check(filter)?;
    let reader = context.data_unchecked::<LogReader>();
    let coverage = LogCoverage::if_selected(context, reader, &filter).await;
    let page = reader
        .read(|log, owner| log.sends.page(owner, &filter, request))
        .await?;
    Ok(LoggedSendConnection {
        filter,
        coverage,
        page,
    })
}

fn request(order: SendOrder, arguments: &PageArguments) -> Result<LogPageRequest, ApiError> {
    let (length, from_end) = match (arguments.first, arguments.last) {
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_user_input(
                "Give either `first` or `last`, not both.",
            ));
        }
        (None, Some(last)) => (Some(last), true),
        (first, None) => (first, false),
    };
    let limit = match length.map(usize::try_from) {
        None => DEFAULT_LENGTH,
        Some(Ok(length)) if length <= MAX_LENGTH => length,
        Some(_) => {
            let message = format!("`first` and `last` must be between 0 and {MAX_LENGTH}.");
            return Err(ApiError::bad_user_input(message));
        }
    };
    Ok(LogPageRequest {
        order: match order {
            SendOrder::NewestFirst => LogOrder::NewestFirst,
            SendOrder::OldestFirst => LogOrder::OldestFirst,
        },
        after: place("after", arguments.after.as_deref())?,
        before: place("before", arguments.before.as_deref())?,
        limit,
        from_end,
    })
}

/// A page of the sends of the account, by the Relay cursor connections specification.
#[Object]
impl LoggedSendConnection {
    /// The sends of this page, each with its cursor.
    async fn edges(&self) -> Vec<LoggedSendEdge> {
        charge::foreseen_list().await;
        let edge = |logged: &sends_store::LoggedSend| LoggedSendEdge {
            cursor: cursor(logged.position()),
            node: HistoricSend::logged(logged),
        };
        self.page.sends.iter().map(edge).collect()
    }

    /// The sends of this page.
    async fn nodes(&self) -> Vec<HistoricSend> {
        charge::foreseen_list().await;
        self.page.sends.iter().map(HistoricSend::logged).collect()
    }

    /// Where this page stands among the others.
    async fn page_info(&self) -> PageInfo {
        let cursor_of = |logged: &sends_store::LoggedSend| cursor(logged.position());
        PageInfo {
            has_previous_page: self.page.has_previous,
            has_next_page: self.page.has_next,
            start_cursor: self.page.sends.first().map(cursor_of),
            end_cursor: self.page.sends.last().map(cursor_of),
        }
    }

    /// How many sends of the log the filter includes, on all pages together. Counted only when it is asked for. Null, with an
    /// error, when they could not be counted.
    async fn total_count(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        let reader = context.data_unchecked::<LogReader>();
        let counted = reader
            .read(|log, owner| log.sends.count(owner, &self.filter))
            .await;
        Some(
            counted
                .map_err(Into::into)
                .and_then(|count| int("number of sends", count)),
        )
    }

    /// Whether the log has everything that the filter asks for. Null, with an error, when that could not be read.
    async fn coverage(&self) -> Option<Result<LogCoverage, ApiError>> {
        self.coverage.clone()
    }
}

/// One send on a page of the log.
#[derive(SimpleObject)]
pub(in crate::schema) struct LoggedSendEdge {
    /// The place of this send in the log: what `after` and `before` take. It stays good whatever is sent or deleted, in
    /// another filter or order, and after a restart.
    cursor: String,
    /// The send.
    node: HistoricSend,
}

/// What a cursor says before it is made opaque: the nanoseconds since 1970 or nothing, the activity, the place within it.
fn cursor(place: LogPosition) -> String {
    let date = place
        .run_date
        .map_or_else(String::new, |date| date.as_nanosecond().to_string());
    URL_SAFE_NO_PAD.encode(format!("log:{date}:{}:{}", place.activity, place.ordinal))
}

fn place(argument: &str, cursor: Option<&str>) -> Result<Option<LogPosition>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let message =
        || ApiError::bad_user_input(format!("`{argument}` must be a cursor that this list gave out."));
    read(cursor).map(Some).ok_or_else(message)
}

fn read(cursor: &str) -> Option<LogPosition> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.strip_prefix("log:")?.split(':');
    let date = match parts.next()? {
        "" => None,
        date => Some(Timestamp::from_nanosecond(date.parse().ok()?).ok()?),
    };
    let place = LogPosition {
        run_date: date,
        activity: parts.next()?.parse().ok()?,
        ordinal: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_the_place_it_was_made_of() {
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
            assert_eq!(read(&cursor(place)), Some(place));
        }
        for text in ["", "log:", "log:x:y:z", "sendId:1"] {
            assert_eq!(read(&URL_SAFE_NO_PAD.encode(text)), None, "{text}");
        }
        assert_eq!(read("not base64!"), None);
    }

    #[test]
    fn the_length_of_a_page_has_bounds() {
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
