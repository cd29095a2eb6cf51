//! Checks the size and nesting of a document, and normalises its text before parsing.
//!
//! The parser and later stages recurse on nesting, so a few kilobytes of nested lists, objects or selections could overflow the
//! stack. The parser's own limits count whitespace as tokens and do not report which limit was exceeded. Both limits are
//! therefore checked here first, and the parser's recursion limit is the second line of defence. The lexer is the parser's, so
//! that both produce the same tokens.

use std::borrow::Cow;

use apollo_parser::{Lexer, Token, TokenKind};

use super::{
    limits::{Limits, NESTING},
    rejected::{Limit, Rejected},
};

pub(super) fn check_length(query: &str, limits: &Limits) -> Result<(), Rejected> {
    Limit::check(
        Some("max-query-length"),
        "bytes of query text",
        query.len(),
        limits.query_length,
    )
}

/// Rejects a document that cannot be parsed safely. The parser reports syntax errors.
pub(super) fn check(query: &str, limits: &Limits) -> Result<(), Rejected> {
    check_length(query, limits)?;
    let mut nesting = 0_usize;
    // Invalid tokens are counted, since the parser stores an error for each of them.
    let counted = Lexer::new(query).filter(|token| token.as_ref().map_or(true, is_significant));
    for (index, token) in counted.enumerate() {
        match token.as_ref().map(Token::kind) {
            Ok(TokenKind::LCurly | TokenKind::LBracket | TokenKind::LParen) => nesting += 1,
            Ok(TokenKind::RCurly | TokenKind::RBracket | TokenKind::RParen) => {
                nesting = nesting.saturating_sub(1);
            }
            _ => {}
        }
        check_nesting(nesting)?;
        Limit::check(None, "tokens, or more", index + 1, limits.query_tokens)?;
    }
    Ok(())
}

pub(super) fn check_nesting(levels: usize) -> Result<(), Rejected> {
    Limit::check(None, "levels of nesting, or more", levels, NESTING)
}

/// Returns the significant tokens. Invalid tokens are omitted, since the parser reports them.
fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    Lexer::new(text).flatten().filter(is_significant)
}

fn is_significant(token: &Token<'_>) -> bool {
    !matches!(
        token.kind(),
        TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma | TokenKind::Eof
    )
}

/// Returns whether two documents have equal tokens, ignoring the contents of strings.
pub(super) fn are_same(one: &str, other: &str) -> bool {
    canonical(one).eq(canonical(other))
}

/// Returns the tokens, omitting an optional `query` before a selection set. All strings map to the same token.
fn canonical(text: &str) -> impl Iterator<Item = &str> {
    let mut tokens = tokens(text).peekable();
    std::iter::from_fn(move || {
        let token = tokens.next()?;
        let is_before_set = |next: &Token<'_>| next.kind() == TokenKind::LCurly;
        if token.data() == "query" && tokens.peek().is_some_and(is_before_set) {
            return tokens.next().map(|next| next.data());
        }
        Some(match token.kind() {
            TokenKind::StringValue => "\"",
            _ => token.data(),
        })
    })
}

