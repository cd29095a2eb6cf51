//! Inputs: the corpus, and random edits of it.

use std::{fs, ops::Range, path::Path};

use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    sample::{Index, select},
};

/// Tokens of the parsers, and invalid variants of them.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    "!",
    "$",
    "@",
    "...",
    "\"",
    "\"\"\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "#",
    ",",
    "\n",
    "\r",
    "\u{feff}",
    "\u{0}",
    "é",
    "😀",
    "null",
    "true",
    "-0",
    "0.1e999",
    "1e400",
    "9223372036854775808",
    "2147483648",
    "-1",
    "query ",
    "mutation ",
    "subscription ",
    "fragment F on Query ",
    "on ",
    "...F ",
    "...F0 ",
    "@skip(if: true) ",
    "@include(if: $v) ",
    "__typename ",
    "__schema ",
    "__type(name: \"Query\") ",
    "x: ",
    "first: ",
    "id ",
    "sendHistory ",
    "campaignActivities(ids: $ids) ",
    "\"send_id\": ",
    "\"reason_code\": ",
    "\"count\": ",
    "\"run_date\": ",
    "[{",
    "}]",
    "{}",
    "[]",
];

/// Maximum length of an input in bytes. The guard rejects longer inputs because of their length alone.
const MAX_LENGTH: usize = 20_000;

pub(crate) fn corpus(surface: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(surface);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

#[derive(Clone, Debug)]
enum Edit {
    Replace(Index, usize, Vec<u8>),
    /// Replaces a word with a word of another input, after which the input is usually still valid.
    SwapWord(Index, Vec<u8>),
}

pub(crate) fn edited(corpus: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> {
    let repeated_token = (
        select(TOKENS),
        prop_oneof![8 => 0..3_usize, 1 => 30..31_usize, 1 => 300..301_usize],
    );
    let place = || (select(corpus.to_vec()), any::<Index>());
    let replacement = prop_oneof![
        repeated_token.prop_map(|(token, times)| token.repeat(times).into_bytes()),
        vec(any::<u8>(), 0..3),
        (place(), 0..60_usize).prop_map(|((input, start), length)| {
            let start = start.index(input.len() + 1);
            input[start..input.len().min(start + length)].to_vec()
        }),
    ];
    let edit = prop_oneof![
        (any::<Index>(), 0..40_usize, replacement).prop_map(|(start, length, replacement)| Edit::Replace(
            start,
            length,
            replacement
        )),
        (any::<Index>(), place())
            .prop_map(|(start, (other, place))| Edit::SwapWord(start, other[word(&other, place)].to_vec())),
    ];
    (select(corpus.to_vec()), vec(edit, 1..4)).prop_map(|(mut input, edits)| {
        for edit in edits {
            let (replaced, replacement) = match edit {
                Edit::Replace(start, length, replacement) => {
                    let start = start.index(input.len() + 1);
                    (start..input.len().min(start + length), replacement)
                }
                Edit::SwapWord(start, replacement) => (word(&input, start), replacement),
            };
            input.splice(replaced, replacement);
        }
        input.truncate(MAX_LENGTH);
        input
    })
}

fn word(text: &[u8], place: Index) -> Range<usize> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let place = place.index(text.len() + 1);
    let before = text[..place]
        .iter()
        .rev()
        .take_while(|byte| is_word(byte))
        .count();
    let after = text[place..].iter().take_while(|byte| is_word(byte)).count();
    place - before..place + after
}
