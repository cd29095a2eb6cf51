use std::{cell::Cell, collections::BTreeMap};

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any},
    sample::{Index, select},
    strategy::Union,
    test_runner::{Config, TestRunner},
};

use super::*;
use crate::guard::{Limits, text};

/// Everything in a document but the order of its definitions, which it has not.
fn shown(document: &ExecutableDocument) -> String {
    let operations: BTreeMap<_, _> = document.operations.iter().collect();
    let fragments: BTreeMap<_, _> = document.fragments.iter().collect();
    let is_single = matches!(document.operations, DocumentOperations::Single(_));
    format!("{is_single} {operations:?} {fragments:?}")
}

/// Whether a text is read quickly. If it is, the library reads the same.
fn is_read_quickly(text: &str) -> bool {
    text::check(text, &Limits::default()).unwrap();
    let Some(document) = parse_quickly(text) else {
        return false;
    };
    match parse_query(text) {
        Ok(expected) => assert_eq!(shown(&document), shown(&expected), "{text}"),
        Err(error) => panic!("{error}: {text:?}"),
    }
    true
}

#[test]
fn what_callers_send_is_read_quickly() {
    let readme = include_str!("../../../../../README.md");
    let examples = readme.split("\n```graphql\n").skip(1);
    let examples = examples.filter_map(|example| Some(example.split_once("\n```")?.0));
    let tabs = [
        include_str!("../../../graphiql/tabs/budget.graphql"),
        include_str!("../../../graphiql/tabs/campaigns.graphql"),
        include_str!("../../../graphiql/tabs/failures.graphql"),
        include_str!("../../../graphiql/tabs/history.graphql"),
        include_str!("../../../graphiql/tabs/totals.graphql"),
        include_str!("../../../graphiql/tabs/several.graphql"),
    ];
    let others = [
        "{ a }",
        "{ a, b: c(d: 1, e: -1.5e3) @f(g: true) @h { i } }",
        "query { a(b: null, c: [RED, $d, \"é\"], e: { f: {}, f: [] }) }",
        "query A { a } subscription B { b } mutation C @d { c }",
        "query A($b: Int! @c(d: 1), $e: [[F!]!] = [[g]], $h: I = {j: \"k\"}) { a }",
        "{ ... on A { b } ... @c { d } ... { e } ...f @g } fragment f on\n\tA @h { i }",
        "fragment a on B { c } query d { e } fragment f on G { h }",
        "\u{feff}{ # é \"{\"\r\n a,\r\n\r b\r c(d: \"😀\", e: f)\n}#",
        "{ on true null: false query fragment type { __typename } ...onward } fragment onward on on { a }",
    ];
    for text in examples.chain(tabs).chain(others) {
        assert!(is_read_quickly(text), "{text}");
    }
}

#[test]
fn what_the_library_reads_in_another_way_is_left_to_it() {
    for text in [
        "{ a(b: nullable) }",
        "{ a(b: [trueish]) }",
        "{ a(b: falsetto) }",
        "{ ... on#\n A { b } }",
        "{ ... on # on\n A { b } }",
        "{ ...#\n on A { b } }",
        "{ ...f } fragment f on#\n A { b }",
        "query($a: [ Int ]) { b }",
        "query($a: Int !) { b }",
        "query($a: Int = 1 @b) { c }",
        r#"query("a" $b: Int) { c }"#,
        r#""a" query { b }"#,
        r#"{ ...a } "b" fragment a on C { d }"#,
        r#"{ a(b: "\u{41}") }"#,
        r#"{ a(b: "\u0041") }"#,
        r#"{ a(b: "\ud83d\ude00") }"#,
        r#"{ a(b: """c""") }"#,
        "{ a(b: 1e999) }",
        "{ a } { b }",
        "{ a } query B { c }",
        "query A { b } query A { c }",
        "{ ...a } fragment a on B { c } fragment a on B { d }",
        "fragment a on B { c }",
        "queryA { b }",
        "{ a(b: 0123) }",
        "{ a(b: 1c) }",
        "{ a(b: 1.) }",
        "query() { a }",
        "{ a($ b: 1) }",
        "{ }",
        "{ a() }",
        "",
        "type A { b: C }",
        "{ a \u{0} b }",
        "{ a\u{c}b }",
        "{ a \u{a0} b }",
    ] {
        assert!(!is_read_quickly(text), "{text}");
    }
}

/// Names that mean something somewhere, or begin like one that does.
const NAMES: [&str; 14] = [
    "a", "b", "c", "_D9", "on", "one", "true", "trueB", "null", "nullable", "query", "fragment", "type",
    "falsE",
];

/// What may stand between two words, or should not.
const BETWEEN: [&str; 16] = [
    " ",
    " ",
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    ",",
    "\u{feff}",
    " #\"\u{e9}{\n",
    "#\r ",
    "",
    "\u{b}",
];

const SCALARS: [&str; 16] = [
    "1",
    "-0",
    "0.5",
    "-1.5E+30",
    "1e400",
    "99999999999999999999",
    "01",
    "1.",
    "\"\"",
    "\"é😀\"",
    "\"a#b\"",
    "\"\\n\"",
    "\"\\u00e9\"",
    "\"\"\" a\n  b\"\"\"",
    "$a",
    "\"\t\u{1}\"",
];

/// One that is not a part of any document, most of the time.
const ODD: [&str; 20] = [
    "{", "}", "(", ")", "[", "]", ":", "=", "!", "@", "$", "...", "...on", "&", "|", "\"\"", "1", "a", "on",
    "-",
];

