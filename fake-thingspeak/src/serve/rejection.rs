//! What hyper refuses by itself, in the cloud's own words.
//!
//! Bytes that are no request (400), a target or headers that are too long (414, 431) never become a request that the
//! cloud could answer: hyper writes an empty reply and closes. [`Rejecting`] lies between hyper and the stream and
//! writes the cloud's reply in place of that. It knows hyper's reply by its coming while no reply of ours is under way;
//! one that comes in the same write as a reply before it (a client that does not wait for replies) stays as it is.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream in which hyper's own refusals become those of `reject`, which makes a whole reply for a status, unless a
/// reply of ours is on its way. `flushed` hears that it has arrived.
pub(super) struct Rejecting<'c, S, F, G> {
    stream: &'c mut S,
    reject: F,
    flushed: G,
    /// What of our refusal is not written yet.
    rest: Vec<u8>,
}

impl<'c, S, F, G> Rejecting<'c, S, F, G>
where
    S: AsyncWrite + Unpin,
    F: Fn(StatusCode) -> Option<Vec<u8>> + Unpin,
{
    pub(super) fn new(stream: &'c mut S, reject: F, flushed: G) -> Self {
        Self { stream, reject, flushed, rest: Vec::new() }
    }

    /// Our refusal, if hyper's is what these bytes are.
    fn refusal(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let is_head = bytes.starts_with(b"HTTP/1.") && bytes.ends_with(b"\r\n\r\n");
        let status = bytes.get(9..12).filter(|_| is_head)?;
        let status = StatusCode::from_bytes(status).ok().filter(StatusCode::is_client_error)?;
        (self.reject)(status)
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

impl<S: AsyncRead + Unpin, F: Unpin, G: Unpin> AsyncRead for Rejecting<'_, S, F, G> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.stream).poll_read(cx, buf)
    }
}

impl<S, F, G> AsyncWrite for Rejecting<'_, S, F, G>
where
    S: AsyncWrite + Unpin,
    F: Fn(StatusCode) -> Option<Vec<u8>> + Unpin,
    G: Fn() + Unpin,
{
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        ready!(self.poll_rest(cx))?;
        if let Some(refusal) = self.refusal(bytes) {
            self.rest = refusal;
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
        if let Some(first) = slices.iter().find(|slice| !slice.is_empty())
            && let Some(refusal) = self.refusal(first)
        {
            self.rest = refusal;
            return Poll::Ready(Ok(first.len()));
        }
        Pin::new(&mut *self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_rest(cx))?;
        ready!(Pin::new(&mut *self.stream).poll_flush(cx))?;
        (self.flushed)();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_rest(cx))?;
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}
