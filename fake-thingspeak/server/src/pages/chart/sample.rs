//! A value of a feed at its time: what axes span and lines go through.

use time::OffsetDateTime;

/// A value, or a place where the line breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample<'f> {
    /// When the entry was made.
    pub(super) at: OffsetDateTime,
    /// `None` breaks the line.
    pub(super) value: Option<f64>,
    /// The value as it was written.
    pub(super) text: &'f str,
}

impl Sample<'_> {
    /// Seconds since 1970.
    pub(super) fn seconds(&self) -> f64 {
        self.at.unix_timestamp() as f64
    }
}
