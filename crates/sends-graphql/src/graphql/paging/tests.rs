//! Paging against the specification's own algorithm, written down as slowly as it is there.

use super::*;

/// `EdgesToReturn`, `HasPreviousPage` and `HasNextPage` of the specification, on sends numbered from 1 to `length`.
fn by_the_specification(all: &[i32], request: PageRequest) -> (Vec<i32>, bool, bool) {
    let mut edges = all.to_vec();
    if let Some(place) = request
        .after
        .and_then(|after| edges.iter().position(|&id| id == after))
    {
        edges.drain(..=place);
    }
    if let Some(place) = request
        .before
        .and_then(|before| edges.iter().position(|&id| id == before))
    {
        edges.truncate(place);
    }
    let previous = match request.last {
        Some(last) => edges.len() > last,
        None => request.after.is_some() && edges.first() != all.first(),
    };
    let next = match request.first {
        Some(first) => edges.len() > first,
        None => request.before.is_some() && edges.last() != all.last(),
    };
    if let Some(first) = request.first {
        edges.truncate(first);
    }
    if let Some(last) = request.last {
        edges.drain(..edges.len().saturating_sub(last));
    }
    (edges, previous, next)
}

#[test]
fn every_page_of_small_lists_is_the_specifications() {
    let lengths = || [None, Some(0), Some(1), Some(2), Some(4), Some(9)].into_iter();
    let cursors = |length: i32| std::iter::once(None).chain((1..=length).map(Some));
    let mut seen = 0;
    for length in 1..=4 {
        for is_rising in [true, false] {
            let mut all: Vec<i32> = (1..=length).collect();
            if !is_rising {
                all.reverse();
            }
            for (first, last) in lengths().flat_map(|first| lengths().map(move |last| (first, last))) {
                for after in cursors(length) {
                    for before in cursors(length) {
                        let request = PageRequest {
                            first,
                            after,
                            last,
                            before,
                        };
                        let page = request.of(&all, is_rising);
                        let (edges, previous, next) = by_the_specification(&all, request);
                        let order = |id: i32| all.iter().position(|&one| one == id);
                        if after
                            .zip(before)
                            .is_some_and(|(after, before)| order(after) >= order(before))
                        {
                            // The specification ignores a `before` that `after` has cut away already. Nothing lies between
                            // the two, so nothing is what is given here.
                            assert!(page.places.is_empty(), "{request:?} of {all:?}");
                            continue;
                        }
                        let said = (
                            all[page.places.clone()].to_vec(),
                            page.has_previous,
                            page.has_next,
                        );
                        assert_eq!(said, (edges, previous, next), "{request:?} of {all:?}");
                        seen += 1;
                    }
                }
            }
        }
    }
    assert!(seen > 500, "only {seen} pages were compared");
}

#[test]
fn a_cursor_outlives_the_send_it_was_given_out_for() {
    let after = |after, ids: &[i32], is_rising| {
        let request = PageRequest {
            after: Some(after),
            ..PageRequest::default()
        };
        request.of(ids, is_rising).places
    };
    assert_eq!(after(3, &[1, 2, 4, 5], true), 2..4);
    assert_eq!(after(3, &[5, 4, 2, 1], false), 2..4);
    assert_eq!(after(9, &[1, 2], true), 2..2);
    assert_eq!(after(0, &[], true), 0..0);
}

#[test]
fn a_cursor_is_opaque_and_read_back() {
    for send_id in [1, 40, -3, i32::MAX] {
        let cursor = cursor(send_id);
        assert!(!cursor.contains("sendId"));
        assert_eq!(place("after", Some(&cursor)).unwrap(), Some(send_id));
    }
}

#[test]
fn what_is_no_cursor_or_no_length_is_the_callers_mistake() {
    for text in ["", "1", "x", "c2VuZElkOg", "c2VuZElkOng", "/w=="] {
        assert!(place("after", Some(text)).is_err(), "{text}");
    }
    assert!(length("first", Some(-1)).is_err());
    assert_eq!(length("first", Some(0)).unwrap(), Some(0));
}
