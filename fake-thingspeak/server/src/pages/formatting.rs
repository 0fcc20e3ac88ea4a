//! Small things on pages: colours, ages, dates, and texts that any viewer can show.

use std::fmt;

use time::OffsetDateTime;
use time::macros::format_description;

/// A colour without transparency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color([u8; 3]);

/// The colour names of HTML 4, and orange, which CSS 2 added.
const NAMES: [(&str, u32); 18] = [
    ("black", 0x00_0000),
    ("silver", 0xc0_c0c0),
    ("gray", 0x80_8080),
    ("grey", 0x80_8080),
    ("white", 0xff_ffff),
    ("maroon", 0x80_0000),
    ("red", 0xff_0000),
    ("purple", 0x80_0080),
    ("fuchsia", 0xff_00ff),
    ("green", 0x00_8000),
    ("lime", 0x00_ff00),
    ("olive", 0x80_8000),
    ("yellow", 0xff_ff00),
    ("navy", 0x00_0080),
    ("blue", 0x00_00ff),
    ("teal", 0x00_8080),
    ("aqua", 0x00_ffff),
    ("orange", 0xff_a500),
];

impl Color {
    /// What a text names: `#d62020`, `d62020`, `d20`, `red`.
    pub(super) fn named(text: &str) -> Option<Self> {
        let text = text.trim();
        let of = |number: u32| {
            let [_, red, green, blue] = number.to_be_bytes();
            Self([red, green, blue])
        };
        if let Some((_, number)) = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            return Some(of(*number));
        }
        let digits = text.strip_prefix('#').unwrap_or(text);
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        match digits.len() {
            6 => Some(of(number)),
            3 => Some(Self([number >> 8 & 15, number >> 4 & 15, number & 15].map(|digit| digit as u8 * 17))),
            _ => None,
        }
    }

    /// Whether dark text is read more easily on it than light text, by its relative luminance (WCAG 2).
    pub(super) fn is_light(self) -> bool {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// How long ago it was: `12 s ago`, `3 min ago`, `2 h ago`, `5 days ago`. `live.js` says it in the same words.
pub(super) fn ago(then: OffsetDateTime, now: OffsetDateTime) -> String {
    match (now - then).whole_seconds() {
        ..-1 => "in the future".to_owned(),
        -1..=1 => "just now".to_owned(),
        seconds @ 2..120 => format!("{seconds} s ago"),
        seconds @ 120..7_200 => format!("{} min ago", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// `2026-01-01 12:00:00`, in the zone that the time has.
pub(super) fn date_and_time(time: OffsetDateTime) -> String {
    time.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap_or_default()
}

/// `text` without the characters that no XML can hold: an SVG with one of them is not shown at all.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

/// `text` in so many characters at most, with an ellipsis where it was cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn colours_are_read_in_all_spellings() {
        for text in ["#d62020", "D62020", " #d62020 "] {
            assert_eq!(Color::named(text).map(|color| color.to_string()).as_deref(), Some("#d62020"), "{text}");
        }
        assert_eq!(Color::named("#fa0"), Color::named("ffaa00"));
        assert_eq!(Color::named("White"), Color::named("fff"));
        for text in ["", "#", "+12345", "#12345", "#1234567", "reddish", "#ggg", "url(x)", "éé"] {
            assert_eq!(Color::named(text), None, "{text}");
        }
        assert!(Color::named("white").unwrap().is_light() && !Color::named("navy").unwrap().is_light());
    }

    #[test]
    fn an_age_has_one_unit() {
        let now = datetime!(2026-01-10 0:00 UTC);
        let said = |seconds| ago(now - Duration::seconds(seconds), now);
        let cases = [
            (-5, "in the future"),
            (0, "just now"),
            (12, "12 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7_199, "119 min ago"),
            (7_200, "2 h ago"),
            (172_800, "2 days ago"),
        ];
        assert_eq!(cases.map(|(seconds, _)| said(seconds)), cases.map(|(_, words)| words.to_owned()));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!((cut("äöü", 3).as_str(), cut("äöüß", 3).as_str(), cut("x", 0).as_str()), ("äöü", "äö…", "…"));
        assert_eq!(clean("a\u{1}b\u{ffff}<"), "ab<");
    }
}
