//! Clients in memory, whose packets the library makes, and bytes that are none.

use http::Request;
use hyper::body::Bytes;
use mqtt_protocol_core::mqtt::packet::{Qos, SubEntry, SubOpts, v3_1_1, v5_0};
use proptest::prelude::*;
use time::Duration;
use time::macros::datetime;

use super::*;
use fake_thingspeak::cloud::{Access, Device, NewChannel};

const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const CONNECTED: [u8; 4] = [0x20, 2, 0, 0];

/// A broker and its cloud with one channel.
struct World {
    broker: Broker,
    cloud: Cloud,
    access: Access,
    devices: [Device; 2],
    now: OffsetDateTime,
}

impl World {
    fn new() -> Self {
        let mut cloud = Cloud::new([1; 32]);
        let mut fields = [const { None }; 8];
        (fields[0], fields[1]) = (Some("temperature".to_owned()), Some("humidity".to_owned()));
        let access = cloud.create_channel(NewChannel { name: "duck".to_owned(), fields, public: true }, START);
        let devices = cloud.devices();
        Self { broker: Broker::default(), cloud, access, devices, now: START }
    }

    fn begin(&mut self) -> ConnectionId {
        self.broker.connected(CLIENT, self.now)
    }

    /// What a client's bytes lead to, and what it gets.
    fn send(&mut self, id: ConnectionId, bytes: &[u8]) -> (Vec<Event>, Output) {
        let events = self.broker.received(id, bytes, self.now, &mut self.cloud);
        for event in &events {
            if let Event::Published { outcome: Some(Ok(stored)), .. } = event {
                self.broker.notify(stored, &self.cloud);
            }
        }
        (events, self.broker.take(id))
    }

    /// A connection of one of the devices (0 or 1).
    fn device(&mut self, number: usize) -> ConnectionId {
        let id = self.begin();
        let connect = connect(&self.devices[number], 60);
        let (events, output) = self.send(id, &connect);
        let client_id = self.devices[number].client_id.clone();
        assert_eq!(events, [Event::Connected { client_id }]);
        assert_eq!(output, Output { bytes: CONNECTED.to_vec(), close: false });
        id
    }

    fn subscribed(&mut self, id: ConnectionId, part: &str) {
        let topic = format!("channels/{}/subscribe{part}", self.access.channel);
        assert_eq!(self.send(id, &subscribe(&[&topic])).1.bytes, [0x90, 3, 0, 1, 0]);
    }

    fn topic(&self, part: &str) -> String {
        format!("channels/{}/{part}", self.access.channel)
    }

    /// What has come for the client, as topics and payloads.
    fn heard(&mut self, id: ConnectionId) -> Vec<(String, String)> {
        let output = self.broker.take(id);
        let (mut rest, mut messages) = (&output.bytes[..], Vec::new());
        while let [0x30, head, ..] = rest {
            let (length, body) = match rest[2] {
                high @ 1..=2 if head & 0x80 != 0 => (usize::from(head & 0x7f) + 128 * usize::from(high), &rest[3..]),
                _ => (usize::from(*head), &rest[2..]),
            };
            let (body, more) = body.split_at(length);
            let (topic, payload) = body[2..].split_at(usize::from(u16::from_be_bytes([body[0], body[1]])));
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            messages.push((text(topic), text(payload)));
            rest = more;
        }
        assert!(rest.is_empty(), "{rest:?}");
        messages
    }
}

fn connect(device: &Device, keep_alive: u16) -> Vec<u8> {
    connect_as(&device.client_id, &device.client_id, &device.password, keep_alive)
}

fn connect_as(client_id: &str, user: &str, password: &str, keep_alive: u16) -> Vec<u8> {
    let packet = v3_1_1::Connect::builder().client_id(client_id).unwrap().user_name(user).unwrap();
    let packet = packet.password(password).unwrap().clean_session(true).keep_alive(keep_alive);
    packet.build().unwrap().to_continuous_buffer()
}

fn publish(topic: &str, payload: &[u8]) -> Vec<u8> {
    v3_1_1::Publish::builder().topic_name(topic).unwrap().payload(payload).build().unwrap().to_continuous_buffer()
}

