//! Where the bytes of a text stand: their line and column, found without reading all of the text again for each.

use super::model::Place;

/// How many bytes lie between two counts of characters.
const STRIDE: usize = 256;

/// A text's lines, and how many characters stand before every [`STRIDE`]th byte.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// Where each line begins; the first at 0.
    starts: Vec<usize>,
    /// Characters before byte 0, [`STRIDE`], 2 · [`STRIDE`] and so on, so that a long line costs no more than a short
    /// one.
    characters: Vec<usize>,
}

impl Lines {
    /// The lines of a text.
    pub(super) fn of(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let mut characters = vec![0];
        for block in text.as_bytes().chunks(STRIDE) {
            before += count(block);
            characters.push(before);
        }
        Self { starts, characters }
    }

    /// The place of a byte of the text that these lines are of. What lies behind the text, or within a character, is
    /// taken for the text's end.
    pub(super) fn place(&self, text: &str, offset: usize) -> Place {
        let offset = if text.is_char_boundary(offset) { offset } else { text.len() };
        let index = self.index(offset);
        let column = self.characters_before(text, offset) - self.characters_before(text, self.starts[index]);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { line: number(index + 1), column: number(column + 1) }
    }

    /// The bytes of the line that a byte of the text is in, without its end.
    pub(super) fn around(&self, text: &str, offset: usize) -> std::ops::Range<usize> {
        let index = self.index(offset.min(text.len()));
        let end = self.starts.get(index + 1).map_or(text.len(), |next| next - 1);
        self.starts[index]..end
    }

    fn index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    fn characters_before(&self, text: &str, offset: usize) -> usize {
        let block = offset / STRIDE;
        self.characters[block] + count(&text.as_bytes()[block * STRIDE..offset])
    }
}

/// How many characters begin in these bytes of a text.
fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, read off the text from its beginning.
    fn counted(text: &str, offset: usize) -> Place {
        let before = &text[..offset];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place { line: before.matches('\n').count() as u32 + 1, column: before[line..].chars().count() as u32 + 1 }
    }

    proptest! {
        #[test]
        fn places_are_those_that_counting_finds(text in "[a\u{e9}\u{1f986}\n]{0,40}", times in 1_usize..30) {
            let text = text.repeat(times);
            let lines = Lines::of(&text);
            for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
                prop_assert_eq!(lines.place(&text, offset), counted(&text, offset));
                let around = lines.around(&text, offset);
                prop_assert!(around.start <= offset && offset <= around.end, "{:?} {}", around, offset);
                prop_assert!(!text[around].contains('\n'));
            }
        }
    }

    #[test]
    fn what_lies_behind_the_text_is_its_end() {
        let text = "a\nü";
        let lines = Lines::of(text);
        assert_eq!(lines.place(text, 99), Place { line: 2, column: 2 });
        assert_eq!(lines.place(text, 3), Place { line: 2, column: 2 }, "within a character");
        assert_eq!(Lines::of("").place("", 0), Place { line: 1, column: 1 });
    }
}
