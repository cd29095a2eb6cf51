//! Table of reason codes, and closed enums.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display, Write as _};

use insta::assert_snapshot;
use proptest::prelude::*;
use sends_core::{Actor, Outcome, Reason, ReasonCategory, ReasonCode, RetryAdvice};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[test]
fn table_lists_every_documented_code() {
    let mut table = String::new();
    for reason in Reason::table() {
        let Reason {
            code,
            name,
            category,
            retry,
            actors,
            ..
        } = reason;
        writeln!(table, "{code:>2} {name} | {category} | {retry} | {actors:?}").unwrap();
    }
    assert_snapshot!(table, @"
     0 SENT | SUCCESS | NOT_NEEDED | []
     1 UNSPECIFIED_FAILURE | SYSTEM | YES | [AccountOwner, Support]
     2 ACCOUNT_REVIEW_REQUIRED | COMPLIANCE | AFTER_CLEARANCE | [AccountOwner, AccountReview]
     3 BILLING_PROBLEM | BILLING | AFTER_FIX | [AccountOwner]
     4 TOO_MANY_CONTACTS | LIMIT | AFTER_FIX | [ListOwner]
     5 STAGED | STAGING | WAIT | [ConstantContact]
     6 PARTIALLY_SENT | PARTIAL | NOT_BLINDLY | [Support]
     7 INVALID_IMAGES | CONTENT | AFTER_FIX | [ContentEditor]
     8 LINK_TOO_LONG | CONTENT | AFTER_FIX | [ContentEditor]
     9 SENDER_NOT_VERIFIED | SENDER | AFTER_FIX | [Support, AccountOwner]
    10 SENDER_NOT_VERIFIED_ALTERNATE | SENDER | AFTER_FIX | [Support, AccountOwner]
    11 SURVEY_NOT_ALLOWED | FEATURE | NO | [AccountOwner, Support]
    12 NO_ELIGIBLE_CONTACTS | AUDIENCE | AFTER_FIX | [ListOwner]
    ");
}

#[test]
fn row_index_equals_the_code() {
    assert_eq!(Reason::table().len(), 13);
    for (code, row) in (0..).zip(Reason::table()) {
        assert_eq!(row.code, ReasonCode::new(code));
        assert_eq!(Reason::of(row.code), *row);
        assert!(row.is_known());
    }
}

#[test]
fn names_are_unique_and_texts_end_with_a_period() {
    let names: BTreeSet<_> = Reason::table().iter().map(|reason| reason.name).collect();
    assert_eq!(names.len(), Reason::table().len());
    assert!(!names.contains("UNKNOWN"));
    for reason in Reason::table().iter().chain([&Reason::of(ReasonCode::new(99))]) {
        for sentence in [reason.meaning, reason.remedy] {
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
        }
        assert!(
            reason
                .name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_'),
            "{}",
            reason.name
        );
    }
}

#[test]
fn only_success_needs_no_action() {
    for reason in Reason::table() {
        assert_eq!(
            reason.actors.is_empty(),
            reason.category == ReasonCategory::Success,
            "{}",
            reason.name
        );
    }
}

proptest! {
    #[test]
    fn undocumented_code_keeps_its_number(number in prop_oneof![i32::MIN..0, 13..=i32::MAX]) {
        let reason = Reason::of(ReasonCode::new(number));
        prop_assert_eq!(reason.code.get(), number);
        prop_assert!(!reason.is_known());
        prop_assert_eq!((reason.category, reason.retry), (ReasonCategory::Unknown, RetryAdvice::Unknown));
    }
}

#[test]
fn closed_enum_value_has_the_same_text_everywhere() {
    fn check<T>(all: &[T], as_str: impl Fn(T) -> &'static str)
    where
        T: Copy + Debug + Display + Ord + Serialize + DeserializeOwned,
    {
        assert!(all.is_sorted(), "{all:?}");
        for &value in all {
            let text = as_str(value);
            assert_eq!(value.to_string(), text);
            assert_eq!(serde_json::to_value(value).unwrap(), text);
            assert_eq!(serde_json::from_value::<T>(text.into()).unwrap(), value);
            let spelled = format!("{value:?}").to_uppercase();
            assert_eq!(
                text.replace('_', ""),
                spelled,
                "the text is the name of the variant"
            );
        }
    }

    check(&Outcome::ALL, Outcome::as_str);
    check(&ReasonCategory::ALL, ReasonCategory::as_str);
    check(&RetryAdvice::ALL, RetryAdvice::as_str);
    check(&Actor::ALL, Actor::as_str);
}

#[test]
fn value_is_padded_like_text() {
    assert_eq!(
        format!("{:<8}|{:>3}|", Outcome::Sent, ReasonCode::new(5)),
        "SENT    |  5|"
    );
}
