//! The analogue blocks' bus (regi2c), by which software sets up the PLL, and the converter.
//!
//! Of the blocks on the bus nothing is modelled but that they keep what they are told, that the PLL runs once its
//! registers have been written, and that the radio's synthesizer is locked.

use std::collections::BTreeMap;

use super::device::{Block, Device};
use super::env::Env;
use super::registers::{Bank, registers};
use super::rtc::ResetCause;

registers! {
    /// Registers of the bus, one for each host on it, and of the converter. What has no published name is named by its
    /// offset.
    pub(super) enum Register {
        0x00 Host0 ReadWrite = 0, "D00";
        0x04 Host1 ReadWrite = 0, "D04";
        0x08 Host2 ReadWrite = 0, "D08";
        0x0C Host3 ReadWrite = 0, "D0C";
        0x10 Host4 ReadWrite = 0, "D10";
        0x14 Host5 ReadWrite = 0, "D14";
        0x18 Host6 ReadWrite = 0, "D18";
        0x1C Host7 ReadWrite = 0, "D1C";
        0x20 Host8 ReadWrite = 0, "D20";
        0x24 Host9 ReadWrite = 0, "D24";
        0x28 Host10 ReadWrite = 0, "D28";
        0x2C Host11 ReadWrite = 0, "D2C";
        0x30 Host12 ReadWrite = 0, "D30";
        0x34 Host13 ReadWrite = 0, "D34";
        0x38 Host14 ReadWrite = 0, "D38";
        0x3C Host15 ReadWrite = 0, "D3C";
        0x40 RegD40 ReadWrite = 0, "D40";
        0x48 RegD48 ReadWrite = 0, "D48";
        0x4C RegD4c ReadWrite = 0, "D4C" sample { DONE: 24; };
        0x50 Cfg ReadWrite = 0x0009_08BC, "SAR_CFG" cfg { START: 1; STATE: 24..=26; };
        0x54 Tim1 ReadWrite = 0x0007_0727, "SAR_TIM1";
        0x58 Tim2 ReadWrite = 0x004F_1757, "SAR_TIM2";
        0x5C Cfg1 ReadWrite = 0, "SAR_CFG1";
        0x60 Cfg2 ReadWrite = 0, "SAR_CFG2";
        0x80 Data0 ReadOnly = 0, "SAR_DATA0";
        0x84 Data1 ReadOnly = 0, "SAR_DATA1";
        0x88 Data2 ReadOnly = 0, "SAR_DATA2";
        0x8C Data3 ReadOnly = 0, "SAR_DATA3";
        0x90 Data4 ReadOnly = 0, "SAR_DATA4";
        0x94 Data5 ReadOnly = 0, "SAR_DATA5";
        0x98 Data6 ReadOnly = 0, "SAR_DATA6";
        0x9C Data7 ReadOnly = 0, "SAR_DATA7";
    }
}

/// Where a conversion's results stand.
const DATA: [Register; 8] = [
    Register::Data0,
    Register::Data1,
    Register::Data2,
    Register::Data3,
    Register::Data4,
    Register::Data5,
    Register::Data6,
    Register::Data7,
];

/// The block of the PLL's registers on the bus, and what they hold when it runs.
const PLL: (u8, u8) = (4, 103);

/// The register by which the radio's synthesizer says that it is locked: host, block, number; and its bit.
const LOCK: (u8, u8, u8) = (1, 98, 7);
const LOCKED: u8 = 1 << 7;

/// Bus and converter.
#[derive(Clone, Debug, Default)]
pub(super) struct Analog {
    bank: Bank<Register>,
    /// Registers of the blocks by host, block and number.
    blocks: BTreeMap<(u8, u8, u8), u8>,
    /// The register each host was asked for last.
    asked: [u32; HOSTS],
}

/// Hosts on the bus.
const HOSTS: usize = 16;

/// The host that a register stands for.
fn host(register: Register) -> Option<usize> {
    let number = register as usize;
    (number < HOSTS).then_some(number)
}

