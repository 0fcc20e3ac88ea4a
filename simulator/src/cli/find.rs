//! Which scenario files the command's paths mean, each once however it is called.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use simulator_scenario::files::{FilesError, scenario_files};

/// Where scenarios are looked for if no path is given.
const DEFAULT: &str = "scenarios";

/// No scenarios could be found.
#[derive(Debug, thiserror::Error)]
pub(super) enum FindError {
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error("{0}; without a path, preflash takes the folder `{DEFAULT}` in the folder in which it is started")]
    Default(FilesError),
    #[error("nothing is left to run: every scenario is excluded")]
    Excluded,
}

/// The scenario files that these paths mean, in order: without any, those below `scenarios`. A file that is meant twice
/// (`x.toml` and `./x.toml`, or a folder and a file in it) comes once, where it came first. What
/// `exclude` means is left out.
pub(super) fn find(paths: &[PathBuf], exclude: &[PathBuf]) -> Result<Vec<PathBuf>, FindError> {
    let files = match paths {
        [] => scenario_files(&[PathBuf::from(DEFAULT)]).map_err(FindError::Default)?,
        paths => scenario_files(paths)?,
    };
    // A file that cannot be resolved is its own; reading it will say why.
    let resolved = |file: &Path| file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let excluded = if exclude.is_empty() { Vec::new() } else { scenario_files(exclude)? };
    let mut seen: BTreeSet<PathBuf> = excluded.iter().map(|file| resolved(file)).collect();
    let files: Vec<PathBuf> = files.iter().map(|file| plain(file)).filter(|file| seen.insert(resolved(file))).collect();
    if files.is_empty() { Err(FindError::Excluded) } else { Ok(files) }
}

/// A path without `.` in it.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}
