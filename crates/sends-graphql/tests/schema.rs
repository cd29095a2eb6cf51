//! The published schema: `schema.graphql`, descriptions, error codes and conventions.

use std::path::Path;

use async_graphql::Request;
use sends_client::{Pacer, pacing::Limits};
use sends_graphql::{
    execution::validation::Types,
    schema::{self, ErrorCode},
};
use serde_json::{Value, json};

#[test]
fn the_schema_file_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema.graphql");
    let file = std::fs::read_to_string(path).expect("schema.graphql is at the top of the workspace");
    assert!(
        file == schema::sdl(),
        "schema.graphql differs from the code; `just schema` writes it"
    );
}

#[test]
fn the_subgraph_is_the_same_schema_with_the_directives_of_a_federation() {
    let subgraph = schema::subgraph_sdl();
    let (types, link) = subgraph.split_once("extend schema @link(").expect("a link");
    assert!(link.contains("https://specs.apollo.dev/federation/v2."), "{link}");
    let plain = types
        .replace(
            r#"type CampaignActivity implements Node @key(fields: "id") {"#,
            "type CampaignActivity implements Node {",
        )
        .replace("type PageInfo @shareable {", "type PageInfo {");
    assert_eq!(format!("{plain}schema {{\n\tquery: Query\n}}\n"), schema::sdl());
}

#[test]
fn schema_sdl_is_valid() {
    for is_subgraph in [false, true] {
        let schema = schema::Schema::new(is_subgraph, Pacer::in_memory(Limits::NONE));
        let types = Types::of(&schema.sdl());
        let schema = types.schema().clone().into_inner();
        assert!(schema.validate().is_ok(), "subgraph: {is_subgraph}");
    }
}

#[tokio::test]
async fn everything_in_the_schema_is_described() {
    let plain = schema::schema().finish().execute(Request::new(EVERYTHING)).await;
    let subgraph = schema::subgraph()
        .finish()
        .execute(Request::new(EVERYTHING))
        .await;
    for answer in [plain, subgraph] {
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        check_descriptions(&answer.data.into_json().expect("JSON"));
    }
}

#[tokio::test]
async fn every_date_takes_a_time_zone() {
    const DATES: &str = "{ __schema { types { name fields { name type { name ofType { name } } args { name defaultValue } } } } }";
    let answer = schema::schema().finish().execute(Request::new(DATES)).await;
    let answer = answer.data.into_json().expect("JSON");
    let mut dates = 0;
    for object in answer["__schema"]["types"].as_array().expect("types") {
        for field in object["fields"].as_array().into_iter().flatten() {
            let name = format!("{}.{}", object["name"], field["name"]);
            // A date that cannot be shown is null, so no date is non-null.
            assert_ne!(field["type"]["ofType"]["name"], "DateTime", "{name}");
            if field["type"]["name"] == "DateTime" {
                let zone = json!({ "name": "zone", "defaultValue": "\"UTC\"" });
                assert_eq!(field["args"], json!([zone]), "{name}");
                dates += 1;
            }
        }
    }
    assert!(dates > 20, "only {dates} dates were looked at");
}

#[test]
fn documented_error_codes_are_those_of_the_service() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let text = std::fs::read_to_string(path).expect("docs/errors.md");
    let (_, table) = text.split_once("| code | meaning |").expect("the table of codes");
    let (table, _) = table
        .trim_start()
        .split_once("\n\n")
        .expect("the end of the table");
    let documented = table
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split('`').next());
    let documented: Vec<&str> = documented.collect();
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, codes);
}

#[tokio::test]
async fn causes_have_the_names_of_error_codes() {
    let query = r#"{ stale: __type(name: "StaleReason") { enumValues { name } }
                     pause: __type(name: "PauseReason") { enumValues { name } } }"#;
    let answer = schema::schema().finish().execute(Request::new(query)).await;
    let answer = answer.data.into_json().expect("JSON");
    for (name, least) in [("stale", 4), ("pause", 2)] {
        let values = answer[name]["enumValues"].as_array().expect("values");
        assert!(values.len() >= least, "{answer}");
        for value in values {
            let is_code = |code: &&ErrorCode| value["name"] == code.as_str();
            assert!(ErrorCode::ALL.iter().any(|code| is_code(&code)), "{value}");
        }
    }
}

#[test]
fn descriptions_hold_no_command_lines() {
    let sdl = schema::sdl();
    for text in ["sends-graphql", " --", "`sync`", "`serve`"] {
        assert!(!sdl.contains(text), "{text}");
    }
}

const EVERYTHING: &str = "{ __schema { types { name kind description
        fields(includeDeprecated: true) { name description args(includeDeprecated: true) { name description } }
        inputFields(includeDeprecated: true) { name description }
        enumValues(includeDeprecated: true) { name description } } } }";

fn check_descriptions(answer: &Value) {
    let types = answer["__schema"]["types"].as_array().expect("types");

    let mut seen = 0;
    let mut undescribed = Vec::new();
    for described in types.iter().filter(|one| is_ours(one)) {
        walk(described, "", &mut seen, &mut undescribed);
    }
    assert_eq!(undescribed, Vec::<String>::new());
    assert!(seen > 80, "only {seen} places were looked at");
}

/// The specification's own types are described by the library, or not at all.
fn is_ours(described: &Value) -> bool {
    let name = described["name"].as_str().expect("a name");
    !name.starts_with("__") && !["Boolean", "Float", "ID", "Int", "String"].contains(&name)
}

fn walk(place: &Value, above: &str, seen: &mut usize, undescribed: &mut Vec<String>) {
    let name = format!("{above}{}", place["name"].as_str().expect("a name"));
    *seen += 1;
    if place["description"]
        .as_str()
        .is_none_or(|description| description.trim().is_empty())
    {
        undescribed.push(name.clone());
    }
    for below in ["fields", "args", "inputFields", "enumValues"] {
        for one in place[below].as_array().into_iter().flatten() {
            walk(one, &format!("{name}."), seen, undescribed);
        }
    }
}
