//! Runs the commands, queries and links of README.md, the guides and the crates' READMEs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sends_end_to_end::{GUIDE_ACTIVITY, Program, SandboxProcess, ServiceProcess, http_client};
use serde_json::Value;

use crate::shown::assert_shows_something;

mod backup;
mod container;
mod links;
mod login;

struct Document {
    path: PathBuf,
    text: String,
}

fn repository_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn documents() -> Vec<Document> {
    let markdown = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
    };
    let mut paths: Vec<_> = markdown(repository_root().to_owned())
        .chain(markdown(repository_root().join(".github")))
        .collect();
    for package in std::fs::read_dir(repository_root().join("crates")).unwrap() {
        let package = package.unwrap().path();
        paths.extend(markdown(package.join("docs")).chain(markdown(package)));
    }
    paths.sort();
    let read = |path: PathBuf| Document {
        text: std::fs::read_to_string(&path).unwrap(),
        path,
    };
    let documents: Vec<_> = paths.into_iter().map(read).collect();
    assert!(documents.len() > 10, "{}", documents.len());
    documents
}

impl Document {
    fn blocks(&self, languages: &[&str]) -> Vec<(&str, &str)> {
        let fenced = self.text.split("\n```").skip(1).step_by(2);
        fenced
            .filter_map(|block| block.split_once('\n'))
            .filter(|(language, _)| languages.contains(language))
            .collect()
    }

    fn spans(&self) -> Vec<&str> {
        let prose = self.text.split("\n```").step_by(2);
        prose
            .flat_map(|prose| prose.split('`').skip(1).step_by(2))
            .collect()
    }

    /// Returns the arguments of each `sends-graphql` command in the shell blocks, excluding comments and redirections.
    fn commands(&self) -> Vec<Vec<&str>> {
        let blocks = self.blocks(&["sh"]);
        let lines = blocks.iter().flat_map(|(_, block)| block.lines());
        lines.filter_map(arguments).collect()
    }
}

fn arguments(line: &str) -> Option<Vec<&str>> {
    let ways = ["sends-graphql", "./target/release/sends-graphql"];
    let words = line.split(['#', '>']).next()?;
    let words = match words.split_once("-p sends-graphql -- ") {
        Some((cargo, words)) if cargo.starts_with("cargo run") => words,
        _ => ways
            .iter()
            .find_map(|way| words.strip_prefix(way)?.strip_prefix(' '))?,
    };
    Some(words.split_whitespace().collect())
}

#[tokio::test]
async fn documented_queries_return_sandbox_data_and_the_documented_responses() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let (mut queries, mut answers) = (0, 0);
    for document in documents() {
        let blocks = document.blocks(&["graphql", "json"]);
        for (place, (language, query)) in blocks.iter().enumerate() {
            if *language != "graphql" {
                continue;
            }
            queries += 1;
            let response = service.query(query).await;
            assert_shows_something(query, &response);
            let message = blocks.get(place + 1).filter(|(language, _)| *language == "json");
            let message: Option<Value> = message.and_then(|(_, message)| serde_json::from_str(message).ok());
            if let Some(data) = message.and_then(|message| message.get("data").cloned()) {
                answers += 1;
                assert_eq!(response["data"], data, "{query}");
            }
        }
    }
    assert!(queries >= 2 && answers >= 1, "{queries} {answers}");
}

#[tokio::test]
async fn documented_curl_commands_succeed() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let sandbox = SandboxProcess::start(&[]);
    let sandbox_origin = sandbox.api_url().trim_end_matches("/v3").to_owned();
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    let documents = documents();
    let blocks = documents.iter().flat_map(|document| document.blocks(&["sh"]));
    let lines: Vec<_> = blocks.filter(|(_, text)| text.starts_with("curl ")).collect();
    assert!(lines.len() >= 3, "{lines:?}");
    for (_, line) in lines {
        let line = line
            .replace("http://127.0.0.1:8080", service.origin())
            .replace("http://127.0.0.1:8081", &sandbox_origin);
        let response: Value = if has_curl {
            let line = format!("{line} --silent --noproxy '*'");
            let output = Command::new("sh").args(["-c", &line]).output().unwrap();
            serde_json::from_slice(&output.stdout).unwrap()
        } else {
            request_of(&line).send().await.unwrap().json().await.unwrap()
        };
        assert!(response.get("errors").is_none(), "{line}\n{response}");
        let shown = response
            .pointer("/data/campaigns/nodes/0/name")
            .or(response.pointer("/0/run_date"));
        assert!(shown.is_some_and(Value::is_string), "{line}\n{response}");
    }
}

