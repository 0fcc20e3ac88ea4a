//! What an entry says, as small as it gets: a channel may have millions of them.
//!
//! One allocation: two bytes that say which of the twelve values there are, and then each of these as its length in one
//! byte and its text. A value has no more than 255 bytes.

use super::{Content, LONGEST_VALUE, VALUES};

/// A [`Content`] in one piece; of each value as much as fits into 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed(Box<[u8]>);

impl From<Content> for Packed {
    fn from(content: Content) -> Self {
        Self::of(&content)
    }
}

impl Packed {
    pub(super) fn of(content: &Content) -> Self {
        // Two bytes, and one for each length: it need not grow.
        let size = content.values().flatten().map(|value| 1 + value.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(2 + size);
        bytes.extend_from_slice(&[0; 2]);
        let mut present = 0u16;
        for (bit, value) in content.values().enumerate() {
            let Some(value) = value else { continue };
            present |= 1 << bit;
            let value = cut(value);
            // `cut` has seen to it that it fits.
            bytes.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(value.as_bytes());
        }
        bytes[..2].copy_from_slice(&present.to_le_bytes());
        Self(bytes.into_boxed_slice())
    }

    /// `field1` to `field8`, `status`, latitude, longitude, elevation.
    pub fn values(&self) -> impl Iterator<Item = Option<&str>> {
        let present = u16::from_le_bytes([self.0[0], self.0[1]]);
        let mut rest = &self.0[2..];
        (0..VALUES).map(move |bit| {
            if present & (1 << bit) == 0 {
                return None;
            }
            let (length, bytes) = rest.split_first()?;
            let (value, after) = bytes.split_at(usize::from(*length).min(bytes.len()));
            rest = after;
            str::from_utf8(value).ok()
        })
    }

    pub(super) fn content(&self) -> Content {
        let mut content = Content::default();
        for (slot, value) in content.values_mut().zip(self.values()) {
            *slot = value.map(str::to_owned);
        }
        content
    }
}

/// The part of `value` that fits, without half a character.
fn cut(value: &str) -> &str {
    let mut end = value.len().min(LONGEST_VALUE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(values in prop::collection::vec(prop::option::of(".{0,60}"), 12)) {
            let mut content = Content::default();
            content.values_mut().zip(values).for_each(|(slot, value)| *slot = value);
            prop_assert_eq!(Packed::of(&content).content(), content);
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_at_a_character() {
        let content = Content { status: Some("é".repeat(200)), ..Content::default() };
        assert_eq!(Packed::of(&content).content().status, Some("é".repeat(127)));
    }

    #[test]
    fn an_entry_of_a_weather_station_is_small() {
        let mut content = Content::default();
        content.fields[0] = Some("21.5".to_owned());
        content.fields[1] = Some("45.6".to_owned());
        assert_eq!(Packed::of(&content).0.len(), 12);
    }
}
