use proptest::prelude::*;
use simulator_wlan::ccmp;
use simulator_wlan::tkip::{self, TkipKey};

use super::super::bench::Board;
use super::super::outside::Heard;
use crate::bus::Bus as _;

const MAC: u32 = 0x3FF2_0000;
const EVENT_ENABLE: u32 = MAC + 0xC18;
const EVENT_STATUS: u32 = MAC + 0xC20;
const EVENT_CLEAR: u32 = MAC + 0xC24;
const TX_STATUS: u32 = MAC + 0xC84;
const KEYS_VALID: u32 = MAC + 0x80C;
const KEYS: u32 = 0x3FF2_1400;
/// What the drivers of the NONOS SDKs enable.
const ENABLED: u32 = 0x2C9F_0300;
const RECEIVED: u32 = 1 << 8;
const STARTED: u32 = 1 << 18;
const DONE: u32 = 1 << 19;
const NMI: u32 = 1 << 14;

const STATION: [u8; 6] = [0x5C, 0xCF, 0x7F, 1, 2, 3];
const ACCESS_POINT: [u8; 6] = [0x24, 0x0A, 0xC4, 9, 8, 7];
const OTHER: [u8; 6] = [0x24, 0x0A, 0xC4, 1, 1, 1];

const RING: u32 = 0x3FFE_9000;
const BUFFERS: u32 = 0x3FFE_A000;
const CHAIN: u32 = 0x3FFE_8400;
const FRAME: u32 = 0x3FFE_8800;

/// The registers of an address, with its mask and switched on.
fn set_address(board: &mut Board, low: u32, address: [u8; 6]) {
    let [a, b, c, d, e, f] = address;
    board.write(low, u32::from_le_bytes([a, b, c, d]));
    board.write(low + 4, u32::from(u16::from_le_bytes([e, f])));
    board.write(low + 0x10, u32::MAX);
    board.write(low + 0x14, 0x1_FFFF);
}

/// A board whose MAC is set up as a station's, with a ring of that many descriptors.
fn station(descriptors: u32) -> Board {
    let mut board = Board::new();
    for number in 0..descriptors {
        let next = if number + 1 == descriptors { 0 } else { RING + 12 * (number + 1) };
        for (word, value) in [(0, 1 << 31 | 1600), (4, BUFFERS + 0x700 * number), (8, next)] {
            board.memory.poke(RING + 12 * number + word, &u32::to_le_bytes(value));
        }
    }
    board.tune(6);
    board.write(EVENT_ENABLE, ENABLED);
    board.write(MAC + 0x6C, 0x707);
    board.write(MAC + 0xC70, 2);
    board.write(MAC + 0x08, RING);
    set_address(&mut board, MAC + 0xC48, STATION);
    board.write(MAC + 0x04, 1 << 31);
    board
}

fn word(board: &Board, address: u32) -> u32 {
    u32::from_le_bytes(*board.memory.peek(address, 4).first_chunk().unwrap())
}

/// A frame with that frame control, three addresses and a body.
fn frame(control: [u8; 2], [receiver, transmitter, third]: [[u8; 6]; 3], body: &[u8]) -> Vec<u8> {
    let mut frame = vec![control[0], control[1], 0, 0];
    frame.extend([receiver, transmitter, third].concat());
    frame.extend([0x10, 0]);
    frame.extend(body);
    frame
}

fn beacon() -> Vec<u8> {
    frame([0x80, 0], [[0xFF; 6], ACCESS_POINT, ACCESS_POINT], b"network")
}

fn hear(board: &mut Board, microseconds: u64, channel: u8, frame: Vec<u8>) {
    board.devices.hear(Heard { at: microseconds * 1_000, channel, rate: 0xB, signal: -55, frame });
    board.pass_to(microseconds + 1);
}

/// The flags of what the nth descriptor's buffer holds: own address 0 and 1, network 0 and 1.
fn flags(board: &Board, number: u32) -> u32 {
    word(board, BUFFERS + 0x700 * number) >> 28
}

