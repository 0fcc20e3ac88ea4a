//! An attacker who answers over TLS in the cloud's place, as a scenario's man in the middle does.
//!
//! Some attacks ([`Attack`]) are correct TLS with a certificate that must not be believed; the others break the
//! handshake itself ([`flawed_handshake`]), which is TLS 1.3 then. A client that falls for one is answered with `1`,
//! and nothing reaches the cloud. The log says why a client refused, or what it gave away.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use fake_thingspeak::attack::{Attack, Means};
use fake_thingspeak::certificates::Kind;
use fake_thingspeak::flawed_handshake;
use fake_thingspeak::tls::system_server_config;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::client::{Client, HANDSHAKE, REQUEST};
use crate::seed::random_seed;
use crate::socket::Socket;

/// Attacks the client of a connection until either side ends it.
pub(crate) async fn attack(attack: Attack, mut socket: Socket, client: &Client) {
    let mut given = Vec::new();
    let outcome = match attack.means() {
        Means::Certificate(kind) => {
            let Some(identity) = client.identity(kind) else { return };
            let acceptor = TlsAcceptor::from(system_server_config(&identity));
            match within(HANDSHAKE, acceptor.accept(&mut socket)).await {
                Ok(mut stream) => {
                    let _ = timeout(REQUEST, flawed_handshake::answer(&mut stream, &mut given)).await;
                    Ok(())
                }
                Err(reason) => Err(reason),
            }
        }
        Means::Handshake(flaw) => {
            let (Some(identity), Ok(seed)) = (client.identity(Kind::Good), random_seed()) else { return };
            let mut random = ChaCha20Rng::from_seed(seed);
            let accepted = flawed_handshake::accept(&mut socket, Some(flaw), &identity, &mut random);
            match within(HANDSHAKE, accepted).await {
                Ok(session) => {
                    let _ = timeout(REQUEST, session.answer(&mut socket, &mut given)).await;
                    Ok(())
                }
                Err(reason) => Err(reason),
            }
        }
    };
    match outcome {
        Ok(()) => {
            tracing::info!(target: "tls", client = client.name, "man in the middle: believed, and given {}", Given(&given));
        }
        Err(reason) => {
            tracing::info!(target: "tls", client = client.name, reason, "man in the middle: not believed: {reason}");
        }
    }
    let _ = timeout(HANDSHAKE, socket.shutdown()).await;
}

/// The outcome of a handshake, or why it failed.
async fn within<T, E: fmt::Display>(
    limit: Duration,
    handshake: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match timeout(limit, handshake).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("the client took too long".to_owned()),
    }
}

/// What a client gave away, for the log.
struct Given<'a>(&'a [u8]);

impl fmt::Display for Given<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = self;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        // A request that is cut short has its first line nevertheless.
        let parsed = request.parse(bytes);
        match (parsed, request.method, request.path) {
            _ if bytes.is_empty() => f.write_str("nothing"),
            (Ok(_), Some(method), Some(path)) => write!(f, "{method} {path}"),
            (Ok(_), ..) => write!(f, "the first {} bytes of a request", bytes.len()),
            (Err(_), ..) => write!(f, "{} bytes that are no HTTP", bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_away_is_told_on_one_line() {
        for (bytes, expected) in [
            (&b""[..], "nothing"),
            (b"GET /update?api_key=K HTTP/1.1\r\n\r\n", "GET /update?api_key=K"),
            (b"\nPOST /update HTTP/1.1\nHost: x\nContent-Len", "POST /update"),
            (b"POST /upd", "the first 9 bytes of a request"),
            (b"\x10\x0c\0\x04MQTT", "8 bytes that are no HTTP"),
            (b"GET /a\x07b HTTP/1.1\r\n\r\n", "21 bytes that are no HTTP"),
        ] {
            assert_eq!(Given(bytes).to_string(), expected);
        }
    }
}
