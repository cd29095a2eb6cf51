//! Relative links of the documents.

use super::documents;

fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let letters = text
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    letters
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

#[test]
fn documented_links_lead_to_files_and_headings() {
    let mut links = 0;
    for document in documents() {
        let targets = document
            .text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("http")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = match file {
                "" => document.path.clone(),
                file => document.path.parent().unwrap().join(file),
            };
            let at = format!("{}: {target}", document.path.display());
            assert!(path.exists(), "{at}");
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&path).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(headings.map(anchor).any(|found| found == heading), "{at}");
            }
            links += 1;
        }
    }
    assert!(links > 20, "{links}");
}
