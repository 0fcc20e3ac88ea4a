//! The handshake: hello, certificate, the client's secret under the server's RSA key, and both sides' proof that they
//! have seen the same (RFC 5246 §7.3).

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::hello::ClientHello;
use super::keys::{Master, Side, Transcript};
use super::record::{ALERT, CHANGE_CIPHER_SPEC, Cut, HANDSHAKE, Protection, Record, cut, plain};
use super::suite::Version;
use super::{Refusal, Server, Stream};
use crate::certificates::Identity;

/// Handshake types (RFC 5246 §7.4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const FINISHED: u8 = 20;
/// A fatal alert.
const FATAL: u8 = 2;
/// The longest handshake message of a client: a hello.
const LONGEST_MESSAGE: usize = 0xFFFF;
/// Bytes of the secret that a client sends (RFC 5246 §7.4.7.1).
const PREMASTER: usize = 48;
/// The extension that says that there is no renegotiation to be attacked (RFC 5746 §3.2).
const RENEGOTIATION_INFO: [u8; 5] = [0xFF, 0x01, 0, 1, 0];

/// `bytes` with their length in `N` bytes before them.
fn vector_of<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_be_bytes();
    [&length[length.len() - N..], bytes].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [vec![kind], vector_of::<3>(body)].concat()
}

/// A connection while hands are shaken.
struct Handshake<'io, IO> {
    io: &'io mut IO,
    /// Bytes that are no whole record yet.
    received: Vec<u8>,
    /// Bytes of handshake messages that have not been read.
    messages: Vec<u8>,
    /// What protects the client's records, once it does.
    client: Option<Protection>,
    transcript: Transcript,
    version: Version,
}

impl Server {
    /// Shakes hands with a client, and gives the stream that comes of it, or the client's back with the reason why
    /// there is none. An alert has told the client then.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn accept<IO>(&self, mut io: IO) -> Result<Stream<IO>, (Refusal, IO)>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut handshake = Handshake {
            io: &mut io,
            received: Vec::new(),
            messages: Vec::new(),
            client: None,
            transcript: Transcript::default(),
            version: Version::Tls10,
        };
        match handshake.run(self).await {
            Ok(session) => Ok(Stream::new(io, session)),
            Err(refusal) => {
                if let Some(alert) = refusal.alert() {
                    let record = plain(handshake.version, ALERT, &[FATAL, alert]);
                    // Whether the client still reads it does not matter.
                    let _ = io.write_all(&record).await;
                    let _ = io.flush().await;
                }
                Err((refusal, io))
            }
        }
    }
}

/// What a handshake has come to.
pub(super) struct Session {
    pub(super) version: Version,
    pub(super) suite: super::Suite,
    pub(super) client: Protection,
    pub(super) server: Protection,
    pub(super) random: ChaCha20Rng,
    /// Bytes that came after the handshake.
    pub(super) received: Vec<u8>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Handshake<'_, IO> {
    async fn run(&mut self, server: &Server) -> Result<Session, Refusal> {
        let mut random = server.draw()?;
        let hello = self.message(CLIENT_HELLO, "hello").await?;
        let hello = ClientHello::parse(&hello).ok_or(Refusal::Hello)?;
        let (version, suite) = hello.choose().ok_or(Refusal::Version)?;
        self.version = version;
        let suite = suite.ok_or(Refusal::Suite)?;
        let identity = if hello.reads_ecdsa() { &server.current } else { &server.old };
        let mut unique = [0; 32];
        random.fill_bytes(&mut unique);
        self.introduce(&hello, suite.number, &unique, identity).await?;

        let exchange = self.message(CLIENT_KEY_EXCHANGE, "key exchange").await?;
        let premaster = premaster(&exchange, identity, &hello, version, &mut random)?;
        let master = Master::new(version, &premaster, &hello.random, &unique);
        let [client, mut protected] = master.protections(suite, &hello.random, &unique);
        self.change_cipher_spec(client).await?;
        let expected = master.verify_data(Side::Client, &self.transcript);
        let finished = self.message(FINISHED, "Finished").await?;
        if finished != expected {
            return Err(Refusal::Finished);
        }

        let finished = message(FINISHED, &master.verify_data(Side::Server, &self.transcript));
        let mut flight = plain(version, CHANGE_CIPHER_SPEC, &[1]);
        flight.extend(protected.seal(HANDSHAKE, &finished, &mut random));
        self.io.write_all(&flight).await?;
        self.io.flush().await?;
        let client = self.client.take().ok_or(Refusal::Unexpected("ChangeCipherSpec"))?;
        Ok(Session { version, suite, client, server: protected, random, received: std::mem::take(&mut self.received) })
    }

