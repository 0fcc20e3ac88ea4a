//! Whether other users of this machine can read or write a file that has keys in it, by its permissions (POSIX;
//! elsewhere nothing is reported).
//!
//! New files belong to their owner alone (mode 0600). Files that exist may have been copied or unpacked with other
//! permissions.

use std::fmt;
use std::fs::Metadata;

/// What others can do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// Others can write to it, and perhaps read it.
    Writable,
    /// Others can read it.
    Readable,
}

impl Exposure {
    /// What others than the owner can do with a file.
    #[cfg(unix)]
    pub(crate) fn of(file: &Metadata) -> Option<Self> {
        let mode = std::os::unix::fs::MetadataExt::mode(file);
        match mode {
            mode if mode & 0o022 != 0 => Some(Self::Writable),
            mode if mode & 0o044 != 0 => Some(Self::Readable),
            _ => None,
        }
    }

    /// What others than the owner can do with a file.
    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Option<Self> {
        None
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writable => "others on this machine can write to it",
            Self::Readable => "others on this machine can read it",
        })
    }
}

/// Whether both files are the same user's.
#[cfg(unix)]
pub(crate) fn same_owner(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.uid() == other.uid()
}

/// Whether both files are the same user's.
#[cfg(not(unix))]
pub(crate) fn same_owner(_: &Metadata, _: &Metadata) -> bool {
    true
}
