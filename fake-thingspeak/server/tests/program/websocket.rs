//! MQTT over WebSockets, where the program serves HTTP and HTTPS.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConnection, StreamOwned};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

use crate::client::mqtt::{CONNECTED, DISCONNECT, Device, PING, PONG, connect as mqtt_connect, publish, subscribe};
use crate::client::tls::trusting;
use crate::client::{ask, connect, fault};
use crate::server::Server;

/// A server that listens to nothing but HTTP and HTTPS.
struct World {
    server: Server,
    channel: String,
    write_key: String,
    http: String,
    https: String,
    devices: [Device; 2],
    authority: CertificateDer<'static>,
}

impl World {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pem = folder.path().join("authority.pem");
        let arguments = ["serve", "--listen", "0", "--tls-listen", "0", "--write-interval", "0", "--authority-out"];
        let server = Server::start(&[&arguments[..], &[pem.to_str().unwrap()]].concat());
        let (channel, write_key) = (server.word("channel "), server.word("write key "));
        let devices = [(); 2].map(|()| Device::told(&server));
        let (http, https) = (server.place("http ", "http"), server.place("https ", "https"));
        assert_eq!(server.place("mqtt ", "ws"), format!("{http}/mqtt"));
        assert_eq!(server.place("mqtt ", "wss"), format!("{https}/mqtt"));
        server.line("stop ");
        let authority = CertificateDer::from_pem_file(&pem).unwrap();
        Self { server, channel, write_key, http, https, devices, authority }
    }

    /// A WebSocket over plain HTTP.
    fn open(&self) -> WebSocket<TcpStream> {
        let socket = opened(connect(&self.http));
        assert_eq!(self.server.told(), "GET /mqtt: 101");
        socket
    }

    /// One on which a device has connected.
    fn device(&self, number: usize) -> WebSocket<TcpStream> {
        let mut socket = self.open();
        self.connected(&mut socket, number);
        socket
    }

    fn connected<S: Read + Write>(&self, socket: &mut WebSocket<S>, number: usize) {
        socket.send(Message::binary(mqtt_connect(&self.devices[number]))).unwrap();
        assert_eq!(heard(socket), CONNECTED);
        assert_eq!(self.server.told(), format!("MQTT {} connected", self.devices[number].client_id));
    }

    fn topic(&self, part: &str) -> String {
        format!("channels/{}/{part}", self.channel)
    }

    fn fault(&self, arguments: &[&str]) {
        fault(&self.http, arguments);
        assert_eq!(self.server.told(), "POST /_preflash/faults: 200");
    }
}

/// The WebSocket that a connection becomes.
fn opened<S: Read + Write>(stream: S) -> WebSocket<S> {
    let mut request = "ws://localhost/mqtt".into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "mqtt".parse().unwrap());
    let Ok((socket, response)) = client(request, stream) else { panic!("no WebSocket") };
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "mqtt");
    socket
}

/// The next message, which is binary.
fn heard<S: Read + Write>(socket: &mut WebSocket<S>) -> Vec<u8> {
    match socket.read().unwrap() {
        Message::Binary(message) => message.to_vec(),
        other => panic!("{other}"),
    }
}

/// With what the server closes, which it does now.
fn closed<S: Read + Write>(socket: &mut WebSocket<S>) -> (CloseCode, String) {
    let Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("no close frame") };
    let end = socket.read().unwrap_err();
    assert!(matches!(end, Error::ConnectionClosed), "{end}");
    (frame.code, frame.reason.to_string())
}

