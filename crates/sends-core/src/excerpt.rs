//! Short excerpts of input for error messages. Characters that could control a terminal or forge a log line are escaped.

use alloc::string::String;

/// Returns the first `head` and last `tail` characters of `text`, with an ellipsis between them. Unprintable characters are
/// escaped; quotes and backslashes are not, because the text may already be escaped.
pub(crate) fn excerpt(text: &str, head: usize, tail: usize) -> String {
    let length = text.chars().count();
    let mut quoted = String::new();
    let mut push = |character: char| match character {
        '"' | '\'' | '\\' => quoted.push(character),
        _ => quoted.extend(character.escape_debug()),
    };
    if length <= head.saturating_add(tail) {
        text.chars().for_each(push);
    } else {
        text.chars().take(head).for_each(&mut push);
        push('…');
        text.chars().skip(length - tail).for_each(push);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn short_text_is_unchanged() {
        assert_eq!(excerpt("abc", 3, 0), "abc");
        assert_eq!(excerpt("", 0, 0), "");
    }

    #[test]
    fn long_text_is_cut_in_the_middle_at_character_boundaries() {
        assert_eq!(excerpt("äöü€", 3, 0), "äöü…");
        assert_eq!(excerpt("äöü€🎉", 1, 2), "ä…€🎉");
    }

    #[test]
    fn unprintable_characters_are_escaped() {
        assert_eq!(excerpt("a\n\u{1b}[31m\u{202e}", 60, 0), r"a\n\u{1b}[31m\u{202e}");
        assert_eq!(excerpt(r#"say \"x\""#, 60, 0), r#"say \"x\""#);
    }
}
