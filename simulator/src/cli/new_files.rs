//! Files that a command makes anew: whole or not at all, and never in the place of another.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NewFileError {
    #[error("{path} is there already; name another file with -o, or let --force replace it", path = .0.display())]
    There(PathBuf),
    #[error("could not write {path}: {source}", path = path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Writes files, all or none of them.
pub(super) fn write(files: &[(PathBuf, String)], replace: bool) -> Result<(), NewFileError> {
    if let Some((path, _)) = files.iter().find(|(path, _)| !replace && path.exists()) {
        return Err(NewFileError::There(path.clone()));
    }
    let drafts: Vec<PathBuf> = files.iter().map(|(path, _)| draft(path)).collect();
    let attempt = || {
        for ((path, text), draft) in files.iter().zip(&drafts) {
            let failed = |source| NewFileError::Write { path: path.clone(), source };
            if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
                fs::create_dir_all(folder).map_err(failed)?;
            }
            fs::write(draft, text).map_err(failed)?;
        }
        for ((path, _), draft) in files.iter().zip(&drafts) {
            fs::rename(draft, path).map_err(|source| NewFileError::Write { path: path.clone(), source })?;
        }
        Ok(())
    };
    attempt().inspect_err(|_| {
        // Nothing half-written stays; the first failure is the one to tell.
        for draft in &drafts {
            let _ = fs::remove_file(draft);
        }
    })
}

fn draft(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}
