//! What a server may say once it encrypts: which message when, and what may be in it.
//!
//! `embedded-tls` 0.19 takes the messages in any order, any number of times, takes them apart by their inner lengths,
//! and passes over what it did not ask for. [`inspect`] judges the messages of one decrypted record. How far the
//! handshake had come before that record it learns from [`Mark`]; whether certificate and proof are good is not asked
//! here, but a record is only marked as coming after them if they were.
//!
//! Finished is let through in the place of Certificate and CertificateVerify: that they are missing is
//! [`super::verifier`]'s to say. A request for a certificate may come again in the next record; the verifier counts.
//!
//! RFC 8446 §4 (order), §4.3 to §4.6 (messages), §5.1 (no message across a change of keys).

use super::extensions::{Block, Place, SERVER_NAME, SIGNATURE_ALGORITHMS, SUPPORTED_GROUPS};
use super::reader::Reader;
use super::refusal::Refusal;

const NEW_SESSION_TICKET: u8 = 4;
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_REQUEST: u8 = 13;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;
const KEY_UPDATE: u8 = 24;

/// Bytes of a Finished with SHA-256.
const VERIFY_DATA: usize = 32;

/// What may sign a CertificateVerify: the schemes that `embedded-tls` offers, without PKCS #1 v1.5, which is for
/// certificates only (RFC 8446 §4.4.3). ECDSA on P-256 and P-384, Ed25519, RSA-PSS with SHA-256, SHA-384 and SHA-512.
pub(super) const PROOF_SCHEMES: [u16; 6] = [0x0403, 0x0503, 0x0807, 0x0804, 0x0805, 0x0806];

/// How far a connection has come: what the server has to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    /// Its hello, in plaintext. All that follows is encrypted.
    Hello,
    /// A record that begins with EncryptedExtensions.
    Extensions,
    /// Its certificate, possibly with a request for one of the device's before it.
    Certificate,
    /// The proof that it has the key of its certificate, which leads to the trusted issuer.
    Proof,
    /// Finished. It is who it should be.
    Finished,
    /// Data: the handshake is over.
    Open,
}

/// What the record's header tells of the connection, so that it gets past `embedded-tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// How far the connection had come before the record.
    pub(super) phase: Phase,
    /// The hello named the server: it may say that it knows the name.
    pub(super) has_server_name: bool,
}

impl Mark {
    /// No version of TLS has this bit in its second byte.
    const IS_MARK: u8 = 0x80;
    const HAS_SERVER_NAME: u8 = 0x40;

    /// The mark as one byte.
    pub(super) fn to_byte(self) -> u8 {
        let has_server_name = if self.has_server_name { Self::HAS_SERVER_NAME } else { 0 };
        Self::IS_MARK | has_server_name | self.phase as u8
    }

    /// The mark of such a byte.
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        const PHASES: [Phase; 5] = [Phase::Extensions, Phase::Certificate, Phase::Proof, Phase::Finished, Phase::Open];
        let has_server_name = byte & Self::HAS_SERVER_NAME != 0;
        let mut marks = PHASES.into_iter().map(|phase| Self { phase, has_server_name });
        marks.find(|mark| mark.to_byte() == byte)
    }
}

/// Which message may come next, within a record.
#[derive(Clone, Copy)]
enum Next {
    Extensions,
    RequestOrCertificate,
    Certificate,
    Proof,
    Finished,
    /// None: the keys change.
    Nothing,
    /// Tickets, and key updates.
    Ticket,
}

impl Next {
    fn after(self, kind: u8) -> Result<Self, Refusal> {
        match (self, kind) {
            (Self::Extensions, ENCRYPTED_EXTENSIONS) => Ok(Self::RequestOrCertificate),
            (Self::RequestOrCertificate, CERTIFICATE_REQUEST) => Ok(Self::Certificate),
            (Self::RequestOrCertificate | Self::Certificate, CERTIFICATE) => Ok(Self::Proof),
            (Self::Proof, CERTIFICATE_VERIFY) => Ok(Self::Finished),
            (Self::RequestOrCertificate | Self::Certificate | Self::Proof | Self::Finished, FINISHED) => {
                Ok(Self::Nothing)
            }
            (Self::Ticket, NEW_SESSION_TICKET | KEY_UPDATE) => Ok(Self::Ticket),
            (
                Self::Extensions
                | Self::RequestOrCertificate
                | Self::Certificate
                | Self::Proof
                | Self::Finished
                | Self::Nothing,
                ENCRYPTED_EXTENSIONS | CERTIFICATE | CERTIFICATE_REQUEST | CERTIFICATE_VERIFY | FINISHED,
            ) => Err(Refusal::OutOfOrder),
            _ => Err(Refusal::UnexpectedMessage),
        }
    }
}

