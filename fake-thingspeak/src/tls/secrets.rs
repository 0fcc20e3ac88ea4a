//! The secrets of connections, for whoever reads a record of their packets.
//!
//! Each is a line as Mozilla's NSS writes them into the file of `SSLKEYLOGFILE`
//! (draft-ietf-tls-keylogfile): a label, the client's random number, the secret. Only servers of a simulation tell
//! theirs ([`server_config`](super::server_config), and the handshakes of this crate that a thread runs for it); a
//! server on real sockets tells nobody. Nothing is kept until it is asked for. As with the random numbers, what
//! belongs together runs on one thread.

use std::cell::RefCell;

use rustls::KeyLog;

thread_local! {
    static KEPT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// From now on keeps the secrets of this thread's connections, or none. What was kept and not taken is forgotten.
pub fn keep(wanted: bool) {
    KEPT.set(wanted.then(Vec::new));
}

/// Takes what was kept since the last time: lines without an end, in order.
pub fn take() -> Vec<String> {
    KEPT.with_borrow_mut(|kept| kept.as_mut().map(std::mem::take).unwrap_or_default())
}

/// Keeps a secret if secrets are kept.
pub(crate) fn tell(label: &str, client_random: &[u8], secret: &[u8]) {
    KEPT.with_borrow_mut(|kept| {
        if let Some(kept) = kept {
            kept.push(format!("{label} {} {}", hex::encode(client_random), hex::encode(secret)));
        }
    });
}

/// What rustls tells its secrets to.
#[derive(Debug)]
pub(super) struct Kept;

impl KeyLog for Kept {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        tell(label, client_random, secret);
    }

    fn will_log(&self, _label: &str) -> bool {
        KEPT.with_borrow(Option::is_some)
    }
}
