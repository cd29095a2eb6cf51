//! Tests of operations that are accepted or rejected before execution.

use std::sync::LazyLock;

use async_graphql::{Request, Variables};
use sends_client::{Pacer, pacing::Limits as Pace};
use sends_graphql::{
    execution::Executor,
    execution::validation::{Limits, Rejected},
    schema::Schema,
};
use serde_json::{Value, json};

const INTROSPECTION: &str = "query I { __schema { types { ...T } } }
    fragment T on __Type { kind name fields(includeDeprecated: true) { name args { ...V } type { ...R } }
      inputFields { ...V } interfaces { ...R } enumValues { name } possibleTypes { ...R } }
    fragment V on __InputValue { name type { ...R } defaultValue }
    fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";

fn executor(limits: Limits) -> Executor {
    Executor::new(Schema::new(false, Pacer::in_memory(Pace::NONE)), limits)
}

static EXECUTOR: LazyLock<Executor> = LazyLock::new(|| executor(Limits::default()));

fn rejection(executor: &Executor, query: &str, variables: Value) -> Option<Rejected> {
    let request = Request::new(query).variables(Variables::from_json(variables));
    executor.admit(request).err()
}

/// Returns the option or the counted items of the exceeded limit, or the message of another rejection.
fn rejected_by(executor: &Executor, query: &str, variables: Value) -> Option<String> {
    rejection(executor, query, variables).map(|rejected| match rejected {
        Rejected::TooMuch(limit) => limit.option.unwrap_or(limit.counted).to_owned(),
        other => other.message(),
    })
}

fn rejected_with(query: &str, variables: Value, limits: &Limits) -> Option<String> {
    rejected_by(&executor(limits.clone()), query, variables)
}

fn rejected(query: &str) -> Option<String> {
    rejected_by(&EXECUTOR, query, Value::Null)
}

#[test]
fn typical_operations_are_accepted() {
    let aliases = |count: usize| {
        let field = |index| format!("a{index}: campaignActivity(id: \"{index}\") {{ ...Sends }} ");
        let fields: String = (0..count).map(field).collect();
        format!(
            "{{ {fields} }} fragment Sends on CampaignActivity {{ id sendHistory {{ sendId count reason {{ code }} }} }}"
        )
    };
    assert_eq!(rejected(INTROSPECTION), None);
    assert_eq!(rejected(&aliases(400)), None);
    assert_eq!(rejected(&aliases(501)).as_deref(), Some("aliases"));
    let many = "query($ids: [ID!]!) { campaignActivities(ids: $ids) { id sendHistory { sendId reason { code name } } } }";
    let ids = |count: usize| json!({ "ids": (0..count).map(|id| id.to_string()).collect::<Vec<_>>() });
    assert_eq!(rejected_by(&EXECUTOR, many, ids(500)), None);
    assert_eq!(
        rejected_by(&EXECUTOR, many, ids(501)).as_deref(),
        Some("items in one list")
    );
}

#[test]
fn log_items_are_counted_by_their_page_size() {
    let limits = Limits {
        upstream_calls: 60,
        answer_values: 2_000,
        ..Limits::default()
    };
    let limited = executor(limits);
    let rejected = |query: &str, first: Value| rejected_by(&limited, query, json!({ "first": first }));
    let plain = "query($first: Int) { sends(first: $first) { nodes { sendId outcome activity { id } } } }";
    assert_eq!(rejected(plain, Value::Null), None);
    assert_eq!(rejected(plain, json!(500)).as_deref(), Some("max-answer-values"));
    let history = "query($first: Int) { sends(first: $first) { edges { node { ...S } } } }
        fragment S on Send { activity { latestSend { sendId } } }";
    assert_eq!(rejected(history, Value::Null), None);
    assert_eq!(
        rejected(history, json!(61)).as_deref(),
        Some("max-upstream-calls")
    );
    let campaign = "query($first: Int) { sends(first: $first) { nodes { campaign { name status } } } }";
    assert_eq!(rejected(campaign, json!(100)), None, "the log contains the data");
    let campaigns =
        "query($first: Int) { sends(first: $first) { nodes { campaign { activities { id } } } } }";
    assert_eq!(
        rejected(campaigns, json!(61)).as_deref(),
        Some("max-upstream-calls")
    );
    let totals =
        "query($first: Int) { sendTotals(groupBy: DAY, first: $first) { groups { outcome __typename } } }";
    assert_eq!(rejected(totals, json!(500)), None);
    assert_eq!(
        rejected(totals, json!(1_000)).as_deref(),
        Some("max-answer-values")
    );
}

