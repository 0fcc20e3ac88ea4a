//! DNS that answers every name with the duck itself, so that whatever a phone looks for leads to the form.
//!
//! RFC 1035 §4: one question a query; A (and ANY) in class IN gets one address, everything else an empty answer. Names
//! are not looked at beyond their form. What is malformed, a response, or another opcode gets no answer. Extra records
//! of the query (EDNS) are left out of the reply, which a client must bear (RFC 6891 §7).

use embassy_net::Stack;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use log::warn;

use super::{ADDRESS, Arena};

const PORT: u16 = 53;
const RECEIVED: usize = 1024;
const SENT: usize = 512;
/// The largest query over UDP without EDNS; ours is in fact much smaller.
const PACKET: usize = 512;
/// Bytes of buffers.
pub(super) const ARENA: usize = RECEIVED + SENT + PACKET;

const HEADER: usize = 12;
const LONGEST_NAME: usize = 255;
const LONGEST_LABEL: u8 = 63;
const TYPE_A: u16 = 1;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;
/// Seconds that a phone may remember the answer: it is wrong as soon as the phone is elsewhere.
const TIME_TO_LIVE: [u8; 4] = [0, 0, 0, 5];

/// Answers queries for ever.
pub(super) fn serve<'a>(stack: Stack<'a>, arena: &mut Arena<'a>) -> impl Future<Output = ()> + use<'a> {
    let (received, sent, packet) = (arena.take(RECEIVED), arena.take(SENT), arena.take(PACKET));
    async move {
        let mut received_meta = [PacketMetadata::EMPTY; 4];
        let mut sent_meta = [PacketMetadata::EMPTY; 2];
        let mut socket = UdpSocket::new(stack, &mut received_meta, received, &mut sent_meta, sent);
        if socket.bind(PORT).is_err() {
            warn!(target: "config", "could not open the DNS port");
            return;
        }
        loop {
            // What does not fit the buffer is no query that a phone would send.
            let Ok((length, client)) = socket.recv_from(packet).await else { continue };
            if let Some(length) = answer(packet, length) {
                // A reply that cannot be sent is asked for again.
                let _ = socket.send_to(&packet[..length], client.endpoint).await;
            }
        }
    }
}

/// Turns the query in the first `length` bytes of `packet` into the reply; its length, or `None` for no reply.
fn answer(packet: &mut [u8], length: usize) -> Option<usize> {
    let query = packet.get(..length)?;
    let is_query = query.get(2)? & 0b1111_1000 == 0;
    if !is_query || query.get(4..6)? != [0, 1] {
        return None;
    }
    let name_end = HEADER + name_length(query.get(HEADER..)?)?;
    let &[type_high, type_low, class_high, class_low] = query.get(name_end..)?.first_chunk()?;
    let kind = u16::from_be_bytes([type_high, type_low]);
    let has_address = matches!(kind, TYPE_A | TYPE_ANY) && u16::from_be_bytes([class_high, class_low]) == CLASS_IN;

    let recursion_desired = packet[2] & 1;
    // QR and AA; RA.
    packet[2] = 0b1000_0100 | recursion_desired;
    packet[3] = 0b1000_0000;
    packet[6..HEADER].copy_from_slice(&[0, u8::from(has_address), 0, 0, 0, 0]);
    let question_end = name_end + 4;
    if !has_address {
        return Some(question_end);
    }
    let record = packet.get_mut(question_end..question_end + 16)?;
    // The name is the question's, at offset 12.
    record[..2].copy_from_slice(&[0xc0, 12]);
    record[2..4].copy_from_slice(&TYPE_A.to_be_bytes());
    record[4..6].copy_from_slice(&CLASS_IN.to_be_bytes());
    record[6..10].copy_from_slice(&TIME_TO_LIVE);
    record[10..12].copy_from_slice(&[0, 4]);
    record[12..].copy_from_slice(&ADDRESS.octets());
    Some(question_end + 16)
}

/// Length of the uncompressed name at the beginning of `bytes`, its closing zero included.
fn name_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1).filter(|&length| length <= LONGEST_NAME),
            label @ 1..=LONGEST_LABEL => at += 1 + usize::from(label),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut packet = std::vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        for label in name.split('.') {
            packet.push(label.len() as u8);
            packet.extend(label.as_bytes());
        }
        packet.push(0);
        packet.extend(kind.to_be_bytes());
        packet.extend([0, 1]);
        // EDNS: root, OPT, 1232 bytes.
        packet.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        packet
    }

    fn reply(query: &[u8]) -> Option<Vec<u8>> {
        let mut packet = query.to_vec();
        packet.resize(PACKET, 0xee);
        answer(&mut packet, query.len()).map(|length| packet[..length].to_vec())
    }

    #[test]
    fn every_name_is_the_duck() {
        for name in ["connectivitycheck.gstatic.com", "a", "captive.apple.com"] {
            let question = query(name, TYPE_A);
            let reply = reply(&question).unwrap();
            let question_end = question.len() - 11;
            assert_eq!(&reply[..12], [0xab, 0xcd, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            assert_eq!(reply[12..question_end], question[12..question_end]);
            assert_eq!(reply[question_end..], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 192, 168, 4, 1]);
        }
    }

    #[test]
    fn other_types_get_an_empty_answer() {
        for kind in [28, 65, 16] {
            let question = query("example.org", kind);
            let reply = reply(&question).unwrap();
            assert_eq!(reply.len(), question.len() - 11);
            assert_eq!(reply[2..12], [0x85, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn what_is_no_proper_query_gets_no_answer() {
        let good = query("example.org", TYPE_A);
        let mut response = good.clone();
        response[2] |= 0x80;
        let mut status = good.clone();
        status[2] |= 2 << 3;
        let mut two_questions = good.clone();
        two_questions[5] = 2;
        let mut compressed = good.clone();
        compressed[12] = 0xc0;
        let long_name = query(&["a"; 128].join("."), TYPE_A);
        for wrong in [&response, &status, &two_questions, &compressed, &long_name] {
            assert_eq!(reply(wrong), None);
        }
        for length in 0..good.len() - 11 {
            assert_eq!(reply(&good[..length]), None, "cut to {length} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_packet_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..PACKET)) {
            if let Some(reply) = reply(&bytes) {
                prop_assert_eq!(&reply[..2], &bytes[..2]);
                prop_assert!(reply.len() <= bytes.len() + 16);
            }
        }

        #[test]
        fn a_query_that_fills_the_packet_has_no_room_for_an_answer(fill in 0u8..) {
            let mut packet = query("example.org", TYPE_A);
            let length = packet.len();
            packet.truncate(length - 11);
            let length = packet.len();
            packet.extend(std::vec![fill; 15]);
            prop_assert_eq!(answer(&mut packet, length), None);
        }
    }
}
