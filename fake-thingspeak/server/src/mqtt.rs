//! MQTT with a client on real sockets: bytes go from the connection to the broker and back. What carries them is a
//! [`Transport`]: a stream, or the messages of a WebSocket (`websocket`).

use std::fmt;
use std::io;
use std::time::Duration;

use crate::broker::{ConnectionId, Event, Output};
use fake_thingspeak::serve::Ending;
use fake_thingspeak::tls::TlsServer;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::client::{Client, HANDSHAKE};
use crate::socket::Socket;

/// How long a client may take to read what it is sent.
const WRITE: Duration = Duration::from_secs(10);

/// Speaks MQTT with a client until either side ends it, after a handshake if there is to be one.
pub(crate) async fn serve(mut socket: Socket, tls: Option<TlsServer>, client: &Client) {
    let Some(server) = tls else {
        serve_over(&mut StreamTransport::new(&mut socket), client).await;
        return;
    };
    match timeout(HANDSHAKE, server.accept(&mut socket)).await {
        Ok(Ok(mut stream)) => {
            client.tls_finished(Ok(stream.legacy()));
            serve_over(&mut StreamTransport::new(&mut stream), client).await;
        }
        Ok(Err((reason, socket))) => {
            client.tls_finished(Err(reason));
            let _ = timeout(HANDSHAKE, socket.shutdown()).await;
        }
        Err(_) => client.tls_finished(Err("the client took too long".to_owned())),
    }
}

/// A channel for the bytes of MQTT.
pub(crate) trait Transport {
    /// Waits for bytes; the result is empty once none will come. Dropping the future loses nothing.
    async fn receive(&mut self) -> io::Result<&[u8]>;

    /// Sends all of `bytes`.
    async fn send(&mut self, bytes: Vec<u8>) -> io::Result<()>;

    /// Says that nothing more will be sent.
    async fn close(&mut self) -> io::Result<()>;
}

/// A stream with nothing but MQTT in it.
struct StreamTransport<'s, S> {
    stream: &'s mut S,
    buffer: [u8; 4096],
}

impl<'s, S> StreamTransport<'s, S> {
    fn new(stream: &'s mut S) -> Self {
        Self { stream, buffer: [0; 4096] }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for StreamTransport<'_, S> {
    async fn receive(&mut self) -> io::Result<&[u8]> {
        let length = self.stream.read(&mut self.buffer).await?;
        Ok(&self.buffer[..length])
    }

    async fn send(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }
}

/// Carries bytes between a connection and the broker until either side ends it. [`Ending::Reset`] if the client does
/// not take what it is sent.
pub(crate) async fn serve_over(transport: &mut impl Transport, client: &Client) -> Ending {
    let subscriptions = &client.state.subscriptions;
    let id = subscriptions.broker.borrow_mut().connected(client.address.ip(), OffsetDateTime::now_utc());
    let waker = subscriptions.add(id);
    let ending = match exchange(transport, client, id, &waker).await {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ending::Reset,
        // A stream that fails has ended, and so has the connection.
        Ok(()) | Err(_) => {
            let _ = timeout(WRITE, transport.close()).await;
            Ending::Closed
        }
    };
    if let Some(ending) = subscriptions.broker.borrow().ending(id) {
        log(client, format_args!("closed: {ending}"));
    }
    subscriptions.remove(id);
    ending
}

async fn exchange(transport: &mut impl Transport, client: &Client, id: ConnectionId, waker: &Notify) -> io::Result<()> {
    let broker = &client.state.subscriptions.broker;
    loop {
        let Output { bytes, close } = broker.borrow_mut().take(id);
        timeout(WRITE, transport.send(bytes)).await??;
        if close {
            return Ok(());
        }
        let deadline = broker.borrow().deadline(id);
        let silent = deadline.map_or(Duration::ZERO, |deadline| until(deadline - OffsetDateTime::now_utc()));
        tokio::select! {
            bytes = transport.receive() => match bytes? {
                [] => return Ok(()),
                bytes => received(client, id, bytes),
            },
            () = waker.notified() => {}
            () = tokio::time::sleep(silent) => broker.borrow_mut().passed(id, OffsetDateTime::now_utc()),
        }
    }
}

fn until(duration: time::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::ZERO)
}

fn received(client: &Client, id: ConnectionId, bytes: &[u8]) {
    let subscriptions = &client.state.subscriptions;
    let now = OffsetDateTime::now_utc();
    let events = client.state.with_cloud(|cloud| subscriptions.broker.borrow_mut().received(id, bytes, now, cloud));
    for event in events {
        match event {
            Event::Connected { client_id } => {
                log(client, format_args!("{client_id} connected"));
                // An older connection of the device has to close.
                subscriptions.wake_all();
            }
            Event::Refused(error) => log(client, format_args!("refused: {error}")),
            Event::Published { topic, outcome } => match outcome {
                Some(Ok(stored)) => {
                    subscriptions.stored(&stored);
                    log(client, format_args!("publish {}: stored {}", topic, stored.entry_id));
                }
                Some(Err(reason)) => log(client, format_args!("publish {}: not stored: {reason}", topic)),
                None => log(client, format_args!("publish {}: not stored: there is no such topic", topic)),
            },
            Event::Subscribed { filter, granted } => {
                let granted = if granted { "granted" } else { "refused: there is nothing to be heard" };
                log(client, format_args!("subscribe {}: {granted}", filter));
            }
            // Logged when the connection has been closed.
            Event::Closing(_) => {}
        }
    }
}

fn log(client: &Client, what: fmt::Arguments<'_>) {
    tracing::info!(target: "mqtt", client = client.name, "MQTT {what}");
}