/// Converts a curl command to a request, because a machine may not have curl.
fn request_of(line: &str) -> reqwest::RequestBuilder {
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .unwrap();
    let quoted: Vec<_> = line.split('\'').skip(1).step_by(2).collect();
    let (name, value) = quoted[0].split_once(": ").unwrap();
    let request = match (line.contains(" -G "), quoted.get(1)) {
        (true, Some(query)) => http_client().get(url).query(&[query.split_once('=').unwrap()]),
        (false, Some(body)) => http_client().post(url).body((*body).to_owned()),
        (_, None) => http_client().get(url),
    };
    request.header(name, value)
}

#[test]
fn documented_commands_print_sandbox_data() {
    let folder = tempfile::tempdir().unwrap();
    let documents = documents();
    let commands: Vec<_> = documents
        .iter()
        .flat_map(Document::commands)
        .filter(|words| words.contains(&"--sandbox") && !words[0].starts_with("--") || words[0] == "schema")
        .collect();
    for command in ["history", "export", "sync", "schema"] {
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
            Some(place) => std::fs::read_to_string(folder.path().join(words[place + 1])).unwrap(),
            None => String::from_utf8(ran.stdout).unwrap(),
        };
        assert!(printed.lines().count() > 1, "{words:?}: {printed:?}");
    }
}

#[tokio::test]
async fn documented_services_start_and_respond() {
    let documents = documents();
    let services: BTreeSet<_> = documents
        .iter()
        .flat_map(Document::commands)
        .filter(|words| words[0] == "--sandbox")
        .collect();
    assert!(services.len() >= 2, "{services:?}");
    for words in services {
        let response = ServiceProcess::start(&words, &[]).query("{ __typename }").await;
        assert_eq!(response["data"]["__typename"], "Query", "{words:?}");
    }
}

#[test]
fn documented_commands_and_options_exist() {
    let service = |words: &[&str]| Program::Service.command().args(words).output().unwrap();
    let mut options = String::new();
    for name in [
        "serve",
        "history",
        "failures",
        "export",
        "login",
        "logout",
        "status",
        "sync",
        "rebuild-store",
        "schema",
    ] {
        options += &String::from_utf8(service(&[name, "--help"]).stdout).unwrap();
    }
    let sandbox = Program::Sandbox.command().arg("--help").output().unwrap();
    options += &String::from_utf8(sandbox.stdout).unwrap();
    // These are options of cargo and of the benchmark.
    options += " --brief --features --help --output ";
    let exists = |option: &str| {
        options
            .split(|letter: char| letter.is_whitespace() || letter == ',')
            .any(|word| word == option)
    };
    let mut commands = 0;
    for document in documents() {
        let spans = document.spans();
        let inline = spans.iter().filter_map(|span| arguments(span));
        for mut words in inline.chain(document.commands()) {
            // The words before `--help` are checked, but the command is not run.
            words.push("--help");
            let ran = service(&words);
            assert!(ran.status.success(), "{}: {words:?}", document.path.display());
            commands += 1;
        }
        for span in spans {
            let option = span.split([' ', '=']).next().unwrap();
            if option.starts_with("--") && option.len() > 2 {
                assert!(exists(option), "{}: {option}", document.path.display());
            }
        }
    }
    assert!(commands > 10, "{commands}");
}

#[test]
fn explain_example_of_the_core_readme_explains_a_saved_history() {
    let line = "cargo run -q -p sends-core --example explain < history.json";
    let readme = std::fs::read_to_string(repository_root().join("crates/sends-core/README.md")).unwrap();
    assert!(readme.contains(line), "{readme}");
    let start = readme.find("from_json(br#\"").unwrap() + "from_json(br#\"".len();
    let (history, _) = readme[start..].split_once("\"#").unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("history.json"), history).unwrap();
    let build = escargot::CargoBuild::new().arg("--workspace").test("end_to_end");
    let build = build.example("explain").current_release().run().unwrap();
    let ran = build
        .command()
        .stdin(std::fs::File::open(folder.path().join("history.json")).unwrap())
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert!(
        ran.status.success() && printed.contains("Check the list"),
        "{printed}"
    );
}
