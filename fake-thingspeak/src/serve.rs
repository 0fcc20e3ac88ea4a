//! One connection of HTTP/1.1 (RFC 9112), with or without TLS, over any stream.
//!
//! [`serve`] reads requests, asks its [`Host`] for a [`Verdict`], lets the cloud handle them, and sends the replies. A
//! host may have replies of its own, which the cloud never hears of.
//! Time, the cloud and the record of what happened are the host's, so that the same code runs in a simulation (virtual
//! time, streams in memory, one thread) and on real sockets.
//!
//! How a connection ends is part of what a cloud does to a device: [`serve`] shuts the stream down
//! (`poll_shutdown`: close_notify and then FIN) where it means to close it, and drops it without that where it means to
//! tear it. A stream that is dropped without having been shut down should reset its connection.
//!
//! `guard` adds what no reply may lack; `target` finds requests without a good target; `memory` bounds what all
//! connections take together.
//!
//! What it tolerates, because devices in the field do it: a line feed before the request line and after the body, line
//! ends without carriage return, and a client that closes its sending side before it has the reply. A request that has
//! arrived is carried out even if the client does not wait for the reply any more.
//!
//! A host may let a connection go on in another protocol (RFC 9110 §7.8): its reply 101 ends the HTTP, and
//! [`Host::upgraded`] has the stream.
//!
//! Not modelled: HTTP/2, compression.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use connection::{Connection, Tear};
use rejection::Rejecting;

use crate::tls::TlsServer;

pub use fault::{Fault, FaultNeeds, FaultWord, Verdict};
pub use host::{Ending, Exchange, Host, Limits, TlsOutcome};
pub use written::{BadHeader, Pieces, WrittenReply, check_header};

mod connection;
mod fault;
mod guard;
mod host;
mod memory;
mod rejection;
mod reply;
mod target;
#[cfg(test)]
mod tests;
mod written;

/// Serves one connection until it ends. With `tls`, a handshake comes first.
pub async fn serve<IO, H>(mut io: IO, tls: Option<TlsServer>, client: IpAddr, host: &H) -> Ending
where
    IO: AsyncRead + AsyncWrite + Unpin,
    H: Host,
{
    match tls {
        None => serve_http(&mut io, false, client, host).await,
        // Boxed, so that the future of each connection is small: it is read twice a request, and with many connections
        // each cache line counts.
        Some(server) => Box::pin(serve_tls(io, server, client, host)).await,
    }
}

async fn serve_tls<IO, H>(io: IO, server: TlsServer, client: IpAddr, host: &H) -> Ending
where
    IO: AsyncRead + AsyncWrite + Unpin,
    H: Host,
{
    match within(host, host.limits().handshake, server.accept(io)).await {
        Some(Ok(mut stream)) => {
            host.tls_finished(Ok(stream.legacy()));
            serve_http(&mut stream, true, client, host).await
        }
        Some(Err((error, mut io))) => {
            host.tls_finished(Err(error));
            // The alert is written; a stream that cannot be closed any more is closed enough.
            let _ = io.shutdown().await;
            Ending::NoHandshake
        }
        None => {
            host.tls_finished(Err("the client took too long".to_owned()));
            Ending::NoHandshake
        }
    }
}

