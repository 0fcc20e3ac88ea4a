//! Files that a person names, read whole: scenarios, recordings, images.
//!
//! Only regular files are read, and only up to a limit. A pipe may never begin or end, a device has bytes without end,
//! and a file may grow while it is read; so what a name leads to is looked at before it is opened, opening waits for
//! nobody, and one byte more than the limit is an error. What comes out of a program goes into a file first: a
//! scenario's name tells where its output goes and where its recordings lie, which a pipe's does not.
//!
//! Texts are UTF-8, with or without a byte order mark (Unicode 16.0, section 23.8). Other encodings are named where
//! they can be told, and not converted.

use std::fmt;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A mebibyte.
const MIB: u64 = 1 << 20;
/// How many bytes tell whether a text without a byte order mark is UTF-16.
const HEAD: usize = 1024;

/// How much of a file is read at most, in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub u64);

/// Why a file could not be read: a fragment that goes on after "could not read …: ".
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// There is nothing of that name.
    #[error("no such file")]
    Missing,
    /// There is a link of that name, and nothing where it leads.
    #[error("it is a link to {}, which is not there", .0.display())]
    DanglingLink(PathBuf),
    /// It is no regular file.
    #[error("it is {0}")]
    NotAFile(Kind),
    /// It is larger than what is read, or has grown so while it was read.
    #[error("it has more than {} MiB, the most that is read of such a file", .0.0)]
    TooLarge(Limit),
    /// It is no text that can be read.
    #[error(transparent)]
    NotText(#[from] TextError),
    /// Somebody else's.
    #[error("permission denied")]
    Denied,
    /// Whatever else the operating system says.
    #[error("{}", without_number(.0))]
    Io(io::Error),
}

/// Why bytes are no text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TextError {
    /// Another encoding of Unicode, by name.
    #[error("this file is {0}; save it as UTF-8")]
    Encoding(&'static str),
    /// Not UTF-8, from this line on, counted from 1.
    #[error("line {0} is not UTF-8; save the file as UTF-8")]
    NotUtf8(usize),
}

/// What is no regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A pipe: a FIFO, or what a shell makes of `<(…)`.
    Pipe,
    /// A socket.
    Socket,
    /// A terminal, `/dev/zero`, a disk.
    Device,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "a folder",
            Self::Pipe => "a pipe; write what comes out of it into a file, and name that",
            Self::Socket => "a socket, not a file",
            Self::Device => "a device, not a file",
        })
    }
}

/// What there is, if it is no regular file.
pub fn kind(there: &Metadata) -> Option<Kind> {
    let kind = there.file_type();
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_dir() => Some(Kind::Folder),
        _ => Some(special(kind)),
    }
}

