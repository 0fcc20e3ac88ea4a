//! Files that a command makes anew: whole or not at all, and never in the place of another.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::whole;

/// A file could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NewFileError {
    #[error("{path} is there already; name another file with -o, or let --force replace it", path = .0.display())]
    There(PathBuf),
    #[error("{path} is what this is made from; name another file with -o", path = .0.display())]
    Input(PathBuf),
    #[error("could not write {path}: {source}", path = path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Writes files, all or none of them, and none in the place of one that they are made from.
pub(super) fn write(files: &[(PathBuf, String)], inputs: &[PathBuf], replace: bool) -> Result<(), NewFileError> {
    let inputs: Vec<PathBuf> = inputs.iter().filter_map(|input| input.canonicalize().ok()).collect();
    for (path, _) in files {
        if path.canonicalize().is_ok_and(|place| inputs.contains(&place)) {
            return Err(NewFileError::Input(path.clone()));
        }
        if !replace && path.exists() {
            return Err(NewFileError::There(path.clone()));
        }
    }
    let mut drafts = Vec::new();
    for (path, text) in files {
        let failed = |source| NewFileError::Write { path: path.clone(), source };
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        drafts.push((path, whole::draft(path, text).map_err(failed)?));
    }
    let mut made: Vec<&PathBuf> = Vec::new();
    for (path, draft) in drafts {
        let kept = if replace { draft.persist(path) } else { draft.persist_noclobber(path) };
        if let Err(error) = kept {
            // What is new goes again; the first failure is the one to tell.
            for path in made.into_iter().filter(|_| !replace) {
                let _ = fs::remove_file(path);
            }
            return Err(match error.error.kind() {
                // It has come between the look and the writing.
                io::ErrorKind::AlreadyExists => NewFileError::There(path.clone()),
                _ => NewFileError::Write { path: path.clone(), source: error.error },
            });
        }
        made.push(path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_written_or_none_and_none_in_the_place_of_what_they_are_made_from() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["a/one.toml", "two.csv"].map(|name| folder.path().join(name));
        let files = |text: &str| vec![(one.clone(), text.to_owned()), (two.clone(), text.to_owned())];
        fs::write(&two, "there").unwrap();
        assert!(matches!(write(&files("new"), &[], false), Err(NewFileError::There(path)) if path == two));
        assert!(
            matches!(write(&files("new"), std::slice::from_ref(&two), true), Err(NewFileError::Input(path)) if path == two)
        );
        assert!(!one.exists() && fs::read_to_string(&two).unwrap() == "there");
        write(&files("new"), &[], true).unwrap();
        assert_eq!([&one, &two].map(|path| fs::read_to_string(path).unwrap()), ["new", "new"]);
        // Nothing else lies beside them.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        fs::remove_file(&one).unwrap();
        fs::remove_file(&two).unwrap();
        fs::create_dir(&two).unwrap();
        assert!(write(&files("new"), &[], true).is_err() && two.is_dir());
    }
}
