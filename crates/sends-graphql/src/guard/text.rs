//! Counts the tokens and the nesting of a query text before it is parsed.
//!
//! The parser and everything after it recurse over the nesting, and a few kilobytes of nested lists, objects or selections
//! could overflow the stack. The parser's own limits count white space as tokens and do not say which limit was exceeded,
//! so both are counted here first, in one pass without recursion; the parser's limits stay as the second line.

use super::{
    limits::{Limits, NESTING},
    refused::{Limit, Refused},
};

/// Refuses a text that could not be parsed safely. What it lets through may still be wrong: that is for the parser to say.
///
/// # Errors
///
/// [`Refused`] with the limit that the text exceeds.
pub(super) fn check(query: &str, limits: &Limits) -> Result<(), Refused> {
    let text = query.as_bytes();
    let length = Limit {
        option: Some("max-query-length"),
        counted: "bytes of query text",
        found: text.len(),
        allowed: limits.query_length,
    };
    length.check()?;
    let (mut position, mut nesting, mut tokens) = (0, 0_usize, 0_usize);
    while let Some(&byte) = text.get(position) {
        let length = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                position += 1;
                continue;
            }
            b'#' => {
                position += length_while(&text[position..], |byte| !matches!(byte, b'\r' | b'\n'));
                continue;
            }
            b'{' | b'[' | b'(' => {
                nesting += 1;
                1
            }
            b'}' | b']' | b')' => {
                nesting = nesting.saturating_sub(1);
                1
            }
            // The parser refuses a string without an end; nothing behind it can be a token.
            b'"' => string_length(&text[position..]).unwrap_or(text.len() - position),
            byte if is_word(byte) => length_while(&text[position..], is_word),
            _ => 1,
        };
        position += length;
        tokens += 1;
        if nesting > NESTING {
            return Err(Refused::TooMuch(too_deep()));
        }
        if tokens > limits.query_tokens {
            return Err(Refused::TooMuch(Limit {
                option: Some("max-query-tokens"),
                counted: "tokens, or more",
                found: tokens,
                allowed: limits.query_tokens,
            }));
        }
    }
    Ok(())
}

/// Names and numbers: nothing in them can open or close anything, so one test serves both.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.')
}

/// The limit on the nesting of a document, in its text or by its fragments.
pub(super) fn too_deep() -> Limit {
    Limit {
        option: None,
        counted: "levels of nesting, or more",
        found: NESTING + 1,
        allowed: NESTING,
    }
}

fn length_while(text: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|&byte| !wanted(byte)).unwrap_or(text.len())
}

/// The length of the string or block string that `text` begins with, quotes included, if it has an end.
fn string_length(text: &[u8]) -> Option<usize> {
    const BLOCK: &[u8] = b"\"\"\"";
    let is_block = text.starts_with(BLOCK);
    let mut position = if is_block { BLOCK.len() } else { 1 };
    while let Some(&byte) = text.get(position) {
        position += match byte {
            b'\\' if is_block && text[position + 1..].starts_with(BLOCK) => 1 + BLOCK.len(),
            b'"' if is_block && text[position..].starts_with(BLOCK) => return Some(position + BLOCK.len()),
            b'\\' if !is_block => 2,
            b'"' if !is_block => return Some(position + 1),
            b'\r' | b'\n' if !is_block => return None,
            _ => 1,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_TOKENS: usize = 15_000;

    fn check(text: &str) -> Result<(), &'static str> {
        super::check(text, &Limits::default()).map_err(|refused| match refused {
            Refused::TooMuch(limit) => limit.counted,
            other => panic!("{other:?}"),
        })
    }

    const NESTED: Result<(), &str> = Err("levels of nesting, or more");
    const TOKENS: Result<(), &str> = Err("tokens, or more");

    #[test]
    fn nesting_is_refused_one_level_past_the_limit_whatever_nests() {
        for (open, close) in [("{a", "}"), ("[", "]"), ("{a:", "}"), ("f(", ")")] {
            let nested = |levels: usize| format!("{}{}", open.repeat(levels), close.repeat(levels));
            assert_eq!(check(&nested(NESTING)), Ok(()), "{open}");
            assert_eq!(check(&nested(NESTING + 1)), NESTED, "{open}");
        }
    }

    #[test]
    fn the_text_that_kills_the_library_is_refused() {
        let attack = format!("{{f(a:{}{})}}", "[".repeat(2000), "]".repeat(2000));
        assert_eq!(check(&attack), NESTED);
        let unclosed = "{a:".repeat(1500);
        assert_eq!(check(&unclosed), NESTED);
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_nest() {
        let brackets = "[".repeat(500);
        for text in [
            format!(r#"{{ f(a: "{brackets}") }}"#),
            format!(r#"{{ f(a: "\"{brackets}") }}"#),
            format!("{{ f(a: \"\"\"{brackets}\n\"\" \\\"\"\" {brackets}\"\"\") }}"),
            format!("{{ f }} # {brackets}"),
        ] {
            assert_eq!(check(&text), Ok(()), "{text}");
        }
    }

    #[test]
    fn nothing_hides_behind_a_string_or_a_comment_that_has_ended() {
        let brackets = "[".repeat(500);
        for text in [
            format!(r#"{{ f(a: "x\\" {brackets}) }}"#),
            format!(r#"{{ f(a: "" {brackets}) }}"#),
            format!("{{ f(a: \"\"\"x\"\"\" {brackets}) }}"),
            format!("{{ f(a: \"\"\"\"\"\" {brackets}) }}"),
            format!("# comment\r{brackets}"),
        ] {
            assert_eq!(check(&text), NESTED, "{text}");
        }
    }

    #[test]
    fn string_without_an_end_is_left_to_the_parser() {
        for text in [
            r#"{ f(a: "x"#,
            "{ f(a: \"x\n\") }",
            r#"{ f(a: ["""" [[[["#,
            r#"{ f(a: "\"#,
            r#"{ f(a: """\""""#,
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn tokens_are_counted_and_ignored_text_is_not() {
        assert_eq!(check(&"a ".repeat(MAX_TOKENS)), Ok(()));
        assert_eq!(check(&"a ".repeat(MAX_TOKENS + 1)), TOKENS);
        assert_eq!(check(&"!".repeat(MAX_TOKENS + 1)), TOKENS);
        assert_eq!(check(&" ,\n#x\n".repeat(MAX_TOKENS)), Ok(()));
        assert_eq!(check(&" ".repeat(100_001)), Err("bytes of query text"));
    }
}