#[test]
fn a_frame_goes_into_the_next_descriptor() {
    let mut board = station(4);
    let sent = frame([0xB0, 0], [STATION, ACCESS_POINT, ACCESS_POINT], &[0, 0, 2, 0, 0, 0]);
    hear(&mut board, 100, 6, sent.clone());
    assert_eq!(board.read(EVENT_STATUS), RECEIVED);
    assert_eq!(board.interrupts().lines & 1, 1);
    assert_eq!((board.read(MAC + 0x14), board.read(MAC + 0x1C), board.read(MAC + 0x18)), (RING, RING, 1));
    let length = 12 + sent.len() as u32 + 4;
    assert_eq!(word(&board, RING), 3 << 30 | length << 12 | 1600, "owned by the hardware, end of frame");
    let control = word(&board, BUFFERS);
    assert_eq!(control & 0xFF, 38, "-55 dBm");
    assert_eq!((control >> 8 & 0xF, control >> 16 & 0xFFF), (0xB, sent.len() as u32 + 4));
    assert_eq!(flags(&board, 0), 1, "the station's address; no network is set");
    assert_eq!(board.memory.peek(BUFFERS + 12, sent.len()), sent);
    board.write(EVENT_CLEAR, RECEIVED);
    assert_eq!((board.read(EVENT_STATUS), board.interrupts().lines & 1), (0, 0));
    let (receiver, at) = board.devices.outside.acknowledged[0];
    assert_eq!(receiver, ACCESS_POINT);
    assert!((110_000..110_100).contains(&at), "a SIFS behind the frame, at {at} ns");
}

#[test]
fn the_last_descriptor_is_never_filled() {
    let mut board = station(3);
    for number in 0..4 {
        hear(&mut board, 100 + 10 * number, 6, frame([0xB0, 0], [STATION, ACCESS_POINT, ACCESS_POINT], &[0; 6]));
    }
    assert_eq!(board.read(MAC + 0x18), 2);
    assert_eq!(board.read(MAC + 0x18), 0, "counted since it was last read");
    assert_eq!(board.read(MAC + 0x14), RING + 12);
    assert_eq!(board.read(MAC + 0x19C), 2, "no buffer");
    assert_eq!(word(&board, RING + 24) >> 30, 2, "still empty");
    assert_eq!(board.devices.outside.acknowledged.len(), 2);
}

#[test]
fn a_receiver_that_is_off_or_elsewhere_hears_nothing() {
    let mut board = station(4);
    hear(&mut board, 100, 7, beacon());
    board.write(MAC + 0x04, 0);
    hear(&mut board, 200, 6, beacon());
    board.write(MAC + 0x04, 1 << 31);
    board.write(MAC + 0xC70, 0);
    hear(&mut board, 300, 6, beacon());
    assert_eq!(board.read(MAC + 0x18), 0);
    board.write(MAC + 0xC70, 2);
    hear(&mut board, 400, 6, beacon());
    assert_eq!(board.read(MAC + 0x18), 1);
}

#[test]
fn filters_tell_whose_a_frame_is() {
    let mut board = station(9);
    let to_station = |third| frame([0x08, 2], [STATION, third, OTHER], b"data");
    hear(&mut board, 100, 6, beacon());
    assert_eq!(flags(&board, 0), 0, "a beacon of nobody's network");
    board.write(MAC + 0x6C, 0x717);
    hear(&mut board, 200, 6, beacon());
    assert_eq!(flags(&board, 1), 4, "a beacon while the station scans");
    board.write(MAC + 0x6C, 0x707);
    set_address(&mut board, MAC + 0xC28, ACCESS_POINT);
    hear(&mut board, 300, 6, beacon());
    assert_eq!(flags(&board, 2), 4, "its own network's beacon");
    hear(&mut board, 400, 6, to_station(ACCESS_POINT));
    assert_eq!(flags(&board, 3), 5, "data of its network");
    hear(&mut board, 500, 6, to_station(OTHER));
    assert_eq!(flags(&board, 4), 1, "data of another");
    hear(&mut board, 600, 6, frame([0x08, 2], [OTHER, ACCESS_POINT, OTHER], b"data"));
    assert_eq!(board.read(MAC + 0x1A0), 1, "another's");
    set_address(&mut board, MAC + 0xC50, OTHER);
    set_address(&mut board, MAC + 0xC30, OTHER);
    hear(&mut board, 700, 6, frame([0x40, 0], [[0xFF; 6], STATION, [0xFF; 6]], &[0, 0]));
    assert_eq!(flags(&board, 5), 8, "who asks all networks asks the own one");
    hear(&mut board, 800, 6, frame([0x08, 1], [OTHER, STATION, STATION], b"data"));
    assert_eq!(flags(&board, 6), 10, "data to the own access point");
    assert_eq!(board.read(MAC + 0x18), 7);
}

