//! One connection: the library reads and writes packets and knows their order, this says what they mean here.
//!
//! The library leaves it to its user that nothing may come before the CONNECT: it is checked here. Neither checks the
//! bits that the standard reserves.

use std::net::IpAddr;

use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::role::Server;
use mqtt_protocol_core::mqtt::connection::{Connection, ConnectionOptions, Event as Happened, TimerKind};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait as _, Packet, Qos, v3_1_1};
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, MqttError, SubackReturnCode};
use time::{Duration, OffsetDateTime};

use super::topic::{self, Filter, Target};
use super::{Ending, Event, Output};
use fake_thingspeak::cloud::{AuthError, Cloud, EntryMessage, Publication};

/// The largest packet that is read: a message of 3000 bytes with its topic, or some hundred subscriptions.
const PACKET: u32 = 16 << 10;

/// How long a client may take to send CONNECT.
const HANDSHAKE: Duration = Duration::seconds(30);

/// How long a client may be silent if its CONNECT gives no keep-alive.
const IDLE: Duration = Duration::HOUR;

/// How many filters a client has at most.
const FILTERS: usize = 256;

/// How many bytes wait for a client that does not read. Beyond it messages are lost, as QoS 0 allows it.
const BACKLOG: usize = 256 << 10;

pub(super) struct Session {
    client: IpAddr,
    protocol: Connection<Server>,
    /// The client identifier, once it is known to be a device's.
    device: Option<String>,
    filters: Vec<Filter>,
    output: Vec<u8>,
    ending: Option<Ending>,
    /// How long the client may be silent.
    patience: Duration,
    heard: OffsetDateTime,
}

impl Session {
    pub(super) fn new(client: IpAddr, now: OffsetDateTime) -> Self {
        let options = ConnectionOptions::new().maximum_packet_size_recv(PACKET);
        let mut protocol = Connection::with_options(Version::V3_1_1, options);
        protocol.set_auto_ping_response(true);
        let (filters, output) = (Vec::new(), Vec::new());
        Self { client, protocol, device: None, filters, output, ending: None, patience: HANDSHAKE, heard: now }
    }

    pub(super) fn received(&mut self, bytes: &[u8], now: OffsetDateTime, cloud: &mut Cloud) -> Vec<Event> {
        let mut events = Vec::new();
        let mut cursor = Cursor::new(bytes);
        // One packet a round, or all that there is of one.
        while self.ending.is_none() && cursor.position() < bytes.len() as u64 {
            let happened = self.protocol.recv(&mut cursor);
            self.deal_with(happened, now, cloud, &mut events);
        }
        if let (Some(ending), true) = (self.ending, !bytes.is_empty()) {
            events.push(Event::Closing(ending));
        }
        events
    }

    fn deal_with(&mut self, happened: Vec<Happened>, now: OffsetDateTime, cloud: &mut Cloud, events: &mut Vec<Event>) {
        let error = happened.iter().find_map(|what| match what {
            Happened::NotifyError(error) => Some(*error),
            _ => None,
        });
        if let Some(error) = error {
            // A client of another version understands a CONNACK with a code; others would not.
            if error == MqttError::UnsupportedProtocolVersion {
                self.send_all(happened);
            }
            return self.close(if error == MqttError::PacketTooLarge { Ending::TooLarge } else { Ending::Malformed });
        }
        for what in happened {
            match what {
                Happened::NotifyPacketReceived(packet) => self.carry_out(packet, now, cloud, events),
                Happened::RequestTimerReset { kind: TimerKind::PingreqRecv, duration_ms } => {
                    self.patience = Duration::milliseconds(i64::try_from(duration_ms).unwrap_or(i64::MAX));
                }
                Happened::RequestClose => self.close(Ending::Disconnected),
                other => self.send_all(vec![other]),
            }
            if self.ending.is_some() {
                return;
            }
        }
    }

    fn carry_out(&mut self, packet: Packet, now: OffsetDateTime, cloud: &mut Cloud, events: &mut Vec<Event>) {
        self.heard = now;
        if self.device.is_none() && !matches!(packet, Packet::V3_1_1Connect(_)) {
            return self.close(Ending::Malformed);
        }
        match packet {
            Packet::V3_1_1Connect(connect) => self.connect(&connect, cloud, events),
            Packet::V3_1_1Publish(publish) => self.publish(&publish, now, cloud, events),
            Packet::V3_1_1Subscribe(subscribe) => self.subscribe(&subscribe, cloud, events),
            Packet::V3_1_1Unsubscribe(unsubscribe) => self.unsubscribe(&unsubscribe),
            Packet::V3_1_1Pingreq(_) => {}
            Packet::V3_1_1Disconnect(_) => self.close(Ending::Disconnected),
            _ => self.close(Ending::Malformed),
        }
    }

