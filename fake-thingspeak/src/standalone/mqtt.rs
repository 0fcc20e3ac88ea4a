//! The broker on real sockets: its listeners, what it speaks with a client, and the queue through which it hears of new entries.
//! What carries a connection's bytes, a stream or the messages of a WebSocket (`websocket`), is its [`Carrier`].
//!
//! Whatever is stored, by HTTP or by MQTT, goes through the queue: those who listen hear of it when it is kept.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fake_thingspeak::cloud::Stored;
use fake_thingspeak::mqtt::{Broker, ConnectionId, Event, Output};
use fake_thingspeak::serve::{Ending, Host as _};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::connections::Protocol;
use super::desk::{Desk, Guest};
use super::options::address;
use super::{Error, connections, listen};
use crate::socket::Socket;

/// How long a TLS handshake may take, or a client to read what it is sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the command line says of MQTT.
#[derive(Debug, clap::Args)]
#[group(id = "mqtt")]
pub(crate) struct Options {
    /// Where to listen for MQTT without WebSockets as well (3.1.1; the service's port is 1883)
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) mqtt_listen: Option<SocketAddr>,
    /// Where to listen for MQTT over TLS without WebSockets as well (the service's port is 8883)
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) mqtt_tls_listen: Option<SocketAddr>,
}

/// Where MQTT can be spoken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Addresses {
    pub(super) plain: Option<SocketAddr>,
    pub(super) tls: Option<SocketAddr>,
}

/// Sockets that nobody has been taken from yet.
pub(super) struct Listeners {
    plain: Option<TcpListener>,
    tls: Option<TcpListener>,
}

impl Listeners {
    pub(super) async fn bind(options: &Options) -> Result<Self, Error> {
        let plain = match options.mqtt_listen {
            Some(address) => Some(listen(address, "--mqtt-listen").await?),
            None => None,
        };
        let tls = match options.mqtt_tls_listen {
            Some(address) => Some(listen(address, "--mqtt-tls-listen").await?),
            None => None,
        };
        Ok(Self { plain, tls })
    }

    pub(super) fn addresses(&self) -> io::Result<Addresses> {
        let address = |listener: &Option<TcpListener>| listener.as_ref().map(TcpListener::local_addr).transpose();
        Ok(Addresses { plain: address(&self.plain)?, tls: address(&self.tls)? })
    }

    /// Serves for ever, in tasks of their own.
    pub(super) fn serve(self, desk: &Rc<Desk>) -> io::Result<()> {
        for (listener, tls) in [(self.plain, false), (self.tls, true)] {
            if let Some(listener) = listener {
                connections::take(listener, Protocol::Mqtt, tls, desk)?;
            }
        }
        tokio::task::spawn_local(spread(Rc::clone(desk)));
        Ok(())
    }
}

/// The broker's place on the desk.
#[derive(Default)]
pub(super) struct Post {
    broker: RefCell<Broker>,
    /// What wakes each connection when there is something to be sent.
    bells: RefCell<BTreeMap<ConnectionId, Rc<Notify>>>,
    /// Entries that nobody has heard of yet.
    news: RefCell<Vec<Stored>>,
    more_news: Notify,
}

impl Post {
    /// An entry was stored.
    pub(super) fn stored(&self, entry: &Stored) {
        if !self.bells.borrow().is_empty() {
            self.news.borrow_mut().push(entry.clone());
            self.more_news.notify_one();
        }
    }

    fn ring(&self) {
        self.bells.borrow().values().for_each(|bell| bell.notify_one());
    }
}

/// Tells those who listen of new entries, for ever.
async fn spread(desk: Rc<Desk>) {
    loop {
        desk.post.more_news.notified().await;
        let news = desk.post.news.take();
        desk.settled().await;
        desk.look(|cloud| news.iter().for_each(|stored| desk.post.broker.borrow_mut().tell(stored, cloud)));
        desk.post.ring();
    }
}

/// Speaks MQTT with a client until one of them has enough, after a handshake if there is to be one.
pub(super) async fn serve(mut socket: Socket, tls: Option<Arc<ServerConfig>>, guest: &Guest) {
    let Some(config) = tls else {
        talk(&mut Bare::new(&mut socket), guest).await;
        return;
    };
    match timeout(PATIENCE, TlsAcceptor::from(config).accept(&mut socket)).await {
        Ok(Ok(mut stream)) => {
            guest.tls_finished(Ok(()));
            talk(&mut Bare::new(&mut stream), guest).await;
        }
        Ok(Err(error)) => {
            guest.tls_finished(Err(error.to_string()));
            let _ = timeout(PATIENCE, socket.shutdown()).await;
        }
        Err(_) => guest.tls_finished(Err("the client took too long".to_owned())),
    }
}

