//! A TLS 1.3 server that keeps to no rules: each test scripts what it sends after its hello, and after the handshake.
//!
//! It is the transport as well, like [`super::Server`]. RFC 8446 §7.1 (key schedule), §5.2 (record protection).

use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes128Gcm, KeyInit};
use hkdf::Hkdf;
use p256::ecdh::EphemeralSecret;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use rcgen::SigningKey;
use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use super::*;

pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// What a script has to work with: keys and transcript up to here.
pub(super) struct Wire {
    transcript: Sha256,
    secret: [u8; 32],
    traffic: [u8; 32],
    sealed: u64,
    /// What is to be sent.
    pub(super) out: Vec<u8>,
}

impl Wire {
    /// A handshake message; it counts in the transcript.
    pub(super) fn message(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let message = [&[kind], &u24(body.len())[..], body].concat();
        self.transcript.update(&message);
        message
    }

    pub(super) fn encrypted_extensions(&mut self) -> Vec<u8> {
        self.message(8, &[0, 0])
    }

    pub(super) fn certificate(&mut self, chain: &[CertificateDer<'_>]) -> Vec<u8> {
        let entries: Vec<u8> =
            chain.iter().flat_map(|der| [&u24(der.len())[..], der.as_ref(), &[0, 0]].concat()).collect();
        self.message(11, &[&[0][..], &u24(entries.len()), &entries].concat())
    }

    /// A signature over the transcript with this key, claimed to be of this scheme.
    pub(super) fn certificate_verify(&mut self, scheme: u16, key: &impl SigningKey) -> Vec<u8> {
        let hash = self.transcript.clone().finalize();
        let signed = [&[0x20; 64][..], b"TLS 1.3, server CertificateVerify\0", &hash].concat();
        let signature = key.sign(&signed).unwrap();
        let length = u16::try_from(signature.len()).unwrap();
        self.message(15, &[&scheme.to_be_bytes()[..], &length.to_be_bytes(), &signature].concat())
    }

    pub(super) fn finished(&mut self) -> Vec<u8> {
        let key: [u8; 32] = expand(&self.traffic, "finished", &[]);
        let (proof, _) = Hkdf::<Sha256>::extract(Some(&key), &self.transcript.clone().finalize());
        self.message(20, &proof)
    }

    /// Sends one record with this content and content type, encrypted.
    pub(super) fn seal(&mut self, content: &[u8], kind: u8) {
        self.seal_plaintext(&[content, &[kind]].concat());
    }

    /// Sends one record with this plaintext, content type included if there is to be one.
    pub(super) fn seal_plaintext(&mut self, plaintext: &[u8]) {
        let key: [u8; 16] = expand(&self.traffic, "key", &[]);
        let mut nonce: [u8; 12] = expand(&self.traffic, "iv", &[]);
        for (byte, counter) in nonce[4..].iter_mut().zip(self.sealed.to_be_bytes()) {
            *byte ^= counter;
        }
        self.sealed += 1;
        let length = u16::try_from(plaintext.len() + 16).unwrap().to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, length[0], length[1]];
        let mut record = plaintext.to_vec();
        let tag = Aes128Gcm::new(&key.into()).encrypt_in_place_detached(&nonce.into(), &header, &mut record).unwrap();
        self.out.extend([&header[..], &record, &tag].concat());
    }

    /// From the handshake's keys to the application's.
    fn switch(&mut self) {
        let derived: [u8; 32] = expand(&self.secret, "derived", &Sha256::digest([]));
        let (master, _) = Hkdf::<Sha256>::extract(Some(&derived), &[0; 32]);
        self.traffic = expand(&master, "s ap traffic", &self.transcript.clone().finalize());
        self.sealed = 0;
    }
}

/// The server, and the transport to it.
pub(super) struct Evil<F, A> {
    flight: F,
    afterwards: A,
    wire: Option<Wire>,
    /// What the client has written.
    pub(super) written: Vec<u8>,
    handshake_over: bool,
}

