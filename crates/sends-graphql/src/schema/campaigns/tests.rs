use super::*;

fn campaign(number: u8, updated_at: Option<&str>) -> sends_core::Campaign {
    sends_core::Campaign {
        id: CampaignId::from_bytes([number; 16]),
        name: None,
        status: None,
        campaign_type: None,
        type_code: None,
        created_at: None,
        updated_at: updated_at.map(|date| date.parse().unwrap()),
    }
}

fn request(after: Option<Cursor>) -> CampaignPageRequest {
    CampaignPageRequest {
        first: 50,
        after,
        updated_from: None,
        updated_until: None,
    }
}

fn chosen(request: &CampaignPageRequest, records: &[sends_core::Campaign]) -> Vec<u8> {
    request
        .choose(records)
        .iter()
        .map(|campaign| campaign.id.as_bytes()[0])
        .collect()
}

const NOON: &str = "2024-05-01T12:00:00.108Z";
const EARLIER: &str = "2024-05-01T11:00:00Z";

fn cursor(number: u8, updated_at: &str) -> Cursor {
    Cursor {
        updated_at: updated_at.parse().unwrap(),
        id: CampaignId::from_bytes([number; 16]),
    }
}

#[test]
fn cursors_round_trip_and_invalid_arguments_are_rejected() {
    let cursor = cursor(1, NOON);
    assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    for text in [
        "",
        "x",
        "c2VuZElkOjE",
        &URL_SAFE_NO_PAD.encode("2024-05-01T12:00:00Z/x"),
    ] {
        assert_eq!(Cursor::decode(text), None, "{text}");
        assert!(CampaignPageRequest::new(&CampaignFilter::default(), None, Some(text)).is_err());
    }
    for first in [0, -1, 501, i32::MIN] {
        assert!(CampaignPageRequest::new(&CampaignFilter::default(), Some(first), None).is_err());
    }
}

#[test]
fn page_continues_after_its_cursor_among_equal_update_times() {
    let records = [
        campaign(1, Some(NOON)),
        campaign(2, Some(NOON)),
        campaign(3, Some(NOON)),
        campaign(4, Some(EARLIER)),
    ];
    assert_eq!(chosen(&request(None), &records), [1, 2, 3, 4]);
    assert_eq!(chosen(&request(Some(cursor(2, NOON))), &records), [3, 4]);
    assert_eq!(chosen(&request(Some(cursor(4, EARLIER))), &records), [0; 0]);
}

#[test]
fn cursor_of_a_moved_campaign_continues_at_its_update_time() {
    let records = [
        campaign(1, Some(NOON)),
        campaign(4, Some(EARLIER)),
        campaign(5, None),
    ];
    assert_eq!(chosen(&request(Some(cursor(9, EARLIER))), &records), [4, 5]);
}

#[test]
fn repeated_campaigns_are_not_listed_twice() {
    let records = [
        campaign(1, Some(NOON)),
        campaign(2, Some(EARLIER)),
        campaign(3, Some(NOON)),
        campaign(4, None),
        campaign(5, Some(EARLIER)),
    ];
    assert_eq!(chosen(&request(Some(cursor(2, EARLIER))), &records), [4, 5]);

    let of_one_moment = || vec![campaign(1, Some(NOON)), campaign(2, Some(NOON))];
    let mut circle = of_one_moment();
    append_new(&mut circle, of_one_moment());
    assert_eq!(circle, of_one_moment());
    assert_eq!(chosen(&request(Some(cursor(2, NOON))), &circle), [0; 0]);
}

#[test]
fn cursor_position_is_unknown_on_a_page_of_equal_update_times() {
    let of_noon = [campaign(1, Some(NOON)), campaign(2, Some(NOON))];
    assert!(request(None).begins_in(&of_noon));
    assert!(request(Some(cursor(1, NOON))).begins_in(&of_noon));
    assert!(
        !request(Some(cursor(2, NOON))).begins_in(&of_noon),
        "no campaign follows the cursor"
    );
    assert!(!request(Some(cursor(3, NOON))).begins_in(&of_noon));
    let [one, other] = of_noon;
    let with_earlier = [one, other, campaign(4, Some(EARLIER))];
    assert!(request(Some(cursor(3, NOON))).begins_in(&with_earlier));
}

#[test]
fn no_page_follows_records_before_the_period() {
    let period = CampaignPageRequest {
        updated_from: Some(NOON.parse().unwrap()),
        ..request(None)
    };
    let (inside, before, undated) = (
        campaign(1, Some(NOON)),
        campaign(2, Some(EARLIER)),
        campaign(3, None),
    );
    assert!(period.ends_before(&[inside.clone(), before.clone()]));
    assert!(!period.ends_before(&[before.clone(), inside.clone()]));
    assert!(!period.ends_before(&[inside, undated]));
    assert!(!period.ends_before(&[]));
    assert!(!request(None).ends_before(&[before]));
}

#[test]
fn upstream_request_overlaps_by_one_second() {
    let filter = request(Some(cursor(2, NOON))).filter();
    assert_eq!(filter.limit, 60);
    assert_eq!(
        filter.updated_before,
        Some("2024-05-01T12:00:01.108Z".parse().unwrap())
    );
    let bounded = CampaignPageRequest {
        first: 500,
        updated_until: Some(EARLIER.parse().unwrap()),
        ..request(Some(cursor(2, NOON)))
    };
    assert_eq!(
        (bounded.filter().limit, bounded.filter().updated_before),
        (500, Some(EARLIER.parse().unwrap()))
    );
    let records = [
        campaign(3, Some(EARLIER)),
        campaign(4, Some("2024-05-01T10:59:59Z")),
    ];
    assert_eq!(chosen(&bounded, &records), [4]);
}

#[test]
fn period_includes_its_start_and_excludes_its_end() {
    let period = CampaignPageRequest {
        updated_from: Some(EARLIER.parse().unwrap()),
        updated_until: Some(NOON.parse().unwrap()),
        ..request(None)
    };
    let records = [
        campaign(1, Some(NOON)),
        campaign(2, Some("2024-05-01T12:00:00.107Z")),
        campaign(3, Some(EARLIER)),
        campaign(4, Some("2024-05-01T10:59:59.999Z")),
    ];
    assert_eq!(chosen(&period, &records), [2, 3]);
    let requested = period.filter();
    let second_before = "2024-05-01T10:59:59Z".parse().unwrap();
    assert_eq!(requested.updated_after, Some(second_before));
    assert_eq!(requested.updated_before, period.updated_until);
}
