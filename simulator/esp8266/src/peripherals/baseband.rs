//! The radio's baseband as its registers show it: on which channel it is, and how loud the air's noise is.
//!
//! Most registers keep what they are told and nothing comes of it. A measurement of the noise is over at once. Names
//! and bits are from disassemblies of the boot ROM and of the vendor's `libphy`, the channel's from teatime-os. Not
//! modelled: everything that is done to signals.

use super::device::{Block, Device};
use super::env::Env;
use super::rng::HardwareRng;
use super::rtc::ResetCause;
use super::store::{self, Store};

/// Bytes of the block, from 0x60009000 on; the first registers lie at 0x60009600.
pub(super) const BYTES: usize = 0x1000;
/// A register.
pub(super) type Word = store::Word<BYTES>;

/// Registers that do something, by their offsets.
mod offset {
    pub const ADC_NOISE: u32 = 0x830;
    pub const CHANNEL: u32 = 0xB14;
    pub const NOISE: u32 = 0xB60;
    pub const NOISE_FLOOR: u32 = 0xB64;
    pub const ALL: [u32; 4] = [ADC_NOISE, CHANNEL, NOISE, NOISE_FLOOR];
}

/// The noise is being measured.
const MEASURES: u32 = 1 << 1;
/// What the noise floor reads as: 2048 and quarters of a dBm, doubled, from bit 20 on. −95 dBm is a quiet room's.
const NOISE_FLOOR: u32 = (2 * (2048 - 4 * 95)) << 20;
/// Bits that the converter's noise shows in.
const ADC_NOISE: u32 = 0xC07;
/// A channel's period: this by its frequency in MHz, from bit 17 on.
const PERIOD: u32 = 52_428_800;
/// How far from a channel's frequency, in MHz, corrections for crystals lead.
const CORRECTION: u32 = 2;

/// The block.
#[derive(Clone, Debug)]
pub(super) struct Baseband {
    store: Store,
    noise: HardwareRng,
}

impl Baseband {
    /// With a seed for its noise.
    pub(super) fn new(seed: u64) -> Self {
        // Not the numbers that the program draws from the generator for programs.
        Self { store: Store::new(BYTES), noise: HardwareRng::new(seed ^ u64::from(offset::ADC_NOISE)) }
    }

    /// Registers that have been used and only keep what they are told, by their offsets.
    pub(super) fn stored(&self) -> impl Iterator<Item = u32> {
        self.store.used().filter(|offset| !offset::ALL.contains(offset))
    }
}

/// The channel that the synthesizer's period belongs to.
fn channel(register: u32) -> Option<u8> {
    let period = register >> 17;
    let frequency = (PERIOD + period / 2).checked_div(period)?;
    let of = |number: u8| if number == 14 { 2484 } else { 2407 + 5 * u32::from(number) };
    (1..=14).find(|&number| frequency.abs_diff(of(number)) <= CORRECTION)
}

impl Device for Baseband {
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {
        self.store.clear();
    }
}

impl Block<Word> for Baseband {
    fn read(&mut self, store::Word(offset): Word, _: &mut Env<'_>) -> u32 {
        let kept = self.store.read(offset);
        match offset {
            offset::ADC_NOISE => kept & !ADC_NOISE | self.noise.draw() & ADC_NOISE,
            offset::NOISE => kept & !MEASURES,
            offset::NOISE_FLOOR => kept & 0xF_FFFF | NOISE_FLOOR,
            _ => kept,
        }
    }

    fn write(&mut self, store::Word(offset): Word, value: u32, env: &mut Env<'_>) {
        self.store.write(offset, value);
        if offset == offset::CHANNEL {
            env.wires.channel = channel(value);
            env.listen();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, Board};
    use super::super::clock::Time;
    use super::*;

    #[test]
    fn the_channel_is_on_its_wire() {
        let mut baseband = Baseband::new(1);
        let mut bench = Bench::default();
        for (period, expected) in
            [(21_737, Some(1)), (21_514, Some(6)), (21_211, Some(13)), (21_106, Some(14)), (20_000, None), (0, None)]
        {
            baseband.write(store::Word(offset::CHANNEL), period << 17 | 0x6000, &mut bench.env(Time(0)));
            assert_eq!(bench.wires.channel, expected, "period {period}");
        }
    }

    #[test]
    fn a_measurement_of_the_noise_is_over_at_once() {
        let mut board = Board::new();
        board.write(0x6000_9B60, 0x2_8002);
        assert_eq!(board.read(0x6000_9B60), 0x2_8000);
        // As `rom_get_noisefloor` reckons, in dBm.
        assert_eq!((board.read(0x6000_9B64) >> 20 >> 3) as i32 - 512, -95);
    }

    #[test]
    fn the_converter_is_noisy_by_its_seed() {
        let draw = |seed| {
            let mut baseband = Baseband::new(seed);
            let mut bench = Bench::default();
            let mut env = bench.env(Time(0));
            (0..8).map(|_| baseband.read(store::Word(offset::ADC_NOISE), &mut env)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().any(|&noise| noise != draw(1)[0]));
    }
}