/// Puts a frame into a chain of two descriptors and starts a queue. `trailer` is what the hardware appends.
fn send(board: &mut Board, queue: u32, frame: &[u8], trailer: u32, flags: u32, key: u32) {
    board.memory.poke(FRAME, frame);
    let (head, rest) = (24, frame.len() as u32 - 24 + trailer);
    let descriptors = [1 << 31 | head << 12 | 0xFFF, FRAME, CHAIN + 12, 3 << 30 | rest << 12 | 0xFFF, FRAME + 24, 0x55];
    for (index, value) in descriptors.into_iter().enumerate() {
        board.memory.poke(CHAIN + 4 * index as u32, &value.to_le_bytes());
    }
    let block = MAC + 0xDC0 - 0x18 * queue;
    board.write(block + 0x14, 0x200 << 12);
    board.write(block + 4, CHAIN & 0x3_FFFF | flags);
    board.write(block + 8, (head + rest) | 0xB << 12 | key << 16);
    board.write(block, 2 << 12);
    let descriptor = board.read(block + 4);
    board.write(block + 4, descriptor | 3 << 30);
}

const WANTS_ACKNOWLEDGEMENT: u32 = 1 << 24;

#[test]
fn a_frame_starts_and_ends() {
    for (acknowledges, result) in [(true, 0), (false, 5)] {
        let mut board = station(2);
        board.devices.outside.acknowledges = acknowledges;
        let sent = frame([0x08, 1], [ACCESS_POINT, STATION, OTHER], b"some data");
        send(&mut board, 2, &sent, 4, WANTS_ACKNOWLEDGEMENT, 0);
        assert_eq!(board.read(EVENT_STATUS), 0);
        board.pass_to(28 + 18);
        assert_eq!(board.read(EVENT_STATUS), STARTED, "behind DIFS and two slots");
        assert_eq!(board.read(TX_STATUS) >> 12 & 0xF, 2);
        let transmission = board.devices.outside.transmitted[0].clone();
        assert_eq!(transmission.frame, sent);
        assert_eq!((transmission.channel, transmission.rate), (6, 0xB));
        assert_eq!((transmission.end - transmission.start) / 1_000, 20 + 4 * 14 + 6, "318 bits in symbols of 24");
        board.write(EVENT_CLEAR, STARTED);
        board.pass_to(1_000);
        assert_eq!(board.read(EVENT_STATUS), DONE);
        assert_eq!(board.read(TX_STATUS), result << 28 | 2 << 12 | 2 << 8);
        assert_eq!(board.read(MAC + 0xD94) >> 30, 0, "no longer to go");
    }
}

#[test]
fn what_waits_for_a_result_to_be_taken_leaves_then_and_not_before() {
    let mut board = station(2);
    for queue in [4, 2] {
        send(&mut board, queue, &beacon(), 4, 0, 0);
    }
    board.pass_to(5_000);
    assert_eq!(board.devices.outside.transmitted.len(), 1, "the first one's result is not taken");
    board.write(EVENT_CLEAR, DONE);
    assert!(board.devices.next_event() >= board.cycle, "nothing is due in the past");
    board.pass_to(5_001);
    let second = &board.devices.outside.transmitted[1];
    assert!((5_000_000..5_001_000).contains(&second.start), "{}", second.start);
}

#[test]
fn a_frame_without_a_lifetime_is_not_given_up() {
    let mut board = station(2);
    send(&mut board, 0, &beacon(), 4, 0, 0);
    board.write(MAC + 0xDC0 + 0x14, 0);
    board.pass_to(1_000);
    assert_eq!(board.read(EVENT_STATUS), STARTED | DONE);
    assert_eq!(board.devices.outside.transmitted.len(), 1);
}

#[test]
fn a_frame_for_many_wants_no_acknowledgement() {
    let mut board = station(2);
    send(&mut board, 0, &beacon(), 4, WANTS_ACKNOWLEDGEMENT, 0);
    board.pass_to(1_000);
    assert_eq!(board.read(TX_STATUS) >> 28, 0);
    assert!(!board.devices.outside.transmitted[0].wants_acknowledgement);
}

#[test]
fn queues_do_not_send_at_the_same_time() {
    let mut board = station(2);
    send(&mut board, 0, &beacon(), 4, 0, 0);
    send(&mut board, 3, &beacon(), 4, 0, 0);
    board.pass_to(2_000);
    assert_eq!(board.devices.outside.transmitted.len(), 1, "the status tells of the first one still");
    board.write(EVENT_CLEAR, DONE);
    board.pass_to(4_000);
    let [first, second] = &board.devices.outside.transmitted[..] else { panic!("two were sent") };
    assert!(second.start >= first.end);
    assert_eq!(board.read(TX_STATUS) >> 12 & 0xF, 3);
}