/// Judges a record's handshake messages, of which there must be at least one.
///
/// # Errors
/// What is wrong with the first that may not come here, or not so.
pub(super) fn inspect(content: &[u8], mark: Mark) -> Result<(), Refusal> {
    if content.is_empty() {
        return Err(Refusal::UnexpectedMessage);
    }
    let mut next = match mark.phase {
        // The guard lets no encrypted record through before the hello.
        Phase::Hello => Next::Nothing,
        Phase::Extensions => Next::Extensions,
        Phase::Certificate => Next::RequestOrCertificate,
        Phase::Proof => Next::Proof,
        Phase::Finished => Next::Finished,
        Phase::Open => Next::Ticket,
    };
    let mut messages = Reader::new(content);
    while !messages.is_empty() {
        let kind = messages.u8()?;
        next = next.after(kind)?;
        let body = messages.vector::<3>().map_err(|_| Refusal::Split)?;
        match kind {
            ENCRYPTED_EXTENSIONS => encrypted_extensions(body, mark.has_server_name)?,
            CERTIFICATE_REQUEST => certificate_request(body)?,
            CERTIFICATE => certificate(body)?,
            CERTIFICATE_VERIFY => certificate_verify(body)?,
            FINISHED if body.rest().len() == VERIFY_DATA => {}
            NEW_SESSION_TICKET => new_session_ticket(body)?,
            KEY_UPDATE => key_update(body)?,
            _ => return Err(Refusal::Malformed),
        }
    }
    Ok(())
}

/// RFC 8446 §4.3.1; RFC 6066 §3: the server's answer to its name is empty.
fn encrypted_extensions(mut body: Reader<'_>, has_server_name: bool) -> Result<(), Refusal> {
    let extensions = Block::new(body.vector::<2>()?);
    body.end()?;
    extensions.check(Place::EncryptedExtensions)?;
    if let Some(name) = extensions.find(SERVER_NAME) {
        if !has_server_name {
            return Err(Refusal::UnsupportedExtension);
        }
        name.end()?;
    }
    if let Some(mut groups) = extensions.find(SUPPORTED_GROUPS) {
        groups.numbers()?;
        groups.end()?;
    }
    Ok(())
}

/// RFC 8446 §4.3.2.
fn certificate_request(mut body: Reader<'_>) -> Result<(), Refusal> {
    let context = body.vector::<1>()?;
    let extensions = Block::new(body.vector::<2>()?);
    body.end()?;
    extensions.check(Place::CertificateRequest)?;
    if !context.is_empty() {
        return Err(Refusal::IllegalParameter);
    }
    let mut algorithms = extensions.find(SIGNATURE_ALGORITHMS).ok_or(Refusal::MissingExtension)?;
    algorithms.numbers()?;
    algorithms.end()
}

/// RFC 8446 §4.4.2.
fn certificate(mut body: Reader<'_>) -> Result<(), Refusal> {
    let context = body.vector::<1>()?;
    let mut entries = body.vector::<3>()?;
    body.end()?;
    if !context.is_empty() {
        return Err(Refusal::IllegalParameter);
    }
    while !entries.is_empty() {
        if entries.vector::<3>()?.is_empty() {
            return Err(Refusal::Malformed);
        }
        Block::new(entries.vector::<2>()?).check(Place::Certificate)?;
    }
    Ok(())
}

/// RFC 8446 §4.4.3.
fn certificate_verify(mut body: Reader<'_>) -> Result<(), Refusal> {
    let scheme = body.u16()?;
    body.vector::<2>()?;
    body.end()?;
    if PROOF_SCHEMES.contains(&scheme) { Ok(()) } else { Err(Refusal::IllegalParameter) }
}

/// RFC 8446 §4.6.1. What it says does not matter: nothing here resumes a session.
fn new_session_ticket(mut body: Reader<'_>) -> Result<(), Refusal> {
    let _lifetime_and_age = body.take(8)?;
    let _nonce = body.vector::<1>()?;
    let ticket = body.vector::<2>()?;
    let extensions = Block::new(body.vector::<2>()?);
    body.end()?;
    if ticket.is_empty() {
        return Err(Refusal::Malformed);
    }
    extensions.check(Place::NewSessionTicket)
}

/// RFC 8446 §4.6.3.
fn key_update(mut body: Reader<'_>) -> Result<(), Refusal> {
    let request_update = body.u8()?;
    body.end()?;
    Err(if request_update <= 1 { Refusal::KeyUpdate } else { Refusal::IllegalParameter })
}
