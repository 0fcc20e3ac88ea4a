//! What stands between the transport and `embedded-tls`: it looks at each record's header and refuses what has no place.
//!
//! Bytes from the transport pass through [`Guard::read`], record by record. Refused are records that are not TLS, that do
//! not fit the read buffer, encrypted ones without content (on which `embedded-tls` 0.19 panics), and plaintext ones once
//! keys are agreed (which `embedded-tls` would take for the server's word). What is inside an encrypted record is
//! [`super::record_cipher`]'s to judge; the guard marks the headers for it. Bytes to the transport pass through unless they
//! are encrypted and the server has not proved who it is.
//!
//! The guard keeps no record: it holds five bytes of header and counts. Its findings lie in [`State`], outside the
//! connection that owns the guard. RFC 8446 §5.1 (record layer), §4.1.3 (HelloRetryRequest), §D.4 (change cipher spec).

use core::cell::Cell;

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};

use super::READ_BUFFER;
use super::error::TlsError;
use super::record_cipher::AFTER_HANDSHAKE;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// One byte of content type and 16 of tag: the shortest encrypted record that holds something.
const SHORTEST_ENCRYPTED: u16 = 17;

/// The `random` of a ServerHello that is a HelloRetryRequest, and where it stands in the record.
const HELLO_RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
const HELLO_RANDOM: usize = 6;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Until the record with the server's hello is over.
    Hello,
    /// From here on the server encrypts.
    Handshake,
    /// The handshake is over and the server is who it should be.
    Open,
}

/// What a guard and its connection know of each other.
#[derive(Debug)]
pub(super) struct State {
    phase: Cell<Phase>,
    /// The server has proved that it holds the key of a trusted certificate.
    proven: Cell<bool>,
    /// What the guard refused, or how the transport failed.
    refusal: Cell<Option<TlsError>>,
    /// The transport ended where a record could have begun.
    ended: Cell<bool>,
    /// The server asked for another hello.
    hello_retry: Cell<bool>,
    /// The description of an alert that came in plaintext.
    alert: Cell<Option<u8>>,
}

impl State {
    /// The state before the first record.
    pub(super) const fn new() -> Self {
        Self {
            phase: Cell::new(Phase::Hello),
            proven: Cell::new(false),
            refusal: Cell::new(None),
            ended: Cell::new(false),
            hello_retry: Cell::new(false),
            alert: Cell::new(None),
        }
    }

    /// How far the connection has come.
    pub(super) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// The server is who it should be: the client may go on.
    pub(super) fn prove(&self) {
        self.proven.set(true);
    }

    /// The handshake is over.
    pub(super) fn open(&self) {
        self.phase.set(Phase::Open);
    }

    /// Whether the transport ended between two records.
    pub(super) fn ended(&self) -> bool {
        self.ended.get()
    }

    /// What the guard has seen that explains a failure, if anything.
    pub(super) fn finding(&self) -> Option<TlsError> {
        if let Some(refusal) = self.refusal.get() {
            return Some(refusal);
        }
        if let Some(alert) = self.alert.get() {
            return Some(TlsError::Alert(Some(alert)));
        }
        if self.hello_retry.get() {
            return Some(TlsError::KeyExchangeRefused);
        }
        self.ended.get().then_some(TlsError::Closed)
    }
}

/// What `embedded-tls` learns of a failure; the reason is in [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused")]
pub(super) struct Stopped;

impl Error for Stopped {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// A transport seen through the guard.
pub(super) struct Guard<'s, T> {
    transport: T,
    state: &'s State,
    header: [u8; 5],
    /// How much of the header has been passed on.
    header_passed: usize,
    /// How long the record's content is, and how much of it has been passed on.
    length: usize,
    passed: usize,
    /// How much of the record that is being written is still to come.
    outgoing: usize,
    /// The server's hello has come, or is coming.
    greeted: bool,
    /// The content so far is a HelloRetryRequest's.
    like_hello_retry: bool,
}

impl<'s, T> Guard<'s, T> {
    pub(super) fn new(transport: T, state: &'s State) -> Self {
        Self {
            transport,
            state,
            header: [0; 5],
            header_passed: 5,
            length: 0,
            passed: 0,
            outgoing: 0,
            greeted: false,
            like_hello_retry: true,
        }
    }

    fn refuse(&self, refusal: TlsError) -> Stopped {
        self.state.refusal.set(Some(refusal));
        Stopped
    }

