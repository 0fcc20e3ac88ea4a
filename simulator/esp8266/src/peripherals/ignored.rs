//! What a program may ask of registers that are modelled, and does not get: functions of devices that have no effect here.
//! Whoever asks for one is told, as for a register that is not modelled at all.

use super::Block;

/// Bits of a register, and what they ask for.
struct Ignored {
    is_in: fn(Block) -> bool,
    offsets: core::ops::RangeInclusive<u32>,
    bits: u32,
    what: &'static str,
}

const fn ignored(
    is_in: fn(Block) -> bool,
    offsets: core::ops::RangeInclusive<u32>,
    bits: u32,
    what: &'static str,
) -> Ignored {
    Ignored { is_in, offsets, bits, what }
}

const UART: fn(Block) -> bool = |block| matches!(block, Block::Uart(_));
const SPI: fn(Block) -> bool = |block| matches!(block, Block::Spi(_));
const GPIO: fn(Block) -> bool = |block| block == Block::Gpio;
const RTC: fn(Block) -> bool = |block| block == Block::Rtc;
const DPORT: fn(Block) -> bool = |block| block == Block::System;

static IGNORED: [Ignored; 11] = [
    ignored(UART, 0x18..=0x18, 1, "automatic baud rate detection"),
    ignored(UART, 0x20..=0x20, 1 << 8, "a break on the line"),
    ignored(UART, 0x20..=0x20, 1 << 15, "flow control"),
    ignored(UART, 0x24..=0x24, 1 << 23, "flow control"),
    ignored(UART, 0x20..=0x20, 0x01F8_0000, "inverted lines"),
    ignored(SPI, 0x30..=0x30, 1 << 30, "slave mode"),
    ignored(SPI, 0x30..=0x30, 0x3E0, "interrupts of an SPI controller"),
    ignored(GPIO, 0x28..=0x64, 1, "sigma-delta output"),
    ignored(GPIO, 0x68..=0x68, 1 << 16, "sigma-delta output"),
    ignored(RTC, 0x20..=0x20, u32::MAX, "interrupts of the RTC"),
    ignored(DPORT, 0x28..=0x28, u32::MAX, "swapped pins"),
];

/// What a write of `value` asks for in vain.
pub(super) fn of(block: Block, offset: u32, value: u32) -> Option<&'static str> {
    let asks = |entry: &&Ignored| (entry.is_in)(block) && entry.offsets.contains(&offset) && value & entry.bits != 0;
    IGNORED.iter().find(asks).map(|entry| entry.what)
}