/// `work`'s output, or `None` if `limit` passes first.
async fn within<H: Host, F: Future>(host: &H, limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut alarm = pin!(host.sleep(limit));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => alarm.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// How long a closed connection is read from if the client may still be sending: an unread byte would reset it, and the
/// client would lose the reply that says what it did wrong (nginx calls it lingering).
const LINGERING: Duration = Duration::from_secs(5);

/// Reads until the client has nothing more to send.
async fn drain<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<()> {
    let mut scrap = [0; 1024];
    while stream.read(&mut scrap).await? > 0 {}
    Ok(())
}

/// What a connection came to.
enum Step {
    /// Its end.
    Over(hyper::Result<()>),
    /// An exchange that ends it.
    Torn(Tear),
    /// It is waited for as long as before no more.
    OtherPatience,
}

async fn serve_http<S, H>(stream: &mut S, tls: bool, client: IpAddr, host: &H) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Host,
{
    let shared = Connection::new(tls, client, host);
    let mut read = Bytes::new();
    let ending = {
        let stream = Rejecting::new(&mut *stream, |status| shared.rejection(status), || shared.sent());
        let mut connection = http1::Builder::new()
            .half_close(true)
            .header_read_timeout(None)
            .auto_date_header(false)
            .title_case_headers(true)
            // One piece goes through the kernel a third faster than a head and a body of a few bytes.
            .writev(false)
            .max_buf_size(16 << 10)
            .serve_connection(TokioIo::new(stream), service_fn(|request| shared.exchange(request)));
        loop {
            let (answered, patience) = (shared.answered.get(), shared.patience.get());
            let step = poll_fn(|cx| {
                let step = Pin::new(&mut connection).poll(cx);
                match shared.tear.borrow_mut().take() {
                    Some(tear) => Poll::Ready(Step::Torn(tear)),
                    None if step.is_pending() && shared.patience.get() != patience => Poll::Ready(Step::OtherPatience),
                    None => step.map(Step::Over),
                }
            });
            match within(host, patience, step).await {
                Some(Step::Over(Ok(()))) => {
                    read = connection.into_parts().read_buf;
                    break Ok(Ending::Closed);
                }
                Some(Step::Over(Err(_))) => break Ok(Ending::Failed),
                Some(Step::Torn(tear)) => break Err(tear),
                Some(Step::OtherPatience) => {}
                None if shared.busy.get() || shared.answered.get() != answered => {}
                None if patience < shared.limits.request => {
                    host.closed_idle();
                    break Ok(Ending::Dropped);
                }
                None => break Ok(Ending::TooSlow),
            }
        }
    };
    let (ending, last_words, pieces) = match ending {
        Ok(Ending::Closed) if shared.upgraded.get() => {
            // On the heap, so that connections that stay with HTTP have no room for it.
            let ending = Box::pin(host.upgraded(stream, read)).await;
            if ending == Ending::Reset {
                return ending;
            }
            shared.unread.set(true);
            (ending, Vec::new(), None)
        }
        Ok(ending) => (ending, Vec::new(), None),
        Err(Tear::Close(bytes)) => (Ending::Dropped, bytes, None),
        Err(Tear::InPieces(bytes, pieces)) => (Ending::Dropped, bytes, Some(pieces)),
        Err(Tear::Reset) => return Ending::Reset,
    };
    let lingers = shared.unread.get() || ending == Ending::Failed;
    let last_words = match pieces {
        Some(pieces) => Box::pin(send_in_pieces(stream, last_words, pieces, host)).await,
        None => last_words,
    };
    Box::pin(close(stream, &last_words, lingers, host)).await;
    ending
}

/// Sends all pieces but the last, which is left; nothing is, if the client does not take them.
async fn send_in_pieces<S, H>(stream: &mut S, mut bytes: Vec<u8>, pieces: Pieces, host: &H) -> Vec<u8>
where
    S: AsyncWrite + Unpin,
    H: Host,
{
    while bytes.len() > pieces.bytes {
        let rest = bytes.split_off(pieces.bytes);
        let piece = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        match within(host, host.limits().request, piece).await {
            Some(Ok(())) => bytes = rest,
            Some(Err(_)) | None => return Vec::new(),
        }
        host.sleep(pieces.pause).await;
    }
    bytes
}

/// Ends a connection in order, after `last_words`.
async fn close<S, H>(stream: &mut S, last_words: &[u8], lingers: bool, host: &H)
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Host,
{
    // A stream that has failed already cannot be closed in order, and need not be. A peer that does not read must not
    // hold the connection for ever.
    let close = async {
        stream.write_all(last_words).await?;
        stream.shutdown().await
    };
    let closed = within(host, host.limits().request, close).await;
    if matches!(closed, Some(Ok(()))) && lingers {
        let _ = within(host, LINGERING, drain(stream)).await;
    }
}
