//! Sending: queues of one frame each, onto the air and back with what became of it.
//!
//! A program writes a queue's words and sets both bits of GO last. The frame waits for the medium and its backoff, then
//! leaves; with that the event `TX_STARTED` comes, and when the acknowledgement is there or has not come in time
//! `TX_DONE`, with queue and result in `MAC_TX_STATUS`. The hardware never sends a frame again by itself. A frame that
//! is not sent within its lifetime is given up (`TX_EXPIRED`).
//!
//! A SIFS behind a frame that was acknowledged the hardware sends the one that the program has put into the burst
//! block, as queue 10. The status holds one result: a frame does not leave before the program has taken the last one's.

use core::time::Duration;

use simulator_wlan::header::{PROTECTED, is_group};
use simulator_wlan::rate::{FCS_BYTES, Rate, SHORT_SLOT, SIFS};

use super::super::clock::Time;
use super::super::env::{Env, Request};
use super::super::outside::Transmission;
use super::super::registers::{Description, Field, Layout};
use super::keys::Refusal;
use super::receive::word;
use super::{Mac, Register, burst, event};
use crate::memory::Memory;

const QUEUES: usize = 8;
const WORDS: usize = 6;
/// The number under which a burst's frame is told.
const BURST: u32 = 10;
/// Bytes from one queue to the next, which lies below.
const STRIDE: u32 = 0x18;
/// Just behind the block of queue 0.
const END: u32 = 0xDD8;

/// A word of a queue.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Word {
    queue: usize,
    index: usize,
}

impl Layout for Word {
    fn at(offset: u32) -> Option<Self> {
        let behind = END.checked_sub(1 + offset)?;
        let (queue, index) = ((behind / STRIDE) as usize, ((STRIDE - 1 - behind % STRIDE) / 4) as usize);
        (queue < QUEUES).then_some(Self { queue, index })
    }

    fn describe(self) -> Option<&'static Description> {
        None
    }
}

/// Words of a queue, and their fields.
mod fields {
    use super::Field;

    pub const BACKOFF: usize = 0;
    pub const DESCRIPTOR: usize = 1;
    pub const LENGTH: usize = 2;
    pub const HT: usize = 3;
    pub const LIFETIME: usize = 5;

    pub const SLOTS: Field = Field::new(12, 21);
    pub const FIRST: Field = Field::new(0, 17);
    pub const ACKNOWLEDGED: Field = Field::new(24, 25);
    pub const GO: Field = Field::new(30, 31);
    pub const BYTES: Field = Field::new(0, 11);
    pub const RATE: Field = Field::new(12, 15);
    pub const KEY: Field = Field::new(16, 20);
    pub const IS_HT: Field = Field::new(24, 24);
    pub const MCS: Field = Field::new(0, 2);
    pub const PERIODS: Field = Field::new(12, 23);
}

/// What became of a frame, as `MAC_TX_STATUS` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Outcome {
    Sent = 0,
    NoAcknowledgement = 5,
}

/// A queue's number in the status: where NONOS and ESP-Open-SDK look, and where RTOS SDK 3 does.
fn queue_fields(queue: u32) -> u32 {
    queue << 12 | queue << 8
}

/// The unit of a lifetime.
const PERIOD: Time = Time(1024 * Time::MICROSECOND.0);
/// Descriptors lie in data RAM, whose addresses begin so.
const DATA: u32 = 0x3FFC_0000;
/// A chain that is longer goes in a circle.
const LONGEST_CHAIN: usize = 16;

/// A frame on the air.
#[derive(Clone, Copy, Debug)]
struct Sending {
    queue: u32,
    wants_acknowledgement: bool,
    ends: Time,
}

/// A frame that waits for the medium.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Time,
    starts: Time,
    /// It cannot leave: its key is missing.
    is_stuck: bool,
}

/// All queues.
#[derive(Debug, Default)]
pub(super) struct Transmitter {
    words: [[u32; WORDS]; QUEUES],
    waiting: [Option<Waiting>; QUEUES],
    sending: Option<Sending>,
    /// When the burst's frame follows.
    burst: Option<Time>,
    /// The program has not cleared the event that tells of the last frame's end.
    result_waits: bool,
    /// Until when its own frames keep the medium busy, or its program kept the last result.
    busy_until: Time,
}

