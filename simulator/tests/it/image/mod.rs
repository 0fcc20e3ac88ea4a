//! The ESP-07's image for tests that run it.

use std::path::{Path, PathBuf};

/// The folder with the image that `cargo ci image` builds. Without one a test has nothing to run: it says so and
/// passes, unless `PREFLASH_REQUIRE_XTENSA` is `1`, as where the tools that build the image are there.
///
/// # Panics
/// If the image is required and not there.
pub fn image() -> Option<PathBuf> {
    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo's folder for tests lies in its target folder");
    let folder = target.join("esp07");
    if folder.join("esp07").is_file() {
        return Some(folder);
    }
    let required = std::env::var("PREFLASH_REQUIRE_XTENSA").is_ok_and(|required| required == "1");
    assert!(!required, "there is no image in {}: `cargo ci image` builds it", folder.display());
    eprintln!("skipped: there is no image in {}; `cargo ci image` builds it", folder.display());
    None
}
