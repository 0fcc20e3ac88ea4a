//! The system's blocks: DPORT with clocks, cache and interrupt gates; eFuse; random numbers and the microsecond counter; the
//! analogue blocks' bus and converter.
//!
//! Of the Wi-Fi MAC's block only the counter, the random numbers and the UARTs' interrupt status are modelled. The flash window shows what the cache
//! control says; that cached reads are faster, and that a cache must be flushed to see new content, is not modelled.

use std::collections::BTreeMap;

use super::clock::Time;
use super::noise::Noise;
use super::registers::{Bank, Registers, registers};

registers! {
    /// Registers of DPORT, and of the eFuse, which lie in the same page.
    pub(super) enum Dport {
        0x00 NmiEnable ReadWrite = 0, "DPORT_NMI_ENABLE" nmi { FRC1: 1; };
        0x04 EdgeIntEnable ReadWrite = 0, "DPORT_EDGE_INT_ENABLE";
        0x08 Reg08 ReadWrite = 0, "DPORT_08";
        0x0C SpiCache ReadWrite = 0, "DPORT_SPI_CACHE" cache {
            FLUSH: 0;
            FLUSHED: 1;
            ENABLE: 8;
            BUSY: 9;
            BLOCK: 16..=18;
            HALF: 24..=25;
        };
        0x10 Reg10 ReadWrite = 0, "DPORT_10";
        0x14 CpuClock ReadWrite = 0, "DPORT_CPU_CLOCK" cpu_clock { DOUBLE: 0; };
        0x18 ClockGate ReadWrite = 0, "DPORT_CLOCK_GATE";
        0x1C Reg1c ReadWrite = 0, "DPORT_1C";
        0x20 SpiInterruptStatus ReadOnly = 0, "DPORT_INT_STATUS";
        0x24 SpiCacheTarget ReadWrite = 0, "DPORT_SPI_CACHE_TARGET" target { BANK1: 3; BANK0: 4; };
        0x28 PeripheralSwap ReadWrite = 0, "DPORT_PERI_IO_SWAP" swap { ALL: 0..=31 ignored "swapped pins"; };
        0x2C SlcDebug ReadWrite = 0, "DPORT_SLC_TX_DESC_DEBUG";
        0x30 Reg30 ReadWrite = 0, "DPORT_30";
        0x34 Reg34 ReadWrite = 0, "DPORT_34";
        0x38 Reg38 ReadWrite = 0, "DPORT_38";
        0x3C Reg3c ReadWrite = 0, "DPORT_3C";
        0x50 Efuse0 ReadOnly = 0, "EFUSE_DATA0";
        0x54 Efuse1 ReadOnly = 0, "EFUSE_DATA1";
        0x58 Efuse2 ReadOnly = 0x8000, "EFUSE_DATA2";
        0x5C Efuse3 ReadOnly = 0, "EFUSE_DATA3";
    }
}

/// Gates of edge interrupts.
pub(super) mod gate {
    pub const WATCHDOG: u32 = 1 << 0;
    pub const FRC1: u32 = 1 << 1;
    pub const FRC2: u32 = 1 << 2;
}

/// What a memory cut into the flash window and instruction RAM is to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CacheState {
    /// Offset in the flash that the window shows, if the controller serves it.
    pub window: Option<u32>,
    /// Whether the banks at 0x40108000 and 0x4010C000 are cache.
    pub banks: [bool; 2],
}

/// DPORT and eFuse.
#[derive(Clone, Debug, Default)]
pub(super) struct System {
    bank: Bank<Dport>,
}

impl System {
    /// Burns the factory address into the eFuse: both of Espressif's early prefixes have a short form, others are written out.
    pub(super) fn burn(&mut self, mac: [u8; 6]) {
        let [a, b, c, d, e, f] = mac.map(u32::from);
        let (kind, prefix) = match mac {
            [0x18, 0xFE, 0x34, ..] => (0, 0),
            [0xAC, 0xD0, 0x74, ..] => (1, 0),
            _ => (0, a << 16 | b << 8 | c),
        };
        self.bank.set(Dport::Efuse0, f << 24);
        self.bank.set(Dport::Efuse1, 0x0200_0000 | kind << 16 | d << 8 | e);
        self.bank.set(Dport::Efuse2, if prefix == 0 { 0x8000 } else { 0x9000 });
        self.bank.set(Dport::Efuse3, prefix);
    }

