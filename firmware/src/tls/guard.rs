//! What stands between the transport and `embedded-tls`: it looks at each record's header and refuses what has no
//! place.
//!
//! Bytes from the transport pass through [`Guard::read`], record by record. Refused are records that are not TLS, that
//! do not fit the read buffer, encrypted ones without content (on which `embedded-tls` 0.19 panics), and plaintext ones
//! once keys are agreed (which `embedded-tls` would take for the server's word). A change of cipher specs is dropped
//! where it may come, up to [`MOST_CHANGE_CIPHER_SPECS`] times. The server's hello passes in one piece, judged by
//! [`super::hello`]. What is inside an encrypted record is [`super::record_cipher`]'s to judge; the guard marks the
//! headers for it. Bytes to the transport pass through unless they are encrypted and the server has not proved who it
//! is.
//!
//! If it refuses something before keys are agreed, it sends the server an alert. The alert that `embedded-tls` would
//! send, mislabelled as a change of cipher specs, goes nowhere.
//!
//! The guard keeps no record: it holds five bytes of header and counts. Its findings lie in [`State`], outside the
//! connection that owns the guard. RFC 8446 §5 (change cipher spec), §5.1 (record layer), §6 (alerts).

use core::cell::Cell;

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};

use super::error::TlsError;
use super::flight::{Mark, Phase};
use super::{READ_BUFFER, alert, hello};

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// One byte of content type and 16 of tag: the shortest encrypted record that holds something.
const SHORTEST_ENCRYPTED: u16 = 17;

/// Bytes of an alert, which is a record of its own.
const ALERT_LENGTH: u16 = 2;
/// The only change of cipher specs there is.
const CHANGE: [u8; 1] = [1];
/// A server sends one, for old boxes on the way (RFC 8446 §D.4); the standard sets no limit.
const MOST_CHANGE_CIPHER_SPECS: u8 = 2;

/// What a guard and its connection know of each other.
#[derive(Debug)]
pub(super) struct State {
    phase: Cell<Phase>,
    /// The hello names the server.
    has_server_name: Cell<bool>,
    /// What the guard refused, or how the transport failed.
    refusal: Cell<Option<TlsError>>,
    /// The transport ended where a record could have begun.
    ended: Cell<bool>,
    /// The description of an alert that came in plaintext.
    alert: Cell<Option<u8>>,
    change_cipher_specs: Cell<u8>,
}

impl State {
    /// The state before the first record.
    pub(super) const fn new() -> Self {
        Self {
            phase: Cell::new(Phase::Hello),
            has_server_name: Cell::new(false),
            refusal: Cell::new(None),
            ended: Cell::new(false),
            alert: Cell::new(None),
            change_cipher_specs: Cell::new(0),
        }
    }

    /// How far the connection has come.
    pub(super) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// The connection has come so far: to [`Phase::Proof`] with a good chain, to [`Phase::Finished`] with the proof
    /// that the server has its key, to [`Phase::Open`] with all of the handshake.
    pub(super) fn advance(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// The hello will name the server.
    pub(super) fn name_server(&self) {
        self.has_server_name.set(true);
    }

    /// Whether the transport ended between two records.
    pub(super) fn ended(&self) -> bool {
        self.ended.get()
    }

    /// What the guard has seen that explains a failure, if anything.
    pub(super) fn finding(&self) -> Option<TlsError> {
        let alert = self.alert.get().map(|alert| TlsError::Alert(Some(alert)));
        self.refusal.get().or(alert).or_else(|| self.ended.get().then_some(TlsError::Closed))
    }

    fn mark(&self) -> Mark {
        Mark { phase: self.phase.get(), has_server_name: self.has_server_name.get() }
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
}

/// What becomes of a record.
enum Verdict {
    PassOn,
    /// It changes the cipher specs, if its content says so.
    Drop,
}

impl<'s, T> Guard<'s, T> {
    pub(super) fn new(transport: T, state: &'s State) -> Self {
        Self { transport, state, header: [0; 5], header_passed: 5, length: 0, passed: 0, outgoing: 0 }
    }

    fn refuse(&self, refusal: TlsError) -> Stopped {
        self.state.refusal.set(Some(refusal));
        Stopped
    }

    /// Judges the header that was just read, and marks it for the record cipher.
    fn judge_header(&mut self) -> Result<Verdict, Stopped> {
        let [kind, major, minor, high, low] = self.header;
        let length = u16::from_be_bytes([high, low]);
        let phase = self.state.phase();
        let unexpected = TlsError::UnexpectedRecord(kind);
        if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind) || major != 3 {
            return Err(self.refuse(if phase == Phase::Hello { TlsError::NotTls } else { unexpected }));
        }
        if usize::from(length) > READ_BUFFER {
            return Err(self.refuse(TlsError::RecordTooLarge(length)));
        }
        match (phase, kind) {
            (Phase::Hello, HANDSHAKE) if length > 0 => {}
            (Phase::Hello, ALERT) if length == ALERT_LENGTH => {}
            (_, CHANGE_CIPHER_SPEC) if phase < Phase::Open && usize::from(length) == CHANGE.len() => {
                return Ok(Verdict::Drop);
            }
            (_, APPLICATION_DATA) if phase > Phase::Hello && minor == 3 => {
                if length < SHORTEST_ENCRYPTED {
                    return Err(self.refuse(TlsError::RecordTooShort(length)));
                }
                self.header[2] = self.state.mark().to_byte();
                if phase == Phase::Extensions {
                    // This record has to begin with EncryptedExtensions, so that none may after it.
                    self.state.advance(Phase::Certificate);
                }
            }
            _ => return Err(self.refuse(unexpected)),
        }
        self.header_passed = 0;
        self.length = length.into();
        self.passed = 0;
        Ok(Verdict::PassOn)
    }

    /// Judges the content of a plaintext record that may pass, from its first byte to its last. It has a frame of its
    /// own, for that of the future around it lies below the checks of certificates and signatures.
    #[inline(never)]
    fn judge_plaintext(&self, content: &[u8]) -> Result<(), Stopped> {
        match (self.header[0], content) {
            (ALERT, &[_level, description]) => self.state.alert.set(Some(description)),
            _ => {
                hello::check(content).map_err(|error| self.refuse(error))?;
                self.state.advance(Phase::Extensions);
            }
        }
        Ok(())
    }
}

impl<T: Read> Guard<'_, T> {
    async fn receive(&mut self, buf: &mut [u8]) -> Result<usize, Stopped> {
        match self.transport.read(buf).await {
            Ok(count) => Ok(count),
            Err(error) => Err(self.refuse(TlsError::Transport(error.kind()))),
        }
    }