#[test]
fn number_of_log_reads_is_limited() {
    let reads = |count: usize| {
        let read = |alias: usize| {
            format!("a{alias}: sendTotals(groupBy: CONTACT_LIST) {{ total {{ sendCount }} }} ")
        };
        format!("{{ {} }}", (0..count).map(read).collect::<String>())
    };
    assert_eq!(rejected(&reads(20)), None);
    assert_eq!(rejected(&reads(21)).as_deref(), Some("reads of the send log"));
}

#[test]
fn fragments_are_measured_without_expansion() {
    let bomb = |levels: usize| {
        let level = |index: usize| format!("fragment f{index} on Query {{ ...f{0} ...f{0} }} ", index + 1);
        let levels_of_it: String = (0..levels).map(level).collect();
        format!("{{ ...f0 }} {levels_of_it} fragment f{levels} on Query {{ __typename }}")
    };
    assert_eq!(rejected(&bomb(5)), None);
    // Expanding the larger documents would never finish in practice.
    for levels in [22, 30, 60] {
        assert_eq!(
            rejected(&bomb(levels)).as_deref(),
            Some("max-query-fields"),
            "{levels}"
        );
    }
    assert_eq!(rejected(&bomb(64)).as_deref(), Some("levels of nesting, or more"));
}

#[test]
fn long_fragment_chain_is_rejected_in_any_order() {
    let chain = |length: usize, order: &dyn Fn(usize) -> usize| {
        let link = |index: usize| {
            let index = order(index);
            format!("fragment f{index} on Query {{ ...f{} }} ", index + 1)
        };
        let links: String = (0..length).map(link).collect();
        format!("{links} fragment f{length} on Query {{ __typename }} {{ ...f0 }}")
    };
    assert_eq!(rejected(&chain(40, &|index| index)), None);
    for length in [70, 1_000] {
        let backwards = move |index: usize| length - 1 - index;
        for query in [chain(length, &|index| index), chain(length, &backwards)] {
            assert_eq!(rejected(&query).as_deref(), Some("levels of nesting, or more"));
        }
    }
}

#[test]
fn recursive_fragments_are_rejected_even_if_unused() {
    for query in [
        "{ ...a } fragment a on Query { ...a }",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
        "{ __typename } fragment a on Query { campaignActivity(id: 1) { ...b } } fragment b on CampaignActivity { campaign { ...c } } fragment c on Campaign { activities { ...b } }",
    ] {
        let message = rejected(query).unwrap_or_default();
        assert!(message.ends_with("contains itself."), "{query}: {message}");
    }
}

#[test]
fn arguments_are_counted_at_every_use_of_a_variable() {
    let lists = |count: usize| {
        let list = |index| format!("a{index}: campaignActivities(ids: $ids) {{ id }} ");
        let lists: Vec<_> = (0..count).map(list).collect();
        let lists = lists.concat();
        format!("query($ids: [ID!]!) {{ {lists} }}")
    };
    let ids = json!({ "ids": vec!["1ead98be-dfa0-4e04-81f7-5f1534d42e9c"; 500] });
    assert_eq!(rejected_by(&EXECUTOR, &lists(8), ids.clone()), None);
    let counted = rejected_by(&EXECUTOR, &lists(12), ids).unwrap();
    assert!(counted.starts_with("bytes of arguments"), "{counted}");
    let nested = "query($name: String!) { sends(filter: { campaignName: $name }) { nodes { id } } }";
    assert_eq!(
        rejected_by(&EXECUTOR, nested, json!({ "name": "a".repeat(90_000) })),
        None
    );
}

