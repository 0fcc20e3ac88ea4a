//! Frames between the radio and the program's buffers, as the SDK hands them over (`ieee80211_deliver_data`,
//! `hostap_input`, `__wpa_send_eapol`, `ieee80211_output_pbuf`, `ppCheckTxIdle`; NONOS SDK 3.0).
//!
//! The SDK asks the program for a record for each received frame and for room for each frame of a handshake, and does
//! not look whether it got any: a null ends in a store to address 4. While it is an access point it first asks for a
//! copy of what one station sends to all, to repeat it to the others; without one it goes on. A frame to be sent
//! belongs to the radio until it is sent, for which it takes one reference more. It has eight buffers for these.
//!
//! Not modelled: that others are on the air, that what is for a sleeping station waits for it, and that a copy is heard
//! by the other stations, which have nothing to say to each other.

use std::time::Duration;

use esp8266::bus::Width;
use esp8266::chip::Chip;
use esp8266::memory::Miss;
use esp8266::rom::TASK_LOOP;

use super::{BUFFER_SIZE, INTERFACE_SIZE, INTERFACES, MEMORY, Purpose, Sdk, record};
use crate::call::Call;
use crate::outside::Environment;
use simulator_record::time::Instant;

/// `PBUF_RAM`: a record with memory behind it.
const PBUF_RAM: u32 = 0;
/// `PBUF_REF`: a record whose payload is the radio's.
const PBUF_REF: u32 = 2;
/// `PBUF_RAW`.
const PBUF_RAW: u32 = 3;
/// What is asked for to send a frame of a handshake, in bytes.
const HANDSHAKE: u32 = 256;
/// Frames of a handshake that an access point sends to a station.
const HANDSHAKE_FRAMES: u32 = 2;
/// Frames that the radio can have in hand to send.
const SENDING: usize = 8;
/// How long a frame is on its way out: access to the medium and acknowledgement, and the time of a byte, at 1 Mbit/s
/// for what is for all, at 24 Mbit/s otherwise (802.11-2020, 10.6: basic rates for group-addressed frames).
const OVERHEAD: Duration = Duration::from_micros(500);
const BYTE_FOR_ALL: Duration = Duration::from_nanos(8_000);
const BYTE: Duration = Duration::from_nanos(333);
/// The chip's clock counts whole cycles, so that it may look a moment before one of these is over.
const PRECISION: Duration = Duration::from_micros(1);
/// Offsets in `struct pbuf`.
const PAYLOAD: u32 = 4;
const LENGTHS: u32 = 8;
const REFERENCES: u32 = 14;
const RADIO_BUFFER: u32 = 16;

impl Sdk {
    /// The next call that frames have come in, or have left, for.
    pub(super) fn next_frame<O: Environment>(&mut self, chip: &mut Chip<O>, now: Instant) -> Option<(Purpose, Call)> {
        if let (Some(function), Some((_, sent))) =
            (self.pbuf_free, self.sending.pop_front_if(|(at, _)| *at <= now + PRECISION))
        {
            return Some((Purpose::Sent, Call { function, arguments: [sent, 0, 0] }));
        }
        let pbuf_alloc = self.pbuf_alloc?;
        let ask = |length, kind| Call { function: pbuf_alloc, arguments: [PBUF_RAW, length, kind] };
        if self.handshake_frames == 0 {
            self.handshake_frames = chip.core.bus.outside.take_handshakes() * HANDSHAKE_FRAMES;
        }
        if self.handshake_frames > 0 {
            self.handshake_frames -= 1;
            return Some((Purpose::Handshake, ask(HANDSHAKE, PBUF_RAM)));
        }
        self.ethernet_input?;
        let buffer = self.buffers.iter().position(|used| !used)?;
        let frame = chip.core.bus.outside.take_frame()?;
        let length = (frame.len() as u32).min(BUFFER_SIZE);
        self.buffers[buffer] = true;
        let buffer = MEMORY + buffer as u32 * BUFFER_SIZE;
        chip.core.memory.poke(buffer, &frame[..length as usize]);
        Some(match is_for_all(&frame) && self.is_access_point() {
            true => (Purpose::Copy { buffer, length }, ask(length, PBUF_RAM)),
            false => (Purpose::Frame { buffer, length }, ask(length, PBUF_REF)),
        })
    }

