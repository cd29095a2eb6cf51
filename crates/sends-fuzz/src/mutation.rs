//! New inputs out of old ones: cut, doubled, spliced, sprinkled with what means something to a parser.

use std::ops::Range;

use fastrand::Rng;

/// What means something to one of the parsers, or just stops meaning something.
const PIECES: &[&str] = &[
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

/// The longest input that is made. Beyond it the guard has nothing to do but to compare two numbers.
const LONGEST: usize = 20_000;

/// A new input, made of one of the corpus.
pub fn mutate(corpus: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut input = random.choice(corpus).cloned().unwrap_or_default();
    let times = *random.choice(&[1, 1, 1, 1, 2, 3, 6]).unwrap_or(&1);
    for _ in 0..times {
        let at = random.usize(0..=input.len());
        let end = random.usize(at..=input.len().min(at + 40));
        match random.u8(0..10) {
            0 => {
                input.drain(at..end);
            }
            1 => {
                let copied = input[at..end].to_vec();
                let times = *random.choice(&[1, 2, 10, 100]).unwrap_or(&1);
                input.splice(at..at, copied.repeat(times));
            }
            2 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = random.u8(..);
                }
            }
            3 => {
                let other = random.choice(corpus).map_or(&[][..], Vec::as_slice);
                let from = random.usize(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            4..=6 => {
                let other = random.choice(corpus).map_or(&[][..], Vec::as_slice);
                let (old, new) = (word(&input, at), word(other, random.usize(0..=other.len())));
                input.splice(old, other[new].iter().copied());
            }
            _ => {
                let piece = random.choice(PIECES).copied().unwrap_or("");
                let times = *random.choice(&[1, 1, 1, 2, 30, 300]).unwrap_or(&1);
                input.splice(at..end, piece.repeat(times).into_bytes());
            }
        }
        input.truncate(LONGEST);
    }
    input
}

/// Where the word around a place begins and ends.
fn word(text: &[u8], at: usize) -> Range<usize> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let before = text[..at].iter().rev().take_while(|byte| is_word(byte)).count();
    let after = text[at..].iter().take_while(|byte| is_word(byte)).count();
    at - before..at + after
}
