//! Counts the tokens and the nesting of a query text before it is parsed.
//!
//! The parser and everything after it recurse over the nesting, and a few kilobytes of nested lists, objects or selections
//! could overflow the stack. The parser's own limits count white space as tokens and do not say which limit was exceeded,
//! so both are counted here first, in one pass without recursion; the parser's limits stay as the second line.

use super::{
    limits::{Limits, NESTING},
    refused::{Limit, Refused},
};

/// Refuses a text that is too long.
pub(super) fn check_length(query: &str, limits: &Limits) -> Result<(), Refused> {
    let length = Limit {
        option: Some("max-query-length"),
        counted: "bytes of query text",
        found: query.len(),
        allowed: limits.query_length,
    };
    length.check()
}

/// Refuses a text that could not be parsed safely. What it lets through may still be wrong: that is for the parser to say.
///
/// # Errors
///
/// [`Refused`] with the limit that the text exceeds.
pub(super) fn check(query: &str, limits: &Limits) -> Result<(), Refused> {
    check_length(query, limits)?;
    let (mut nesting, mut count) = (0_usize, 0);
    for token in tokens(query) {
        count += 1;
        match token {
            b"{" | b"[" | b"(" => nesting += 1,
            b"}" | b"]" | b")" => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        if nesting > NESTING {
            return Err(Refused::TooMuch(too_deep()));
        }
        if count > limits.query_tokens {
            return Err(Refused::TooMuch(Limit {
                option: None,
                counted: "tokens, or more",
                found: count,
                allowed: limits.query_tokens,
            }));
        }
    }
    Ok(())
}

/// Whether two texts are the same document, token for token, but for how their strings are written.
pub(super) fn are_same(one: &str, other: &str) -> bool {
    significant(one).eq(significant(other))
}

/// The tokens that tell one document from another. The word `query` may be left out before a selection set.
fn significant(text: &str) -> impl Iterator<Item = &[u8]> {
    let mut tokens = tokens(text).peekable();
    std::iter::from_fn(move || {
        let token = tokens.next()?;
        Some(match token {
            b"query" if tokens.peek() == Some(&&b"{"[..]) => tokens.next()?,
            [b'"', ..] => b"\"",
            token => token,
        })
    })
}

/// The same text with spaces in the place of what means nothing: commas, comments, byte order marks and the descriptions of
/// operations, fragments and variables. Every token stays where it is. The parser of version 0.8.7 does not pass over a
/// comma behind `...` and knows no descriptions there.
pub(super) fn without_ignored(text: &str) -> String {
    let mut spaced: Vec<u8> = text
        .bytes()
        .map(|byte| match byte {
            b'\r' | b'\n' => byte,
            _ => b' ',
        })
        .collect();
    let (mut all, mut end) = (tokens(text), 0);
    let (mut open, mut before) = (Vec::new(), &b""[..]);
    while let Some(token) = all.next() {
        let place = all.position() - token.len()..all.position();
        match token {
            [b'"', ..] if is_description(&open, before, all.clone().next()) => continue,
            b"{" | b"[" | b"(" => open.push(token[0]),
            b"}" | b"]" | b")" => drop(open.pop()),
            _ => {}
        }
        end = place.end;
        spaced[place].copy_from_slice(token);
        before = token;
    }
    spaced.truncate(end);
    String::from_utf8(spaced).unwrap_or_else(|_| text.to_owned())
}

/// Whether a string describes the definition behind it, by the brackets that are open and the tokens on either side.
fn is_description(open: &[u8], before: &[u8], behind: Option<&[u8]>) -> bool {
    match open {
        [] => matches!(
            behind,
            Some(b"query" | b"mutation" | b"subscription" | b"fragment")
        ),
        // Among variables, where a string can also be a default.
        [b'('] => before != b"=" && behind == Some(b"$"),
        _ => false,
    }
}

/// The tokens of a text, as far as they can be told without a grammar. A string without an end reaches to the end of the
/// text: the parser refuses it.
fn tokens(text: &str) -> Tokens<'_> {
    Tokens {
        length: text.len(),
        rest: text.as_bytes(),
    }
}

#[derive(Clone)]
struct Tokens<'t> {
    length: usize,
    rest: &'t [u8],
}

impl Tokens<'_> {
    /// Where the text goes on behind the last token.
    fn position(&self) -> usize {
        self.length - self.rest.len()
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();
        loop {
            let skipped = match self.rest {
                [b' ' | b'\t' | b'\r' | b'\n' | b',', ..] => 1,
                [b'#', ..] => length_while(self.rest, |byte| !matches!(byte, b'\r' | b'\n')),
                rest if rest.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
                _ => break,
            };
            self.rest = &self.rest[skipped..];
        }
        let length = match self.rest {
            [] => return None,
            rest @ [b'"', ..] => string_length(rest).unwrap_or(rest.len()),
            [b'.', b'.', b'.', ..] => 3,
            rest @ [first, ..] if is_word(*first) => word_length(rest),
            _ => 1,
        };
        let (token, behind) = self.rest.split_at(length);
        self.rest = behind;
        Some(token)
    }
}

/// Names and numbers: nothing in them can open or close anything, so one test serves both.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.')
}

/// A spread may follow a name without a space.
fn word_length(text: &[u8]) -> usize {
    let length = length_while(text, is_word);
    let spread = text[..length].windows(3).position(|three| three == b"...");
    spread.unwrap_or(length)
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
    fn ignored_text_becomes_spaces_and_nothing_moves() {
        assert_eq!(
            without_ignored("{ a,b(c: \"#,\") # d,\n ...,on é } ,"),
            "{ a b(c: \"#,\")     \n ... on é }"
        );
        assert_eq!(
            without_ignored(
                r#""a" query Q("b" $c: Int = 1 $d: String = "e" $f: Int) { g(h: ["i" $c]) } "j" fragment"#
            ),
            r#"    query Q(    $c: Int = 1 $d: String = "e" $f: Int) { g(h: ["i" $c]) }     fragment"#
        );
    }

    #[test]
    fn documents_are_compared_by_their_tokens() {
        for (one, other, same) in [
            ("query { a }", "{a}", true),
            ("{ a(b: 1,c:\"x\")...F }#", "{a(b:1 c:\"\"\"y\"\"\") ... F}", true),
            ("{ a(b b: 1) }", "{ a(b: 1) }", false),
            ("query Q() { a }", "query Q { a }", false),
        ] {
            assert_eq!(are_same(one, other), same, "{one} {other}");
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