    /// A call that [`next_frame`](Self::next_frame) gave has returned.
    pub(super) fn frame_returned<O: Environment>(
        &mut self,
        chip: &mut Chip<O>,
        now: Instant,
        purpose: Purpose,
        result: u32,
    ) {
        match purpose {
            Purpose::Event | Purpose::Input | Purpose::Sent => {}
            Purpose::Handshake if result == 0 => store_to_null(chip),
            Purpose::Handshake => self.send(now, result, HANDSHAKE, false),
            Purpose::Copy { buffer, length } => {
                if result != 0 {
                    let bytes = chip.core.memory.peek(buffer, length as usize);
                    let payload = u32::from_le_bytes(record(chip, result.wrapping_add(PAYLOAD)));
                    chip.core.memory.poke(payload, &bytes);
                    // Given up by who asked for it, and taken by who sends it.
                    self.send(now, result, length, true);
                }
                if let Some(function) = self.pbuf_alloc {
                    let call = Call { function, arguments: [PBUF_RAW, length, PBUF_REF] };
                    self.next.push_back((Purpose::Frame { buffer, length }, call));
                }
            }
            Purpose::Frame { .. } if result == 0 => store_to_null(chip),
            Purpose::Frame { buffer, length } => {
                let memory = &mut chip.core.memory;
                memory.poke(result.wrapping_add(PAYLOAD), &buffer.to_le_bytes());
                memory.poke(result.wrapping_add(LENGTHS), &(length << 16 | length).to_le_bytes());
                memory.poke(result.wrapping_add(RADIO_BUFFER), &buffer.to_le_bytes());
                let interface = INTERFACES + u32::from(self.is_access_point()) * INTERFACE_SIZE;
                if let Some(function) = self.ethernet_input {
                    self.next.push_back((Purpose::Input, Call { function, arguments: [result, interface, 0] }));
                }
            }
        }
    }

    /// `ieee80211_output_pbuf(netif, pbuf)`: 0 if the radio takes the frame.
    pub(super) fn output_frame<O: Environment>(&mut self, chip: &mut Chip<O>, now: Instant, pbuf: u32) -> u32 {
        if self.sending.len() >= SENDING {
            return 1;
        }
        let [payload, lengths] = [PAYLOAD, LENGTHS].map(|at| u32::from_le_bytes(record(chip, pbuf.wrapping_add(at))));
        let frame = chip.core.memory.peek(payload, (lengths >> 16) as usize);
        let is_for_all = is_for_all(&frame);
        chip.core.bus.outside.send_frame(now, frame);
        if self.pbuf_free.is_some() {
            let at = pbuf.wrapping_add(REFERENCES);
            let references = u16::from_le_bytes(record(chip, at)).wrapping_add(1);
            chip.core.memory.poke(at, &references.to_le_bytes());
            self.send(now, pbuf, lengths >> 16, is_for_all);
        }
        0
    }

    /// The radio begins to send a record's frame, after those that it has in hand.
    fn send(&mut self, now: Instant, pbuf: u32, length: u32, is_for_all: bool) {
        let begins = self.sending.back().map_or(now, |(at, _)| (*at).max(now));
        let byte = if is_for_all { BYTE_FOR_ALL } else { BYTE };
        self.sending.push_back((begins + OVERHEAD + byte * length, pbuf));
    }

    /// When the next frame is sent, if there is one.
    pub(super) fn next_sent(&self) -> Option<Instant> {
        self.sending.front().map(|(at, _)| *at)
    }

    fn is_access_point(&self) -> bool {
        self.mode >> 1 & 1 != 0
    }
}

/// Whether a frame's receiver is a group.
fn is_for_all(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 != 0)
}

/// What the SDK does to a record that it did not get.
fn store_to_null<O: Environment>(chip: &mut Chip<O>) {
    if let Err(Miss::Exception(exception)) = chip.core.memory.store(PAYLOAD, Width::Word, 0) {
        chip.core.cpu.raise(exception, TASK_LOOP);
    }
}
