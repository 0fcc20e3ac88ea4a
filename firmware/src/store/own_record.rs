//! What the duck keeps of itself, as bytes.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | format version, now 1 |
//! | 1 | 8 | the secret of the set-up network |
//! | 9 | 8 | the newest authenticated time in seconds since 1970, little endian; the lowest number for none |

use super::Unreadable;

pub(super) const VERSION: u8 = 1;
/// Bytes of the contents.
pub(super) const LENGTH: usize = 17;
const NO_TIME: i64 = i64::MIN;

/// Bytes of the secret.
pub const SECRET: usize = 8;

/// What a duck keeps of itself, whoever sets it up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// What the set-up network's passphrase is made of (`crate::passphrase`).
    pub secret: [u8; SECRET],
    /// The newest authenticated time that was confirmed, in seconds since 1970.
    pub newest_time: Option<i64>,
}

/// Everything but the secret.
impl core::fmt::Debug for Own {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Own").field("newest_time", &self.newest_time).finish_non_exhaustive()
    }
}

/// Writes the record's contents and returns their length.
pub(super) fn write(own: &Own, contents: &mut [u8]) -> usize {
    contents[0] = VERSION;
    contents[1..9].copy_from_slice(&own.secret);
    contents[9..LENGTH].copy_from_slice(&own.newest_time.unwrap_or(NO_TIME).to_le_bytes());
    LENGTH
}

/// Reads a record's contents.
pub(super) fn read(contents: &[u8]) -> Result<Own, Unreadable> {
    match contents {
        [VERSION, rest @ ..] => match (rest.first_chunk(), rest.last_chunk()) {
            (Some(&secret), Some(&time)) if contents.len() == LENGTH => {
                let time = i64::from_le_bytes(time);
                Ok(Own { secret, newest_time: (time != NO_TIME).then_some(time) })
            }
            _ => Err(Unreadable::Content),
        },
        [version, ..] => Err(Unreadable::Version(*version)),
        [] => Err(Unreadable::Content),
    }
}
