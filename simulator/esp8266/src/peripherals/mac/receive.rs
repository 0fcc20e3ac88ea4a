//! Receiving: frames from the antenna into a ring of descriptors.
//!
//! A descriptor is three words: size (11:0), length (23:12), end of frame (30) and owner (31); the buffer's address;
//! the next descriptor's. The hardware owns those with bit 31. It never fills the one behind which there is none:
//! drivers keep it as the place where the next descriptors are linked to. A buffer gets twelve bytes about the
//! reception, the frame, and four for its check sequence.

use std::collections::VecDeque;

use simulator_wlan::header::{Header, PROTECTED, Type, is_group};
use simulator_wlan::rate::{FCS_BYTES, SIFS};

use super::super::clock::Time;
use super::super::env::Env;
use super::super::outside::Heard;
use super::address::Match;
use super::keys::Refusal;
use super::{Mac, Register, crypto, event, filter};
use crate::memory::Memory;

/// What stands before a frame.
const CONTROL: usize = 12;
/// The signal in a buffer is the one in dBm and this.
const SIGNAL_OFFSET: i16 = 93;

/// The receiver's state.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    /// In order of arrival.
    arriving: VecDeque<Heard>,
    /// The descriptor that is filled next; 0 is none.
    next: u32,
    /// The first one that was filled since the program last asked how many, and how many.
    first: u32,
    count: u32,
}

impl Receiver {
    /// A frame will have arrived.
    pub(super) fn hear(&mut self, heard: Heard) {
        let at = self.arriving.partition_point(|other| other.at <= heard.at);
        self.arriving.insert(at, heard);
    }

    /// When a frame will have arrived.
    pub(super) fn next(&self) -> Time {
        self.arriving.front().map_or(Time::NEVER, |heard| Time::from_nanoseconds(heard.at))
    }

    /// A frame that has arrived by now.
    pub(super) fn arrived(&mut self, now: Time) -> Option<Heard> {
        if self.next() > now {
            return None;
        }
        self.arriving.pop_front()
    }

    /// The program says where the ring begins.
    pub(super) fn start_at(&mut self, descriptor: u32) {
        self.next = descriptor;
    }

    /// How many descriptors were filled since this was last asked.
    pub(super) fn take_count(&mut self) -> u32 {
        core::mem::take(&mut self.count) & 0xFF
    }

    /// The first of them.
    pub(super) fn first(&self) -> u32 {
        self.first
    }
}

/// The word at an address.
pub(super) fn word(memory: &Memory, address: u32) -> u32 {
    memory.peek(address, 4).first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

impl Mac {
    fn count(&mut self, register: Register) {
        let count = self.bank.value(register);
        self.bank.set(register, count.wrapping_add(1));
    }

    /// A frame has arrived at the antenna.
    pub(super) fn take_in(&mut self, heard: &Heard, env: &mut Env<'_>) {
        if !self.receives() || env.wires.channel != Some(heard.channel) {
            return;
        }
        self.count(Register::RxEnds);
        let Some(header) = Header::of(&heard.frame) else { return };
        let found = Match::of(&header, &self.bank);
        let is_filtered = filter::ADDRESS.is_in(self.bank.value(Register::RxFilter));
        if !is_group(header.receiver()) && found.own == 0 && is_filtered {
            return self.count(Register::OtherUnicast);
        }
        let frame = if header.has(PROTECTED) && self.decrypts() {
            match self.keys.decrypt(&header, &heard.frame, &self.bank) {
                Ok(frame) => frame,
                Err(refusal) => {
                    if refusal == Refusal::Cipher {
                        env.not_modelled("WEP");
                    }
                    // Silicon acknowledges before it looks.
                    return self.acknowledge(&header, found, env);
                }
            }
        } else {
            heard.frame.clone()
        };
        if self.fill(heard, &header, found, &frame, env) {
            self.acknowledge(&header, found, env);
        }
    }

    /// Whether protected frames are decrypted: a cipher is on for one of the interfaces, and nobody sniffs.
    fn decrypts(&self) -> bool {
        let [station, access_point] = [Register::Crypto0, Register::Crypto1].map(|register| self.bank.value(register));
        let (either, both) = (station | access_point, station & access_point);
        crypto::ON.is_in(either) && !crypto::RAW.is_in(both)
    }

    /// Puts a frame into the next descriptor, if there is one.
    fn fill(&mut self, heard: &Heard, header: &Header<'_>, found: Match, frame: &[u8], env: &mut Env<'_>) -> bool {
        let descriptor = self.receiver.next;
        let (state, buffer, next) =
            (word(env.memory, descriptor), word(env.memory, descriptor + 4), word(env.memory, descriptor + 8));
        let length = CONTROL + frame.len() + FCS_BYTES;
        let is_free = descriptor != 0 && next != 0 && state >> 30 == OWNER >> 30;
        if !is_free || length as u32 > state & SIZE {
            self.count(Register::BufferFull);
            return false;
        }
        let signal = (i16::from(heard.signal) + SIGNAL_OFFSET) as u8;
        let control = u32::from(signal)
            | u32::from(heard.rate & 0xF) << 8
            | u32::from(is_group(header.receiver())) << 12
            | ((frame.len() + FCS_BYTES) as u32) << 16
            | found.own << 28
            | found.network << 30;
        let mut bytes = Vec::with_capacity(length);
        for word in [control, 0, u32::from(heard.channel) << 16] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend_from_slice(frame);
        bytes.extend([0; FCS_BYTES]);
        env.memory.poke(buffer, &bytes);
        let state = state & !(LENGTH | END) | END | (length as u32) << 12;
        env.memory.poke(descriptor, &state.to_le_bytes());
        if self.receiver.count == 0 {
            self.receiver.first = descriptor;
        }
        self.receiver.count += 1;
        self.receiver.next = next;
        self.bank.set(Register::RxLast, descriptor);
        self.counters.received(env.now);
        self.count(Register::RxSuccesses);
        self.events |= event::RECEIVED;
        true
    }

    /// Acknowledges a frame to one of the own addresses, unless the table of responses says otherwise.
    fn acknowledge(&mut self, header: &Header<'_>, found: Match, env: &mut Env<'_>) {
        let tables = match header.kind() {
            Type::Management => [Register::Responses0, Register::Responses1],
            // Of control frames only the one that asks for what is held back is told apart, and acknowledged.
            Type::Control => [Register::Responses2, Register::Responses3],
            Type::Data => [Register::Responses4, Register::Responses5],
        };
        let (table, nibble) = (tables[usize::from(header.subtype() >> 3)], 7 - (header.subtype() & 7));
        let response = self.bank.value(table) >> (4 * nibble) & 0xF;
        if found.own != 0 && response != 0 {
            let at = env.now.nanoseconds() + SIFS.as_nanos() as u64;
            env.outside.acknowledge(header.transmitter(), at);
        }
    }
}

const OWNER: u32 = 1 << 31;
const END: u32 = 1 << 30;
const LENGTH: u32 = 0xFFF << 12;
const SIZE: u32 = 0xFFF;
