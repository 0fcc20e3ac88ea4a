//! The presentation language of TLS, read: numbers, and vectors behind their lengths. RFC 8446 §3.

use super::refusal::Refusal;

/// What is left of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] if there are fewer; so for all that follow.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Refusal::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Refusal> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Refusal> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A vector whose length takes `N` bytes, 3 at most.
    pub(super) fn vector<const N: usize>(&mut self) -> Result<Reader<'a>, Refusal> {
        let length = self.take(N)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.take(length).map(Reader)
    }

    /// A vector of numbers of two bytes, of which there must be one.
    pub(super) fn numbers(&mut self) -> Result<Reader<'a>, Refusal> {
        let numbers = self.vector::<2>()?;
        if numbers.is_empty() || !numbers.0.len().is_multiple_of(2) { Err(Refusal::Malformed) } else { Ok(numbers) }
    }

    /// Sees to it that nothing is left.
    pub(super) fn end(self) -> Result<(), Refusal> {
        if self.is_empty() { Ok(()) } else { Err(Refusal::Malformed) }
    }
}
