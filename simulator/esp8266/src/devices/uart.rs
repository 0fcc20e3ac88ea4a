//! UART0 and UART1: FIFOs of 128 bytes, baud rate, interrupts.
//!
//! A written byte leaves the FIFO when those before it have been sent; it is handed out with the time at which its last
//! stop bit ends. Received bytes come whole. Not modelled: parity and framing errors, flow control, auto-baud, break,
//! single bits on the pins.
//!
//! Registers: Espressif's `uart_register.h`.

use std::collections::VecDeque;

use super::registers::{Block, Register, acting, masked, plain};

const FIFO: u32 = 0x00;
const INT_RAW: u32 = 0x04;
const INT_ST: u32 = 0x08;
const INT_ENA: u32 = 0x0C;
const INT_CLR: u32 = 0x10;
const CLKDIV: u32 = 0x14;
const STATUS: u32 = 0x1C;
const CONF0: u32 = 0x20;
const CONF1: u32 = 0x24;

/// Registers of a UART.
pub const TABLE: &[Register] = &[
    acting(FIFO, "UART_FIFO"),
    acting(INT_RAW, "UART_INT_RAW"),
    acting(INT_ST, "UART_INT_ST"),
    masked(INT_ENA, "UART_INT_ENA", 0, 0x1FF),
    acting(INT_CLR, "UART_INT_CLR"),
    masked(CLKDIV, "UART_CLKDIV", 0x2B6, 0xF_FFFF),
    plain(0x18, "UART_AUTOBAUD", 0x1000),
    acting(STATUS, "UART_STATUS"),
    plain(CONF0, "UART_CONF0", 0x1C),
    plain(CONF1, "UART_CONF1", 0x6060),
    masked(0x28, "UART_LOWPULSE", 0xF_FFFF, 0),
    masked(0x2C, "UART_HIGHPULSE", 0xF_FFFF, 0),
    masked(0x30, "UART_RXD_CNT", 0, 0),
    plain(0x78, "UART_DATE", 0x6_2000),
    plain(0x7C, "UART_ID", 0x500),
];

/// Bits of the interrupt registers.
mod interrupt {
    pub const RX_FULL: u32 = 1 << 0;
    pub const TX_EMPTY: u32 = 1 << 1;
    pub const RX_OVERFLOW: u32 = 1 << 4;
    pub const RX_TIMEOUT: u32 = 1 << 8;
}

const DEPTH: usize = 128;

/// One UART.
#[derive(Clone, Debug)]
pub struct Uart {
    block: Block,
    /// When each byte in the send FIFO will be sent, in nanoseconds.
    sending: VecDeque<u64>,
    received: VecDeque<u8>,
    last_received: u64,
    /// Interrupts that stay until they are cleared.
    raised: u32,
}

impl Default for Uart {
    fn default() -> Self {
        Self {
            block: Block::new(TABLE),
            sending: VecDeque::new(),
            received: VecDeque::new(),
            last_received: 0,
            raised: 0,
        }
    }
}

impl Uart {
    /// How long one byte takes on the line, in nanoseconds, with this clock of the UART.
    pub fn byte_time(&self, hertz: u64) -> u64 {
        let conf0 = self.block.get(CONF0);
        let half_bits = match conf0 >> 4 & 3 {
            2 => 3,
            3 => 4,
            _ => 2,
        };
        let bits = 1 + (5 + u64::from(conf0 >> 2 & 3)) + u64::from(conf0 >> 1 & 1);
        (2 * bits + half_bits) * u64::from(self.block.get(CLKDIV).max(1)) * 1_000_000_000 / hertz / 2
    }

