//! A UART: FIFOs, baud rate timing, interrupts.
//!
//! Bytes leave one after the other, each as long as its start, data, parity and stop bits at the rate that CLKDIV makes
//! of the APB clock. Received bytes come from the owner with their time and, if that is known, the rate at which they
//! are sent: at another one than its own the receiver makes something else of them ([`line`](crate::line)). Automatic
//! baud rate detection counts edges and measures the shortest pulses. Not modelled: levels on the pin, flow control,
//! errors of parity, infrared.

use std::collections::VecDeque;

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{Env, line};
use super::registers::{Bank, registers};
use super::rtc::ResetCause;
use super::steady::Steady;
use crate::line::{BITS, Receiver, Sent};

registers! {
    /// Registers of a UART.
    pub(super) enum Register {
        0x00 Fifo ReadWrite = 0, "UART_FIFO";
        0x04 IntRaw ReadOnly = 0, "UART_INT_RAW";
        0x08 IntSt ReadOnly = 0, "UART_INT_ST";
        0x0C IntEna ReadWrite = 0, "UART_INT_ENA" interrupt {
            RXFIFO_FULL: 0;
            TXFIFO_EMPTY: 1;
            FRM_ERR: 3;
            RXFIFO_OVF: 4;
            RXFIFO_TOUT: 8;
        };
        0x10 IntClr WriteOnly = 0, "UART_INT_CLR";
        0x14 Clkdiv ReadWrite = 0x2B6, "UART_CLKDIV" clkdiv { CLKDIV: 0..=19; };
        0x18 Autobaud ReadWrite = 0x1000, "UART_AUTOBAUD" autobaud {
            AUTOBAUD_EN: 0;
        };
        0x1C Status ReadOnly = 0, "UART_STATUS";
        0x20 Conf0 ReadWrite = 0x1C, "UART_CONF0" conf0 {
            PARITY_EN: 1;
            BIT_NUM: 2..=3;
            STOP_BIT_NUM: 4..=5;
            TXD_BRK: 8 ignored "a break on the line";
            LOOPBACK: 14;
            TX_FLOW_EN: 15 ignored "flow control";
            RXFIFO_RST: 17;
            TXFIFO_RST: 18;
            INVERTED: 19..=24 ignored "inverted lines";
        };
        0x24 Conf1 ReadWrite = 0x6060, "UART_CONF1" conf1 {
            RXFIFO_FULL_THRHD: 0..=6;
            TXFIFO_EMPTY_THRHD: 8..=14;
            RX_FLOW_EN: 23 ignored "flow control";
            RX_TOUT_THRHD: 24..=30;
            RX_TOUT_EN: 31;
        };
        0x28 Lowpulse ReadOnly = 0xFFFFF, "UART_LOWPULSE";
        0x2C Highpulse ReadOnly = 0xFFFFF, "UART_HIGHPULSE";
        0x30 RxdCnt ReadOnly = 0, "UART_RXD_CNT";
        0x78 Date ReadWrite = 0x0006_2000, "UART_DATE";
        0x7C Id ReadWrite = 0x500, "UART_ID";
    }
}

/// Bytes that each FIFO holds.
pub const FIFO: usize = 128;

/// Bits of a pulse's length, and of the number of edges.
const PULSE: u64 = 0xF_FFFF;
const EDGES: u32 = 0x3FF;
/// APB cycles by which a pulse is measured too short: the ROM adds them to the rate's divisor.
const MEASURED_SHORT: u64 = 12;

/// A bit at 115200 baud, which detection takes a byte for that comes at no rate of its own.
const USUAL_BIT: Time = Time::from_nanoseconds(8_680);

/// What automatic detection has seen of the line.
#[derive(Clone, Copy, Debug)]
struct Detection {
    edges: u32,
    /// The shortest pulses, in APB cycles.
    low: u64,
    high: u64,
    /// The last rising edge.
    rose: Option<Time>,
}

impl Default for Detection {
    fn default() -> Self {
        Self { edges: 0, low: PULSE, high: PULSE, rose: None }
    }
}

impl Detection {
    fn observe(&mut self, sent: Sent, apb: Time) {
        let cycles = |from: u64, to: u64| ((to - from) / apb.0).saturating_sub(MEASURED_SHORT).min(PULSE);
        let mut fell = None;
        for edge in sent.edges() {
            self.edges = (self.edges + 1).min(EDGES);
            if let Some(fell) = fell.take() {
                self.low = self.low.min(cycles(fell, edge));
                self.rose = Some(Time(edge));
            } else {
                if let Some(rose) = self.rose.filter(|rose| rose.0 <= edge) {
                    self.high = self.high.min(cycles(rose.0, edge));
                }
                fell = Some(edge);
            }
        }
    }
}