/// Replaces ignored tokens, and descriptions of operations, fragments and variables, with spaces. apollo-parser 0.8.7 rejects
/// these descriptions, and a comma after `...`. Other tokens keep their positions. A document with an invalid token is returned
/// unchanged.
pub(super) fn without_ignored(text: &str) -> Cow<'_, str> {
    let tokens = Lexer::new(text).filter(|token| token.as_ref().map_or(true, is_significant));
    let Ok(tokens) = tokens.collect::<Result<Vec<_>, _>>() else {
        return Cow::Borrowed(text);
    };
    let is_line_end = |byte: u8| matches!(byte, b'\r' | b'\n');
    let blank = text
        .bytes()
        .map(|byte| if is_line_end(byte) { byte } else { b' ' });
    let (mut spaced, mut end): (Vec<u8>, usize) = (blank.collect(), 0);
    let (mut open, mut before) = (Vec::new(), None);
    for (index, token) in tokens.iter().enumerate() {
        match token.kind() {
            TokenKind::StringValue if is_description(&open, before, tokens.get(index + 1)) => continue,
            kind @ (TokenKind::LCurly | TokenKind::LBracket | TokenKind::LParen) => open.push(kind),
            TokenKind::RCurly | TokenKind::RBracket | TokenKind::RParen => drop(open.pop()),
            _ => {}
        }
        end = token.index() + token.data().len();
        spaced[token.index()..end].copy_from_slice(token.data().as_bytes());
        before = Some(token.kind());
    }
    spaced.truncate(end);
    String::from_utf8(spaced).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Returns whether a string describes the following definition, based on the open brackets and the adjacent tokens.
fn is_description(open: &[TokenKind], before: Option<TokenKind>, after: Option<&Token<'_>>) -> bool {
    match open {
        [] => after
            .is_some_and(|after| ["query", "mutation", "subscription", "fragment"].contains(&after.data())),
        // In variable definitions, a string can also be a default value.
        [TokenKind::LParen] => {
            before != Some(TokenKind::Eq) && after.is_some_and(|after| after.kind() == TokenKind::Dollar)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_TOKENS: usize = 15_000;

    fn check(text: &str) -> Result<(), &'static str> {
        super::check(text, &Limits::default()).map_err(|rejection| match rejection {
            Rejected::TooMuch(limit) => limit.counted,
            other => panic!("{other:?}"),
        })
    }

    const NESTED: Result<(), &str> = Err("levels of nesting, or more");
    const TOKENS: Result<(), &str> = Err("tokens, or more");

    #[test]
    fn nesting_beyond_the_limit_is_rejected_for_every_bracket() {
        for (open, close) in [("{a", "}"), ("[", "]"), ("{a:", "}"), ("f(", ")")] {
            let nested = |levels: usize| format!("{}{}", open.repeat(levels), close.repeat(levels));
            assert_eq!(check(&nested(NESTING)), Ok(()), "{open}");
            assert_eq!(check(&nested(NESTING + 1)), NESTED, "{open}");
        }
    }

    #[test]
    fn nesting_that_would_overflow_the_stack_is_rejected() {
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
    fn nesting_after_strings_and_comments_is_counted() {
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
    fn unterminated_string_is_left_to_the_parser() {
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
    fn ignored_text_becomes_spaces_without_moving_tokens() {
        assert_eq!(
            without_ignored("{ a,b(c: \"#,é\") # d,é\n ...,on E } ,"),
            "{ a b(c: \"#,é\")       \n ... on E }"
        );
        assert_eq!(
            without_ignored(
                r#""a" query Q("b" $c: Int = 1 $d: String = "e" $f: Int) { g(h: ["i" $c]) } "j" fragment"#
            ),
            r#"    query Q(    $c: Int = 1 $d: String = "e" $f: Int) { g(h: ["i" $c]) }     fragment"#
        );
    }

    #[test]
    fn documents_with_equal_tokens_are_the_same() {
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
    fn ignored_text_does_not_count_as_tokens() {
        assert_eq!(check(&"a ".repeat(MAX_TOKENS)), Ok(()));
        assert_eq!(check(&"a ".repeat(MAX_TOKENS + 1)), TOKENS);
        assert_eq!(check(&"!".repeat(MAX_TOKENS + 1)), TOKENS);
        for invalid in ["%", ".. ", "0a "] {
            assert_eq!(check(&invalid.repeat(MAX_TOKENS + 1)), TOKENS, "{invalid}");
        }
        assert_eq!(check(&" ,\n#x\n".repeat(MAX_TOKENS)), Ok(()));
        assert_eq!(check(&" ".repeat(100_001)), Err("bytes of query text"));
    }
}