#[test]
fn estimate_includes_long_names_and_arguments() {
    let estimate = |query: &str, variables: Value| {
        let request = Request::new(query).variables(Variables::from_json(variables));
        EXECUTOR.admit(request).ok().unwrap().estimate()
    };
    let long = "a".repeat(116);
    let activities = format!("query($ids: [ID!]!) {{ campaignActivities(ids: $ids) {{ {long}: id }} }}");
    let of_two = estimate(&activities, json!({ "ids": ["1", "2"] }));
    // `campaignActivities` exceeds the name length included in the memory of a value by two bytes.
    assert_eq!((of_two.texts, of_two.path), (202, 102));
    assert!(of_two.arguments > 2);
    let schema = estimate(
        &format!("{{ __schema {{ queryType {{ {long}: name }} }} }}"),
        Value::Null,
    );
    assert_eq!(schema.texts, 200);
}

#[test]
fn each_exceeded_limit_is_named() {
    let limits = Limits {
        query_length: 400,
        query_tokens: 80,
        depth: 4,
        fields: 12,
        root_fields: 5,
        aliases: 3,
        repeated_fields: 3,
        directives: 2,
        list_length: 4,
        variables_length: 20,
        variable_values: 6,
        variable_depth: 3,
        upstream_calls: 2,
        answer_values: 30,
    };
    let nothing = || Value::Null;
    let deep = r#"{campaignActivity(id:"1"){campaign{activities{campaign{name}}}}}"#;
    let cases = [
        (
            format!("{{ __typename }}{}", " ".repeat(400)),
            nothing(),
            "max-query-length",
        ),
        ("a ".repeat(81), nothing(), "tokens, or more"),
        (deep.to_owned(), nothing(), "max-query-depth"),
        (
            format!("{{{}}}", "__typename ".repeat(13)),
            nothing(),
            "max-query-fields",
        ),
        (
            "{account{timeZone} syncState{failure} reasonCodes{code} upstreamBudget{queueLength} campaigns{unreadableCampaignCount} __typename}".to_owned(),
            nothing(),
            "root fields",
        ),
        (
            format!("{{{}}}", "__typename ".repeat(5)),
            nothing(),
            "fields with a repeated response name",
        ),
        (
            "{b:__typename c:__typename d:__typename e:__typename}".to_owned(),
            nothing(),
            "aliases",
        ),
        (
            "{__typename@skip(if:false)@include(if:true) account@skip(if:false){timeZone}}".to_owned(),
            nothing(),
            "directives",
        ),
        (
            "{nodes(ids:[1 2 3 4 5]){id}}".to_owned(),
            nothing(),
            "items in one list",
        ),
        (
            "query($a:[ID!]!=[1 2 3 4 5]){nodes(ids:$a){id}}".to_owned(),
            nothing(),
            "items in one list",
        ),
        (
            "{__typename}".to_owned(),
            json!({ "a": "x".repeat(21) }),
            "bytes of variables",
        ),
        (
            "{__typename}".to_owned(),
            json!({ "a": [1, 2, 3], "b": [1, 2] }),
            "values in variables",
        ),
        ("{__typename}".to_owned(), json!({ "a": [[[1]]] }), "levels, or more, in a variable"),
        (
            r#"{campaignActivities(ids:["1" "2" "3"]){fetchedAt}}"#.to_owned(),
            nothing(),
            "max-upstream-calls",
        ),
        (
            r#"{campaignActivity(id:"1"){sendHistory{sendId count outcome}}}"#.to_owned(),
            nothing(),
            "max-answer-values",
        ),
    ];
    let limited = executor(limits);
    for (query, variables, option) in cases {
        assert_eq!(
            rejected_by(&limited, &query, variables).as_deref(),
            Some(option),
            "{query}"
        );
    }
}

