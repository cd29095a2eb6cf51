//! Tests of the public schema: `schema.graphql`, descriptions, error codes and conventions.

use std::path::Path;

use async_graphql::Request;
use sends_client::{Pacer, pacing::Limits};
use sends_graphql::{
    execution::validation::Types,
    schema::{self, ErrorCode},
};
use serde_json::{Value, json};

#[test]
fn schema_file_matches_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema.graphql");
    let file = std::fs::read_to_string(path).expect("schema.graphql is at the top of the workspace");
    assert!(
        file == schema::sdl(),
        "schema.graphql differs from the code; `just schema` writes it"
    );
}

#[test]
fn subgraph_adds_only_federation_directives() {
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
    for response in [plain, subgraph] {
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        check_descriptions(&response.data.into_json().expect("JSON"));
    }
}

#[tokio::test]
async fn every_date_has_a_zone_argument() {
    const DATES: &str = "{ __schema { types { name fields { name type { name ofType { name } } args { name defaultValue } } } } }";
    let response = schema::schema().finish().execute(Request::new(DATES)).await;
    let response = response.data.into_json().expect("JSON");
    let mut dates = 0;
    for object in response["__schema"]["types"].as_array().expect("types") {
        for field in object["fields"].as_array().into_iter().flatten() {
            let name = format!("{}.{}", object["name"], field["name"]);
            // A date that cannot be displayed is null, so every date is nullable.
            assert_ne!(field["type"]["ofType"]["name"], "DateTime", "{name}");
            if field["type"]["name"] == "DateTime" {
                let zone = json!({ "name": "zone", "defaultValue": "\"UTC\"" });
                assert_eq!(field["args"], json!([zone]), "{name}");
                dates += 1;
            }
        }
    }
    assert!(dates > 20, "only {dates} dates were checked");
}

#[test]
fn documented_error_codes_match_the_service() {
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
async fn stale_and_pause_reasons_are_error_codes() {
    let query = r#"{ stale: __type(name: "StaleReason") { enumValues { name } }
                     pause: __type(name: "PauseReason") { enumValues { name } } }"#;
    let response = schema::schema().finish().execute(Request::new(query)).await;
    let response = response.data.into_json().expect("JSON");
    for (name, min_count) in [("stale", 4), ("pause", 2)] {
        let values = response[name]["enumValues"].as_array().expect("values");
        assert!(values.len() >= min_count, "{response}");
        for value in values {
            let is_code = |code: &&ErrorCode| value["name"] == code.as_str();
            assert!(ErrorCode::ALL.iter().any(|code| is_code(&code)), "{value}");
        }
    }
}

#[test]
fn descriptions_contain_no_command_lines() {
    let sdl = schema::sdl();
    for text in ["sends-graphql", " --", "`sync`", "`serve`"] {
        assert!(!sdl.contains(text), "{text}");
    }
}

const EVERYTHING: &str = "{ __schema { types { name kind description
        fields(includeDeprecated: true) { name description args(includeDeprecated: true) { name description } }
        inputFields(includeDeprecated: true) { name description }
        enumValues(includeDeprecated: true) { name description } } } }";

fn check_descriptions(response: &Value) {
    let types = response["__schema"]["types"].as_array().expect("types");

    let mut seen = 0;
    let mut undescribed = Vec::new();
    for described in types.iter().filter(|one| is_ours(one)) {
        walk(described, "", &mut seen, &mut undescribed);
    }
    assert_eq!(undescribed, Vec::<String>::new());
    assert!(seen > 80, "only {seen} descriptions were checked");
}

/// Returns whether the service defines the type. Types of the specification can lack a description.
fn is_ours(described: &Value) -> bool {
    let name = described["name"].as_str().expect("a name");
    !name.starts_with("__") && !["Boolean", "Float", "ID", "Int", "String"].contains(&name)
}

fn walk(element: &Value, above: &str, seen: &mut usize, undescribed: &mut Vec<String>) {
    let name = format!("{above}{}", element["name"].as_str().expect("a name"));
    *seen += 1;
    if element["description"]
        .as_str()
        .is_none_or(|description| description.trim().is_empty())
    {
        undescribed.push(name.clone());
    }
    for below in ["fields", "args", "inputFields", "enumValues"] {
        for one in element[below].as_array().into_iter().flatten() {
            walk(one, &format!("{name}."), seen, undescribed);
        }
    }
}