#[test]
fn devices_publish_and_listen_with_and_without_tls() {
    let world = World::start();
    let session =
        ClientConnection::new(trusting(&world.authority), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut listening = opened(StreamOwned::new(session, connect(&world.https)));
    assert_eq!(world.server.told(), "GET /mqtt: 101");
    world.connected(&mut listening, 0);
    let feed = world.topic("subscribe/fields/field1");
    listening.send(Message::binary(subscribe(&feed))).unwrap();
    assert_eq!(heard(&mut listening), [0x90, 3, 0, 1, 0]);
    assert_eq!(world.server.told(), format!("MQTT subscribe {feed}: granted"));

    // By HTTP, and by MQTT without TLS.
    let update =
        format!("GET /update?api_key={}&field1=21.5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", world.write_key);
    assert!(ask(connect(&world.http), &update).ends_with("\r\n\r\n1"));
    assert_eq!(heard(&mut listening), publish(&feed, "21.5"));
    assert!(world.server.told().ends_with(": 200, stored 1"));
    let mut publishing = world.device(1);
    let topic = world.topic("publish");
    publishing.send(Message::binary(publish(&topic, "field1=22&field2=45"))).unwrap();
    assert_eq!(world.server.told(), format!("MQTT publish {topic}: stored 2"));
    assert_eq!(heard(&mut listening), publish(&feed, "22"));

    // Farewells, of MQTT and of WebSockets.
    publishing.send(Message::binary(DISCONNECT.to_vec())).unwrap();
    assert_eq!(closed(&mut publishing), (CloseCode::Normal, String::new()));
    assert_eq!(world.server.told(), "MQTT closed: the client disconnected");
    listening.close(None).unwrap();
    assert!(matches!(listening.read().unwrap(), Message::Close(None)));
    assert!(matches!(listening.read().unwrap_err(), Error::ConnectionClosed));
}

#[test]
fn packets_come_in_any_frames() {
    let world = World::start();
    let mut socket = world.open();
    let frame = |bytes: &[u8], kind, last| Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(kind), last));
    // Byte by byte in messages, then in fragments of one, with a question in between and pieces that are empty.
    let packet = mqtt_connect(&world.devices[0]);
    let (single, fragments) = packet.split_at(10);
    for byte in single {
        socket.send(Message::binary(vec![*byte])).unwrap();
        socket.send(Message::binary(Vec::new())).unwrap();
    }
    socket.send(frame(&[], Data::Binary, false)).unwrap();
    for byte in fragments {
        socket.send(frame(&[*byte], Data::Continue, false)).unwrap();
    }
    socket.send(Message::Ping("still there?".into())).unwrap();
    assert!(matches!(socket.read().unwrap(), Message::Pong(said) if said == "still there?"));
    socket.send(frame(&[], Data::Continue, true)).unwrap();
    assert_eq!(heard(&mut socket), CONNECTED);
    world.server.told();

    // Many packets in one message.
    let topic = world.topic("publish/fields/field1");
    let packets = [&publish(&topic, "1")[..], &publish(&topic, "2"), &PING, &PING].concat();
    socket.send(Message::binary(packets)).unwrap();
    assert_eq!(
        [world.server.told(), world.server.told()],
        [1, 2].map(|entry| format!("MQTT publish {topic}: stored {entry}"))
    );
    assert_eq!(heard(&mut socket), [PONG, PONG].concat());

    // Before the server has agreed to anything.
    let mut stream = connect(&world.http);
    let packet = mqtt_connect(&world.devices[1]);
    let early = [&[0x82, 0x80 | u8::try_from(packet.len()).unwrap()][..], &[0; 4], &packet].concat();
    stream.write_all(&[handshake(&[]).as_bytes(), &early].concat()).unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 101 "));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Client, None);
    assert_eq!(heard(&mut socket), CONNECTED);
}