#[test]
fn behind_a_frame_that_arrived_its_burst_follows() {
    let mut board = station(2);
    board.devices.outside.acknowledges = true;
    let sent = frame([0x08, 1], [ACCESS_POINT, STATION, OTHER], b"some data");
    send(&mut board, 1, &sent, 4, WANTS_ACKNOWLEDGEMENT, 0);
    board.pass_to(28 + 18);
    let length = board.read(MAC + 0xDC8 - 0x18);
    board.write(MAC + 0xCE0, length);
    board.write(MAC + 0xCDC, CHAIN & 0x3_FFFF | WANTS_ACKNOWLEDGEMENT | 1 << 30);
    board.pass_to(1_000);
    assert_eq!(board.read(TX_STATUS), 1 << 12 | 1 << 8);
    board.write(EVENT_CLEAR, STARTED | DONE);
    board.pass_to(2_000);
    assert_eq!(board.devices.outside.transmitted.len(), 2);
    assert_eq!(board.read(TX_STATUS), 10 << 12 | 10 << 8);
    assert_eq!(board.read(MAC + 0xCDC) >> 30 & 1, 0);
}

const KEY: [u8; 16] = *b"0123456789abcdef";

/// A key of CCMP in a slot.
fn set_key(board: &mut Board, slot: u32, address: [u8; 6], class: u32, key_id: u32) {
    let [a, b, c, d, e, f] = address;
    let flags = u32::from(u16::from_le_bytes([e, f])) | 3 << 18 | class << 21 | key_id << 30;
    let mut words = vec![u32::from_le_bytes([a, b, c, d]), flags];
    words.extend(KEY.chunks(4).map(|bytes| u32::from_le_bytes(*bytes.first_chunk().unwrap())));
    for (index, word) in words.into_iter().enumerate() {
        board.write(KEYS + 0x28 * slot + 4 * index as u32, word);
    }
    board.write(MAC + 0x800, 0x3_0303);
    let valid = board.read(KEYS_VALID);
    board.write(KEYS_VALID, valid | 1 << slot);
}

#[test]
fn what_is_sent_with_a_key_is_encrypted() {
    let mut board = station(2);
    set_key(&mut board, 6, ACCESS_POINT, 2, 0);
    let plain = frame([0x08, 0x41], [ACCESS_POINT, STATION, OTHER], &[&ccmp::header(1, 0)[..], b"secret"].concat());
    send(&mut board, 2, &plain, 12, WANTS_ACKNOWLEDGEMENT, 6);
    board.pass_to(1_000);
    let sent = &board.devices.outside.transmitted[0].frame;
    assert_eq!(sent.len(), plain.len() + 8);
    assert_eq!(ccmp::decrypt(&KEY, sent).unwrap(), plain);
}

#[test]
fn a_frame_whose_key_is_missing_is_given_up() {
    let mut board = station(2);
    let plain = frame([0x08, 0x41], [ACCESS_POINT, STATION, OTHER], &[&ccmp::header(1, 0)[..], b"secret"].concat());
    send(&mut board, 2, &plain, 12, WANTS_ACKNOWLEDGEMENT, 6);
    board.pass_to(0x200 * 1_024 + 1);
    assert_eq!(board.read(EVENT_STATUS), 1 << 29);
    assert_eq!(board.read(MAC + 0xCC0), 1 << 18);
    assert!(board.devices.outside.transmitted.is_empty());
}

#[test]
fn what_arrives_encrypted_is_decrypted_in_place() {
    let mut board = station(5);
    set_key(&mut board, 6, ACCESS_POINT, 2, 0);
    set_key(&mut board, 2, ACCESS_POINT, 6, 1);
    set_address(&mut board, MAC + 0xC28, ACCESS_POINT);
    for (receiver, key_id) in [(STATION, 0), ([0xFF; 6], 1)] {
        let header = ccmp::header(1, key_id);
        let plain = frame([0x08, 0x42], [receiver, ACCESS_POINT, OTHER], &[&header[..], b"secret"].concat());
        let sent = ccmp::encrypt(&KEY, &plain).unwrap();
        let number = u32::from(key_id);
        hear(&mut board, 100 + 100 * u64::from(key_id), 6, sent.clone());
        let held = board.memory.peek(BUFFERS + 0x700 * number + 12, sent.len());
        assert_eq!(held[..plain.len()], plain, "the header of the cipher stays");
        assert_eq!(held[plain.len()..], sent[plain.len()..], "and so does its check code");
    }
    let wrong =
        ccmp::encrypt(&[0; 16], &frame([8, 0x42], [STATION, ACCESS_POINT, OTHER], &ccmp::header(2, 0))).unwrap();
    hear(&mut board, 300, 6, wrong);
    assert_eq!(board.read(MAC + 0x18), 2, "of another key nothing is told");
}