    /// Sends ServerHello, Certificate and ServerHelloDone, a record for each, as old clients expect it.
    async fn introduce(
        &mut self,
        hello: &ClientHello,
        suite: u16,
        unique: &[u8; 32],
        identity: &Identity,
    ) -> Result<(), Refusal> {
        let mut body = self.version.bytes().to_vec();
        body.extend(unique);
        // No session, and no compression.
        body.push(0);
        body.extend(suite.to_be_bytes());
        body.push(0);
        if hello.renegotiation_info {
            body.extend(vector_of::<2>(&RENEGOTIATION_INFO));
        }
        // The server's own certificate alone, for which small clients have room.
        let chain: Vec<u8> = identity.chain().iter().take(1).flat_map(|entry| vector_of::<3>(entry)).collect();
        let messages = [
            message(SERVER_HELLO, &body),
            message(CERTIFICATE, &vector_of::<3>(&chain)),
            message(SERVER_HELLO_DONE, &[]),
        ];
        let mut flight = Vec::new();
        for message in messages {
            self.transcript.add(&message);
            flight.extend(plain(self.version, HANDSHAKE, &message));
        }
        self.io.write_all(&flight).await?;
        self.io.flush().await?;
        Ok(())
    }

    /// The body of the client's next message, which has to be of this kind.
    async fn message(&mut self, kind: u8, name: &'static str) -> Result<Vec<u8>, Refusal> {
        loop {
            if self.messages.first().is_some_and(|first| *first != kind) {
                return Err(Refusal::Unexpected(name));
            }
            if let [_, high, middle, low, body @ ..] = self.messages.as_slice() {
                let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
                if length > LONGEST_MESSAGE {
                    return Err(Refusal::Malformed);
                }
                if let Some(body) = body.get(..length) {
                    let body = body.to_vec();
                    self.transcript.add(&self.messages[..4 + length]);
                    self.messages.drain(..4 + length);
                    return Ok(body);
                }
            }
            let bytes = self.content(HANDSHAKE, name).await?;
            self.messages.extend(bytes);
        }
    }

    /// Waits for the client to protect its records from now on.
    async fn change_cipher_spec(&mut self, client: Protection) -> Result<(), Refusal> {
        const NAME: &str = "ChangeCipherSpec";
        if !self.messages.is_empty() || self.content(CHANGE_CIPHER_SPEC, NAME).await? != [1] {
            return Err(Refusal::Unexpected(NAME));
        }
        self.client = Some(client);
        Ok(())
    }

    /// The content of the client's next record, which has to be of this kind.
    async fn content(&mut self, kind: u8, name: &'static str) -> Result<Vec<u8>, Refusal> {
        let record = loop {
            match cut(&mut self.received) {
                Cut::Record(record) => break record,
                Cut::Malformed => return Err(Refusal::Malformed),
                Cut::Part if self.io.read_buf(&mut self.received).await? == 0 => {
                    return Err(Refusal::Stream(std::io::ErrorKind::UnexpectedEof.into()));
                }
                Cut::Part => {}
            }
        };
        let content = record.content;
        let bytes = match &mut self.client {
            Some(protection) => protection.open(&record).ok_or(Refusal::Record)?,
            None => {
                let Record { bytes, .. } = record;
                bytes
            }
        };
        match (content, bytes.as_slice()) {
            (ALERT, &[_, description]) => Err(Refusal::Alert(description)),
            // A record without anything would let a client talk for ever.
            (_, []) => Err(Refusal::Malformed),
            (content, _) if content == kind => Ok(bytes),
            _ => Err(Refusal::Unexpected(name)),
        }
    }
}

/// The secret that the client has chosen. One that cannot be decrypted, or that begins with a version that the client
/// did not offer, becomes a random one: so the client learns that something is wrong only from its Finished, and not
/// what (RFC 5246 §7.4.7.1).
fn premaster(
    exchange: &[u8],
    identity: &Identity,
    hello: &ClientHello,
    version: Version,
    random: &mut ChaCha20Rng,
) -> Result<Vec<u8>, Refusal> {
    let mut instead = vec![0; PREMASTER];
    random.fill_bytes(&mut instead);
    let [high, low, encrypted @ ..] = exchange else { return Err(Refusal::Unexpected("key exchange")) };
    if encrypted.len() != usize::from(*high) << 8 | usize::from(*low) {
        return Err(Refusal::Unexpected("key exchange"));
    }
    let decrypted = identity.key().decrypt(encrypted, random);
    // Some clients put the version there that was agreed on.
    let versions = [hello.version.to_be_bytes(), version.bytes()];
    let is_good = |secret: &Vec<u8>| secret.len() == PREMASTER && versions.contains(&[secret[0], secret[1]]);
    Ok(decrypted.filter(is_good).unwrap_or(instead))
}
