//! Login against the sandbox, as documented in `operations.md`.

use sends_end_to_end::run;

use super::{SandboxProcess, ServiceProcess, arguments, repository_root};

#[tokio::test]
async fn login_against_the_sandbox_by_the_guides_commands_serves_its_campaigns() {
    let guide =
        std::fs::read_to_string(repository_root().join("crates/sends-graphql/docs/operations.md")).unwrap();
    let (_, section) = guide.split_once("### Login against the sandbox").unwrap();
    let lines: Vec<_> = section
        .split("\n```")
        .skip(1)
        .step_by(2)
        .take(2)
        .flat_map(str::lines)
        .collect();

    let start = lines
        .iter()
        .find_map(|line| line.split_once("-p sends-sandbox -- "));
    let options: Vec<_> = start.unwrap().1.split_whitespace().collect();
    let sandbox = SandboxProcess::start(&options);
    let origin = sandbox.api_url().trim_end_matches("/v3").to_owned();
    let here = |text: &str| text.replace("http://127.0.0.1:8081", &origin);

    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let exports: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| {
            (
                name,
                if name == "SENDS_STATE_DIR" {
                    state.to_owned()
                } else {
                    here(value)
                },
            )
        })
        .collect();
    let environment: Vec<_> = exports
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();

    let commands: Vec<Vec<_>> = lines
        .iter()
        .filter_map(|line| arguments(line))
        .map(|words| words.into_iter().map(here).collect())
        .collect();
    let names: Vec<_> = commands.iter().map(|words| words[0].as_str()).collect();
    assert_eq!(names, ["login", "status", "serve"]);
    for words in &commands[..2] {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let finished = run(&words, &environment);
        assert!(
            finished.status == Some(0),
            "{words:?}: {} {}",
            finished.output,
            finished.errors
        );
    }
    let words: Vec<_> = commands[2].iter().map(String::as_str).collect();
    let service = ServiceProcess::start(&words, &environment);
    let response = service.query("{ campaigns(first: 1) { nodes { name } } }").await;
    assert!(
        response["data"]["campaigns"]["nodes"][0]["name"].is_string(),
        "{response}"
    );
}