    /// Reads until `buf` is full, in the middle of a record.
    async fn receive_all(&mut self, buf: &mut [u8]) -> Result<(), Stopped> {
        let mut have = 0;
        while have < buf.len() {
            match self.receive(&mut buf[have..]).await? {
                0 => return Err(self.refuse(TlsError::Closed)),
                count => have += count,
            }
        }
        Ok(())
    }

    /// Reads the header of the next record that is to be passed on; false at the transport's end.
    async fn next_header(&mut self) -> Result<bool, Stopped> {
        loop {
            let mut header = [0; 5];
            let have = self.receive(&mut header).await?;
            if have == 0 {
                self.state.ended.set(true);
                return Ok(false);
            }
            self.receive_all(&mut header[have..]).await?;
            self.header = header;
            match self.judge_header()? {
                Verdict::PassOn => return Ok(true),
                Verdict::Drop => self.change_cipher_spec().await?,
            }
        }
    }

    async fn change_cipher_spec(&mut self) -> Result<(), Stopped> {
        let mut content = [0; CHANGE.len()];
        self.receive_all(&mut content).await?;
        let count = self.state.change_cipher_specs.get() + 1;
        if content != CHANGE || count > MOST_CHANGE_CIPHER_SPECS {
            return Err(self.refuse(TlsError::UnexpectedRecord(CHANGE_CIPHER_SPEC)));
        }
        self.state.change_cipher_specs.set(count);
        Ok(())
    }

    /// Reads what may be passed on.
    async fn pass_on(&mut self, buf: &mut [u8]) -> Result<usize, Stopped> {
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
        let content = &mut buf[..wanted];
        let count = if self.state.phase() == Phase::Hello {
            // `embedded-tls` has room for all of a record's content when it asks for some. If it had not, what is
            // judged here would be a message cut short.
            self.receive_all(content).await?;
            self.judge_plaintext(content)?;
            wanted
        } else {
            match self.receive(content).await? {
                0 => return Err(self.refuse(TlsError::Closed)),
                count => count,
            }
        };
        self.passed += count;
        Ok(count)
    }
}

impl<T: Write> Guard<'_, T> {
    /// Tells the server what was wrong, as long as neither side has keys.
    async fn send_alert(&mut self) {
        let description = self.state.refusal.get().and_then(TlsError::alert);
        if let Some(description) = description.filter(|_| self.state.phase() == Phase::Hello) {
            let [high, low] = ALERT_LENGTH.to_be_bytes();
            // Whether the server hears it changes nothing.
            let _ = self.transport.write_all(&[ALERT, 3, 3, high, low, alert::FATAL, description]).await;
        }
    }
}

impl<T> ErrorType for Guard<'_, T> {
    type Error = Stopped;
}

impl<T: Read + Write> Read for Guard<'_, T> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stopped> {
        if buf.is_empty() {
            return Ok(0);
        }
        let passed = self.pass_on(buf).await;
        if passed.is_err() {
            self.send_alert().await;
        }
        passed
    }
}

impl<T: Write> Write for Guard<'_, T> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Stopped> {
        if self.outgoing == 0 {
            // `embedded-tls` hands over whole records; what does not look like one is none of its own.
            let &[kind, _, _, high, low, ..] = buf else { return Err(Stopped) };
            if kind == CHANGE_CIPHER_SPEC {
                return Ok(buf.len());
            }
            if kind == APPLICATION_DATA && self.state.phase() < Phase::Finished {
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
