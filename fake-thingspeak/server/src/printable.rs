//! Text from elsewhere for a terminal: what a terminal would obey instead of showing is written out.
//!
//! Control characters (ECMA-48, also those above U+007F, which terminals obey in UTF-8 too) move the cursor, change the
//! title or begin a line that looks like another one of ours; characters that change the direction of writing (Unicode,
//! UAX #9) make a line read differently than it is.

use std::borrow::Cow;

/// `text` with `\u{1b}` in place of the character.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_obeyed(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// JSON in which such a character is written out as JSON has it. Between its tokens a line of JSON has none.
pub(crate) fn printable_json(line: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
    if line.bytes().all(is_plain) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if is_obeyed(c) && c != '\n' {
            // All of them are in the basic plane.
            shown += &format!("\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        for (text, shown) in [
            ("GET /a?b=1 ü 鸭", "GET /a?b=1 ü 鸭"),
            ("a\u{1b}]0;title\u{7}", r"a\u{1b}]0;title\u{7}"),
            ("\u{9b}2J\u{7f}", r"\u{9b}2J\u{7f}"),
            ("a\r\nb\t", r"a\u{d}\u{a}b\u{9}"),
            ("\u{202e}gpj.exe", r"\u{202e}gpj.exe"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn json_stays_json() {
        let line = "{\"a\":\"\u{9b}2J\u{7f}\u{202e}ü\"}\n";
        let shown = printable_json(line);
        assert_eq!(shown, "{\"a\":\"\\u009b2J\\u007f\\u202eü\"}\n");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&shown), read(line));
    }
}