/// A handshake as RFC 6455 has it, with other headers in the place of its own; an empty one is left out.
fn handshake(others: &[(&str, &str)]) -> String {
    let own = [
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", "chat, mqtt"),
    ];
    let headers = own
        .map(|(name, value)| (name, others.iter().find(|(other, _)| *other == name).map_or(value, |(_, value)| value)));
    let headers = headers.iter().filter(|(_, value)| !value.is_empty());
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET /mqtt HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

/// The head of a reply, up to which is read.
fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn whoever_asks_for_no_websocket_is_told_what_is_missing() {
    let world = World::start();
    let reply = |request: &str| {
        let mut stream = connect(&world.http);
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        world.server.told();
        reply
    };
    let upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-Websocket-Version: 13"];
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Headers<'_>, &str, &str); 8] = [
        ("GET", &[("Connection", "")], "426", "lacks the header Connection: Upgrade."),
        ("GET", &[("Upgrade", "h2c")], "426", "lacks the header Upgrade: websocket."),
        ("GET", &[("Sec-WebSocket-Version", "8")], "426", "Sec-WebSocket-Version has to be 13."),
        ("GET", &[("Sec-WebSocket-Key", "")], "400", "Sec-WebSocket-Key is missing."),
        ("GET", &[("Sec-WebSocket-Key", "YQ==")], "400", "Sec-WebSocket-Key has to be 16 bytes in base 64."),
        ("GET", &[("Sec-WebSocket-Protocol", "")], "400", "Please offer mqtt in Sec-WebSocket-Protocol."),
        ("GET", &[("Sec-WebSocket-Protocol", "chat, amqp")], "400", "Please offer mqtt in Sec-WebSocket-Protocol."),
        ("PUT", &[], "405", "A WebSocket begins with GET."),
    ];
    for (method, others, status, details) in cases {
        let reply = reply(&handshake(others).replacen("GET", method, 1));
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
        assert!(reply.contains(&format!("{{\"status\":\"{status}\",\"error\":{{")), "{reply}");
        assert!(reply.ends_with(&format!("{details}\"}}}}")), "{reply}");
        assert!(upgrade.iter().all(|header| reply.contains(header) == (status == "426")), "{reply}");
    }
    let old = reply(&handshake(&[]).replacen("1.1", "1.0", 1));
    assert!(old.starts_with("HTTP/1.0 426 ") && old.contains("needs HTTP/1.1"), "{old}");
    // The connection goes on after such a reply, and then the right handshake is heard.
    let twice = reply(&[handshake(&[("Upgrade", "")]), handshake(&[("Sec-WebSocket-Protocol", "mqttv3.1")])].concat());
    let (first, second) = twice.split_once("}}").unwrap();
    assert!(first.starts_with("HTTP/1.1 426 ") && second.starts_with("HTTP/1.1 101 "), "{twice}");
    assert!(second.contains("Sec-Websocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{twice}");
    assert!(second.contains("Sec-Websocket-Protocol: mqttv3.1\r\n"), "{twice}");
}

#[test]
fn what_is_no_binary_message_ends_the_connection_with_the_reason() {
    let world = World::start();
    let large = vec![0; (64 << 10) + 1];
    let half = |kind, last| Message::Frame(Frame::message(large[..40_000].to_vec(), OpCode::Data(kind), last));
    let masked = |head: [u8; 2]| [&head[..], &[0; 4]].concat();
    type Send<'a> = &'a dyn Fn(&mut WebSocket<TcpStream>);
    let raw = |bytes: Vec<u8>| move |socket: &mut WebSocket<TcpStream>| socket.get_mut().write_all(&bytes).unwrap();
    let cases: [(Send<'_>, CloseCode, &str); 8] = [
        (&|it| it.send(Message::text("hello")).unwrap(), CloseCode::Unsupported, "MQTT is in binary frames"),
        (&raw([&masked([0x81, 0x81])[..], &[0xff]].concat()), CloseCode::Invalid, "a text is no UTF-8"),
        (&|it| it.send(Message::binary(large.clone())).unwrap(), CloseCode::Size, "a message is too large"),
        (
            &|it| {
                [(Data::Binary, false), (Data::Continue, true)]
                    .into_iter()
                    .for_each(|(kind, last)| it.send(half(kind, last)).unwrap())
            },
            CloseCode::Size,
            "a message is too large",
        ),
        (&raw(vec![0x82, 2, 0xc0, 0]), CloseCode::Protocol, "Received an unmasked frame from client"),
        (&raw(masked([0x80, 0x80])), CloseCode::Protocol, "Continue frame but nothing to continue"),
        (&raw(masked([0xc2, 0x80])), CloseCode::Protocol, "Reserved bits are non-zero"),
        (&raw(masked([0x8b, 0x80])), CloseCode::Protocol, "Encountered invalid opcode: 11"),
    ];
    for (send, code, reason) in cases {
        let mut socket = world.device(0);
        send(&mut socket);
        assert_eq!(closed(&mut socket), (code, reason.to_owned()));
        assert_eq!(world.server.told(), format!("WebSocket closed: {reason}"));
    }
    // What is no MQTT (a ping before all else) ends it, too, and so does a client that leaves in the middle of a frame.
    let mut socket = world.open();
    socket.send(Message::binary(PING.to_vec())).unwrap();
    assert_eq!(closed(&mut socket), (CloseCode::Normal, String::new()));
    assert_eq!(world.server.told(), "MQTT closed: what came is no MQTT 3.1.1");
    let mut socket = world.device(0);
    socket.get_mut().write_all(&[0x82, 0x85, 0, 0]).unwrap();
    socket.get_mut().shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    socket.get_mut().read_to_end(&mut rest).unwrap();
    world.device(0);
}

#[test]
fn faults_strike_the_handshake_as_any_request() {
    let world = World::start();
    let attempt = || {
        let mut stream = connect(&world.http);
        stream.write_all(handshake(&[]).as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).map(|()| String::from_utf8(start.to_vec()).unwrap()).map_err(|error| error.kind())
    };
    world.fault(&["set", "status", "--status", "503", "--path", "/mqtt", "--count", "1"]);
    assert_eq!(attempt().unwrap(), "HTTP/1.1 503");
    assert_eq!(world.server.told(), "GET /mqtt: 503 (fault 1, status)");
    world.fault(&["set", "drop-after-storing", "--count", "1"]);
    assert_eq!(attempt(), Err(ErrorKind::UnexpectedEof));
    assert_eq!(world.server.told(), "GET /mqtt: no reply (fault 2, drop-after-storing)");
    world.fault(&["set", "reset-connection", "--count", "1"]);
    assert_eq!(attempt(), Err(ErrorKind::ConnectionReset));
    assert_eq!(world.server.told(), "connection: fault 3, reset-connection");
    world.fault(&["set", "chunked", "--count", "1"]);
    let mut socket = opened(connect(&world.http));
    assert_eq!(world.server.told(), "GET /mqtt: 101 (fault 4, chunked)");
    world.connected(&mut socket, 0);
}

#[test]
fn a_client_that_takes_nothing_is_dropped() {
    let world = World::start();
    let mut socket = world.device(0);
    let pings = Message::binary(PING.repeat(30_000));
    // The client does not read the answers.
    let failed = loop {
        if let Err(error) = socket.send(pings.clone()) {
            break error;
        }
    };
    assert!(matches!(failed, Error::Io(_)), "{failed}");
    world.device(0);
}