/// A byte that comes in.
#[derive(Clone, Copy, Debug)]
struct Incoming {
    byte: u8,
    /// How long each of its bits is; `None` if it comes at whatever rate is expected.
    bit: Option<Time>,
}

/// A UART.
#[derive(Clone, Debug)]
pub(super) struct Uart {
    number: u8,
    bank: Bank<Register>,
    received: VecDeque<u8>,
    /// What will be received, and when its last bit has come.
    incoming: VecDeque<(Time, Incoming)>,
    receiver: Receiver,
    detection: Detection,
    last_received: Time,
    sending: VecDeque<u8>,
    /// When the byte on the line is over.
    line_free: Time,
    latched: u32,
}

impl Uart {
    pub(super) fn new(number: u8) -> Self {
        Self {
            number,
            bank: Bank::default(),
            received: VecDeque::new(),
            incoming: VecDeque::new(),
            receiver: Receiver::default(),
            detection: Detection::default(),
            last_received: Time(0),
            sending: VecDeque::new(),
            line_free: Time(0),
            latched: 0,
        }
    }

    /// A byte comes in; its last bit is there at `at`, and each is so long, if that is known.
    pub(super) fn receive(&mut self, byte: u8, bit: Option<Time>, at: Time) {
        let after = self.incoming.partition_point(|(before, _)| *before <= at);
        self.incoming.insert(after, (at, Incoming { byte, bit }));
    }

    /// The last bit of a byte has come.
    fn take_in(&mut self, incoming: Incoming, at: Time, apb: Time) {
        let own = self.bit(apb);
        let bit = incoming.bit.unwrap_or(USUAL_BIT);
        let sent = Sent { byte: incoming.byte, start: at.0.saturating_sub(BITS * bit.0), bit: bit.0 };
        if autobaud::AUTOBAUD_EN.is_in(self.bank.value(Register::Autobaud)) {
            self.detection.observe(sent, apb);
        }
        if incoming.bit.is_none() {
            return self.keep(incoming.byte, at);
        }
        for received in self.receiver.receive(sent, own.0) {
            if received.is_broken {
                self.latched |= interrupt::FRM_ERR.mask();
            }
            self.keep(received.byte, at);
        }
    }

    /// Puts a received byte into the FIFO.
    fn keep(&mut self, byte: u8, at: Time) {
        self.last_received = at;
        if self.received.len() < FIFO {
            self.received.push_back(byte);
        } else {
            self.latched |= interrupt::RXFIFO_OVF.mask();
        }
    }

    /// Bytes that wait to be sent; the one on the line is not among them.
    pub(super) fn unsent(&self) -> usize {
        self.sending.len()
    }

    fn bit(&self, apb: Time) -> Time {
        apb.times(u64::from(clkdiv::CLKDIV.of(self.bank.value(Register::Clkdiv))).max(1))
    }

    /// Length of a byte with its frame.
    fn frame(&self, apb: Time) -> Time {
        let conf0 = self.bank.value(Register::Conf0);
        let half_bits = 2 * (1 + 5 + conf0::BIT_NUM.of(conf0) + conf0::PARITY_EN.of(conf0))
            + [2, 2, 3, 4][conf0::STOP_BIT_NUM.of(conf0) as usize];
        Time(self.bit(apb).0 * u64::from(half_bits) / 2)
    }

    fn begin_byte(&mut self, at: Time, env: &mut Env<'_>) {
        let Some(byte) = self.sending.pop_front() else { return };
        let apb = env.apb();
        self.line_free = at + self.frame(apb);
        if conf0::LOOPBACK.is_in(self.bank.value(Register::Conf0)) {
            self.receive(byte, None, self.line_free);
        } else {
            env.outside.send(self.number, byte, at.nanoseconds()..self.line_free.nanoseconds());
        }
    }

    /// When received bytes have been left alone for long enough to say so.
    fn timeout(&self, apb: Time) -> Time {
        let conf1 = self.bank.value(Register::Conf1);
        if !conf1::RX_TOUT_EN.is_in(conf1) || self.received.is_empty() || interrupt::RXFIFO_TOUT.is_in(self.latched) {
            return Time::NEVER;
        }
        self.last_received + self.bit(apb).times(8 * u64::from(conf1::RX_TOUT_THRHD.of(conf1)))
    }

