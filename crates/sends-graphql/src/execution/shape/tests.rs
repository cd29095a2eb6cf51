use async_graphql::parser::parse_query;

use super::*;

const ONE: &str = "11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const OTHER: &str = "22222222-BBBB-4bbb-8bbb-bbbbbbbbbbbb";

fn shape(text: &str) -> Shape<'_> {
    Shape::of(text).unwrap()
}

/// Whether a text is told by its shape: filled with its ids, any document of that shape is its own.
fn is_told(text: &str) -> bool {
    shape(text).is_of(&mut parse_query(text).unwrap())
}

#[test]
fn texts_that_differ_in_their_ids_have_one_shape_and_fill_each_others_documents() {
    let text = |one: &str, other: &str| {
        format!(
            r#"query A {{ a(id: "{one}", n: 1) {{ ...F }} b(ids: ["{other}", "x", "{one}"], o: {{ id: "{other}" }}) }}
               query B {{ a(id: "{other}") {{ ... on T {{ c(id: "{one}") }} }} }}
               fragment F on T {{ d(id: "{one}", text: "{ONE}x") }}"#
        )
    };
    let (here, there) = (text(ONE, OTHER), text(OTHER, ONE));
    assert_eq!(shape(&here).common, shape(&there).common);
    assert_eq!(shape(&here).ids, [ONE, OTHER]);
    assert_eq!(shape(&there).ids, [OTHER, ONE]);
    assert!(is_told(&here));

    let mut document = parse_query(&here).unwrap();
    fill(&mut document, &[ONE.into(), OTHER.into()], &shape(&there).ids);
    let texts = |document: &mut ExecutableDocument| {
        let mut texts = Vec::new();
        each_text(document, &mut |text| texts.push(text.clone()));
        // Operations come in no order.
        texts.sort();
        texts
    };
    assert_eq!(texts(&mut document), texts(&mut parse_query(&there).unwrap()));
}

#[test]
fn ids_that_are_equal_make_another_shape_than_ids_that_are_not() {
    let text = |one: &str, other: &str| format!(r#"{{ a(id: "{one}") b(id: "{other}") }}"#);
    let (equal, different) = (text(ONE, ONE), text(ONE, OTHER));
    assert_ne!(shape(&equal).common, shape(&different).common);
    assert_eq!(shape(&equal).common, shape(&text(OTHER, OTHER)).common);
}

#[test]
fn whatever_else_differs_makes_another_shape() {
    let text = format!(r#"{{ a(id: "{ONE}") {{ b }} }}"#);
    for other in [
        text.replace('b', "c"),
        text.replace(" b ", "b"),
        text.replace(ONE, "1"),
        text.replace(ONE, &ONE[1..]),
        text.replace(ONE, &format!("{ONE} ")),
        text.replace(ONE, &ONE.replace('a', "g")),
    ] {
        assert_ne!(shape(&text).common, shape(&other).common, "{other}");
    }
}

#[test]
fn a_text_with_an_id_anywhere_but_in_an_argument_is_not_told_by_its_shape() {
    assert!(is_told(&format!(r#"{{ a(id: "{ONE}") }}"#)));
    assert!(is_told(&format!(r#"{{ a(id: """{ONE}""") }}"#)));
    for text in [
        format!("{{ a(id: \"{ONE}\") }} # \"{OTHER}\""),
        format!(r#"{{ a(text: """an "{ONE}" within""") }}"#),
        format!(r#"query($id: ID = "{ONE}") {{ a(id: $id) }}"#),
        format!(r#"{{ a @skip(if: "{ONE}") }}"#),
    ] {
        assert!(!is_told(&text), "{text}");
    }
}

#[test]
fn a_text_that_could_deceive_is_its_own_shape_or_has_none() {
    let escaped = format!(r#"{{ a(id: "{ONE}", text: "\u0041") }}"#);
    assert_eq!(shape(&escaped).common, escaped);
    assert!(is_told(&escaped));
    let field = |number| format!(r#"a(id: "{number:08}-0000-0000-0000-000000000000")"#);
    let many = (0..=MOST_IDS).map(field).collect::<Vec<_>>().join(" ");
    assert_eq!(shape(&many).common, many);
    let marked = shape(&format!(r#"{{ a(id: "{ONE}") }}"#)).common.into_owned();
    assert!(Shape::of(&marked).is_none());
}
