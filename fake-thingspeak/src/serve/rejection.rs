//! What hyper refuses by itself, in the cloud's own words.
//!
//! Bytes that are no request (400), a target or headers that are too long (414, 431) never become a request that the
//! cloud could answer: hyper writes an empty reply and closes. [`Rejecting`] lies between hyper and the stream and writes
//! the cloud's reply in place of that. It knows hyper's reply by its coming while no reply of ours is under way; one that
//! comes in the same write as a reply before it (a client that does not wait for replies) stays as it is.

use std::cell::Cell;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream in which hyper's own refusals become those of `reject`, which makes a whole reply for a status.
pub(super) struct Rejecting<'c, S, F> {
    stream: &'c mut S,
    /// A reply of ours is on its way to the stream; over when the stream is flushed.
    replying: &'c Cell<bool>,
    reject: F,
    /// What of our refusal is not written yet.
    rest: Vec<u8>,
}

impl<'c, S, F> Rejecting<'c, S, F>
where
    S: AsyncWrite + Unpin,
    F: Fn(StatusCode) -> Vec<u8> + Unpin,
{
    pub(super) fn new(stream: &'c mut S, replying: &'c Cell<bool>, reject: F) -> Self {
        Self { stream, replying, reject, rest: Vec::new() }
    }

    /// The status of hyper's refusal, if that is what these bytes are.
    fn refusal(&self, bytes: &[u8]) -> Option<StatusCode> {
        let is_head = bytes.starts_with(b"HTTP/1.") && bytes.ends_with(b"\r\n\r\n");
        let status = bytes.get(9..12).filter(|_| is_head && !self.replying.get())?;
        StatusCode::from_bytes(status).ok().filter(StatusCode::is_client_error)
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut *self.stream).poll_write(cx, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin, F: Unpin> AsyncRead for Rejecting<'_, S, F> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.stream).poll_read(cx, buf)
    }
}

impl<S, F> AsyncWrite for Rejecting<'_, S, F>
where
    S: AsyncWrite + Unpin,
    F: Fn(StatusCode) -> Vec<u8> + Unpin,
{
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        ready!(self.poll_rest(cx))?;
        if let Some(status) = self.refusal(bytes) {
            self.rest = (self.reject)(status);
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut *self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        ready!(self.poll_rest(cx))?;
        match slices.iter().find(|slice| !slice.is_empty()) {
            Some(first) if self.refusal(first).is_some() => self.poll_write(cx, first),
            _ => Pin::new(&mut *self.stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_rest(cx))?;
        ready!(Pin::new(&mut *self.stream).poll_flush(cx))?;
        self.replying.set(false);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_rest(cx))?;
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}
