//! The HTTP server: one connection a slot, each with its own time.
//!
//! A client has [`IDLE`] between any two pieces of its request and [`TOTAL`] for request and reply together; only the
//! confirmation of a save has [`DELIVERY`] of its own. Each connection carries one request and is then closed in order:
//! our end first, then what the client still sends is drained for a moment, because a reset would destroy a reply that
//! it has not read yet. The port scanner's reset, the phone that walks away and the browser's idle spare connection all
//! end in the same place. While all slots are taken, further connections have to wait (`backlog`).

use embassy_net::Stack;
use embassy_net::tcp::{State, TcpSocket};
use embassy_time::{Duration, Instant, Timer, with_deadline, with_timeout};
use log::{debug, info, warn};

use super::form::{Form, Unreadable};
use super::page::{Content, Reply};
use super::request::{self, BODY, Refusal, Route};
use super::{Arena, Backlog, SaveQueue};

/// Connections served side by side.
pub(super) const SLOTS: usize = 3;
/// Bytes of buffers for one slot.
pub(super) const ARENA: usize = RECEIVED + SENT + BODY;

pub(super) const PORT: u16 = 80;
const RECEIVED: usize = 512;
const SENT: usize = 1072;
const IDLE: Duration = Duration::from_secs(4);
const TOTAL: Duration = Duration::from_secs(10);
const DELIVERY: Duration = Duration::from_secs(5);
const LINGER: Duration = Duration::from_secs(1);

/// A request, received to its end.
enum Request {
    /// What to do, and whether the reply's body is left out; the body stands at the beginning of the buffer.
    Whole { route: Route, is_head: bool },
    /// The client said nothing, or went away.
    Gone,
}

/// Serves one connection after the other, for ever.
pub(super) fn serve<'a>(
    stack: Stack<'a>,
    arena: &mut Arena<'a>,
    saves: &'a SaveQueue<'a>,
    backlog: &'a Backlog,
) -> impl Future<Output = ()> + use<'a> {
    let (received, sent, buffer) = (arena.take(RECEIVED), arena.take(SENT), arena.take(BODY));
    async move {
        let mut socket = TcpSocket::new(stack, received, sent);
        // Gets rid of a client that stops acknowledging.
        socket.set_timeout(Some(TOTAL));
        loop {
            backlog.listens();
            let accepted = socket.accept(PORT).await;
            backlog.serves();
            if accepted.is_err() {
                // A socket that is still open; never without a pause, or this would turn for ever.
                socket.abort();
                Timer::after(LINGER).await;
                continue;
            }
            let saved = converse(&mut socket, buffer, saves).await;
            finish(&mut socket, buffer).await;
            if saved {
                saves.confirmed.signal(());
            }
        }
    }
}

/// Receives a request and replies to it; true if settings were saved.
async fn converse(socket: &mut TcpSocket<'_>, buffer: &mut [u8], saves: &SaveQueue<'_>) -> bool {
    let begun = Instant::now();
    let (route, is_head) = match receive(socket, buffer, begun + TOTAL).await {
        Request::Whole { route, is_head } => (route, is_head),
        Request::Gone => return false,
    };
    let mut saved = false;
    let form;
    let content = match route {
        Route::Form => Content::Form(saves.stored),
        Route::Redirect => Content::Redirect,
        Route::Refuse(refusal) => Content::Refused(refusal),
        Route::Submit(length) => match Form::decode(&mut buffer[..length]) {
            Err(unreadable) => {
                warn!(target: "config", "not saved: the form is not properly encoded");
                Content::Refused(match unreadable {
                    Unreadable::Malformed => Refusal::Malformed,
                    Unreadable::NotUtf8 => Refusal::NotUtf8,
                })
            }
            Ok(decoded) => {
                form = decoded;
                match saves.submit(&form).await {
                    Ok(Ok(())) => {
                        saved = true;
                        Content::Saved(&form)
                    }
                    Ok(Err(_)) => Content::Refused(Refusal::NotSaved),
                    Err(errors) => Content::FormAgain(&form, errors),
                }
            }
        },
    };
    let reply = Reply { content, switch_on: saves.switch_on(), is_head };
    let deadline = if saved { Instant::now() + DELIVERY } else { (begun + TOTAL).max(Instant::now() + LINGER) };
    let delivered = with_deadline(deadline, send(socket, &reply)).await == Ok(true);
    report(socket, &reply, delivered);
    saved
}

