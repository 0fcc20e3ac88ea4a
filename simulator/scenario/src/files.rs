//! Scenario files on disk: which ones some paths mean, and reading them all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use simulator_world::input::{self, InputError, Kind};

use super::{Diagnostics, Scenario};

/// Why no list of scenario files could be made.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A path does not exist or cannot be read.
    #[error("could not open {}: {reason}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A path is a file of another kind.
    #[error("{} is not a scenario: scenario files end in .toml", .0.display())]
    NotAScenario(PathBuf),
    /// A path is no file.
    #[error("{} is not a scenario: it is {kind}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// Nothing was found.
    #[error("no scenario files under {0}")]
    Nothing(String),
}

/// The scenario files that these paths mean: files as they are, folders searched for `*.toml`, in sorted order and each
/// once. Hidden files and folders are passed over, and so is a folder that has been searched by another name: a link
/// may lead back to where it lies.
///
/// # Errors
/// If a path does not exist or is no scenario, or if there is no file at all.
pub fn scenario_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, FilesError> {
    let (mut files, mut searched) = (Vec::new(), BTreeSet::new());
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
        match input::kind(&metadata) {
            Some(Kind::Folder) => search(path, &mut searched, &mut files)?,
            Some(kind) => return Err(FilesError::NotAFile { path: path.clone(), kind }),
            None if is_toml(path) => files.push(path.clone()),
            None => return Err(FilesError::NotAScenario(path.clone())),
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    if files.is_empty() {
        let paths = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(FilesError::Nothing(paths));
    }
    Ok(files)
}

/// Reads scenarios, the good ones and the mistakes of the others.
pub fn load_all(files: &[PathBuf]) -> (Vec<Scenario>, Vec<Diagnostics>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for file in files {
        match Scenario::load(file) {
            Ok(scenario) => good.push(scenario),
            Err(diagnostics) => bad.push(diagnostics),
        }
    }
    (good, bad)
}

fn search(folder: &Path, searched: &mut BTreeSet<PathBuf>, files: &mut Vec<PathBuf>) -> Result<(), FilesError> {
    if !searched.insert(folder.canonicalize().map_err(|error| unreadable(folder, error))?) {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(folder, error))?;
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            search(&path, searched, files)?;
        } else if is_toml(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn unreadable(path: &Path, error: std::io::Error) -> FilesError {
    let reason = match input::from_io(path, error) {
        InputError::Missing => "no such file or folder".to_owned(),
        other => other.to_string(),
    };
    FilesError::Unreadable { path: path.to_owned(), reason }
}
