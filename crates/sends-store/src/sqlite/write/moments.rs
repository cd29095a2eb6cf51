//! Conversion of times of the synchronisation state to milliseconds since 1970 UTC.

use jiff::Timestamp;

pub(super) fn rounded_outwards(from: Option<Timestamp>, until: Timestamp) -> (Option<i64>, i64) {
    let end = rounded_down(until);
    let is_cut = Timestamp::from_millisecond(end).is_ok_and(|cut| cut < until);
    (from.map(rounded_down), end + i64::from(is_cut))
}

pub(super) fn rounded_down(moment: Timestamp) -> i64 {
    let millisecond = moment.as_millisecond();
    // The conversion rounds towards zero, which is up before 1970.
    let is_later = Timestamp::from_millisecond(millisecond).is_ok_and(|rounded| rounded > moment);
    millisecond - i64::from(is_later)
}
