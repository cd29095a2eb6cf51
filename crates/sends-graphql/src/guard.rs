//! A look at a query text before the parser sees it.
//!
//! The parser and everything after it recurse over the nesting of the text, and a few kilobytes of nested lists,
//! objects or selections overflow the stack: the process dies, not the request. No limit of the library comes early
//! enough, so the nesting and the number of tokens are counted here first, in one pass without recursion.

/// How deep braces, brackets and parentheses may stand in each other. The introspection query of GraphiQL needs 16.
pub const MAX_NESTING: usize = 64;

/// How many tokens a document may have. A hundred aliases with every field of a send have about 4,000.
pub const MAX_TOKENS: usize = 15_000;

/// Why a query text is refused unparsed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Too deep.
    #[error("the query nests deeper than {MAX_NESTING} levels")]
    Nesting,
    /// Too long.
    #[error("the query has more than {MAX_TOKENS} tokens")]
    Tokens,
    /// A string without an end. The language knows no such document, but the library's parser tries to read the quotes
    /// as an empty string and goes on behind them, where nothing would have been counted.
    #[error("a string in the query is not closed")]
    OpenString,
}

/// Refuses a text that could not be parsed safely. What it lets through may still be wrong: that is for the parser to say.
///
/// # Errors
///
/// [`Refused`] with the limit that the text exceeds.
pub fn check(query: &str) -> Result<(), Refused> {
    let text = query.as_bytes();
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
            b'"' => string_length(&text[position..]).ok_or(Refused::OpenString)?,
            byte if is_word(byte) => length_while(&text[position..], is_word),
            _ => 1,
        };
        position += length;
        tokens += 1;
        if nesting > MAX_NESTING {
            return Err(Refused::Nesting);
        }
        if tokens > MAX_TOKENS {
            return Err(Refused::Tokens);
        }
    }
    Ok(())
}

/// Names and numbers: nothing in them can open or close anything, so one test serves both.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.')
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

    #[test]
    fn nesting_is_refused_one_level_past_the_limit_whatever_nests() {
        for (open, close) in [("{a", "}"), ("[", "]"), ("{a:", "}"), ("f(", ")")] {
            let nested = |levels: usize| format!("{}{}", open.repeat(levels), close.repeat(levels));
            assert_eq!(check(&nested(MAX_NESTING)), Ok(()), "{open}");
            assert_eq!(check(&nested(MAX_NESTING + 1)), Err(Refused::Nesting), "{open}");
        }
    }

    #[test]
    fn the_text_that_kills_the_library_is_refused() {
        let attack = format!("{{f(a:{}{})}}", "[".repeat(2000), "]".repeat(2000));
        assert_eq!(check(&attack), Err(Refused::Nesting));
        let unclosed = "{a:".repeat(1500);
        assert_eq!(check(&unclosed), Err(Refused::Nesting));
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
            assert_eq!(check(&text), Err(Refused::Nesting), "{text}");
        }
    }

    #[test]
    fn a_string_without_an_end_is_refused_since_the_parser_would_read_on_behind_it() {
        for text in [
            r#"{ f(a: "x"#,
            "{ f(a: \"x\n\") }",
            r#"{ f(a: ["""" [[[["#,
            r#"{ f(a: "\"#,
            r#"{ f(a: """\""""#,
        ] {
            assert_eq!(check(text), Err(Refused::OpenString), "{text}");
        }
    }

    #[test]
    fn tokens_are_counted_and_ignored_text_is_not() {
        assert_eq!(check(&"a ".repeat(MAX_TOKENS)), Ok(()));
        assert_eq!(check(&"a ".repeat(MAX_TOKENS + 1)), Err(Refused::Tokens));
        assert_eq!(check(&"!".repeat(MAX_TOKENS + 1)), Err(Refused::Tokens));
        assert_eq!(check(&" ,\n#x\n".repeat(MAX_TOKENS)), Ok(()));
    }
}