    /// Reads a register.
    pub fn read(&mut self, offset: u32, now: u64, hertz: u64) -> Option<u32> {
        self.block.register(offset)?;
        Some(match offset {
            FIFO => u32::from(self.received.pop_front().unwrap_or(0)),
            INT_RAW => self.raw(now, hertz),
            INT_ST => self.raw(now, hertz) & self.block.get(INT_ENA),
            // Idle lines are high.
            STATUS => self.received.len() as u32 | (self.waiting(now) as u32) << 16 | 1 << 15 | 1 << 31,
            _ => self.block.get(offset),
        })
    }

    /// Writes a register. A byte that goes out is returned with the time at which it has been sent.
    pub fn write(&mut self, offset: u32, value: u32, now: u64, hertz: u64) -> Option<Option<(u64, u8)>> {
        self.block.register(offset)?;
        match offset {
            FIFO => return Some(self.send(value as u8, now, hertz)),
            INT_CLR => {
                self.raised &= !value;
                if value & interrupt::RX_TIMEOUT != 0 {
                    self.last_received = now;
                }
            }
            CONF0 => {
                if value & 1 << 17 != 0 {
                    self.received.clear();
                }
                if value & 1 << 18 != 0 {
                    self.sending.clear();
                }
                self.block.write(offset, value);
            }
            _ => self.block.write(offset, value),
        }
        Some(None)
    }

    fn send(&mut self, byte: u8, now: u64, hertz: u64) -> Option<(u64, u8)> {
        if self.waiting(now) >= DEPTH {
            return None;
        }
        self.sending.retain(|&sent| sent > now);
        let sent = self.sending.back().copied().unwrap_or(now).max(now) + self.byte_time(hertz);
        self.sending.push_back(sent);
        Some((sent, byte))
    }

    /// A byte has come in at `now`.
    pub fn receive(&mut self, byte: u8, now: u64) {
        if self.received.len() < DEPTH {
            self.received.push_back(byte);
        } else {
            self.raised |= interrupt::RX_OVERFLOW;
        }
        self.last_received = now;
    }

    /// Bytes that are still to be sent.
    fn waiting(&self, now: u64) -> usize {
        self.sending.iter().filter(|&&sent| sent > now).count()
    }

    fn raw(&self, now: u64, hertz: u64) -> u32 {
        let conf1 = self.block.get(CONF1);
        let mut raw = self.raised;
        if self.received.len() as u32 >= (conf1 & 0x7F).max(1) {
            raw |= interrupt::RX_FULL;
        }
        if self.waiting(now) as u32 <= conf1 >> 8 & 0x7F {
            raw |= interrupt::TX_EMPTY;
        }
        if self.timeout(hertz).is_some_and(|at| at <= now) {
            raw |= interrupt::RX_TIMEOUT;
        }
        raw
    }

    /// When the received bytes have waited too long: the threshold counts byte times.
    fn timeout(&self, hertz: u64) -> Option<u64> {
        let conf1 = self.block.get(CONF1);
        let enabled = conf1 >> 31 != 0 && !self.received.is_empty();
        enabled.then(|| self.last_received + u64::from(conf1 >> 24 & 0x7F) * self.byte_time(hertz))
    }

    /// Whether an enabled interrupt is raised.
    pub fn interrupts(&self, now: u64, hertz: u64) -> bool {
        self.raw(now, hertz) & self.block.get(INT_ENA) != 0
    }

    /// When the interrupts may change by themselves, if at all.
    pub fn next_event(&self, now: u64, hertz: u64) -> u64 {
        let enabled = self.block.get(INT_ENA);
        let threshold = (self.block.get(CONF1) >> 8 & 0x7F) as usize;
        let pending: Vec<u64> = self.sending.iter().copied().filter(|&sent| sent > now).collect();
        let empty = if enabled & interrupt::TX_EMPTY != 0 && pending.len() > threshold {
            pending[pending.len() - threshold - 1]
        } else {
            u64::MAX
        };
        let timeout = self.timeout(hertz).filter(|&at| at > now && enabled & interrupt::RX_TIMEOUT != 0);
        empty.min(timeout.unwrap_or(u64::MAX))
    }
}
