//! List headers: `Accept`, `Accept-Encoding` and `If-None-Match`.

use http::{HeaderMap, HeaderName};

/// Weight `q` of a list item, in thousandths.
pub(super) type Weight = u16;

/// Returns the items of a list header from all its lines.
pub(super) fn items<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

pub(super) fn parameters(item: &str) -> impl Iterator<Item = (&str, &str)> {
    let parameters = item.split(';').skip(1);
    parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        Some((name.trim(), value.trim().trim_matches('"')))
    })
}

pub(super) fn value(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim()
}

/// Returns the weight of a list item, 1 by default. `None` if the weight is not a number from 0 to 1.
pub(super) fn weight(item: &str) -> Option<Weight> {
    let Some((_, weight)) = parameters(item).find(|(name, _)| name.eq_ignore_ascii_case("q")) else {
        return Some(1000);
    };
    let number: f32 = weight.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number is between 0 and 1000"
    )]
    (0.0..=1.0)
        .contains(&number)
        .then(|| (number * 1000.0).round() as Weight)
}