    fn connect(&mut self, connect: &v3_1_1::Connect, cloud: &Cloud, events: &mut Vec<Event>) {
        let admitted = cloud.admit(connect.client_id(), connect.user_name(), connect.password());
        let code = match admitted {
            Ok(()) => ConnectReturnCode::Accepted,
            Err(AuthError::Client) => ConnectReturnCode::IdentifierRejected,
            Err(AuthError::Password) => ConnectReturnCode::BadUserNameOrPassword,
        };
        let reply = v3_1_1::Connack::builder().return_code(code).session_present(false).build();
        self.send(reply.map(Packet::from));
        match admitted {
            Ok(()) => {
                let client_id = connect.client_id().to_owned();
                self.device = Some(client_id.clone());
                if connect.keep_alive() == 0 {
                    self.patience = IDLE;
                }
                events.push(Event::Connected { client_id });
            }
            Err(error) => {
                events.push(Event::Refused(error));
                self.close(Ending::Refused);
            }
        }
    }

    fn publish(&mut self, publish: &v3_1_1::Publish, now: OffsetDateTime, cloud: &mut Cloud, events: &mut Vec<Event>) {
        if publish.qos() != Qos::AtMostOnce {
            return self.close(Ending::Qos);
        }
        if publish.retain() {
            return self.close(Ending::Retain);
        }
        let payload = publish.payload().as_slice();
        let outcome = Target::parse(publish.topic_name()).map(|Target { channel, field }| {
            let publication = field.map_or(Publication::Feed(payload), |field| Publication::Field(field, payload));
            cloud.publish(channel, publication, now, self.client).map(Box::new)
        });
        events.push(Event::Published { topic: publish.topic_name().to_owned(), outcome });
    }

    fn subscribe(&mut self, subscribe: &v3_1_1::Subscribe, cloud: &Cloud, events: &mut Vec<Event>) {
        let mut codes = Vec::new();
        for entry in subscribe.entries() {
            let filter = Filter::parse(entry.topic_filter());
            let filter = filter.filter(|filter| cloud.channel(filter.channel).is_some());
            let granted = filter.is_some_and(|filter| self.listen(filter));
            codes.push(if granted { SubackReturnCode::SuccessMaximumQos0 } else { SubackReturnCode::Failure });
            events.push(Event::Subscribed { filter: entry.topic_filter().to_owned(), granted });
        }
        let reply = v3_1_1::Suback::builder().packet_id(subscribe.packet_id()).return_codes(codes).build();
        self.send(reply.map(Packet::from));
    }

    /// Whether there is room for the filter.
    fn listen(&mut self, filter: Filter) -> bool {
        let known = self.filters.contains(&filter);
        let room = known || self.filters.len() < FILTERS;
        if room && !known {
            self.filters.push(filter);
        }
        room
    }

    fn unsubscribe(&mut self, unsubscribe: &v3_1_1::Unsubscribe) {
        for filter in unsubscribe.entries().iter().filter_map(|filter| Filter::parse(filter.as_str())) {
            self.filters.retain(|known| *known != filter);
        }
        self.send(v3_1_1::Unsuback::builder().packet_id(unsubscribe.packet_id()).build().map(Packet::from));
    }

    pub(super) fn notify(&mut self, message: &EntryMessage) {
        let filters = std::mem::take(&mut self.filters);
        for (topic, payload) in topic::messages(&filters, message) {
            if self.ending.is_some() || self.output.len() > BACKLOG {
                break;
            }
            let message = v3_1_1::Publish::builder().topic_name(topic).map(|message| message.qos(Qos::AtMostOnce));
            self.send(message.and_then(|message| message.payload(payload).build()).map(Packet::from));
        }
        self.filters = filters;
    }

    /// Sends a packet of ours; one that could not be made ends the connection, which would not make sense without it.
    fn send(&mut self, packet: Result<Packet, MqttError>) {
        match packet {
            Ok(packet) => {
                let happened = self.protocol.send(packet);
                self.send_all(happened);
            }
            Err(_) => self.close(Ending::Malformed),
        }
    }

    fn send_all(&mut self, happened: Vec<Happened>) {
        for what in happened {
            if let Happened::RequestSendPacket { packet, .. } = what {
                self.output.extend(packet.to_continuous_buffer());
            }
        }
    }

    /// The first reason counts.
    pub(super) fn close(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    pub(super) fn is(&self, client_id: &str) -> bool {
        self.device.as_deref() == Some(client_id)
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    pub(super) fn deadline(&self) -> OffsetDateTime {
        self.heard.saturating_add(self.patience)
    }

    pub(super) fn take(&mut self) -> Output {
        Output { bytes: std::mem::take(&mut self.output), close: self.ending.is_some() }
    }
}