#[cfg(unix)]
fn special(kind: FileType) -> Kind {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        _ if kind.is_fifo() => Kind::Pipe,
        _ if kind.is_socket() => Kind::Socket,
        _ => Kind::Device,
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> Kind {
    Kind::Device
}

/// Reads a file's bytes.
///
/// # Errors
/// If it is no regular file, larger than `limit`, or cannot be read.
pub fn bytes(path: &Path, limit: Limit) -> Result<Vec<u8>, InputError> {
    let failed = |error| from_io(path, error);
    // Before it is opened, which alone can do something to a pipe's other end, or to a device.
    let refuse = |there: &Metadata| match kind(there) {
        Some(kind) => Err(InputError::NotAFile(kind)),
        None if there.len() > limit.0 * MIB => Err(InputError::TooLarge(limit)),
        None => Ok(()),
    };
    refuse(&fs::metadata(path).map_err(failed)?)?;
    let file = open(path).map_err(failed)?;
    refuse(&file.metadata().map_err(failed)?)?;
    let mut bytes = Vec::new();
    file.take(limit.0 * MIB + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit.0 * MIB { Err(InputError::TooLarge(limit)) } else { Ok(bytes) }
}

/// Reads a file's text, without its byte order mark.
///
/// # Errors
/// As [`bytes`], and if it is no UTF-8.
pub fn text(path: &Path, limit: Limit) -> Result<String, InputError> {
    Ok(decode(bytes(path, limit)?)?)
}

/// Why a path that cannot be looked at leads nowhere.
pub fn from_io(path: &Path, error: io::Error) -> InputError {
    match error.kind() {
        io::ErrorKind::NotFound => fs::read_link(path).map_or(InputError::Missing, InputError::DanglingLink),
        io::ErrorKind::PermissionDenied => InputError::Denied,
        io::ErrorKind::IsADirectory => InputError::NotAFile(Kind::Folder),
        _ => InputError::Io(error),
    }
}

/// Opens a file without waiting for anybody at its other end, should it have become a pipe in this moment.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn decode(bytes: Vec<u8>) -> Result<String, TextError> {
    if let Some(encoding) = other_encoding(&bytes) {
        return Err(TextError::Encoding(encoding));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        TextError::NotUtf8(good.iter().filter(|byte| **byte == b'\n').count() + 1)
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The encoding that a byte order mark tells, or zeros in every other byte, as Latin letters have them in UTF-16.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 4] = [
        (&[0xFF, 0xFE, 0, 0], "UTF-32"),
        (&[0, 0, 0xFE, 0xFF], "UTF-32"),
        (&[0xFF, 0xFE], "UTF-16"),
        (&[0xFE, 0xFF], "UTF-16"),
    ];
    if let Some((_, name)) = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Some(name);
    }
    let (pairs, _) = bytes[..bytes.len().min(HEAD)].as_chunks::<2>();
    let zeros = |half: usize| pairs.iter().filter(|pair| pair[half] == 0).count();
    let mostly = |half: usize| zeros(half) * 2 > pairs.len() && zeros(1 - half) * 8 < pairs.len();
    (!pairs.is_empty() && (mostly(0) || mostly(1))).then_some("UTF-16")
}

/// What the operating system says, without its number for it.
fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limit = Limit(1);

    /// A folder of the test's own.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("preflash-input-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn why(path: &Path) -> String {
        bytes(path, SMALL).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let file = folder("limit").join("file");
        fs::write(&file, vec![7; 1 << 20]).unwrap();
        assert_eq!(bytes(&file, SMALL).unwrap().len(), 1 << 20);
        fs::write(&file, vec![7; (1 << 20) + 1]).unwrap();
        assert_eq!(why(&file), "it has more than 1 MiB, the most that is read of such a file");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_says_nothing_of_its_size_is_read() {
        // What the kernel makes up has no length.
        assert!(!text(Path::new("/proc/self/status"), SMALL).unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = folder("kinds");
        let at = |name: &str| folder.join(name);
        assert_eq!(why(&folder), "it is a folder");
        assert_eq!(why(&at("nothing")), "no such file");
        std::os::unix::fs::symlink("nothing", at("link")).unwrap();
        assert_eq!(why(&at("link")), "it is a link to nothing, which is not there");
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        assert!(!why(&at("loop")).contains("os error"), "{}", why(&at("loop")));
        let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert_eq!(why(&at("socket")), "it is a socket, not a file");
        assert_eq!(why(Path::new("/dev/zero")), "it is a device, not a file");
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        assert!(why(&at("pipe")).starts_with("it is a pipe; write what comes out of it into a file"));
        std::os::unix::fs::symlink("pipe", at("way-to-pipe")).unwrap();
        assert!(why(&at("way-to-pipe")).starts_with("it is a pipe"));
    }

    #[test]
    fn texts_are_utf_8_and_other_encodings_are_named() {
        let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        assert_eq!(decode(b"\xEF\xBB\xBFtitle".to_vec()).unwrap(), "title");
        assert_eq!(decode(b"zero\0".to_vec()).unwrap(), "zero\0");
        assert_eq!(decode(Vec::new()).unwrap(), "");
        for bytes in [
            utf_16("\u{feff}title"),
            utf_16("title = 'ä'\n"),
            "\u{feff}t".encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "title = 't'\n".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ] {
            assert_eq!(decode(bytes).unwrap_err().to_string(), "this file is UTF-16; save it as UTF-8");
        }
        assert_eq!(decode(b"\xFF\xFE\0\0t\0\0\0".to_vec()), Err(TextError::Encoding("UTF-32")));
        let latin = decode(b"one\ncaf\xE9\n".to_vec()).unwrap_err().to_string();
        assert_eq!(latin, "line 2 is not UTF-8; save the file as UTF-8");
    }
}
