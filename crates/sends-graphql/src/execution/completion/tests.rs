use async_graphql::parser::parse_query;
use serde_json::json;

use super::*;
use crate::guard;

const SCHEMA: &str = "
    schema { query: Query }
    type Query { nullable: Thing required: Thing! list: [Thing] strict: [Thing!] any: Any any_list: [Any!] }
    type Thing { a: Int b: Int! below: Thing required: Thing! }
    type Other { a: Int c: Int! }
    union Any = Thing | Other";

/// What is made of this answer of the library's to this query.
fn completed(query: &str, answer: serde_json::Value) -> String {
    let types = Types::of(SCHEMA);
    let mut document = parse_query(query).expect("a query");
    let operation = guard::operation(&document, None).expect("an operation");
    let plan = Plan::of(&document, operation, &Variables::default(), &types);
    prepare(&mut document, &types, true);
    let mut answer = Value::from_json(answer).expect("a value");
    plan.complete(&types, &mut answer);
    answer.to_string()
}

#[test]
fn names_stand_in_the_order_of_the_operation() {
    let query = "{ z: nullable { b a } ...F required { below { a x: b } } }
        fragment F on Query { nullable { a below { b } } list { a b } }";
    let answer = json!({
        "required": { "below": { "x": 2, "a": 1 } },
        "list": [{ "b": 2, "a": 1 }, null],
        "nullable": { "below": { "b": 3 }, "a": 1 },
        "z": { "a": 1, "b": 2 },
    });
    insta::assert_snapshot!(completed(query, answer), @"{z: {b: 2, a: 1}, nullable: {a: 1, below: {b: 3}}, list: [{a: 1, b: 2}, null], required: {below: {a: 1, x: 2}}}");
}

#[test]
fn a_field_that_is_missing_is_null() {
    insta::assert_snapshot!(completed("{ nullable { a b } list { a } }", json!({ "nullable": { "b": 1 } })), @"{nullable: {a: null, b: 1}, list: null}");
}

#[test]
fn a_null_that_may_not_be_makes_the_next_place_null_that_may() {
    let nested = "{ nullable { a below { required { b } } } }";
    let answer = json!({ "nullable": { "a": 1, "below": { "required": {} } } });
    insta::assert_snapshot!(completed(nested, answer), @"{nullable: {a: 1, below: null}}");
    insta::assert_snapshot!(completed("{ required { b } }", json!({ "required": { "b": null } })), @"null");
    insta::assert_snapshot!(completed("{ list { b } }", json!({ "list": [{ "b": 1 }, { "b": null }] })), @"{list: [{b: 1}, null]}");
    insta::assert_snapshot!(completed("{ strict { b } }", json!({ "strict": [{ "b": 1 }, { "b": null }] })), @"{strict: null}");
    insta::assert_snapshot!(completed("{ required { b } }", json!(null)), @"null");
}

#[test]
fn an_object_of_several_possible_types_holds_the_fields_of_its_own() {
    let query = "{ any_list { ... on Thing { a b } ... on Other { c a } } any { ... on Thing { a } } }";
    let answer = json!({
        "any": { "sends__typename": "Other" },
        "any_list": [
            { "a": 1, "c": 2, "sends__typename": "Other" },
            { "b": 2, "a": 1, "sends__typename": "Thing" },
        ],
    });
    insta::assert_snapshot!(completed(query, answer), @"{any_list: [{a: 1, c: 2}, {a: 1, b: 2}], any: {}}");
}

#[test]
fn an_object_whose_fields_are_all_skipped_is_there_and_empty() {
    let query = "{ nullable { a @skip(if: true) } list { a @include(if: false) } }";
    let answer = json!({
        "nullable": { "sends__typename": "Thing" },
        "list": [{ "sends__typename": "Thing" }, null],
        "sends__typename": "Query",
    });
    insta::assert_snapshot!(completed(query, answer), @"{nullable: {}, list: [{}, null]}");
    insta::assert_snapshot!(completed("{ a: __typename @skip(if: true) }", json!({ "sends__typename": "Query" })), @"{}");
}

#[test]
fn what_the_schema_does_not_describe_is_only_put_in_order() {
    let query = "{ __schema { types { ...T } } } fragment T on __Type { kind name fields { name } }";
    let answer = json!({ "__schema": { "types": [{ "name": "A", "kind": "OBJECT", "fields": [{ "name": "x" }] }, { "kind": "UNION", "name": "B", "fields": null }] } });
    insta::assert_snapshot!(completed(query, answer), @r#"{__schema: {types: [{kind: "OBJECT", name: "A", fields: [{name: "x"}]}, {kind: "UNION", name: "B", fields: null}]}}"#);
}
