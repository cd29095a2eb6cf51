//! The README's examples, as they stand there.

use std::{path::Path, process::Command};

use sends_end_to_end::{Program, ServiceProcess, http_client};
use serde_json::Value;

use crate::shown::assert_shows_something;

const README: &str = include_str!("../../README.md");

/// The blocks of code in these languages, in order.
fn blocks<'r>(readme: &'r str, languages: &[&str]) -> Vec<(&'r str, &'r str)> {
    let fenced = readme.split("\n```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.split_once('\n'))
        .filter(|(language, _)| languages.contains(language))
        .collect()
}

#[tokio::test]
async fn every_query_of_the_readme_shows_something_in_the_sandbox_and_what_it_says() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let blocks = blocks(README, &["graphql", "json"]);
    let mut queries = 0;
    for (place, (language, query)) in blocks.iter().enumerate() {
        if *language != "graphql" {
            continue;
        }
        queries += 1;
        let answer = service.query(query).await;
        assert_shows_something(query, &answer);
        let said = blocks.get(place + 1).filter(|(language, _)| *language == "json");
        let said: Option<Value> = said.and_then(|(_, said)| serde_json::from_str(said).ok());
        if let Some(data) = said.and_then(|said| said.get("data").cloned()) {
            assert_eq!(answer["data"], data, "{query}");
        }
    }
    assert!(queries >= 3, "{queries}");
}

#[tokio::test]
async fn the_curl_line_of_the_readme_answers_in_the_sandbox() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let blocks = blocks(README, &["sh"]);
    let lines: Vec<_> = blocks.iter().filter(|(_, text)| text.contains("curl ")).collect();
    let [(_, line)] = lines[..] else {
        panic!("{lines:?}")
    };
    assert!(line.contains("127.0.0.1:8080/graphql"), "{line}");
    let answer: Value = if Command::new("curl").arg("--version").output().is_ok() {
        let line = line.replace("http://127.0.0.1:8080", service.origin());
        let line = format!("{line} --silent --noproxy '*'");
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    } else {
        let quoted: Vec<_> = line.split('\'').skip(1).step_by(2).collect();
        let [header, body] = quoted[..] else {
            panic!("{line}")
        };
        let (name, value) = header.split_once(": ").unwrap();
        let url = format!("{}/graphql", service.origin());
        let request = http_client().post(url).header(name, value).body(body.to_owned());
        request.send().await.unwrap().json().await.unwrap()
    };
    assert!(answer.get("errors").is_none(), "{answer}");
    assert!(
        answer["data"]["campaigns"]["nodes"][0]["name"].is_string(),
        "{answer}"
    );
}

#[test]
fn every_command_of_the_readme_prints_something_about_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let commands: Vec<Vec<&str>> = blocks(README, &["sh"])
        .iter()
        .flat_map(|(_, block)| block.lines())
        .filter_map(|line| line.strip_prefix("sends-graphql ")?.split(['#', '>']).next())
        .map(|command| command.split_whitespace().collect())
        .filter(|words: &Vec<&str>| words.contains(&"--sandbox"))
        .collect();
    for command in ["history", "export", "sync"] {
        assert!(commands.iter().any(|words| words[0] == command), "{command}");
    }
    for words in commands {
        let ran = Program::Service
            .command()
            .args(&words)
            .current_dir(folder.path())
            .env("SENDS_STATE_DIR", folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success(), "{words:?}: {errors}");
        assert!(!errors.contains("may be missing"), "{words:?}: {errors}");
        let output = words.iter().position(|word| *word == "--output");
        let printed = match output {
            Some(place) => std::fs::read_to_string(folder.path().join(Path::new(words[place + 1]))).unwrap(),
            None => String::from_utf8(ran.stdout).unwrap(),
        };
        assert!(printed.lines().count() > 1, "{words:?}: {printed:?}");
    }
}