impl<F: FnMut(&mut Wire), A: FnMut(&mut Wire)> Evil<F, A> {
    /// `flight` sends what follows the hello, `afterwards` what follows the client's Finished.
    pub(super) fn new(flight: F, afterwards: A) -> Self {
        Self { flight, afterwards, wire: None, written: Vec::new(), handshake_over: false }
    }

    fn answer(&mut self) {
        // One hello in one record, as the client under test sends it.
        let hello = &self.written[5..];
        let secret = EphemeralSecret::random(&mut ChaCha20Rng::seed_from_u64(3));
        let share = secret.public_key().to_encoded_point(false);
        let extensions = [&[0, 0x2b, 0, 2, 3, 4, 0, 0x33, 0, 69, 0, 23, 0, 65][..], share.as_bytes()].concat();
        let length = u16::try_from(extensions.len()).unwrap().to_be_bytes();
        let body = [&[3, 3][..], &[9; 32], &[0, 0x13, 0x01, 0], &length, &extensions].concat();

        let mut wire =
            Wire { transcript: Sha256::new(), secret: [0; 32], traffic: [0; 32], sealed: 0, out: Vec::new() };
        wire.transcript.update(hello);
        let message = wire.message(2, &body);
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        wire.out.extend([&[HANDSHAKE, 3, 3][..], &length, &message].concat());

        let client = p256::PublicKey::from_sec1_bytes(client_share(hello)).unwrap();
        let shared = secret.diffie_hellman(&client);
        let (early, _) = Hkdf::<Sha256>::extract(None, &[0; 32]);
        let derived: [u8; 32] = expand(&early, "derived", &Sha256::digest([]));
        let (handshake, _) = Hkdf::<Sha256>::extract(Some(&derived), shared.raw_secret_bytes());
        wire.secret = handshake.into();
        wire.traffic = expand(&handshake, "s hs traffic", &wire.transcript.clone().finalize());

        (self.flight)(&mut wire);
        self.wire = Some(wire);
    }
}

/// The P-256 share in a client's hello: the only place where a share of that length is announced.
fn client_share(hello: &[u8]) -> &[u8] {
    let announced = [0, 23, 0, 65];
    let at = hello.windows(4).position(|window| window == announced).expect("the client offers P-256");
    &hello[at + 4..][..65]
}

fn expand<const N: usize>(secret: &[u8], label: &str, context: &[u8]) -> [u8; N] {
    let label = [b"tls13 ", label.as_bytes()].concat();
    let length = u16::try_from(N).unwrap().to_be_bytes();
    let short = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let info = [&length[..], &[short(&label)], &label, &[short(context)], context].concat();
    let mut out = [0; N];
    Hkdf::<Sha256>::from_prk(secret).unwrap().expand(&info, &mut out).unwrap();
    out
}

fn u24(length: usize) -> [u8; 3] {
    let [_, rest @ ..] = u32::try_from(length).unwrap().to_be_bytes();
    rest
}

impl<F, A> ErrorType for Evil<F, A> {
    type Error = ErrorKind;
}

impl<F: FnMut(&mut Wire), A: FnMut(&mut Wire)> Read for Evil<F, A> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        if self.wire.is_none() {
            self.answer();
        }
        let wire = self.wire.as_mut().unwrap();
        if wire.out.is_empty() && !self.handshake_over && encrypted_records(&self.written) > 0 {
            self.handshake_over = true;
            wire.switch();
            (self.afterwards)(wire);
        }
        let count = buf.len().min(wire.out.len());
        buf[..count].copy_from_slice(&wire.out[..count]);
        wire.out.drain(..count);
        Ok(count)
    }
}

impl<F: FnMut(&mut Wire), A: FnMut(&mut Wire)> Write for Evil<F, A> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.written.extend_from_slice(buf);
        Ok(buf.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
