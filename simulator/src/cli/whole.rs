//! Files that are there whole or not at all: written beside their place, under a name that nobody else has, and then
//! moved there. What is not moved goes.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// A file with this text, beside the place where it is to go.
pub(super) fn draft(place: &Path, text: &str) -> io::Result<NamedTempFile> {
    let folder = place.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".preflash-").suffix(".new");
    // As any other new file, which others may read: only the umask takes from that.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut draft = builder.tempfile_in(folder)?;
    draft.write_all(text.as_bytes())?;
    draft.flush()?;
    Ok(draft)
}