/// What is to be sent, from whichever block of registers.
struct Order {
    queue: u32,
    descriptor: u32,
    length: u32,
    ht: u32,
}

fn time(duration: Duration) -> Time {
    Time::from_nanoseconds(duration.as_nanos() as u64)
}

impl Transmitter {
    pub(super) fn read(&self, Word { queue, index }: Word) -> u32 {
        self.words[queue][index]
    }

    pub(super) fn write(&mut self, Word { queue, index }: Word, value: u32, now: Time) {
        self.words[queue][index] = value;
        if index != fields::DESCRIPTOR {
            return;
        }
        if fields::GO.of(value) != 3 {
            self.waiting[queue] = None;
        } else if self.waiting[queue].is_none() {
            let slots = u64::from(fields::SLOTS.of(self.words[queue][fields::BACKOFF]));
            let starts = now.max(self.busy_until) + time(SIFS + 2 * SHORT_SLOT) + time(SHORT_SLOT).times(slots);
            self.waiting[queue] = Some(Waiting { since: now, starts, is_stuck: false });
        }
    }

    /// When a frame is given up. The driver of ESP-Open-SDK leaves the field at 0 and has its frames sent all the same.
    fn expires(&self, queue: usize, since: Time) -> Time {
        match fields::PERIODS.of(self.words[queue][fields::LIFETIME]) {
            0 => Time::NEVER,
            periods => since + PERIOD.times(u64::from(periods)),
        }
    }

    /// When a queue's frame leaves, or is given up.
    fn due(&self, queue: usize) -> Option<Time> {
        let waiting = self.waiting[queue]?;
        let expires = self.expires(queue, waiting.since);
        let starts = if waiting.is_stuck { Time::NEVER } else { waiting.starts.max(self.busy_until) };
        Some(if self.is_held_up() { expires } else { starts.min(expires) })
    }

    /// Whether no frame can leave now, whatever the time.
    fn is_held_up(&self) -> bool {
        self.sending.is_some() || self.burst.is_some() || self.result_waits
    }

    /// The program has taken the last frame's result: what waited for that is due now at the soonest.
    pub(super) fn result_taken(&mut self, now: Time) {
        self.result_waits = false;
        self.busy_until = self.busy_until.max(now);
    }

    /// When the burst's frame follows, if it may.
    fn burst_due(&self) -> Time {
        let due = self.burst.filter(|_| !self.result_waits);
        due.map_or(Time::NEVER, |due| due.max(self.busy_until))
    }

    fn first_due(&self) -> Option<(Time, usize)> {
        (0..QUEUES).filter_map(|queue| Some((self.due(queue)?, queue))).min()
    }

    pub(super) fn next(&self) -> Time {
        let ends = self.sending.map_or(Time::NEVER, |sending| sending.ends);
        self.first_due().map_or(ends, |(due, _)| due.min(ends)).min(self.burst_due())
    }
}

/// The frame behind a chain of descriptors. What stands behind its last one, and how large its buffers are, does not
/// matter to the hardware.
fn gather(memory: &Memory, first: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    let mut descriptor = first;
    for _ in 0..LONGEST_CHAIN {
        let state = word(memory, descriptor);
        frame.extend(memory.peek(word(memory, descriptor + 4), (state >> 12 & 0xFFF) as usize));
        descriptor = word(memory, descriptor + 8);
        if state >> 30 & 1 != 0 || descriptor == 0 {
            break;
        }
    }
    frame
}

impl Mac {
    /// Ends and begins what is due by now.
    pub(super) fn transmit_due(&mut self, env: &mut Env<'_>) {
        if let Some(sending) = self.transmitter.sending.filter(|sending| sending.ends <= env.now) {
            self.transmitter.sending = None;
            self.end(sending, env);
        }
        if self.transmitter.burst_due() <= env.now {
            self.transmitter.burst = None;
            self.begin_burst(env);
        }
        while let Some((due, queue)) = self.transmitter.first_due()
            && due <= env.now
        {
            let Some(waiting) = self.transmitter.waiting[queue] else { break };
            if env.now >= self.transmitter.expires(queue, waiting.since) {
                self.transmitter.waiting[queue] = None;
                self.clear_go(queue);
                let troubles = self.bank.value(Register::TxTroubles);
                self.bank.set(Register::TxTroubles, troubles | 1 << (16 + queue));
                self.events |= event::TX_EXPIRED;
            } else {
                let words = self.transmitter.words[queue];
                let order = Order {
                    queue: queue as u32,
                    descriptor: words[fields::DESCRIPTOR],
                    length: words[fields::LENGTH],
                    ht: words[fields::HT],
                };
                if self.begin(&order, env) {
                    self.transmitter.waiting[queue] = None;
                } else {
                    self.transmitter.waiting[queue] = Some(Waiting { is_stuck: true, ..waiting });
                }
            }
        }
    }