#[test]
fn the_nmi_comes_once_until_it_is_allowed_again() {
    const NMI_ENABLE: u32 = 0x3FF0_0000;
    let mut board = station(4);
    board.write(NMI_ENABLE, 1);
    hear(&mut board, 100, 6, beacon());
    assert_eq!(board.interrupts().edges & NMI, NMI);
    assert_eq!(board.read(NMI_ENABLE), 0, "it has switched itself off");
    board.pass_to(200);
    assert_eq!(board.interrupts().edges & NMI, 0);
    board.write(NMI_ENABLE, 1);
    assert_eq!(board.interrupts().edges & NMI, 0, "not within the next instructions");
    board.pass_to(202);
    assert_eq!(board.interrupts().edges & NMI, NMI, "the cause is still there");
    board.write(EVENT_CLEAR, u32::MAX);
    board.write(NMI_ENABLE, 1);
    board.pass_to(300);
    assert_eq!(board.interrupts().edges & NMI, 0);
}

#[test]
fn counters_raise_their_events() {
    const TSF1: u32 = 0x3FF2_1048;
    let mut board = station(2);
    board.write(0x3FF2_105C, 1_000);
    board.write(0x3FF2_1060, 1);
    assert_eq!((board.read(TSF1), board.read(TSF1 + 4)), (1_000, 1));
    board.write(0x3FF2_10CC, 1_500);
    board.write(0x3FF2_10C8, 1 << 31);
    board.pass_to(300);
    assert_eq!(board.read(TSF1), 1_300);
    board.write(0x3FF2_10CC, 1_700);
    board.write(0x3FF2_10C8, 1 << 31);
    board.pass_to(699);
    assert_eq!(board.read(EVENT_STATUS), 0, "the earlier target counts no more");
    board.pass_to(701);
    assert_eq!(board.read(EVENT_STATUS), 1 << 26);
    board.write(EVENT_CLEAR, 1 << 26);
    board.write(0x3FF2_109C, 800);
    board.write(0x3FF2_1098, 1 << 31);
    board.pass_to(900);
    assert_eq!(board.read(EVENT_STATUS), 1 << 27);
}

#[test]
fn an_armed_target_keeps_its_moment_when_the_counter_is_set() {
    let mut board = station(2);
    board.write(0x3FF2_10CC, 500);
    board.write(0x3FF2_10C8, 1 << 31);
    board.pass_to(300);
    board.write(0x3FF2_105C, 0);
    board.write(0x3FF2_1060, 0);
    assert_eq!(board.read(0x3FF2_1048), 0);
    board.pass_to(499);
    assert_eq!(board.read(EVENT_STATUS), 0);
    board.pass_to(501);
    assert_eq!(board.read(EVENT_STATUS), 1 << 26);
}

proptest! {
    /// Whatever a program writes, and whatever arrives: nothing panics, and time goes on.
    #[test]
    fn wild_registers_and_frames_do_no_harm(
        writes in prop::collection::vec((0_u32..0x800, any::<u32>()), 0..60),
        frames in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 1_u8..15), 0..20),
    ) {
        let mut board = station(6);
        let mut at = 100;
        for (word, value) in writes {
            board.write(MAC + 4 * word, value);
            at += 7;
            board.pass_to(at);
        }
        for (frame, channel) in frames {
            at += 50;
            hear(&mut board, at, channel, frame);
        }
        board.pass_to(at + 5_000);
    }
}

/// As the vendor's driver of an access point writes a group's key of TKIP: of the handshake's 32 bytes the last 8 in
/// front of those with which it signs what it sends.
#[test]
fn what_is_sent_to_a_group_of_tkip_is_signed_with_the_last_key_of_its_slot() {
    let mut board = station(2);
    set_key(&mut board, 4, [0xFF; 6], 6, 1);
    let slot = KEYS + 0x28 * 4;
    let flags = board.read(slot + 4);
    board.write(slot + 4, flags & !(7 << 18) | 2 << 18);
    for (index, bytes) in (0..).zip([*b"rece", *b"ived", *b"sent", *b"last"]) {
        board.write(slot + 8 + 16 + 4 * index, u32::from_le_bytes(bytes));
    }
    let header = [0, 0x20, 1, 0x60, 0, 0, 0, 0];
    let plain = frame([0x08, 0x42], [[0xFF; 6], STATION, STATION], &[&header[..], b"to all"].concat());
    send(&mut board, 2, &plain, 16, 0, 4);
    board.pass_to(1_000);
    let sent = &board.devices.outside.transmitted[0].frame;
    let key = TkipKey { cipher: KEY, code: *b"sentlast" };
    assert_eq!(tkip::decrypt(&key, sent).unwrap(), plain);
}