/// Receives until the request is whole, refused, too slow, or its client gone.
async fn receive(socket: &mut TcpSocket<'_>, buffer: &mut [u8], deadline: Instant) -> Request {
    let refused = |refusal| Request::Whole { route: Route::Refuse(refusal), is_head: false };
    let mut filled = 0;
    let head = loop {
        match request::parse(&buffer[..filled]) {
            Ok(Some(head)) => break head,
            Ok(None) => {}
            Err(refusal) => return refused(refusal),
        }
        match read(socket, &mut buffer[filled..], deadline).await {
            Read::Some(length) => filled += length,
            Read::TooSlow if filled > 0 => return refused(Refusal::Timeout),
            Read::TooSlow | Read::End => return Request::Gone,
        }
    };
    if let Route::Submit(length) = head.route {
        buffer.copy_within(head.length..filled, 0);
        filled -= head.length;
        while filled < length {
            match read(socket, &mut buffer[filled..length], deadline).await {
                Read::Some(length) => filled += length,
                Read::TooSlow => return refused(Refusal::Timeout),
                Read::End => return Request::Gone,
            }
        }
    }
    Request::Whole { route: head.route, is_head: head.is_head }
}

/// What came of waiting for a client.
enum Read {
    Some(usize),
    TooSlow,
    End,
}

async fn read(socket: &mut TcpSocket<'_>, space: &mut [u8], deadline: Instant) -> Read {
    match with_deadline(deadline.min(Instant::now() + IDLE), socket.read(space)).await {
        Ok(Ok(0) | Err(_)) => Read::End,
        Ok(Ok(length)) => Read::Some(length),
        Err(_) => Read::TooSlow,
    }
}

/// Sends a reply to its end; false if the client went away meanwhile.
async fn send(socket: &mut TcpSocket<'_>, reply: &Reply<'_>) -> bool {
    let length = reply.length();
    let mut sent = 0;
    while sent < length {
        let piece = socket.write_with(|space| {
            let copied = reply.window(sent, space);
            (copied, copied)
        });
        match piece.await {
            Ok(copied) => sent += copied,
            Err(_) => return false,
        }
    }
    // Until all of it is acknowledged.
    socket.flush().await.is_ok() && socket.may_send()
}

/// One line on what became of a reply.
fn report(socket: &TcpSocket<'_>, reply: &Reply<'_>, delivered: bool) {
    let Some(client) = socket.remote_endpoint().map(|endpoint| endpoint.addr) else {
        debug!(target: "config", "a client went away");
        return;
    };
    match &reply.content {
        _ if !delivered => warn!(target: "config", "could not deliver a page to {client}"),
        Content::Form(_) | Content::FormAgain(..) => info!(target: "config", "page sent to {client}"),
        Content::Saved(_) => info!(target: "config", "confirmation sent to {client}"),
        Content::Redirect => debug!(target: "config", "led {client} to the page"),
        Content::Refused(refusal) => info!(target: "config", "refused a request of {client}: {}", refusal.status()),
    }
}

/// Closes a connection in order, or by force if that takes too long.
async fn finish(socket: &mut TcpSocket<'_>, scratch: &mut [u8]) {
    socket.close();
    let drained = async {
        if socket.flush().await.is_ok() {
            while !matches!(socket.read(scratch).await, Ok(0) | Err(_)) {}
        }
    };
    // If time runs out, what is left is cut off below.
    let _ = with_timeout(LINGER, drained).await;
    if !matches!(socket.state(), State::Closed | State::TimeWait) {
        socket.abort();
        // The reset may never get out if the client's station is gone.
        let _ = with_timeout(LINGER, socket.flush()).await;
    }
}
