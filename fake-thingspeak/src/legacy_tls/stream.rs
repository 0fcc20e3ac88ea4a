//! A stream of application data over a connection that has shaken hands.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::handshake::Session;
use super::record::{ALERT, APPLICATION_DATA, Cut, HANDSHAKE, LONGEST_CONTENT, Record, cut};
use super::suite::{Suite, Version};

/// Alerts (RFC 5246 §7.2).
const WARNING: u8 = 1;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const UNEXPECTED_MESSAGE: u8 = 10;
const BAD_RECORD_MAC: u8 = 20;
const RECORD_OVERFLOW: u8 = 22;
const NO_RENEGOTIATION: u8 = 100;
/// How often a client may ask for another handshake.
const MOST_REQUESTS: u32 = 3;

/// A stream over a connection that has shaken hands.
pub struct Stream<IO> {
    io: IO,
    session: Session,
    /// What the client has sent and nobody has read.
    readable: VecDeque<u8>,
    /// Records that are not written yet.
    outgoing: Vec<u8>,
    /// Bytes of them that are.
    written: usize,
    /// The client has said that it sends nothing more.
    ended: bool,
    /// The server has.
    closed: bool,
    /// Why nothing more can be read.
    broken: Option<&'static str>,
    /// How often the client has asked for another handshake.
    requests: u32,
}

impl<IO> Stream<IO> {
    pub(super) fn new(io: IO, session: Session) -> Self {
        let (readable, outgoing) = (VecDeque::new(), Vec::new());
        Self { io, session, readable, outgoing, written: 0, ended: false, closed: false, broken: None, requests: 0 }
    }

    /// Which version and which cipher suite both sides have agreed on.
    pub fn agreed(&self) -> (Version, Suite) {
        (self.session.version, self.session.suite)
    }

    fn queue(&mut self, content: u8, bytes: &[u8]) {
        let record = self.session.server.seal(content, bytes, &mut self.session.random);
        self.outgoing.extend(record);
    }

    /// Deals with a record of the client's; an error is the alert for it, and why.
    fn take(&mut self, record: &Record) -> Result<(), (u8, &'static str)> {
        let bytes = self.session.client.open(record).ok_or((BAD_RECORD_MAC, "a record cannot be decrypted"))?;
        match (record.content, bytes.as_slice()) {
            // One without anything is what clients of TLS 1.0 send before others, against BEAST.
            (APPLICATION_DATA, _) => self.readable.extend(bytes),
            (ALERT, &[_, CLOSE_NOTIFY]) => self.ended = true,
            (ALERT, &[WARNING, _]) => {}
            (ALERT, _) => self.broken = Some("the client sent an alert"),
            (HANDSHAKE, _) if self.requests < MOST_REQUESTS => {
                self.requests += 1;
                self.queue(ALERT, &[WARNING, NO_RENEGOTIATION]);
            }
            _ => return Err((UNEXPECTED_MESSAGE, "a record that has no place here")),
        }
        Ok(())
    }

    fn give_up(&mut self, alert: u8, why: &'static str) {
        self.queue(ALERT, &[FATAL, alert]);
        self.broken = Some(why);
        self.closed = true;
    }
}

impl<IO: AsyncWrite + Unpin> Stream<IO> {
    /// Writes what is queued.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.outgoing.len() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.outgoing[self.written..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        self.outgoing.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        loop {
            if !stream.readable.is_empty() {
                let (front, _) = stream.readable.as_slices();
                let length = front.len().min(buffer.remaining());
                buffer.put_slice(&front[..length]);
                stream.readable.drain(..length);
                return Poll::Ready(Ok(()));
            }
            if let Some(why) = stream.broken {
                // Let the client know, if it still reads; what is read depends on it no more.
                let _ = stream.poll_out(cx);
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
            }
            if stream.ended {
                return Poll::Ready(Ok(()));
            }
            match cut(&mut stream.session.received) {
                Cut::Record(record) => {
                    if let Err((alert, why)) = stream.take(&record) {
                        stream.give_up(alert, why);
                    }
                }
                Cut::Malformed => stream.give_up(RECORD_OVERFLOW, "what came is no record of TLS"),
                Cut::Part => {
                    // Answers to what has been read; if they cannot go out now, they will with the next write.
                    if let Poll::Ready(Err(error)) = stream.poll_out(cx) {
                        return Poll::Ready(Err(error));
                    }
                    let mut space = [0; 4096];
                    let mut space = ReadBuf::new(&mut space);
                    ready!(Pin::new(&mut stream.io).poll_read(cx, &mut space))?;
                    if space.filled().is_empty() {
                        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                    }
                    stream.session.received.extend(space.filled());
                }
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        if stream.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        ready!(stream.poll_out(cx))?;
        let length = bytes.len().min(LONGEST_CONTENT);
        if length > 0 {
            stream.queue(APPLICATION_DATA, &bytes[..length]);
            if let Poll::Ready(Err(error)) = stream.poll_out(cx) {
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        ready!(stream.poll_out(cx))?;
        Pin::new(&mut stream.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !stream.closed {
            stream.closed = true;
            stream.queue(ALERT, &[WARNING, CLOSE_NOTIFY]);
        }
        ready!(stream.poll_out(cx))?;
        Pin::new(&mut stream.io).poll_shutdown(cx)
    }
}
