//! Parameters of a GraphQL request, parsed from the body of a POST request or the query string of a GET request.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::rejection::Rejection;

const EXAMPLE_BODY: &str = r#"{"query": "{ __typename }"}"#;

/// Parameters with validated types. Null is equivalent to absent.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parameters {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Map<String, Value>,
    pub extensions: Map<String, Value>,
    /// Id of a trusted document.
    pub document_id: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Requests {
    Single(Box<Parameters>),
    Batch(Vec<Parameters>),
}

impl Requests {
    pub(super) fn from_body(body: &[u8], batch_limit: usize, max_values: usize) -> Result<Self, Rejection> {
        if body.trim_ascii().is_empty() {
            return Err(Rejection::malformed(format!(
                "The body is empty; send an object such as {EXAMPLE_BODY}."
            )));
        }
        if value_count(body) > max_values {
            return Err(Rejection::malformed(format!(
                "The body has more than {max_values} values; send fewer values in the variables."
            )));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self::Single(Box::new(Parameters::from_members(members)?))),
            Ok(Value::Array(requests)) => Self::from_batch(requests, batch_limit),
            Ok(other) => Err(Rejection::malformed(format!(
                "The body is JSON, but {} and not an object; send {EXAMPLE_BODY}.",
                kind(&other)
            ))),
            Err(error) => Err(Rejection::malformed(format!(
                "The body is not JSON: there is an error in line {}, column {}; send an object such as {EXAMPLE_BODY}.",
                error.line(),
                error.column()
            ))),
        }
    }

    fn from_batch(requests: Vec<Value>, limit: usize) -> Result<Self, Rejection> {
        if limit <= 1 {
            return Err(Rejection::malformed(
                "Batches are not accepted; send one operation at a time.",
            ));
        }
        if requests.is_empty() || requests.len() > limit {
            return Err(Rejection::malformed(format!(
                "A batch must contain 1 to {limit} operations."
            )));
        }
        let requests = requests.into_iter().map(|request| match request {
            Value::Object(members) => Parameters::from_members(members),
            _ => Err(Rejection::malformed(
                "Every element of a batch must be a JSON object.",
            )),
        });
        requests.collect::<Result<_, _>>().map(Self::Batch)
    }
}

impl Parameters {
    fn from_members(mut members: Map<String, Value>) -> Result<Self, Rejection> {
        let mut take = |name: &str| members.remove(name).filter(|value| !value.is_null());
        Ok(Self {
            query: take("query").map(|value| string("query", value)).transpose()?,
            operation_name: take("operationName")
                .map(|value| string("operationName", value))
                .transpose()?,
            variables: take("variables")
                .map_or_else(|| Ok(Map::new()), |value| object("variables", value))?,
            extensions: take("extensions")
                .map_or_else(|| Ok(Map::new()), |value| object("extensions", value))?,
            document_id: take("documentId")
                .map(|value| string("documentId", value))
                .transpose()?,
        })
    }

    /// Parses the query string of a URL. Rejects repeated parameters.
    pub(super) fn from_query_string(query: &str) -> Result<Self, Rejection> {
        let mut members = Map::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = match &*name {
                "variables" | "extensions" | "operationName" if value.is_empty() => Value::Null,
                "variables" | "extensions" => serde_json::from_str(&value)
                    .map_err(|_| Rejection::malformed(format!("\"{name}\" is not a JSON object.")))?,
                "query" | "operationName" | "documentId" => Value::String(value.into_owned()),
                _ => continue,
            };
            if members.insert(name.to_string(), value).is_some() {
                return Err(Rejection::malformed(format!(
                    "\"{name}\" is specified more than once."
                )));
            }
        }
        Self::from_members(members)
    }
}

/// Counts the values in a JSON text, including nested values. A megabyte can contain half a million values, each of which takes
/// far more memory after parsing than its text.
fn value_count(json: &[u8]) -> usize {
    let (mut count, mut is_in_string, mut is_escaped, mut is_opened) = (1, false, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            _ if is_in_string => {}
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b',' | b'[' | b'{' => count += 1,
            // The opening bracket counted a first element, which an empty list or object lacks.
            b']' | b'}' if is_opened => count -= 1,
            _ => {}
        }
        is_opened = !is_in_string && matches!(byte, b'[' | b'{');
    }
    count
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn string(name: &str, value: Value) -> Result<String, Rejection> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Rejection::malformed(format!("\"{name}\" must be a string."))),
    }
}

