//! Frames that no sane client sends, on a WebSocket of the program: whatever comes, what comes back are frames of a
//! server, the last of them closes, and the server goes on.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;

use super::{World, run};
use crate::client::connect;

/// How many connections CI makes.
const CASES: u32 = 400;

const HANDSHAKE: &[u8] = b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";

/// A frame before it is written down.
#[derive(Clone, Debug)]
struct Frame {
    /// Whether it is the last of its message, three reserved bits and the opcode.
    head: u8,
    mask: Option<[u8; 4]>,
    payload: Vec<u8>,
    /// What it says of its length, if that is not true.
    length: Option<u64>,
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        let length = self.length.unwrap_or(self.payload.len() as u64);
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![self.head];
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ ..126), _) => bytes.push(masked | length),
            (_, Ok(length)) => {
                bytes.push(masked | 126);
                bytes.extend(length.to_be_bytes());
            }
            _ => {
                bytes.push(masked | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        let mask = self.mask.unwrap_or_default();
        bytes.extend(self.mask.iter().flatten());
        bytes.extend(self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }
}

/// MQTT, well or badly made.
const PACKETS: &[&[u8]] = &[b"\xc0\0", b"\xe0\0", b"\x82\x06\0\x01\0\x01a\0", b"\x30\x03\0\x01a", b""];

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let connect = b"\x10\x0f\0\x04MQTT\x04\x02\0\x3c\0\x03duc";
    prop_oneof![
        3 => Just(connect.to_vec()),
        2 => select(PACKETS).prop_map(<[u8]>::to_vec),
        3 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (0_u16..5_000).prop_map(|code| code.to_be_bytes().to_vec()),
        1 => (100_usize..70_000).prop_map(|length| vec![0xc0; length]),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let head = prop_oneof![
        8 => Just(0x82),
        4 => select(&[0x80, 0x02, 0x00, 0x81, 0x88, 0x89, 0x8a][..]),
        1 => any::<u8>(),
    ];
    let length = prop::option::weighted(0.1, prop_oneof![0_u64..300, 60_000_u64..70_000, any::<u64>()]);
    let mask = prop::option::weighted(0.95, any::<[u8; 4]>());
    (head, mask, payload(), length).prop_map(|(head, mask, payload, length)| Frame { head, mask, payload, length })
}

/// Whether these are frames as a server sends them, with one to close at the end.
fn judge(mut bytes: &[u8]) -> TestCaseResult {
    let all = bytes;
    while let [head, length, rest @ ..] = bytes {
        let (length, rest) = match (length, rest) {
            (126, [high, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            (length, rest) => (usize::from(*length), rest),
        };
        prop_assert!([0x82, 0x88, 0x8a].contains(head) && length <= rest.len(), "{:02x?}", all);
        let (payload, rest) = rest.split_at(length);
        if *head == 0x88 {
            prop_assert!(rest.is_empty(), "{:02x?}", all);
            let code = payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
            prop_assert!(code.is_none_or(|code| (1000..5000).contains(&code)), "{:02x?}", all);
        }
        bytes = rest;
    }
    prop_assert!(bytes.is_empty(), "{:02x?}", all);
    Ok(())
}

#[test]
fn a_websocket_ends_in_order_whatever_comes() {
    let (_server, world) = World::start();
    let frames = prop::collection::vec(frame(), 0..6);
    let tail = prop::collection::vec(any::<u8>(), 0..20);
    run(CASES, &(frames, tail), |(frames, tail)| {
        let mut stream = connect(&world.address);
        stream.write_all(HANDSHAKE).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        prop_assert!(head.starts_with(b"HTTP/1.1 101 "));
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).chain(tail).collect();
        // The server may have heard enough before all of it is sent.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut reply = Vec::new();
        match stream.read_to_end(&mut reply) {
            Ok(_) => judge(&reply),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
            Err(error) => panic!("{error}"),
        }
    });
    let listed = world.ask("GET /channels/public.json", "");
    assert!(listed.starts_with("HTTP/1.1 200 "), "{listed}");
}