#[test]
fn calls_are_counted_per_activity_whose_history_is_needed() {
    let limits = Limits {
        upstream_calls: 2,
        ..Limits::default()
    };
    let twice = r#"{ a: campaignActivity(id: "1") { isStale } b: campaignActivity(id: "1") { ...F }
        c: campaignActivities(ids: ["1" "2"]) { latestSend { sendId } } } fragment F on CampaignActivity { fetchedAt }"#;
    assert_eq!(rejected_with(twice, Value::Null, &limits), None);
    let free = r#"{ campaignActivities(ids: ["1" "2" "3" "4"]) { id __typename } }"#;
    assert_eq!(rejected_with(free, Value::Null, &limits), None);
    let sends = r#"{ nodes(ids: ["1:1" "1:2" "2:1"]) { id } node(id: "2") { id } }"#;
    assert_eq!(rejected_with(sends, Value::Null, &limits), None);
    let sends = r#"{ nodes(ids: ["1:1" "2:1" "3:1"]) { id } }"#;
    assert_eq!(
        rejected_with(sends, Value::Null, &limits).as_deref(),
        Some("max-upstream-calls")
    );
    let ages = r#"{ a: campaignActivity(id: "1") { isStale } b: campaignActivity(id: "1", maxAge: 0) { isStale }
        c: campaignActivity(id: "1", maxAge: 5) { isStale } }"#;
    assert_eq!(
        rejected_with(ages, Value::Null, &limits).as_deref(),
        Some("max-upstream-calls")
    );
    let variable = "query($a: ID!, $b: ID!, $c: [ID!]!) { a: campaignActivity(id: $a) { isStale }
        b: campaignActivity(id: $b) { isStale } c: campaignActivities(ids: $c) { isStale } }";
    let same = json!({ "a": "1", "b": "1", "c": ["1", "2"] });
    assert_eq!(rejected_with(variable, same, &limits), None);
    let other = json!({ "a": "1", "b": "2", "c": ["3"] });
    assert_eq!(
        rejected_with(variable, other, &limits).as_deref(),
        Some("max-upstream-calls")
    );
}