    fn clear_go(&mut self, queue: usize) {
        self.transmitter.words[queue][fields::DESCRIPTOR] &= !fields::GO.mask();
    }

    /// A frame begins to leave; not if its key is missing.
    fn begin(&mut self, order: &Order, env: &mut Env<'_>) -> bool {
        let mut frame = gather(env.memory, DATA | fields::FIRST.of(order.descriptor));
        let length = fields::BYTES.of(order.length) as usize;
        frame.truncate(length.saturating_sub(FCS_BYTES));
        if frame.get(1).is_some_and(|flags| flags & PROTECTED != 0) {
            // The last descriptor's length counts what the hardware puts behind the body.
            frame.resize(length.saturating_sub(FCS_BYTES), 0);
            match self.keys.encrypt(fields::KEY.of(order.length) as usize, &frame, &self.bank) {
                Ok(encrypted) => frame = encrypted,
                Err(refusal) => {
                    if refusal == Refusal::Cipher {
                        env.not_modelled("WEP");
                    }
                    return false;
                }
            }
        }
        let is_ht = fields::IS_HT.is_in(order.length);
        let code = if is_ht { 0x10 | fields::MCS.of(order.ht) } else { fields::RATE.of(order.length) };
        let rate = Rate::from_code(code as u8).unwrap_or(Rate::ONE_MEGABIT);
        let ends = env.now + time(rate.air_time(frame.len() + FCS_BYTES));
        let is_for_one = frame.get(4..10).and_then(<[u8]>::first_chunk).is_some_and(|receiver| !is_group(*receiver));
        let wants_acknowledgement = fields::ACKNOWLEDGED.is_in(order.descriptor) && is_for_one;
        let answered = if wants_acknowledgement { time(rate.acknowledgement_time()) } else { Time(0) };
        self.transmitter.sending = Some(Sending { queue: order.queue, wants_acknowledgement, ends: ends + answered });
        self.transmitter.busy_until = ends + answered;
        self.bank.set(Register::TxStatus, queue_fields(order.queue));
        self.events |= event::TX_STARTED;
        if let Some(channel) = env.wires.channel {
            let (start, end) = (env.now.nanoseconds(), ends.nanoseconds());
            env.outside.transmit(Transmission { channel, rate: rate.code(), start, end, wants_acknowledgement, frame });
            env.request(Request::Transmitted);
        }
        true
    }

    /// What has become of a frame is known.
    fn end(&mut self, sending: Sending, env: &mut Env<'_>) {
        let Sending { queue, wants_acknowledgement, .. } = sending;
        let outcome = if wants_acknowledgement && !env.outside.was_acknowledged() {
            Outcome::NoAcknowledgement
        } else {
            Outcome::Sent
        };
        if queue != BURST {
            self.clear_go(queue as usize);
        }
        self.bank.set(Register::TxStatus, (outcome as u32) << 28 | queue_fields(queue));
        self.events |= event::TX_DONE;
        self.transmitter.result_waits = true;
        if outcome == Outcome::Sent && burst::ARMED.is_in(self.bank.value(Register::BurstDescriptor)) {
            self.transmitter.burst = Some(env.now + time(SIFS));
        }
    }

    /// A burst's frame begins to leave, if it has not been called back; one with a missing key is dropped.
    fn begin_burst(&mut self, env: &mut Env<'_>) {
        let descriptor = self.bank.value(Register::BurstDescriptor);
        if burst::ARMED.is_in(descriptor) {
            self.bank.set(Register::BurstDescriptor, descriptor & !burst::ARMED.mask());
            let order = Order {
                queue: BURST,
                descriptor,
                length: self.bank.value(Register::BurstLength),
                ht: self.bank.value(Register::BurstHt),
            };
            self.begin(&order, env);
        }
    }
}