    /// The receiver's line is idle, high. Bits 24 to 31 (among them the transmitter's line, by Espressif's header)
    /// read 0 on an idle UART: the Arduino core of 2015 waits by comparing all of the upper half with 0x7F, and would
    /// wait for ever. What they show while it sends is not known.
    fn status(&self) -> u32 {
        self.received.len() as u32 | 1 << 15 | (self.sending.len() as u32) << 16
    }

    fn raw(&self) -> u32 {
        let conf1 = self.bank.value(Register::Conf1);
        let mut raw = self.latched;
        if self.received.len() >= conf1::RXFIFO_FULL_THRHD.of(conf1).max(1) as usize {
            raw |= interrupt::RXFIFO_FULL.mask();
        }
        if self.sending.len() < conf1::TXFIFO_EMPTY_THRHD.of(conf1).max(1) as usize {
            raw |= interrupt::TXFIFO_EMPTY.mask();
        }
        raw
    }
}

impl Device for Uart {
    /// Forgets everything but what is still to come in.
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {
        let incoming = core::mem::take(&mut self.incoming);
        *self = Self { incoming, ..Self::new(self.number) };
    }

    /// Sends and receives what is due.
    fn advance(&mut self, env: &mut Env<'_>) {
        while self.line_free <= env.now && !self.sending.is_empty() {
            self.begin_byte(self.line_free, env);
        }
        while let Some((at, incoming)) = self.incoming.pop_front_if(|(at, _)| *at <= env.now) {
            self.take_in(incoming, at, env.apb());
        }
        if self.timeout(env.apb()) <= env.now {
            self.latched |= interrupt::RXFIFO_TOUT.mask();
        }
    }

    fn next(&self, apb: Time) -> Time {
        let enabled = self.bank.value(Register::IntEna);
        let mut next = if self.sending.is_empty() { Time::NEVER } else { self.line_free };
        if [interrupt::RXFIFO_FULL, interrupt::RXFIFO_OVF, interrupt::RXFIFO_TOUT].iter().any(|of| of.is_in(enabled))
            && let Some(&(at, _)) = self.incoming.front()
        {
            next = next.min(at);
        }
        if interrupt::RXFIFO_TOUT.is_in(enabled) {
            next = next.min(self.timeout(apb));
        }
        next
    }

    /// Also when a byte comes, or has been left alone for long, and no interrupt is wanted for it.
    fn changes(&self, apb: Time) -> Time {
        let comes = self.incoming.front().map_or(Time::NEVER, |(at, _)| *at);
        self.next(apb).min(comes).min(self.timeout(apb))
    }

    fn lines(&self) -> u32 {
        let asks = self.raw() & self.bank.value(Register::IntEna) != 0;
        if asks { line::UART0 << self.number } else { 0 }
    }
}

impl Block<Register> for Uart {
    /// What is in the FIFOs and what interrupts are raised. (That a program waits for them is never in vain.)
    fn steady(&self, register: Register, _: Time, _: Time) -> Option<Steady> {
        let shown = match register {
            Register::IntRaw => self.raw(),
            Register::IntSt => self.raw() & self.bank.value(Register::IntEna),
            Register::Status => self.status(),
            _ => return None,
        };
        Some(Steady::Constant(shown))
    }

    fn read(&mut self, register: Register, env: &mut Env<'_>) -> u32 {
        match register {
            // To write some bytes of it takes none out.
            Register::Fifo if env.access.is_write => 0,
            Register::Fifo => self.received.pop_front().map_or(0, u32::from),
            Register::IntRaw => self.raw(),
            Register::IntSt => self.raw() & self.bank.value(Register::IntEna),
            Register::Status => self.status(),
            Register::Lowpulse => self.detection.low as u32,
            Register::Highpulse => self.detection.high as u32,
            Register::RxdCnt => self.detection.edges,
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        match register {
            Register::Fifo => {
                if self.sending.len() < FIFO {
                    self.sending.push_back(value as u8);
                }
                if self.line_free <= env.now {
                    self.begin_byte(env.now, env);
                }
            }
            Register::IntClr => self.latched &= !value,
            Register::Autobaud => {
                if !autobaud::AUTOBAUD_EN.is_in(self.bank.value(register)) {
                    self.detection = Detection::default();
                }
                self.bank.write(register, value);
            }
            Register::Conf0 => {
                if conf0::RXFIFO_RST.is_in(value) {
                    self.received.clear();
                }
                if conf0::TXFIFO_RST.is_in(value) {
                    self.sending.clear();
                }
                self.bank.write(register, value);
            }
            register => self.bank.write(register, value),
        }
    }
}

#[cfg(test)]
mod tests;
