//! The service's MQTT broker, without I/O: bytes of connections and the time go in, bytes and what happened come out.
//!
//! [`Broker::received`] hands a connection's bytes to its session (`session`), which lets the library read packets and
//! do what MQTT 3.1.1 asks of a server, and takes what it means to ThingSpeak (`topic`) to the cloud.
//! [`Broker::notify`] puts messages about a stored entry, wherever it came from, into the sessions that subscribe to
//! it. [`Broker::take`] says what is to be sent, and whether to close; [`Broker::deadline`] says when a connection has
//! been silent for too long.
//!
//! Follows the OASIS standard MQTT 3.1.1 and MathWorks' documentation of `mqtt3.thingspeak.com`: QoS 0, nothing
//! retained, `channels/ID/publish[/fields/fieldN]`, `channels/ID/subscribe[/fields/fieldN|/fields/+]`, clients that are
//! devices. Ours, because the documentation leaves it open: a message with another QoS, or one to be retained, ends the
//! connection. The standard lets a server that does not support these do that. A message that is not stored is dropped
//! without a reply. A filter for anything else than these topics is refused in the SUBACK. A device that connects again
//! takes the place of its older connection, as the standard has it.
//!
//! Not modelled: sessions that outlive their connection, wills (they are accepted and never sent), and the older broker
//! `mqtt.thingspeak.com` with keys in its topics.

use std::collections::BTreeMap;
use std::net::IpAddr;

use time::OffsetDateTime;

use fake_thingspeak::cloud::{AuthError, Cloud, NotStored, Stored};
use session::Session;

mod session;
#[cfg(test)]
mod tests;
mod topic;

/// All connections, with what each subscribes to.
#[derive(Default)]
pub struct Broker {
    sessions: BTreeMap<ConnectionId, Session>,
    last: u64,
}

/// A connection as the broker knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// Something that happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A device has connected.
    Connected {
        /// Its client identifier.
        client_id: String,
    },
    /// A client tried to connect and is none of the devices.
    Refused(AuthError),
    /// Something was published.
    Published {
        /// The topic's name.
        topic: String,
        /// The entry that it made, or why it made none; `None` if the topic is not one of ThingSpeak's.
        outcome: Option<Result<Box<Stored>, NotStored>>,
    },
    /// A client asked to subscribe to a topic.
    Subscribed {
        /// The topic filter.
        filter: String,
        /// Whether the subscription was granted.
        granted: bool,
    },
    /// The connection is to be closed.
    Closing(Ending),
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// The client sent DISCONNECT.
    #[error("the client disconnected")]
    Disconnected,
    /// The client is none of the devices.
    #[error("the client is none of the devices")]
    Refused,
    /// What came is no MQTT 3.1.1, or not in its order.
    #[error("what came is no MQTT 3.1.1")]
    Malformed,
    /// A packet is larger than 16 KiB.
    #[error("a packet is too large")]
    TooLarge,
    /// A message had another QoS than 0.
    #[error("a message has another QoS than 0")]
    Qos,
    /// A message was to be retained.
    #[error("a message is to be retained")]
    Retain,
    /// The client sent no CONNECT in time, or was silent for longer than its keep-alive allows, or for an hour.
    #[error("the client was silent for too long")]
    Silent,
    /// The device has connected anew.
    #[error("the device has connected anew")]
    TakenOver,
}

/// What a connection has to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Bytes to send.
    pub bytes: Vec<u8>,
    /// Whether to close the connection afterwards.
    pub close: bool,
}

impl Broker {
    /// A connection begins.
    pub fn connected(&mut self, client: IpAddr, now: OffsetDateTime) -> ConnectionId {
        self.last += 1;
        let id = ConnectionId(self.last);
        self.sessions.insert(id, Session::new(client, now));
        id
    }

    /// A connection has ended. What was still to be sent on it is dropped.
    pub fn disconnected(&mut self, id: ConnectionId) {
        self.sessions.remove(&id);
    }

    /// Bytes have arrived. What they store in the cloud is in the events. Subscribers do not know of it before
    /// [`notify`](Self::notify).
    pub fn received(&mut self, id: ConnectionId, bytes: &[u8], now: OffsetDateTime, cloud: &mut Cloud) -> Vec<Event> {
        let Some(session) = self.sessions.get_mut(&id) else { return Vec::new() };
        let events = session.received(bytes, now, cloud);
        for event in &events {
            if let Event::Connected { client_id } = event {
                self.take_over(id, client_id);
            }
        }
        events
    }

    /// A device is connected once: its other connections end (MQTT-3.1.4-2).
    fn take_over(&mut self, by: ConnectionId, client_id: &str) {
        for (_, older) in self.sessions.iter_mut().filter(|(id, _)| **id != by) {
            if older.is(client_id) {
                older.close(Ending::TakenOver);
            }
        }
    }

    /// Puts messages about an entry that was stored into the sessions that subscribe to it.
    pub fn notify(&mut self, stored: &Stored, cloud: &Cloud) {
        if stored.in_bulk {
            return;
        }
        if let Some(message) = cloud.entry_message(stored.channel, stored.entry_id) {
            self.sessions.values_mut().for_each(|session| session.notify(&message));
        }
    }

    /// When the connection counts as silent for too long, if nothing has come from it until then.
    pub fn deadline(&self, id: ConnectionId) -> Option<OffsetDateTime> {
        self.sessions.get(&id).map(Session::deadline)
    }

    /// Tells the broker the time: a connection that was silent for too long is to be closed.
    pub fn passed(&mut self, id: ConnectionId, now: OffsetDateTime) {
        if let Some(session) = self.sessions.get_mut(&id)
            && now >= session.deadline()
        {
            session.close(Ending::Silent);
        }
    }

    /// What the connection has to do now. A connection that the broker does not know has to close.
    pub fn take(&mut self, id: ConnectionId) -> Output {
        match self.sessions.get_mut(&id) {
            Some(session) => session.take(),
            None => Output { bytes: Vec::new(), close: true },
        }
    }

    /// Why the connection is to be closed, if it is.
    pub fn ending(&self, id: ConnectionId) -> Option<Ending> {
        self.sessions.get(&id).and_then(Session::ending)
    }
}