fn object(name: &str, value: Value) -> Result<Map<String, Value>, Rejection> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Rejection::malformed(format!("\"{name}\" must be a JSON object."))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(rejection: Rejection) -> String {
        rejection.into_errors().remove(0).message
    }

    #[test]
    fn null_is_equivalent_to_absent() {
        for body in [
            r#"{"query":"{a}"}"#,
            r#" {"query":"{a}","operationName":null,"variables":null,"extensions":null,"documentId":null,"more":1} "#,
        ] {
            let Requests::Single(read) = Requests::from_body(body.as_bytes(), 1, 1_000).unwrap() else {
                panic!("expected a single request: {body}");
            };
            let expected = Parameters {
                query: Some("{a}".into()),
                ..Parameters::default()
            };
            assert_eq!(*read, expected, "{body}");
        }
    }

    #[test]
    fn values_are_counted_exactly() {
        for (json, count) in [
            ("1", 1),
            ("[]", 1),
            (" { \n } ", 1),
            ("[1]", 2),
            (r#"{"query":"{a}","variables":{"a":[[],[ ],{}]}}"#, 7),
            (r#"["[{,\"", "\\", []]"#, 4),
        ] {
            assert_eq!(value_count(json.as_bytes()), count, "{json}");
        }
    }

    #[test]
    fn error_names_the_parameter_of_the_wrong_type() {
        for (name, value) in [
            ("query", json!(1)),
            ("query", json!({})),
            ("operationName", json!(["a"])),
            ("documentId", json!(false)),
            ("variables", json!("{}")),
            ("variables", json!([])),
            ("extensions", json!(0)),
        ] {
            let body = json!({ name: value }).to_string();
            let expected = message(Requests::from_body(body.as_bytes(), 1, 1_000).unwrap_err());
            assert!(
                expected.starts_with(&format!("\"{name}\" must be a")),
                "{body}: {expected}"
            );
        }
    }

    #[test]
    fn body_other_than_an_object_is_rejected() {
        for (body, expected) in [
            ("", "The body is empty"),
            (" \n", "The body is empty"),
            (
                "{\n\"a",
                "The body is not JSON: there is an error in line 2, column 2; send an object",
            ),
            ("\u{1}", "The body is not JSON"),
            (
                "3",
                "The body is JSON, but a number and not an object; send {\"query\"",
            ),
            ("[]", "Batches are not accepted"),
        ] {
            let error = message(Requests::from_body(body.as_bytes(), 1, 1_000).unwrap_err());
            assert!(error.starts_with(expected), "{body}: {error}");
        }
        assert!(Requests::from_body(b"\xff{}", 1, 1_000).is_err());
        assert!(Requests::from_body("[".repeat(100_000).as_bytes(), 9, 1_000).is_err());
    }

    #[test]
    fn nested_values_are_counted_and_string_contents_are_not() {
        for (json, count) in [
            (r#"{"a": [1, {"b": 2}], "c": "d"}"#, 6),
            (r#"{"a": "[1, \"{2,\\"}"#, 2),
            ("null", 1),
            ("[[[1, 2", 5),
        ] {
            assert_eq!(value_count(json.as_bytes()), count, "{json}");
        }
        assert!(Requests::from_body(b"{\"variables\": [1, 2]}", 1, 4).is_err());
        let error = message(Requests::from_body(b"[1, 2, 3]", 9, 3).unwrap_err());
        assert!(error.starts_with("The body has more than 3 values"), "{error}");
    }

    #[test]
    fn batch_is_accepted_up_to_the_limit() {
        let batch = |length: usize| json!(vec![json!({ "query": "{a}" }); length]).to_string();
        for (length, is_accepted) in [(0, false), (1, true), (3, true), (4, false)] {
            let read = Requests::from_body(batch(length).as_bytes(), 3, 1_000);
            assert_eq!(
                matches!(&read, Ok(Requests::Batch(requests)) if requests.len() == length),
                is_accepted,
                "{length}"
            );
        }
        assert!(Requests::from_body(b"[1]", 3, 1_000).is_err());
        assert!(Requests::from_body(b"[[]]", 3, 1_000).is_err());
    }

    #[test]
    fn query_string_provides_the_same_parameters() {
        let read = Parameters::from_query_string(
            "query=%7Ba%7D+%23&operationName=&variables=%7B%22a%22%3A1%7D&extensions=&other=1",
        );
        let expected = Parameters {
            query: Some("{a} #".into()),
            variables: json!({ "a": 1 }).as_object().unwrap().clone(),
            ..Parameters::default()
        };
        assert_eq!(read.unwrap(), expected);
        for wrong in ["query=a&query=b", "variables=x", "variables=[]", "extensions=1"] {
            assert!(Parameters::from_query_string(wrong).is_err(), "{wrong}");
        }
    }
}