fn subscribe(filters: &[&str]) -> Vec<u8> {
    let options = SubOpts::new().set_qos(Qos::AtLeastOnce);
    let entries: Vec<_> = filters.iter().map(|filter| SubEntry::new(*filter, options).unwrap()).collect();
    v3_1_1::Subscribe::builder().packet_id(1).entries(entries).build().unwrap().to_continuous_buffer()
}

#[test]
fn only_devices_may_connect() {
    let mut world = World::new();
    let [one, other] = world.devices.clone();
    for (packet, code, why) in [
        (connect_as(&one.client_id, &one.client_id, "wrong", 60), 4, AuthError::Password),
        (connect_as(&one.client_id, &other.client_id, &one.password, 60), 4, AuthError::Password),
        (connect_as("esp8266", &one.client_id, &one.password, 60), 2, AuthError::Client),
    ] {
        let id = world.begin();
        let (events, output) = world.send(id, &packet);
        assert_eq!(events, [Event::Refused(why), Event::Closing(Ending::Refused)]);
        assert_eq!(output, Output { bytes: vec![0x20, 2, 0, code], close: true });
    }
    // MQTT 5 is told that it is not spoken.
    let id = world.begin();
    let packet =
        v5_0::Connect::builder().client_id(one.client_id.as_str()).unwrap().build().unwrap().to_continuous_buffer();
    assert_eq!(world.send(id, &packet).1, Output { bytes: vec![0x20, 2, 0, 1], close: true });
}