    /// Everything but the eFuse as after a reset.
    pub(super) fn reset(&mut self) {
        let fuses =
            [Dport::Efuse0, Dport::Efuse1, Dport::Efuse2, Dport::Efuse3].map(|fuse| (fuse, self.bank.value(fuse)));
        self.bank = Bank::default();
        for (fuse, value) in fuses {
            self.bank.set(fuse, value);
        }
    }

    /// Edge interrupts that may pass.
    pub(super) fn gates(&self) -> u32 {
        self.bank.value(Dport::EdgeIntEnable)
    }

    /// Whether FRC1 raises the NMI in place of its interrupt (Mongoose OS, `esp8266_hw_timers.c`; the vendor's
    /// `NmiTimSetFunc` sets the register's low four bits). That the Wi-Fi MAC's source, bit 0, switches itself off when it
    /// is taken does not show here, as the MAC raises nothing.
    pub(super) fn frc1_is_nmi(&self) -> bool {
        nmi::FRC1.is_in(self.bank.value(Dport::NmiEnable))
    }

    /// Whether the CPU's frequency is doubled.
    pub(super) fn is_double(&self) -> bool {
        cpu_clock::DOUBLE.is_in(self.bank.value(Dport::CpuClock))
    }

    /// Doubles the CPU's frequency or not, as the vendor's start-up code does.
    pub(super) fn set_double(&mut self, double: bool) {
        self.bank.set(Dport::CpuClock, u32::from(double));
    }

    /// What the cache control says.
    pub(super) fn cache(&self) -> CacheState {
        let control = self.bank.value(Dport::SpiCache);
        let odd = cache::HALF.of(control) == 2;
        let offset = cache::BLOCK.of(control) << 21 | u32::from(odd) << 20;
        let target = self.bank.value(Dport::SpiCacheTarget);
        CacheState {
            window: cache::ENABLE.is_in(control).then_some(offset),
            banks: [target::BANK0.is_in(target), target::BANK1.is_in(target)],
        }
    }

    /// Reads a register.
    pub(super) fn read(&self, offset: u32) -> Option<u32> {
        let register = Dport::at(offset)?;
        Some(match register {
            Dport::SpiCache => {
                let control = self.bank.value(register) & !(cache::FLUSHED.mask() | cache::BUSY.mask());
                // A flush is done at once.
                if cache::FLUSH.is_in(control) { control | cache::FLUSHED.mask() } else { control }
            }
            register => self.bank.read(register),
        })
    }

    /// Writes a register.
    pub(super) fn write(&mut self, offset: u32, value: u32) -> Option<()> {
        self.bank.write(Dport::at(offset)?, value);
        Some(())
    }
}

registers! {
    /// Registers of the Wi-Fi MAC's block that are modelled.
    pub(super) enum WdevRegister {
        0x020 UartInterrupts ReadOnly = 0, "UART_INTERRUPT_STATUS";
        0xC00 Microseconds ReadOnly = 0, "WDEV_COUNT";
        0xE44 Random ReadOnly = 0, "WDEV_RANDOM";
    }
}

/// The part of the Wi-Fi MAC's block that programs use without Wi-Fi.
#[derive(Clone, Debug)]
pub(super) struct Wdev {
    random: Noise,
    /// Where the counter began.
    zero: Time,
}

impl Wdev {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Noise::new(seed), zero: Time(0) }
    }

    /// The counter begins again; random numbers go on.
    pub(super) fn reset(&mut self, now: Time) {
        self.zero = now;
    }

    /// Reads a register: the microsecond counter, a random number, or which UARTs ask for the interrupt that they share.
    pub(super) fn read(&mut self, offset: u32, now: Time, uarts: [bool; 2]) -> Option<u32> {
        Some(match WdevRegister::at(offset)? {
            WdevRegister::UartInterrupts => u32::from(uarts[0]) | u32::from(uarts[1]) << 2,
            WdevRegister::Microseconds => (now.since(self.zero).0 / Time::MICROSECOND.0) as u32,
            WdevRegister::Random => self.random.draw(),
        })
    }
}

