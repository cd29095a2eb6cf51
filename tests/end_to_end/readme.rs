//! The README's examples, as they stand there.

use sends_end_to_end::ServiceProcess;
use serde_json::Value;

/// The blocks of code in these languages, in order.
fn blocks<'r>(readme: &'r str, languages: &[&str]) -> Vec<(&'r str, &'r str)> {
    let fenced = readme.split("\n```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.split_once('\n'))
        .filter(|(language, _)| languages.contains(language))
        .collect()
}

#[tokio::test]
async fn every_query_of_the_readme_answers_in_the_sandbox_and_as_it_says() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let readme = include_str!("../../README.md");
    let blocks = blocks(readme, &["graphql", "json"]);
    let mut queries = 0;
    for (place, (language, query)) in blocks.iter().enumerate() {
        if *language != "graphql" {
            continue;
        }
        queries += 1;
        let answer = service.query(query).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        let said = blocks.get(place + 1).filter(|(language, _)| *language == "json");
        let said: Option<Value> = said.and_then(|(_, said)| serde_json::from_str(said).ok());
        if let Some(data) = said.and_then(|said| said.get("data").cloned()) {
            assert_eq!(answer["data"], data, "{query}");
        }
    }
    assert!(queries >= 3, "{queries}");
}