    /// Judges the header that was just read, and marks it for the record cipher.
    fn admit(&mut self) -> Result<(), Stopped> {
        let [kind, major, minor, high, low] = self.header;
        let length = u16::from_be_bytes([high, low]);
        if self.greeted && self.state.phase.get() == Phase::Hello {
            self.state.phase.set(Phase::Handshake);
        }
        let phase = self.state.phase.get();
        if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind) || major != 3 {
            return Err(self.refuse(if phase == Phase::Hello {
                TlsError::NotTls
            } else {
                TlsError::UnexpectedRecord(kind)
            }));
        }
        if usize::from(length) > READ_BUFFER {
            return Err(self.refuse(TlsError::RecordTooLarge(length)));
        }
        match (phase, kind) {
            (Phase::Hello, HANDSHAKE) => self.greeted = true,
            (Phase::Hello, ALERT) => {}
            (Phase::Handshake, CHANGE_CIPHER_SPEC) if length == 1 => {}
            (Phase::Handshake | Phase::Open, APPLICATION_DATA) if minor == 3 => {
                if length < SHORTEST_ENCRYPTED {
                    return Err(self.refuse(TlsError::RecordTooShort(length)));
                }
                if phase == Phase::Open {
                    self.header[2] = AFTER_HANDSHAKE;
                }
            }
            _ => return Err(self.refuse(TlsError::UnexpectedRecord(kind))),
        }
        self.header_passed = 0;
        self.length = length.into();
        self.passed = 0;
        Ok(())
    }

    /// Notes what plaintext content tells.
    fn observe(&mut self, content: &[u8]) {
        let kind = self.header[0];
        for (position, byte) in (self.passed..).zip(content) {
            match kind {
                ALERT if position == 1 => self.state.alert.set(Some(*byte)),
                HANDSHAKE => {
                    if let Some(expected) = position.checked_sub(HELLO_RANDOM).and_then(|at| HELLO_RETRY.get(at)) {
                        self.like_hello_retry &= expected == byte;
                        if position + 1 == HELLO_RANDOM + HELLO_RETRY.len() {
                            self.state.hello_retry.set(self.like_hello_retry);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

impl<T: Read> Guard<'_, T> {
    async fn receive(&mut self, buf: &mut [u8]) -> Result<usize, Stopped> {
        match self.transport.read(buf).await {
            Ok(count) => Ok(count),
            Err(error) => Err(self.refuse(TlsError::Transport(error.kind()))),
        }
    }

    /// Reads the next record's header; false at the transport's end.
    async fn next_header(&mut self) -> Result<bool, Stopped> {
        let mut header = [0; 5];
        let mut have = 0;
        while have < header.len() {
            match self.receive(&mut header[have..]).await? {
                0 if have == 0 => {
                    self.state.ended.set(true);
                    return Ok(false);
                }
                0 => return Err(self.refuse(TlsError::Closed)),
                count => have += count,
            }
        }
        self.header = header;
        self.admit()?;
        Ok(true)
    }
}

impl<T> ErrorType for Guard<'_, T> {
    type Error = Stopped;
}

impl<T: Read> Read for Guard<'_, T> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stopped> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.header_passed == self.header.len() && self.passed == self.length && !self.next_header().await? {
            return Ok(0);
        }
        let header = &self.header[self.header_passed..];
        if !header.is_empty() {
            let count = header.len().min(buf.len());
            buf[..count].copy_from_slice(&header[..count]);
            self.header_passed += count;
            return Ok(count);
        }
        let wanted = buf.len().min(self.length - self.passed);
        match self.receive(&mut buf[..wanted]).await? {
            0 => Err(self.refuse(TlsError::Closed)),
            count => {
                self.observe(&buf[..count]);
                self.passed += count;
                Ok(count)
            }
        }
    }
}

impl<T: Write> Write for Guard<'_, T> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Stopped> {
        if self.outgoing == 0 {
            // `embedded-tls` hands over whole records; what does not look like one is none of its own.
            let &[kind, _, _, high, low, ..] = buf else { return Err(Stopped) };
            if kind == APPLICATION_DATA && !self.state.proven.get() {
                return Err(Stopped);
            }
            self.outgoing = self.header.len() + usize::from(u16::from_be_bytes([high, low]));
        }
        let record = &buf[..buf.len().min(self.outgoing)];
        match self.transport.write(record).await {
            Ok(count) => {
                self.outgoing -= count;
                Ok(count)
            }
            Err(error) => Err(self.refuse(TlsError::Transport(error.kind()))),
        }
    }

    async fn flush(&mut self) -> Result<(), Stopped> {
        match self.transport.flush().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.refuse(TlsError::Transport(error.kind()))),
        }
    }
}