#[test]
fn calls_for_other_resources_are_counted() {
    let limited = executor(Limits {
        upstream_calls: 0,
        ..Limits::default()
    });
    let cost = |query: &str| match rejection(&limited, query, Value::Null) {
        None => 0,
        Some(Rejected::TooMuch(limit)) => limit.found,
        Some(other) => panic!("{query}: {}", other.message()),
    };
    let ids = json!(
        vec!["1"; 40]
            .iter()
            .enumerate()
            .map(|(index, _)| index.to_string())
            .collect::<Vec<_>>()
    );
    for (query, calls) in [
        ("{ campaigns(first: 50) { nodes { id name status } pageInfo { endCursor } } }".to_owned(), 1),
        ("{ campaigns(first: 50) { nodes { stats { sends } } } }".to_owned(), 2),
        ("{ campaigns(first: 50) { nodes { unreadableValueCount } } }".to_owned(), 1),
        ("{ campaigns(first: 50) { nodes { unreadableActivityCount } } }".to_owned(), 51),
        ("{ campaigns { edges { node { activities { id } } } } }".to_owned(), 51),
        ("{ campaigns(first: 50) { nodes { ...C } } } fragment C on Campaign { activities { sendHistory { sendId } } }".to_owned(), 151),
        ("{ campaigns(first: 10) { nodes { activities { stats { opens } } } } }".to_owned(), 13),
        ("{ campaigns(first: 10) { nodes { activities { subject role } } } }".to_owned(), 41),
        (r#"{ campaign(id: "1") { id campaignId } }"#.to_owned(), 0),
        (r#"{ campaign(id: "1") { name type } node(id: "Campaign:1") { id } }"#.to_owned(), 1),
        (r#"{ campaignActivity(id: "1") { subject status fromName } }"#.to_owned(), 1),
        (r#"{ campaignActivity(id: "1") { subject scheduledFor latestSend { sendId } campaign { name } } }"#.to_owned(), 4),
        (format!("{{ campaignActivities(ids: {ids}) {{ stats {{ opens }} }} }}"), 4),
        (format!("{{ campaignActivities(ids: {ids}) {{ sendHistory {{ contactLists {{ name }} segments {{ name }} }} }} }}"), 44),
        (format!("{{ campaignActivities(ids: {ids}) {{ sendHistory {{ contactLists {{ id listId }} }} }} }}"), 40),
        (r#"{ campaignActivity(id: "1") { sendHistory { runDate(zone: "ACCOUNT") } } account { timeZone } }"#.to_owned(), 2),
        (r#"{ campaignActivity(id: "1") { sendHistory { runDate(zone: "UTC") } } }"#.to_owned(), 1),
        (r#"{ campaignActivity(id: "1") { sendHistory { contactLists { createdAt(zone: "ACCOUNT") } } } }"#.to_owned(), 4),
        (r#"{ campaignActivity(id: "1") { sendHistory { segments { name updatedAt(zone: "ACCOUNT") } } } }"#.to_owned(), 4),
        (r#"{ sends { nodes { contactLists { deletedAt(zone: "ACCOUNT") } } coverage { completeUntil(zone: "ACCOUNT") } } }"#.to_owned(), 3),
        (r#"{ upstreamBudget { resetsAt(zone: "ACCOUNT") } syncState { coverage { completeFrom(zone: "ACCOUNT") } } }"#.to_owned(), 1),
        ("{ syncState { unreadableResources { kind campaign { name } } } }".to_owned(), 0),
        ("{ syncState { unreadableResources { activity { latestSend { sendId } } } } }".to_owned(), 10),
        (r#"{ sendTotals(groupBy: DAY, zone: "ACCOUNT") { groupCount } }"#.to_owned(), 1),
        ("{ sendTotals(groupBy: CAMPAIGN, first: 7) { groups { campaign { name status } } } }".to_owned(), 0),
        ("{ sendTotals(groupBy: CAMPAIGN, first: 7) { groups { campaign { activities { id } } } } }".to_owned(), 7),
    ] {
        assert_eq!(cost(&query), calls, "{query}");
    }
}

#[test]
fn repeated_activity_costs_one_call_but_counts_all_values() {
    let ids: Vec<&str> = vec!["1"; 500];
    let field = |index: usize| {
        format!(
            "a{index}: campaignActivities(ids: $ids) {{ sendHistory {{ sendId count runDate reasonCode outcome }} }} "
        )
    };
    let fields: String = (0..11).map(field).collect();
    let query = format!("query($ids: [ID!]!) {{ {fields} }}");
    let rejected = rejected_by(&EXECUTOR, &query, json!({ "ids": ids }));
    assert_eq!(rejected.as_deref(), Some("max-answer-values"));
}

#[test]
fn introspection_depth_is_limited() {
    let cyclic =
        "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }";
    assert_eq!(
        rejected(cyclic).as_deref(),
        Some("levels of nested introspection lists")
    );
}

#[tokio::test]
async fn introspection_estimate_equals_the_result() {
    fn values(of: &async_graphql::Value) -> usize {
        match of {
            async_graphql::Value::List(items) => items.iter().map(|item| 1 + values(item)).sum(),
            async_graphql::Value::Object(object) => object.values().map(|value| 1 + values(value)).sum(),
            _ => 0,
        }
    }
    let deep = "fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { name } } } }";
    for query in [
        "{ __schema { types { name } queryType { name fields { name } } mutationType { name } } }",
        r#"{ __type(name: "Send") { name fields(includeDeprecated: true) { name args { name type { ...T } } type { ...T } } } }"#,
        r#"{ __type(name: "Node") { possibleTypes { name fields { name type { kind name } } } interfaces { name } } }"#,
        r#"{ a: __type(name: "Nothing") { name } b: __schema { directives { name locations args { name defaultValue } } } }"#,
        "{ __schema { types { ...T interfaces { name } enumValues(includeDeprecated: true) { name } inputFields { name type { ...T } } } } }",
    ] {
        let query = if query.contains("...T") {
            format!("{query} {deep}")
        } else {
            query.to_owned()
        };
        let admitted = EXECUTOR.admit(Request::new(&*query)).unwrap();
        let estimate = admitted.estimate().values;
        let response = admitted.execute().await;
        assert!(response.errors.is_empty(), "{query}: {:?}", response.errors);
        assert_eq!(estimate, values(&response.data), "{query}");
    }
}

#[test]
fn large_introspection_is_rejected() {
    let often = |count: usize| {
        let field = |index: usize| {
            format!("a{index}: __schema {{ types {{ name fields {{ name description }} }} }} ")
        };
        format!("{{ {} }}", (0..count).map(field).collect::<String>())
    };
    assert_eq!(rejected(&often(20)), None);
    assert_eq!(rejected(&often(450)).as_deref(), Some("max-answer-values"));
}

#[test]
fn invalid_variables_are_rejected_before_execution() {
    let query = "query($id: ID!, $n: Int, $ids: [ID!] = [], $filter: SendHistoryFilter) {
        campaignActivity(id: $id, maxAge: $n) { sendHistory(filter: $filter) { id } } nodes(ids: $ids) { id } }";
    let message = |variables: Value| rejected_by(&EXECUTOR, query, variables).unwrap_or_default();
    insta::assert_snapshot!(message(json!({})), @r#"The variable "$id" of type "ID!" is required, but not provided."#);
    insta::assert_snapshot!(message(json!({ "id": null })), @r#"The variable "$id" of type "ID!" must not be null."#);
    insta::assert_snapshot!(message(json!({ "id": "x", "n": "1" })), @r#"The variable "$n" of type "Int" has a value of another type: expected Int at "n"."#);
    insta::assert_snapshot!(message(json!({ "id": 1.5 })), @r#"The variable "$id" of type "ID!" has a value of another type: expected ID at "id"."#);
    insta::assert_snapshot!(message(json!({ "id": "x", "ids": ["a", null] })), @r#"The variable "$ids" of type "[ID!]" has a value of another type: expected ID!, not null, at "ids[1]"."#);
    insta::assert_snapshot!(message(json!({ "id": "x", "filter": { "reasonCodes": [1, "2"] } })), @r#"The variable "$filter" of type "SendHistoryFilter" has a value of another type: expected Int at "filter.reasonCodes[1]"."#);
    insta::assert_snapshot!(message(json!({ "id": "x", "filter": { "from": "today" } })), @r#"The variable "$filter" of type "SendHistoryFilter" has a value of another type: expected a date, time and offset such as "2026-01-31T12:00:00Z" at "filter.from"."#);
    insta::assert_snapshot!(message(json!({ "id": "x", "filter": { "nothing": 1 } })), @r#"The variable "$filter" of type "SendHistoryFilter" has a value of another type: SendHistoryFilter has no field at "filter.nothing"."#);
    assert_eq!(
        message(json!({ "id": 1, "n": 2.0, "ids": "one", "unknown": true })),
        ""
    );
}

#[test]
fn document_errors_are_single_line_messages() {
    let cases = [
        "",
        "{",
        "}",
        "{ node(id: ) { id } }",
        "{ node(id id: 1) { id } }",
        "{ __typename } }",
        "query { __typename } query { __typename }",
        "{ __typename } query B { __typename }",
        "fragment F on Query { __typename }",
        "{ ...F ...F } fragment F on Query { __typename } fragment F on Query { __typename }",
        "query A { __typename } query A { __typename }",
        "{ nothing }",
        "{ __typename \u{1} }",
        "{ a\n  b:\n}",
        "{ ...on }",
        "query($a: Int = $b) { __typename }",
        "{ node(id: \"\\q\") { id } }",
        "{ node(id: \"x) { id } }",
        "{ ü }",
        "mutation { __typename }",
        "subscription { __typename }",
    ];
    let message: Vec<String> = cases
        .iter()
        .map(|query| format!("{query:?}: {}", rejected(query).unwrap_or_default()))
        .collect();
    insta::assert_snapshot!(message.join("\n"), @r#"
    "": Syntax error: Unexpected <EOF>.
    "{": Syntax error: expected at least one Selection in Selection Set.
    "}": Syntax error: expected a StringValue, Name or OperationDefinition.
    "{ node(id: ) { id } }": Syntax error: expected a valid Value.
    "{ node(id id: 1) { id } }": Syntax error: an argument, a type or a value is incomplete.
    "{ __typename } }": Syntax error: expected a StringValue, Name or OperationDefinition.
    "query { __typename } query { __typename }": Anonymous operation cannot be selected when the document contains other operations. Anonymous operation cannot be selected when the document contains other operations.
    "{ __typename } query B { __typename }": Anonymous operation cannot be selected when the document contains other operations.
    "fragment F on Query { __typename }": Fragment `F` must be used in an operation.
    "{ ...F ...F } fragment F on Query { __typename } fragment F on Query { __typename }": The fragment `F` is defined multiple times in the document.
    "query A { __typename } query A { __typename }": The operation `A` is defined multiple times in the document.
    "{ nothing }": Type `Query` does not have a field `nothing`.
    "{ __typename \u{1} }": Syntax error: Unexpected character "\u{1}".
    "{ a\n  b:\n}": Syntax error: expected a Name.
    "{ ...on }": Syntax error: expected a Name in Type Condition.
    "query($a: Int = $b) { __typename }": Syntax error: unexpected variable value in a Const context.
    "{ node(id: \"\\q\") { id } }": Syntax error: unexpected escaped character.
    "{ node(id: \"x) { id } }": Syntax error: unterminated string value.
    "{ ü }": Syntax error: Unexpected character "ü".
    "mutation { __typename }": The schema has no mutations; send a query.
    "subscription { __typename }": `subscription` root operation type is not defined.
    "#);
}

#[test]
fn operation_is_selected_by_name() {
    let chosen = |query: &str, name: Option<&str>| {
        let mut request = Request::new(query);
        request.operation_name = name.map(str::to_owned);
        EXECUTOR
            .admit(request)
            .map(|admitted| admitted.name().map(str::to_owned))
            .map_err(|rejected| rejected.message())
    };
    let two = "query A { __typename } query B { __typename }";
    assert_eq!(chosen(two, Some("B")), Ok(Some("B".to_owned())));
    assert_eq!(chosen("query A { __typename }", None), Ok(Some("A".to_owned())));
    insta::assert_snapshot!(chosen(two, None).unwrap_err(), @r#"The document has several operations; name one of them in "operationName"."#);
    insta::assert_snapshot!(chosen(two, Some("C")).unwrap_err(), @r#"The document has no operation named "C"."#);
    insta::assert_snapshot!(chosen("{ __typename }", Some(&"long".repeat(100))).unwrap_err(), @r#"The document has no operation named "longlonglonglonglonglonglonglonglonglonglonglonglonglonglong"."#);
}

#[test]
fn conflicting_lists_are_rejected_for_any_variables_and_operation() {
    let skipped = r#"query ($s: Boolean!) {
        campaignActivities(ids: ["a"]) { id }
        campaignActivities(ids: ["a", "b"]) @skip(if: $s) { id }
    }"#;
    for s in [true, false] {
        let rejected = rejected_by(&EXECUTOR, skipped, json!({ "s": s })).unwrap();
        assert!(rejected.contains("conflicting field arguments"), "{rejected}");
    }
    let other = r#"query X { campaignActivities(ids: ["a"]) { id } campaignActivities(ids: ["a", "b"]) { id } }
        query Y { reasonCodes { code } }"#;
    let rejected = EXECUTOR
        .admit(Request::new(other).operation_name("Y"))
        .err()
        .unwrap();
    assert!(rejected.message().contains("conflicting field arguments"));
}

#[tokio::test]
async fn integer_literals_of_ids_keep_all_their_digits() {
    for digits in ["10000000000000000000", "99999999999999999999", "-0"] {
        let by_literal = format!("{{ campaignActivity(id: {digits}) {{ id }} }}");
        let by_default = format!("query ($id: ID! = {digits}) {{ campaignActivity(id: $id) {{ id }} }}");
        for query in [by_literal, by_default] {
            let response = EXECUTOR.execute(Request::new(&query)).await;
            let message = &response.errors[0].message;
            assert!(message.contains(&format!("\"{digits}\"")), "{query}: {message}");
        }
    }
    let list = r#"{ campaignActivities(ids: ["1ead98be-dfa0-4e04-81f7-5f1534d42e9c", 99999999999999999999]) { id } }"#;
    let response = EXECUTOR.execute(Request::new(list)).await;
    let data = response.data.into_json().unwrap();
    assert_eq!(
        data["campaignActivities"][0]["id"],
        "1ead98be-dfa0-4e04-81f7-5f1534d42e9c"
    );
    assert_eq!(data["campaignActivities"][1], Value::Null);
}
