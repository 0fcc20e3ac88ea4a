//! One connection's bytes on their way between a TCP socket and the server task behind it, in memory.
//!
//! The connection fills [`Pipe::inbound`] and drains [`Pipe::outbound`]; the server sees a [`MemoryStream`]. Both are
//! on one thread, and nothing waits: a read or write that cannot go on leaves a waker, which the connection wakes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes kept for a side that does not take them.
const LIMIT: usize = 65_536;

/// What is between a socket and its server.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    inbound: VecDeque<u8>,
    outbound: VecDeque<u8>,
    /// The client sends no more.
    client_closed: bool,
    /// The connection is gone.
    broken: bool,
    /// The server sends no more.
    server_closed: bool,
    /// The server let the connection go without closing it.
    torn: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    /// How many bytes may be [`push`](Self::push)ed.
    pub fn room(&self) -> usize {
        LIMIT.saturating_sub(self.inbound.len())
    }

    /// Bytes from the client.
    pub fn push(&mut self, bytes: &[u8]) {
        self.inbound.extend(bytes);
        wake(&mut self.reader);
    }

    /// The client has closed its side.
    pub fn close_client(&mut self) {
        if !self.client_closed {
            self.client_closed = true;
            wake(&mut self.reader);
        }
    }

    /// The connection was reset.
    pub fn break_off(&mut self) {
        if !self.broken {
            self.broken = true;
            wake(&mut self.reader);
            wake(&mut self.writer);
        }
    }

    /// The next bytes for the client, contiguous; empty if there are none.
    pub fn next_outbound(&self) -> &[u8] {
        self.outbound.as_slices().0
    }

    /// That many bytes are on their way to the client.
    pub fn sent(&mut self, count: usize) {
        self.outbound.drain(..count);
        if count > 0 {
            wake(&mut self.writer);
        }
    }

    /// Whether the server let the connection go without closing it: it is to be reset.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// Whether the server has closed its side, and all it sent is on its way.
    pub fn is_finished(&self) -> bool {
        self.server_closed && self.outbound.is_empty()
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// A server's end of a connection. Shutting it down closes the server's side; dropping it without that tears the
/// connection.
#[derive(Debug)]
pub(super) struct MemoryStream(Rc<RefCell<Pipe>>);

impl MemoryStream {
    /// The server's end of `pipe`.
    pub fn new(pipe: &Rc<RefCell<Pipe>>) -> Self {
        Self(Rc::clone(pipe))
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        let mut pipe = self.0.borrow_mut();
        pipe.torn = !pipe.server_closed;
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.0.borrow_mut();
        if pipe.broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if pipe.inbound.is_empty() && !pipe.client_closed {
            pipe.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let bytes = pipe.inbound.as_slices().0;
        let count = bytes.len().min(into.remaining());
        into.put_slice(&bytes[..count]);
        pipe.inbound.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.0.borrow_mut();
        if pipe.broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if pipe.server_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = LIMIT.saturating_sub(pipe.outbound.len());
        if room == 0 {
            pipe.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = room.min(bytes.len());
        pipe.outbound.extend(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().server_closed = true;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::task::Task;
    use super::*;

    #[test]
    fn a_server_waits_for_bytes_and_sees_the_end() {
        let pipe = Rc::new(RefCell::new(Pipe::default()));
        let mut stream = MemoryStream::new(&pipe);
        let mut task = Task::new(async move {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        task.poll_if_woken();
        pipe.borrow_mut().push(b"ab");
        task.poll_if_woken();
        pipe.borrow_mut().push(b"c");
        assert!(pipe.borrow().next_outbound().is_empty());
        pipe.borrow_mut().close_client();
        task.poll_if_woken();
        assert!(task.is_finished());
        assert_eq!(pipe.borrow().next_outbound(), b"abc");
        assert!(!pipe.borrow().is_finished());
        pipe.borrow_mut().sent(3);
        assert!(pipe.borrow().is_finished() && !pipe.borrow().is_torn());
    }

    #[test]
    fn a_full_pipe_holds_the_writer_back() {
        let pipe = Rc::new(RefCell::new(Pipe::default()));
        let mut stream = MemoryStream::new(&pipe);
        let mut task = Task::new(async move { stream.write_all(&vec![7; LIMIT + 1]).await.unwrap() });
        task.poll_if_woken();
        assert!(!task.is_finished());
        pipe.borrow_mut().sent(1);
        task.poll_if_woken();
        assert!(task.is_finished());
        assert!(pipe.borrow().is_torn(), "dropped, but not shut down");
    }

    #[test]
    fn a_broken_connection_is_an_error_on_both_sides() {
        let pipe = Rc::new(RefCell::new(Pipe::default()));
        let mut stream = MemoryStream::new(&pipe);
        pipe.borrow_mut().break_off();
        let mut task = Task::new(async move {
            assert!(stream.read_u8().await.is_err());
            assert!(stream.write_u8(1).await.is_err());
        });
        task.poll_if_woken();
        assert!(task.is_finished());
    }
}