/// What brings a connection's bytes here and there.
pub(super) trait Carrier {
    /// What has come, once something has; nothing if nothing will. Nothing is lost of what comes if this is given up.
    async fn receive(&mut self) -> io::Result<&[u8]>;

    /// Sends all of it.
    async fn send(&mut self, bytes: Vec<u8>) -> io::Result<()>;

    /// Says that nothing more will be sent.
    async fn close(&mut self) -> io::Result<()>;
}

/// A stream with nothing but MQTT in it.
struct Bare<'s, S> {
    stream: &'s mut S,
    buffer: [u8; 4096],
}

impl<'s, S> Bare<'s, S> {
    fn new(stream: &'s mut S) -> Self {
        Self { stream, buffer: [0; 4096] }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carrier for Bare<'_, S> {
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

/// Carries bytes between a connection and the broker until one of them has enough. What nobody takes any more is to be torn.
pub(super) async fn talk(carrier: &mut impl Carrier, guest: &Guest) -> Ending {
    let post = &guest.desk.post;
    let id = post.broker.borrow_mut().connected(guest.client.ip(), guest.now());
    let bell = Rc::new(Notify::new());
    post.bells.borrow_mut().insert(id, Rc::clone(&bell));
    let ending = match exchange(carrier, guest, id, &bell).await {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ending::Reset,
        // A stream that fails has ended, and so has the connection.
        Ok(()) | Err(_) => {
            let _ = timeout(PATIENCE, carrier.close()).await;
            Ending::Closed
        }
    };
    if let Some(ending) = post.broker.borrow().ending(id) {
        tell(guest, format_args!("closed: {ending}"));
    }
    post.bells.borrow_mut().remove(&id);
    post.broker.borrow_mut().disconnected(id);
    ending
}

async fn exchange(carrier: &mut impl Carrier, guest: &Guest, id: ConnectionId, bell: &Notify) -> io::Result<()> {
    let broker = &guest.desk.post.broker;
    loop {
        let Output { bytes, close } = broker.borrow_mut().take(id);
        timeout(PATIENCE, carrier.send(bytes)).await??;
        if close {
            return Ok(());
        }
        let deadline = broker.borrow().deadline(id).map_or(Duration::ZERO, |deadline| until(deadline - guest.now()));
        tokio::select! {
            bytes = carrier.receive() => match bytes? {
                [] => return Ok(()),
                bytes => received(guest, id, bytes),
            },
            () = bell.notified() => {}
            () = tokio::time::sleep(deadline) => broker.borrow_mut().passed(id, guest.now()),
        }
    }
}

fn until(duration: time::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::ZERO)
}

fn received(guest: &Guest, id: ConnectionId, bytes: &[u8]) {
    let post = &guest.desk.post;
    let events = guest.with_cloud(|cloud| post.broker.borrow_mut().received(id, bytes, guest.now(), cloud));
    for event in events {
        match event {
            Event::Connected { client_id } => {
                tell(guest, format_args!("{client_id} connected"));
                // An older connection of the device has to close.
                post.ring();
            }
            Event::Refused(stranger) => tell(guest, format_args!("refused: {stranger}")),
            Event::Published { topic, outcome } => match outcome {
                Some(Ok(stored)) => {
                    guest.stored(&stored);
                    tell(guest, format_args!("publish {}: stored {}", topic, stored.entry_id));
                }
                Some(Err(reason)) => tell(guest, format_args!("publish {}: not stored: {reason}", topic)),
                None => tell(guest, format_args!("publish {}: not stored: there is no such topic", topic)),
            },
            Event::Subscribed { filter, granted } => {
                let granted = if granted { "granted" } else { "refused: there is nothing to be heard" };
                tell(guest, format_args!("subscribe {}: {granted}", filter));
            }
            // Told when it has been closed.
            Event::Closing(_) => {}
        }
    }
}

fn tell(guest: &Guest, what: fmt::Arguments<'_>) {
    guest.tell(format_args!("MQTT {what}"));
}
