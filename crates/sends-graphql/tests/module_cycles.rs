//! Checks that the top-level modules of the service have no dependency cycle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Returns the names after `crate::`, including all names of a group.
fn used(code: &str) -> impl Iterator<Item = String> {
    let paths = code.split("crate::").skip(1);
    let paths = paths.map(|path| path.split(';').next().unwrap_or_default());
    let paths = paths.flat_map(|path| path.split(if path.starts_with('{') { ',' } else { ';' }));
    paths.map(|path| {
        let is_part = |character: &char| character.is_alphanumeric() || *character == '_';
        let path = path.trim_start_matches(['{', ' ', '\n']);
        path.chars().take_while(is_part).collect()
    })
}

/// Adds the dependencies of the modules in a folder to `top`, or to each module itself if `top` is `None`.
fn read(folder: &Path, top: Option<&str>, graph: &mut Graph) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let top = top.unwrap_or(&name);
        if path.is_dir() && name != "tests" {
            read(&path, Some(top), graph);
        } else if path.is_file() && name != "tests" {
            let text = fs::read_to_string(&path).expect("text");
            let code = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = lines.collect::<Vec<_>>().join("\n");
            let others = used(&code).filter(|used| used != top);
            graph.entry(top.to_owned()).or_default().extend(others);
        }
    }
}

#[test]
fn top_modules_have_no_cycle() {
    let mut graph = Graph::new();
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    read(source, None, &mut graph);
    assert!(graph["server"].contains("execution") && graph["schema"].contains("sources"));
    let is_leaf = |graph: &Graph, used: &BTreeSet<String>| !used.iter().any(|name| graph.contains_key(name));
    while let Some((leaf, _)) = graph.iter().find(|(_, used)| is_leaf(&graph, used)) {
        let leaf = leaf.clone();
        graph.remove(&leaf);
    }
    assert!(
        graph.is_empty(),
        "modules in dependency cycles or dependent on them: {graph:#?}"
    );
}