impl Analog {
    /// Whether software has set up the PLL: for a crystal of 26 MHz, register 1 becomes 136 and register 2 145.
    fn runs_pll(&self) -> bool {
        let (host, block) = PLL;
        self.blocks.contains_key(&(host, block, 1)) && self.blocks.contains_key(&(host, block, 2))
    }

    /// Sets the PLL up as software does.
    pub(super) fn start_pll(&mut self) {
        let (host, block) = PLL;
        self.blocks.insert((host, block, 1), 136);
        self.blocks.insert((host, block, 2), 145);
    }
}

impl Device for Analog {
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {
        *self = Self::default();
    }
}

impl Block<Register> for Analog {
    fn read(&mut self, register: Register, _: &mut Env<'_>) -> u32 {
        if let Some(host) = host(register) {
            let asked = self.asked[host];
            let key = key(host, asked);
            let kept = self.blocks.get(&key).copied().unwrap_or(0);
            let value = if key == LOCK { kept | LOCKED } else { kept };
            return asked & 0xFFFF | u32::from(value) << 16;
        }
        match register {
            // A sample of the transmitter's offset is taken at once.
            Register::RegD4c => self.bank.read(register) | sample::DONE.mask(),
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        if let Some(host) = host(register) {
            self.asked[host] = value;
            if value >> 24 & 1 != 0 {
                self.blocks.insert(key(host, value), (value >> 16) as u8);
                env.switch_pll(self.runs_pll());
            }
            return;
        }
        let starts =
            register == Register::Cfg && cfg::START.is_in(value) && !cfg::START.is_in(self.bank.value(register));
        // The converter is always idle.
        self.bank.write(register, if register == Register::Cfg { value & !cfg::STATE.mask() } else { value });
        if starts {
            let data = converted(env.outside.analog(env.now.nanoseconds()));
            for register in DATA {
                self.bank.set(register, data);
            }
        }
    }
}

fn key(host: usize, value: u32) -> (u8, u8, u8) {
    (host as u8, value as u8, (value >> 8) as u8)
}

/// What the data registers show for an input: software inverts them and stretches the low byte by 279/256 above 21
/// (pvvx, `adc.c`), then adds up eight of them and divides by 16.
fn converted(input: u16) -> u32 {
    let doubled = u32::from(input.min(1023)) * 2;
    // The largest that becomes no more than the low byte; it is one less at most, which the division forgives.
    let stretched = (0..=234).rev().find(|low| (low * 279) >> 8 <= doubled & 0xFF).unwrap_or(0);
    !(doubled & 0x700 | (stretched + 21)) & 0x7FF
}

#[cfg(test)]
mod tests {
    use super::super::bench::Board;
    use super::*;

    /// What software makes of a data register.
    fn software(data: u32) -> i64 {
        let inverted = !data as i32;
        let low = (inverted & 0xFF) - 21;
        let high = inverted & 0x700;
        i64::from(if low > 0 { ((low * 279) >> 8) + high } else { high })
    }

    #[test]
    fn software_finds_the_input_in_the_converters_data() {
        for input in 0..1024 {
            let sum = 8 * software(converted(input));
            assert_eq!((sum + 8) / 16, i64::from(input), "input {input}");
        }
    }

    #[test]
    fn blocks_keep_what_they_are_told_and_the_synthesizer_is_locked() {
        let mut board = Board::new();
        let mut read = |host: u32, block: u32, register: u32| {
            board.write(0x6000_0D00 + 4 * host, block | register << 8);
            board.read(0x6000_0D00 + 4 * host) >> 16
        };
        assert_eq!((read(1, 98, 7), read(1, 98, 6), read(0, 98, 7)), (0x80, 0, 0));
        board.write(0x6000_0D04, 98 | 7 << 8 | 0x12 << 16 | 1 << 24);
        assert_eq!(board.read(0x6000_0D04), 0x0092_0762);
    }

    #[test]
    fn the_converter_reads_its_input() {
        let mut board = Board::new();
        board.write(0x6000_0D50, 0x0009_08BE);
        assert_eq!(board.read(0x6000_0D50) >> 24 & 7, 0);
        assert_eq!(software(board.read(0x6000_0D80)), 1024);
    }
}
