//! A TLS 1.3 server that keeps to no rules: each test scripts its hello, what it sends after that, and after the
//! handshake.
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

/// The server's hello, good until a script changes it.
pub(super) struct Hello {
    /// Whole records that go before it.
    pub(super) before: Vec<u8>,
    pub(super) kind: u8,
    pub(super) legacy_version: u16,
    pub(super) random: [u8; 32],
    pub(super) session_id_echo: Vec<u8>,
    pub(super) cipher_suite: u16,
    pub(super) compression: u8,
    pub(super) extensions: Vec<(u16, Vec<u8>)>,
    /// What follows the extensions in the message.
    pub(super) appendix: Vec<u8>,
    /// What follows the message in its record.
    pub(super) trailing: Vec<u8>,
    /// Whether the record ends in the middle of the message, which another record goes on with.
    pub(super) is_split: bool,
    /// The record's version.
    pub(super) record_version: [u8; 2],
}

impl Hello {
    /// What an extension of the good hello holds.
    pub(super) fn extension(&mut self, kind: u16) -> &mut Vec<u8> {
        &mut self.extensions.iter_mut().find(|extension| extension.0 == kind).unwrap().1
    }

    fn body(&self) -> Vec<u8> {
        let mut body = self.legacy_version.to_be_bytes().to_vec();
        body.extend(self.random);
        body.push(u8::try_from(self.session_id_echo.len()).unwrap());
        body.extend(&self.session_id_echo);
        body.extend(self.cipher_suite.to_be_bytes());
        body.push(self.compression);
        body.extend(extensions(&self.extensions));
        body.extend(&self.appendix);
        body
    }
}

/// A block of extensions, with its length.
pub(super) fn extensions<C: AsRef<[u8]>>(extensions: &[(u16, C)]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let entry =
        |(kind, content): &(u16, C)| [&kind.to_be_bytes()[..], &length(content.as_ref()), content.as_ref()].concat();
    let block: Vec<u8> = extensions.iter().flat_map(entry).collect();
    [&length(&block)[..], &block].concat()
}

/// A record in plaintext.
pub(super) fn plain(kind: u8, version: [u8; 2], content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[kind][..], &version, &length, content].concat()
}

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
        self.certificate_with(&[], chain, &[])
    }

    /// With a context, and with these extensions in each entry.
    pub(super) fn certificate_with(
        &mut self,
        context: &[u8],
        chain: &[CertificateDer<'_>],
        in_entries: &[(u16, &[u8])],
    ) -> Vec<u8> {
        let block = extensions(in_entries);
        let entries: Vec<u8> =
            chain.iter().flat_map(|der| [&u24(der.len())[..], der.as_ref(), &block].concat()).collect();
        self.message(11, &[&[u8::try_from(context.len()).unwrap()], context, &u24(entries.len()), &entries].concat())
    }

    /// What a CertificateVerify signs.
    pub(super) fn to_be_signed(&self) -> Vec<u8> {
        let hash = self.transcript.clone().finalize();
        [&[0x20; 64][..], b"TLS 1.3, server CertificateVerify\0", &hash].concat()
    }

    /// A signature over the transcript with this key, claimed to be of this scheme.
    pub(super) fn certificate_verify(&mut self, scheme: u16, key: &impl SigningKey) -> Vec<u8> {
        let signature = key.sign(&self.to_be_signed()).unwrap();
        self.signature(scheme, &signature)
    }

    /// A CertificateVerify with this signature.
    pub(super) fn signature(&mut self, scheme: u16, signature: &[u8]) -> Vec<u8> {
        let length = u16::try_from(signature.len()).unwrap();
        self.message(15, &[&scheme.to_be_bytes()[..], &length.to_be_bytes(), signature].concat())
    }

    /// What a Finished says.
    pub(super) fn verify_data(&self) -> [u8; 32] {
        let key: [u8; 32] = expand(&self.traffic, "finished", &[]);
        Hkdf::<Sha256>::extract(Some(&key), &self.transcript.clone().finalize()).0.into()
    }

    pub(super) fn finished(&mut self) -> Vec<u8> {
        let proof = self.verify_data();
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
    hello: fn(&mut Hello),
    flight: F,
    afterwards: A,
    wire: Option<Wire>,
    /// What the client has written.
    pub(super) written: Vec<u8>,
    handshake_over: bool,
    reads: u32,
}

impl<F: FnMut(&mut Wire), A: FnMut(&mut Wire)> Evil<F, A> {
    /// `flight` sends what follows the hello, `afterwards` what follows the client's Finished.
    pub(super) fn new(flight: F, afterwards: A) -> Self {
        Self::with_hello(|_| {}, flight, afterwards)
    }

    /// `hello` changes the server's hello.
    pub(super) fn with_hello(hello: fn(&mut Hello), flight: F, afterwards: A) -> Self {
        Self { hello, flight, afterwards, wire: None, written: Vec::new(), handshake_over: false, reads: 0 }
    }

    fn answer(&mut self) {
        // One hello in one record, as the client under test sends it.
        let length = usize::from(u16::from_be_bytes([self.written[3], self.written[4]]));
        let client_hello = &self.written[5..][..length];
        let secret = EphemeralSecret::random(&mut ChaCha20Rng::seed_from_u64(3));
        let share = secret.public_key().to_encoded_point(false);
        let mut hello = Hello {
            before: Vec::new(),
            kind: 2,
            legacy_version: 0x0303,
            random: [9; 32],
            session_id_echo: client_hello[39..][..usize::from(client_hello[38])].to_vec(),
            cipher_suite: 0x1301,
            compression: 0,
            extensions: [(43, [3, 4].to_vec()), (51, [&[0, 23, 0, 65], share.as_bytes()].concat())].to_vec(),
            appendix: Vec::new(),
            trailing: Vec::new(),
            is_split: false,
            record_version: [3, 3],
        };
        (self.hello)(&mut hello);

        let mut wire =
            Wire { transcript: Sha256::new(), secret: [0; 32], traffic: [0; 32], sealed: 0, out: Vec::new() };
        wire.transcript.update(client_hello);
        let message = wire.message(hello.kind, &hello.body());
        wire.out.extend(&hello.before);
        let content = [message, hello.trailing].concat();
        let (first, second) = content.split_at(if hello.is_split { 20 } else { content.len() });
        for part in [first, second].into_iter().filter(|part| !part.is_empty()) {
            wire.out.extend(plain(HANDSHAKE, hello.record_version, part));
        }

        let client = p256::PublicKey::from_sec1_bytes(client_share(client_hello)).unwrap();
        let shared = secret.diffie_hellman(&client);
        let (early, _) = Hkdf::<Sha256>::extract(None, &[0; 32]);
        let derived: [u8; 32] = expand(&early, "derived", &Sha256::digest([]));
        let (handshake, _) = Hkdf::<Sha256>::extract(Some(&derived), shared.raw_secret_bytes());
        wire.secret = handshake.into();
        wire.traffic = expand(&handshake, "s hs traffic", &wire.transcript.clone().finalize());

        (self.flight)(&mut wire);
        self.wire = Some(wire);
    }

    /// Moves what there is to send into `buf`, and says how much that was.
    pub(super) fn send(&mut self, buf: &mut [u8]) -> usize {
        self.reads += 1;
        assert!(self.reads < 100_000, "the client reads without end");
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
        count
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
        Ok(self.send(buf))
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
