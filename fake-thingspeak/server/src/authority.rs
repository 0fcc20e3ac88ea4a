//! An authority that lasts: a file with its secret, and beside it the certificate that others are to trust.
//!
//! The file holds, as PEM, the seed that everything of the authority comes from and the SHA-256 of its certificate, so
//! that a version that would make another certificate from the same seed notices. On Unix only its owner may read it: a
//! file that others can read or write is refused.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use fake_thingspeak::certificates::{Authority, CertificateError};
use rsa::pkcs8::LineEnding;
use rsa::pkcs8::der::pem;

use crate::exposure::Exposure;

const LABEL: &str = "FAKE THINGSPEAK AUTHORITY";

/// Why an authority cannot be read or made; reads well after "could not".
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    #[error("read {}: {source}; `fake-thingspeak ca` makes an authority", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("use {}: it holds no authority that `fake-thingspeak ca` made", path.display())]
    Foreign { path: PathBuf },
    #[error("use {}: another version of fake-thingspeak made it, and this one would make another certificate of it; make a new authority with `fake-thingspeak ca`", path.display())]
    Changed { path: PathBuf },
    #[error("use {}: {exposure}; `chmod 600 {}` ends that, and a new authority (`fake-thingspeak ca`) is safer still, as nobody knows it", path.display(), path.display())]
    Exposed { path: PathBuf, exposure: Exposure },
    #[error("keep the secret in {}: that is where the certificate would go; choose a name like authority.key", path.display())]
    Name { path: PathBuf },
    #[error("make a certificate: {0}")]
    Certificate(#[from] CertificateError),
}

/// Reads the authority that the file holds.
pub(crate) fn read(path: &Path) -> Result<Authority, AuthorityError> {
    let mut text = Vec::new();
    let looked = File::open(path).and_then(|mut file| {
        file.read_to_end(&mut text)?;
        file.metadata()
    });
    let file = looked.map_err(|source| AuthorityError::Read { path: path.to_owned(), source })?;
    let foreign = || AuthorityError::Foreign { path: path.to_owned() };
    let (label, bytes) = pem::decode_vec(&text).map_err(|_| foreign())?;
    let (seed, fingerprint) = bytes.split_at_checked(32).filter(|_| label == LABEL).ok_or_else(foreign)?;
    let authority = Authority::from_seed(seed.try_into().map_err(|_| foreign())?)?;
    if authority.fingerprint() != fingerprint {
        return Err(AuthorityError::Changed { path: path.to_owned() });
    }
    match Exposure::of(&file) {
        Some(exposure) => Err(AuthorityError::Exposed { path: path.to_owned(), exposure }),
        None => Ok(authority),
    }
}

/// Makes an authority from `seed`, in a file that must not exist yet.
pub(crate) fn make(path: &Path, seed: [u8; 32]) -> Result<Authority, AuthorityError> {
    let authority = Authority::from_seed(seed)?;
    let bytes = [seed, authority.fingerprint()].concat();
    let text = pem::encode_string(LABEL, LineEnding::LF, &bytes).expect("64 bytes are short and the label is plain");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|source| AuthorityError::Write { path: path.to_owned(), source })?;
    Ok(authority)
}

/// Writes the authority's certificate as PEM (RFC 7468), which curl and browsers take.
pub(crate) fn write_certificate(path: &Path, authority: &Authority) -> io::Result<()> {
    let text = pem::encode_string("CERTIFICATE", LineEnding::LF, authority.certificate())
        .expect("a certificate is short and its label is plain");
    std::fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_the_same_when_it_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authority.key");
        let made = make(&path, [7; 32]).unwrap();
        assert_eq!(read(&path).unwrap().certificate(), made.certificate());
        // An existing file is not overwritten.
        assert!(matches!(make(&path, [8; 32]), Err(AuthorityError::Write { .. })));
        assert_eq!(read(&path).unwrap().fingerprint(), made.fingerprint());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_others_know_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authority.key");
        make(&path, [7; 32]).unwrap();
        for (mode, expected) in [
            (0o600, None),
            (0o400, None),
            (0o644, Some(Exposure::Readable)),
            (0o640, Some(Exposure::Readable)),
            (0o620, Some(Exposure::Writable)),
            (0o666, Some(Exposure::Writable)),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let told = read(&path).err().map(|error| error.to_string());
            let expected = expected.map(|exposure| format!("{exposure}; `chmod 600 {}`", path.display()));
            assert_eq!(told.is_some(), expected.is_some(), "{mode:o}");
            assert!(told.zip(expected).is_none_or(|(told, expected)| told.contains(&expected)), "{mode:o}");
        }
    }

    #[test]
    fn what_holds_no_authority_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authority.key");
        assert!(read(&path).unwrap_err().to_string().contains("`fake-thingspeak ca` makes an authority"));
        let write =
            |label, bytes: &[u8]| std::fs::write(&path, pem::encode_string(label, LineEnding::LF, bytes).unwrap());
        for (label, length) in [("CERTIFICATE", 64), (LABEL, 0), (LABEL, 31)] {
            write(label, &vec![1; length]).unwrap();
            assert!(matches!(read(&path), Err(AuthorityError::Foreign { .. })), "{label} {length}");
        }
        std::fs::write(&path, b"\xff\x00").unwrap();
        assert!(matches!(read(&path), Err(AuthorityError::Foreign { .. })));
        write(LABEL, &[1; 64]).unwrap();
        assert!(matches!(read(&path), Err(AuthorityError::Changed { .. })));
    }
}
