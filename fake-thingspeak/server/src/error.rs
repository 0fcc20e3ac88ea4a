//! Why the server cannot do what it was told to.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use fake_thingspeak::certificates::CertificateError;
use tracing_subscriber::filter::FromEnvError;

use crate::authority::AuthorityError;
use crate::database::DatabaseError;

/// Why the server could not do what it was told to; reads well after "could not".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("listen on {address}: {}; choose another address with {option}", reason(source))]
    Listen { address: SocketAddr, option: &'static str, source: io::Error },
    #[error("make a certificate: {0}; see --host")]
    Certificate(#[from] CertificateError),
    #[error("write {}: {source}; choose another file with --authority-out", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Authority(#[from] AuthorityError),
    #[error("get random numbers from the operating system; --seed does without")]
    Randomness,
    #[error("use {}: {source}", path.display())]
    Data { path: PathBuf, source: DatabaseError },
    #[error("write to {}: {reason}; what was acknowledged is kept, and nothing more is", path.display())]
    Commit { path: PathBuf, reason: String },
    #[error("use RUST_LOG: {0}; a filter is like `info`, `warn` or `info,mqtt=off`")]
    Filter(#[from] FromEnvError),
    #[error("start: {0}")]
    Start(#[from] io::Error),
}

/// Why an address cannot be listened on; the usual reasons in plain words.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is taken by another program".to_owned(),
        io::ErrorKind::PermissionDenied => "the port is for the administrator".to_owned(),
        io::ErrorKind::AddrNotAvailable => "the address is not this machine's".to_owned(),
        _ => error.to_string(),
    }
}
