//! Query documents through the guard. A valid document keeps its meaning when it is serialized and parsed again.

use std::sync::LazyLock;

use sends_graphql::{
    execution::validation::{self, Limits, Types},
    schema,
};

static TYPES: LazyLock<Types> = LazyLock::new(|| Types::of(&schema::sdl()));

/// Parses an input. Returns whether it is valid.
pub(crate) fn feed(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let limits = Limits::default();
    let Ok(document) = validation::read(&text, &TYPES, &limits) else {
        return false;
    };
    let written = document.executable.to_string();
    let again = validation::read(&written, &TYPES, &limits);
    let again = again.unwrap_or_else(|refused| panic!("{text:?}, {written:?}: {}", refused.message()));
    assert_eq!(
        (again.executable.to_string(), again.size),
        (written, document.size),
        "{text:?}"
    );
    true
}
