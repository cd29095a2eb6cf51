//! Compares paging with a literal transcription of the specification's algorithm.

use super::*;

/// Returns the positions of sends with these `sendId`s, which are in ascending or descending order.
fn places(send_ids: &[i32]) -> Vec<Place> {
    let repeat = |index: usize| {
        let earlier = send_ids[..index].iter();
        earlier.filter(|&&id| id == send_ids[index]).count()
    };
    let place = |index: usize| Place {
        send_id: send_ids[index],
        repeat: repeat(index),
    };
    (0..send_ids.len()).map(place).collect()
}

/// Implements `EdgesToReturn`, `HasPreviousPage` and `HasNextPage` of the specification.
fn by_the_specification(all: &[Place], request: PageRequest) -> (Vec<Place>, bool, bool) {
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
fn pages_match_the_specification() {
    let lengths = || [None, Some(0), Some(1), Some(2), Some(4), Some(9)].into_iter();
    let mut seen = 0;
    for send_ids in [
        &[1][..],
        &[1, 2],
        &[1, 2, 3],
        &[1, 2, 3, 4],
        &[1, 1],
        &[1, 2, 2, 2],
        &[1, 1, 2, 2],
    ] {
        for is_ascending in [true, false] {
            let mut all = places(send_ids);
            let cursors: Vec<_> = std::iter::once(None)
                .chain(all.clone().into_iter().map(Some))
                .collect();
            if !is_ascending {
                all.reverse();
            }
            for (first, last) in lengths().flat_map(|first| lengths().map(move |last| (first, last))) {
                for &after in &cursors {
                    for &before in &cursors {
                        let request = PageRequest {
                            first,
                            after,
                            last,
                            before,
                        };
                        let page = request.of(&all, is_ascending);
                        let (edges, previous, next) = by_the_specification(&all, request);
                        let order = |id: Place| all.iter().position(|&one| one == id);
                        if after
                            .zip(before)
                            .is_some_and(|(after, before)| order(after) >= order(before))
                        {
                            // The specification ignores a `before` that precedes `after`. This implementation returns an empty
                            // page.
                            assert!(page.places.is_empty(), "{request:?} of {all:?}");
                            continue;
                        }
                        let actual = (
                            all[page.places.clone()].to_vec(),
                            page.has_previous,
                            page.has_next,
                        );
                        assert_eq!(actual, (edges, previous, next), "{request:?} of {all:?}");
                        seen += 1;
                    }
                }
            }
        }
    }
    assert!(seen > 500, "only {seen} pages were compared");
}

#[test]
fn cursor_remains_valid_without_its_send() {
    let after = |after, ids: &[i32], is_ascending| {
        let request = PageRequest {
            after: Some(Place {
                send_id: after,
                repeat: 0,
            }),
            ..PageRequest::default()
        };
        request.of(&places(ids), is_ascending).places
    };
    assert_eq!(after(3, &[1, 2, 4, 5], true), 2..4);
    assert_eq!(after(3, &[5, 4, 2, 1], false), 2..4);
    assert_eq!(after(9, &[1, 2], true), 2..2);
    assert_eq!(after(0, &[], true), 0..0);
}

#[test]
fn cursors_are_opaque_and_round_trip() {
    for place in [1, 40, -3, i32::MAX].map(|send_id| Place { send_id, repeat: 0 }) {
        for place in [place, Place { repeat: 2, ..place }] {
            let cursor = place.cursor();
            assert!(!cursor.contains("sendId"));
            assert_eq!(Place::read(&cursor), Some(place));
        }
    }
}

#[test]
fn invalid_cursors_and_lengths_are_rejected() {
    for text in ["", "1", "x", "c2VuZElkOg", "c2VuZElkOng", "/w=="] {
        let decoded = cursor_argument("after", Some(text), Place::read);
        assert!(decoded.is_err(), "{text}");
    }
    assert!(length("first", Some(-1)).is_err());
    assert_eq!(length("first", Some(0)).unwrap(), Some(0));
}

#[test]
fn first_and_last_exclude_each_other() {
    let arguments = PageArguments {
        first: Some(1),
        last: Some(1),
        ..PageArguments::default()
    };
    let error = arguments.check().unwrap_err();
    assert_eq!(error.message(), ApiError::first_and_last().message());
}

#[test]
fn paging_by_one_returns_repeated_send_ids() {
    let history = [
        r#"{"send_id":1}"#,
        r#"{"send_id":2,"count":1}"#,
        r#"{"send_id":2,"count":2}"#,
        r#"{"send_id":2}"#,
    ];
    let history = SendHistory::from_json(format!("[{}]", history.join(",")).as_bytes()).unwrap();
    for is_ascending in [true, false] {
        let mut all = Place::all(&history);
        if !is_ascending {
            all.reverse();
        }
        let (mut met, mut after) = (Vec::new(), None);
        for _ in 0..all.len() {
            let cursor = after.map(Place::cursor);
            let arguments = PageArguments {
                first: Some(1),
                after: cursor,
                ..PageArguments::default()
            };
            let page = arguments.check().unwrap().of(&all, is_ascending);
            met.extend_from_slice(&all[page.places.clone()]);
            after = met.last().copied();
        }
        assert_eq!(met, all);
    }
}

#[test]
fn position_in_an_id_has_one_spelling() {
    let ids = places(&[1, 3, 3, 3, 7]);
    let sends = ids
        .iter()
        .map(|place| format!(r#"{{"send_id": {}}}"#, place.send_id));
    let json = format!("[{}]", sends.collect::<Vec<_>>().join(","));
    let history = SendHistory::from_json(json.as_bytes()).unwrap();
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["1", "3", "3:2", "3:3", "7"]);
    for (index, (place, text)) in ids.iter().zip(&texts).enumerate() {
        assert_eq!(Place::of_id(text), Some(*place));
        assert_eq!(place.index_in(&history), Some(index));
    }
    for text in ["", "x", "+1", "01", "3:1", "3:0", "3:02", "3:2:2", "3:"] {
        assert_eq!(Place::of_id(text), None, "{text}");
    }
    for text in ["2", "3:4", "7:2", "8"] {
        assert_eq!(Place::of_id(text).unwrap().index_in(&history), None, "{text}");
    }
}