registers! {
    /// Registers of the converter.
    pub(super) enum Sar {
        0x48 RegD48 ReadWrite = 0, "D48";
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
const DATA: [Sar; 8] = [Sar::Data0, Sar::Data1, Sar::Data2, Sar::Data3, Sar::Data4, Sar::Data5, Sar::Data6, Sar::Data7];

/// The block of the PLL's registers on the analogue bus, and what they hold when it runs.
const PLL: (u8, u8) = (4, 103);

/// The analogue blocks' bus (regi2c) and the converter, both at 0x60000D00.
#[derive(Clone, Debug, Default)]
pub(super) struct Analog {
    sar: Bank<Sar>,
    /// Registers of the blocks by host, block and number.
    blocks: BTreeMap<(u8, u8, u8), u8>,
    /// The register each host was asked for last.
    asked: [u32; 16],
}

impl Analog {
    /// Whether software has set up the PLL: for a crystal of 26 MHz, register 1 becomes 136 and register 2 145.
    pub(super) fn runs_pll(&self) -> bool {
        let (host, block) = PLL;
        self.blocks.contains_key(&(host, block, 1)) && self.blocks.contains_key(&(host, block, 2))
    }

    /// Sets the PLL up as software does.
    pub(super) fn start_pll(&mut self) {
        let (host, block) = PLL;
        self.blocks.insert((host, block, 1), 136);
        self.blocks.insert((host, block, 2), 145);
    }

    /// Reads a register.
    pub(super) fn read(&self, offset: u32) -> Option<u32> {
        if offset < 0x40 {
            let asked = self.asked[(offset / 4) as usize];
            let value = self.blocks.get(&key(offset, asked)).copied().unwrap_or(0);
            return Some(asked & 0xFFFF | u32::from(value) << 16);
        }
        Some(self.sar.read(Sar::at(offset)?))
    }

    /// Writes a register. A conversion takes what `input` says, 0 to 1023.
    pub(super) fn write(&mut self, offset: u32, value: u32, input: impl FnOnce() -> u16) -> Option<()> {
        if offset < 0x40 {
            self.asked[(offset / 4) as usize] = value;
            if value >> 24 & 1 != 0 {
                self.blocks.insert(key(offset, value), (value >> 16) as u8);
            }
            return Some(());
        }
        let register = Sar::at(offset)?;
        let starts = register == Sar::Cfg && cfg::START.is_in(value) && !cfg::START.is_in(self.sar.value(register));
        // The converter is always idle.
        self.sar.write(register, if register == Sar::Cfg { value & !cfg::STATE.mask() } else { value });
        if starts {
            let data = converted(input());
            for register in DATA {
                self.sar.set(register, data);
            }
        }
        Some(())
    }
}

fn key(offset: u32, value: u32) -> (u8, u8, u8) {
    ((offset / 4) as u8, value as u8, (value >> 8) as u8)
}

/// What the data registers show for an input: software inverts them and stretches the low byte by 279/256 above 21 (pvvx,
/// `adc.c`), then adds up eight of them and divides by 16.
fn converted(input: u16) -> u32 {
    let doubled = u32::from(input.min(1023)) * 2;
    // The largest that becomes no more than the low byte; it is one less at most, which the division forgives.
    let stretched = (0..=234).rev().find(|low| (low * 279) >> 8 <= doubled & 0xFF).unwrap_or(0);
    !(doubled & 0x700 | (stretched + 21)) & 0x7FF
}

#[cfg(test)]
mod tests {
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
    fn known_prefixes_have_a_short_form() {
        let mut system = System::default();
        system.burn([0x18, 0xFE, 0x34, 0x23, 0x12, 0x45]);
        let fuse = |system: &System, offset| system.read(offset).unwrap();
        assert_eq!(fuse(&system, 0x50), 0x4500_0000);
        assert_eq!(fuse(&system, 0x54), 0x0200_2312);
        assert_eq!(fuse(&system, 0x5C), 0);
        system.burn([0x5C, 0xCF, 0x7F, 1, 2, 3]);
        assert_eq!(fuse(&system, 0x5C), 0x5C_CF7F);
        system.reset();
        assert_eq!(fuse(&system, 0x50), 0x0300_0000);
    }

    #[test]
    fn the_cache_control_says_what_the_window_shows() {
        let mut system = System::default();
        assert_eq!(system.cache(), CacheState { window: None, banks: [false; 2] });
        system.write(0x0C, 0x100 | 1 << 16 | 2 << 24);
        system.write(0x24, 0x08);
        assert_eq!(system.cache(), CacheState { window: Some(0x30_0000), banks: [false, true] });
        system.write(0x0C, 1);
        assert_eq!(system.read(0x0C), Some(3));
    }

    #[test]
    fn random_numbers_follow_the_seed() {
        let draw = |seed| Wdev::new(seed).read(0xE44, Time(0), [false; 2]);
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