/// The words of a document, each part a list of its own.
type Words = Vec<String>;

fn words(parts: impl IntoIterator<Item = Words>) -> Words {
    parts.into_iter().flatten().collect()
}

fn word(word: &str) -> Words {
    vec![word.to_owned()]
}

fn name() -> impl Strategy<Value = Words> + Clone {
    select(&NAMES[..]).prop_map(word)
}

fn value() -> impl Strategy<Value = Words> + Clone {
    let leaf = Union::new([select(&SCALARS[..]).boxed(), select(&NAMES[..]).boxed()]).prop_map(word);
    leaf.prop_recursive(3, 12, 3, |value| {
        let list = vec(value.clone(), 0..3).prop_map(|items| words([word("["), words(items), word("]")]));
        let field = (name(), value).prop_map(|(name, value)| words([name, word(":"), value]));
        let object = vec(field, 0..3).prop_map(|fields| words([word("{"), words(fields), word("}")]));
        Union::new([list.boxed(), object.boxed()])
    })
}

fn arguments() -> impl Strategy<Value = Words> + Clone {
    let argument = (name(), value()).prop_map(|(name, value)| words([name, word(":"), value]));
    maybe(vec(argument, 1..3).prop_map(|arguments| words([word("("), words(arguments), word(")")])))
}

fn directives() -> impl Strategy<Value = Words> + Clone {
    let directive = (name(), arguments()).prop_map(|(name, arguments)| words([word("@"), name, arguments]));
    maybe(vec(directive, 1..3).prop_map(words))
}

fn maybe(part: impl Strategy<Value = Words> + Clone + 'static) -> impl Strategy<Value = Words> + Clone {
    Union::new_weighted(vec![(3, Just(Words::new()).boxed()), (1, part.boxed())])
}

fn selection_set() -> impl Strategy<Value = Words> + Clone {
    let set = |items: Vec<Words>| words([word("{"), words(items), word("}")]);
    let leaf = vec(name(), 1..3).prop_map(set);
    leaf.prop_recursive(3, 12, 3, move |set_below| {
        let alias = maybe(name().prop_map(|name| words([name, word(":")])));
        let below = maybe(set_below.clone());
        let field = (alias, name(), arguments(), directives(), below).prop_map(
            |(alias, name, arguments, directives, set)| words([alias, name, arguments, directives, set]),
        );
        let spread =
            (name(), directives()).prop_map(|(name, directives)| words([word("..."), name, directives]));
        let on = maybe(name().prop_map(|name| words([word("on"), name])));
        let inline = (on, directives(), set_below)
            .prop_map(|(on, directives, set)| words([word("..."), on, directives, set]));
        let selection =
            Union::new_weighted(vec![(3, field.boxed()), (1, spread.boxed()), (1, inline.boxed())]);
        vec(selection, 1..4).prop_map(set)
    })
}

fn variables() -> impl Strategy<Value = Words> + Clone {
    let variable_type = select(&["A", "B!", "[C!]", "[[D]!]!", "[E", "F !"][..]).prop_map(word);
    let default = maybe(value().prop_map(|value| words([word("="), value])));
    let variable = (name(), variable_type, default, directives());
    let variable = variable.prop_map(|(name, variable_type, default, directives)| {
        let name = word(&format!("${}", name.concat()));
        words([name, word(":"), variable_type, default, directives])
    });
    maybe(vec(variable, 1..3).prop_map(|variables| words([word("("), words(variables), word(")")])))
}

fn definition() -> impl Strategy<Value = Words> {
    let kind = select(&["query", "query", "mutation", "subscription", "\"a\" query"][..]).prop_map(word);
    let named = (kind, maybe(name()), variables(), directives(), selection_set())
        .prop_map(|(kind, name, variables, directives, set)| words([kind, name, variables, directives, set]));
    let fragment = (name(), name(), directives(), selection_set()).prop_map(|(name, on, directives, set)| {
        words([word("fragment"), name, word("on"), on, directives, set])
    });
    Union::new_weighted(vec![
        (2, selection_set().boxed()),
        (2, named.boxed()),
        (1, fragment.boxed()),
    ])
}

/// A document, or what is left of one when up to two words were changed.
fn document() -> impl Strategy<Value = String> {
    let changes = vec((any::<Index>(), select(&ODD[..])), 0..3);
    let definitions = vec(definition(), 1..4).prop_map(words);
    let between = vec(select(&BETWEEN[..]), 1..9);
    (
        definitions,
        Union::new_weighted(vec![(1, changes.boxed()), (2, Just(Vec::new()).boxed())]),
        between,
    )
        .prop_map(|(mut words, changes, between)| {
            for (place, odd) in changes {
                let place = place.index(words.len());
                odd.clone_into(&mut words[place]);
            }
            let words = words.iter().zip(between.iter().cycle());
            let pieces = words.flat_map(|(word, between)| [word.as_str(), between]);
            pieces.collect()
        })
}

#[test]
fn whatever_is_read_quickly_the_library_reads_in_the_same_way() {
    let quickly = Cell::new(0_u32);
    let cases = 4_000;
    let mut runner = TestRunner::new(Config::with_cases(cases));
    let run = runner.run(&document(), |text| {
        let is_safe = text::check(&text, &Limits::default()).is_ok();
        quickly.set(quickly.get() + u32::from(is_safe && is_read_quickly(&text)));
        Ok(())
    });
    run.unwrap();
    assert!(quickly.get() > cases / 10, "{quickly:?}");
}