#[test]
fn what_one_publishes_the_other_hears() {
    let mut world = World::new();
    let (publisher, listener) = (world.device(0), world.device(1));
    world.subscribed(listener, "");
    world.subscribed(listener, "/fields/+");
    let (topic, feed) = (world.topic("publish"), world.topic("subscribe"));
    let (events, output) = world.send(publisher, &publish(&topic, b"field1=21.5&field2=a%26b&status=ok"));
    let [Event::Published { outcome: Some(Ok(stored)), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((stored.entry_id, stored.fields[1].as_deref(), output), (1, Some("a&b"), Output::default()));
    let heard = world.heard(listener);
    let [(first, json), rest @ ..] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(*first, feed);
    assert!(json.contains(r#""entry_id":1,"field1":"21.5","field2":"a&b","latitude":null"#), "{json}");
    let field = |number, value: &str| (format!("{feed}/fields/field{number}"), value.to_owned());
    assert_eq!(rest, [field(1, "21.5"), field(2, "a&b")]);
    assert!(world.heard(publisher).is_empty());

    // Too soon; then to a single field.
    let single = publish(&world.topic("publish/fields/field2"), b"7");
    let (events, _) = world.send(publisher, &single);
    let [Event::Published { outcome: Some(Err(reason)), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(reason.to_string(), "too soon after the last entry");
    world.now += Duration::seconds(15);
    world.send(publisher, &single);
    assert_eq!(world.heard(listener)[1..], [field(2, "7")]);

    // By HTTP, and in bulk, of which subscribers are not told.
    let ask = |world: &mut World, request: http::request::Builder, body: String| {
        world.now += Duration::seconds(15);
        let handled = world.cloud.handle(&request.body(Bytes::from(body)).unwrap(), world.now, CLIENT);
        handled.stored.iter().for_each(|stored| world.broker.notify(stored, &world.cloud));
        handled.stored.len()
    };
    let key = world.access.write_key.clone();
    assert_eq!(ask(&mut world, Request::post("/update"), format!("api_key={key}&field1=3")), 1);
    assert_eq!(world.heard(listener)[1..], [field(1, "3")]);
    let bulk = format!(r#"{{"write_api_key":"{key}","updates":[{{"delta_t":0,"field1":4}}]}}"#);
    let path = world.topic("bulk_update.json");
    assert_eq!(ask(&mut world, Request::post(format!("/{path}")), bulk), 1);
    assert!(world.heard(listener).is_empty());

    let unsubscribe = v3_1_1::Unsubscribe::builder().packet_id(7).entries([feed.as_str()]).unwrap().build().unwrap();
    assert_eq!(world.send(listener, &unsubscribe.to_continuous_buffer()).1.bytes, [0xb0, 2, 0, 7]);
    world.now += Duration::seconds(15);
    world.send(publisher, &single);
    assert_eq!(world.heard(listener), [field(2, "7")]);
}

#[test]
fn what_is_no_topic_is_refused_or_dropped() {
    let mut world = World::new();
    let id = world.device(0);
    let (events, output) = world.send(id, &publish("weather", b"field1=1"));
    assert_eq!(events, [Event::Published { topic: "weather".to_owned(), outcome: None }]);
    assert_eq!(output, Output::default());
    let good = world.topic("subscribe");
    let filters = ["#", "channels/1/subscribe", &good, "channels/+/subscribe"];
    assert_eq!(world.send(id, &subscribe(&filters)).1.bytes, [0x90, 6, 0, 1, 0x80, 0x80, 0, 0x80]);
    assert_eq!(world.send(id, &[0xc0, 0]).1.bytes, [0xd0, 0]);
}

#[test]
fn what_is_not_supported_or_out_of_order_ends_the_connection() {
    let mut world = World::new();
    let topic = world.topic("publish");
    let message = || v3_1_1::Publish::builder().topic_name(topic.as_str()).unwrap().payload(&b"field1=1"[..]);
    let qos_1 = message().qos(Qos::AtLeastOnce).packet_id(1).build().unwrap().to_continuous_buffer();
    let qos_2 = message().qos(Qos::ExactlyOnce).packet_id(1).build().unwrap().to_continuous_buffer();
    let retained = message().retain(true).build().unwrap().to_continuous_buffer();
    let large = [0x30, 0x80, 0x80, 0x04];
    let second = connect(&world.devices[0], 60);
    for (bytes, ending) in [
        (&qos_1[..], Ending::Qos),
        (&qos_2, Ending::Qos),
        (&retained, Ending::Retain),
        (&large, Ending::TooLarge),
        (&second, Ending::Malformed),
        (&[0xe0, 0], Ending::Disconnected),
        (&[0x20, 2, 0, 0], Ending::Malformed),
        (&[0xf0, 0], Ending::Malformed),
        (&[0x30, 0xff, 0xff, 0xff, 0xff], Ending::Malformed),
        (&[0x82, 2, 0, 1], Ending::Malformed),
    ] {
        let id = world.device(0);
        let (events, output) = world.send(id, bytes);
        assert_eq!(
            (events, output),
            (vec![Event::Closing(ending)], Output { bytes: vec![], close: true }),
            "{bytes:?}"
        );
        world.broker.disconnected(id);
    }
    assert!(world.cloud.entries(world.access.channel).unwrap().is_empty());
    // Before the CONNECT nothing counts.
    for bytes in [publish(&topic, b"field1=1"), subscribe(&["#"]), vec![0xc0, 0]] {
        let id = world.begin();
        assert_eq!(world.send(id, &bytes).1, Output { bytes: vec![], close: true }, "{bytes:?}");
    }
}

#[test]
fn the_silent_are_sent_away() {
    let mut world = World::new();
    let id = world.begin();
    assert_eq!(world.broker.deadline(id), Some(START + Duration::seconds(30)));
    for (keep_alive, patience) in
        [(60, Duration::seconds(90)), (0, Duration::HOUR), (7, Duration::milliseconds(10_500))]
    {
        let id = world.begin();
        let connect = connect(&world.devices[0], keep_alive);
        world.send(id, &connect);
        assert_eq!(world.broker.deadline(id), Some(world.now + patience));
        world.now += patience - Duration::MILLISECOND;
        world.broker.passed(id, world.now);
        world.send(id, &[0xc0, 0]);
        assert_eq!(world.broker.deadline(id), Some(world.now + patience));
        world.now += patience;
        world.broker.passed(id, world.now);
        assert_eq!((world.broker.ending(id), world.broker.take(id).close), (Some(Ending::Silent), true));
    }
}

#[test]
fn a_device_that_connects_anew_takes_the_place_of_its_older_connection() {
    let mut world = World::new();
    let (older, other) = (world.device(0), world.device(1));
    let newer = world.device(0);
    assert_eq!(world.broker.ending(older), Some(Ending::TakenOver));
    assert!(world.broker.take(older).close);
    assert_eq!((world.broker.ending(newer), world.broker.ending(other)), (None, None));
    // A client that is refused takes the place of no other.
    let id = world.begin();
    let wrong = connect_as(&world.devices[0].client_id, "", "", 60);
    world.send(id, &wrong);
    assert_eq!(world.broker.ending(newer), None);
}

#[test]
fn a_client_that_does_not_read_loses_messages_and_costs_no_more_memory() {
    let mut world = World::new();
    let (publisher, listener) = (world.device(0), world.device(1));
    world.subscribed(listener, "");
    let message = publish(&world.topic("publish"), format!("status={}", "a".repeat(255)).as_bytes());
    for _ in 0..2_000 {
        world.now += Duration::seconds(15);
        world.send(publisher, &message);
        world.send(publisher, &[0xc0, 0]);
    }
    let waiting = world.broker.take(listener).bytes.len();
    assert!((256 << 10..260 << 10).contains(&waiting), "{waiting}");
}

/// A session as a device has it, in packets.
fn session(world: &World) -> Vec<Vec<u8>> {
    let (publish_to, listen_to) = (world.topic("publish"), world.topic("subscribe/fields/+"));
    vec![
        connect(&world.devices[0], 60),
        subscribe(&[&listen_to, "channels/1/subscribe"]),
        publish(&publish_to, b"field1=21.5&status=%C3%BC"),
        vec![0xc0, 0],
        publish(&publish_to, b"field2=\xff"),
        vec![0xe0, 0],
    ]
}

/// All that a server sends has to be packets of MQTT from the first byte to the last.
fn is_packets(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [kind, tail @ ..] = rest {
        let digits = tail.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        let Some(length) = tail.get(..digits) else { return false };
        let length = length.iter().rev().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
        let known = matches!(kind, 0x20 | 0x30 | 0x90 | 0xb0 | 0xd0);
        let Some(more) = tail.get(digits + length..).filter(|_| known && digits <= 4) else { return false };
        rest = more;
    }
    true
}

#[test]
fn a_session_is_the_same_in_whatever_pieces_it_arrives() {
    let mut world = World::new();
    let (whole, pieces) = (session(&world).concat(), world.begin());
    let mut output = Output::default();
    let mut events = Vec::new();
    for byte in &whole {
        let (more, Output { bytes, close }) = world.send(pieces, &[*byte]);
        events.extend(more);
        output.bytes.extend(bytes);
        output.close = close;
    }
    let mut other = World::new();
    let id = other.begin();
    let at_once = other.broker.received(id, &whole, other.now, &mut other.cloud);
    assert_eq!((events.len(), at_once.len()), (6, 6));
    assert_eq!(events, at_once);
    // A client that sends everything at once, DISCONNECT included, gets no replies.
    let told = output.bytes.len() - other.broker.take(id).bytes.len();
    assert!(told > 0 && output.close && is_packets(&output.bytes));
}

/// How many cases there are: few in CI, more by hand with `PREFLASH_FUZZ_CASES`.
fn cases() -> u32 {
    std::env::var("PREFLASH_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Packets in any order, cut up, changed in places, with noise between them: the broker goes on, and what it sends
    /// are packets.
    #[test]
    fn no_bytes_upset_the_broker(
        order in prop::collection::vec((0_usize..6, prop::option::of((any::<prop::sample::Index>(), any::<u8>()))), 0..12),
        noise in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..20)), 0..2),
        begin_well in any::<bool>(),
        cut in 1_usize..64,
    ) {
        let mut world = World::new();
        let watcher = world.device(1);
        world.subscribed(watcher, "");
        let packets = session(&world);
        let mut bytes = if begin_well { packets[0].clone() } else { Vec::new() };
        for (number, change) in order {
            let mut packet = packets[number].clone();
            if let Some((place, byte)) = change {
                let place = place.index(packet.len());
                packet[place] = byte;
            }
            bytes.extend(packet);
        }
        for (place, noise) in noise {
            let place = place.index(bytes.len() + 1);
            bytes.splice(place..place, noise);
        }
        let id = world.begin();
        for piece in bytes.chunks(cut) {
            let (_, output) = world.send(id, piece);
            prop_assert!(is_packets(&output.bytes), "{:?}", output.bytes);
            prop_assert_eq!(output.close, world.broker.ending(id).is_some());
        }
        // Other connections are not affected.
        prop_assert_eq!(world.broker.ending(watcher), None);
        prop_assert!(is_packets(&world.broker.take(watcher).bytes));
    }
}
