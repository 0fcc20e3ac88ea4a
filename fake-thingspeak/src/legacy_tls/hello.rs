//! The client's first message, read for what the choice of a protocol depends on (RFC 5246 §7.4.1.2, RFC 8446 §4.1.2).

use super::suite::{Suite, Version};

/// Content type of handshake records, and of a ClientHello in them.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// The longest hello that is waited for: old devices have short ones, and reading begins anew with each piece.
const LONGEST: usize = 0x3FFF;
/// The longest plaintext of a record.
const LONGEST_RECORD: usize = 1 << 14;
/// Extensions.
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const SUPPORTED_VERSIONS: u16 = 43;
const RENEGOTIATION_INFO: u16 = 0xFF01;
/// The cipher suite that says what the empty extension of that name says (RFC 5746 §3.3).
const RENEGOTIATION_SCSV: u16 = 0x00FF;
/// Signature schemes with ECDSA, and those of TLS 1.2 with the algorithm `ecdsa` (RFC 5246 §7.4.1.4.1).
const ECDSA: u16 = 3;

/// What a client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientHello {
    /// The newest version, but for TLS 1.3.
    pub(crate) version: u16,
    pub(crate) random: [u8; 32],
    pub(crate) suites: Vec<u16>,
    /// Whether it takes records that are not compressed.
    pub(crate) uncompressed: bool,
    /// All versions; empty if it does not list them.
    pub(crate) versions: Vec<u16>,
    /// Groups for key exchange.
    pub(crate) groups: Vec<u16>,
    /// Signature schemes, or pairs of hash and signature algorithm.
    pub(crate) signatures: Vec<u16>,
    /// Whether it wants to be told that there is no renegotiation to be attacked (RFC 5746).
    pub(crate) renegotiation_info: bool,
}

/// What the first bytes of a client are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The beginning of a hello.
    Part,
    /// Not one.
    Foreign,
    /// A whole one.
    Hello(Box<ClientHello>),
}

impl Begun {
    /// Reads what has come, which may be more than a hello.
    pub(crate) fn of(mut bytes: &[u8]) -> Self {
        let mut message = Vec::new();
        loop {
            if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
                return Self::Foreign;
            }
            if let [_, high, middle, low, body @ ..] = message.as_slice() {
                let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
                if length > LONGEST {
                    return Self::Foreign;
                }
                if let Some(body) = body.get(..length) {
                    return ClientHello::parse(body).map_or(Self::Foreign, |hello| Self::Hello(Box::new(hello)));
                }
            }
            let [content, major, _, high, low, rest @ ..] = bytes else {
                let is_tls = bytes.first().is_none_or(|content| *content == HANDSHAKE)
                    && bytes.get(1).is_none_or(|major| *major == 3);
                return if is_tls { Self::Part } else { Self::Foreign };
            };
            let length = usize::from(*high) << 8 | usize::from(*low);
            if (*content, *major) != (HANDSHAKE, 3) || !(1..=LONGEST_RECORD).contains(&length) {
                return Self::Foreign;
            }
            let (record, rest) = rest.split_at(length.min(rest.len()));
            message.extend(record);
            bytes = rest;
        }
    }
}

/// Takes bytes from the front of others.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Bytes with their length in `N` bytes before them.
    fn vector<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let length = self.take(N)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.take(length)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

impl ClientHello {
    /// Reads the body of the message; `None` if it is cut short.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let mut body = Reader(body);
        let mut hello = Self { version: body.number()?, ..Self::default() };
        hello.random.copy_from_slice(body.take(32)?);
        body.vector::<1>()?;
        hello.suites = numbers(body.vector::<2>()?);
        hello.uncompressed = body.vector::<1>()?.contains(&0);
        hello.renegotiation_info = hello.suites.contains(&RENEGOTIATION_SCSV);
        // An old client's hello may end here.
        let mut extensions = Reader(if body.0.is_empty() { &[] } else { body.vector::<2>()? });
        while !extensions.0.is_empty() {
            let kind = extensions.number()?;
            let mut content = Reader(extensions.vector::<2>()?);
            match kind {
                SUPPORTED_GROUPS => hello.groups = numbers(content.vector::<2>()?),
                SIGNATURE_ALGORITHMS => hello.signatures = numbers(content.vector::<2>()?),
                SUPPORTED_VERSIONS => hello.versions = numbers(content.vector::<1>()?),
                RENEGOTIATION_INFO => hello.renegotiation_info = true,
                _ => {}
            }
        }
        Some(hello)
    }

    /// Whether this client speaks TLS `number`.
    pub(crate) fn speaks(&self, number: u16) -> bool {
        if self.versions.is_empty() { number <= self.version.min(0x0303) } else { self.versions.contains(&number) }
    }

    /// What this server speaks with it, if it can.
    pub(super) fn choose(&self) -> Option<(Version, Option<Suite>)> {
        let newest = match self.versions.iter().filter(|version| **version <= 0x0303).max() {
            Some(listed) => *listed,
            None if self.versions.is_empty() => self.version,
            None => return None,
        };
        let version = Version::of(newest)?;
        Some((version, Suite::choose(&self.suites, version).filter(|_| self.uncompressed)))
    }

    /// Whether this server can speak with it.
    pub(crate) fn can_be_served(&self) -> bool {
        matches!(self.choose(), Some((_, Some(_))))
    }

    /// Whether it reads certificates that are signed with ECDSA.
    pub(super) fn reads_ecdsa(&self) -> bool {
        self.signatures.iter().any(|scheme| scheme & 0xFF == ECDSA)
    }
}
