//! DPORT: the CPU's clock, the flash cache, gates of interrupts; and the eFuse, which lies in the same page.
//!
//! The flash window shows what the cache control says; that cached reads are faster, and that a cache must be flushed
//! to see new content, is not modelled.

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{CacheState, Env, NmiSource, interrupt};
use super::registers::{Bank, registers};
use super::rtc::ResetCause;
use super::steady::Steady;

registers! {
    /// Registers of DPORT, and of the eFuse, which lie in the same page.
    pub(super) enum Register {
        0x00 NmiEnable ReadWrite = 0, "DPORT_NMI_ENABLE" nmi { ENABLE: 0; SOURCE: 1..=4; };
        0x04 EdgeIntEnable ReadWrite = 0, "DPORT_EDGE_INT_ENABLE" gate { WATCHDOG: 0; FRC1: 1; FRC2: 2; };
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

/// What the eFuse keeps over resets.
const FUSES: [Register; 4] = [Register::Efuse0, Register::Efuse1, Register::Efuse2, Register::Efuse3];

/// How long after the NMI was allowed again it comes at the earliest. RTOS SDK and ESP-Open-SDK allow it four
/// instructions before they leave the handler.
const NMI_DELAY: Time = Time::MICROSECOND;

/// DPORT and eFuse.
#[derive(Clone, Debug)]
pub(super) struct Dport {
    bank: Bank<Register>,
}

impl Dport {
    /// With this factory address in the eFuse: both of Espressif's early prefixes have a short form, others are written
    /// out.
    pub(super) fn new(mac: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = mac.map(u32::from);
        let (kind, prefix) = match mac {
            [0x18, 0xFE, 0x34, ..] => (0, 0),
            [0xAC, 0xD0, 0x74, ..] => (1, 0),
            _ => (0, a << 16 | b << 8 | c),
        };
        let mut bank = Bank::default();
        bank.set(Register::Efuse0, f << 24);
        bank.set(Register::Efuse1, 0x0200_0000 | kind << 16 | d << 8 | e);
        bank.set(Register::Efuse2, if prefix == 0 { 0x8000 } else { 0x9000 });
        bank.set(Register::Efuse3, prefix);
        Self { bank }
    }

    /// Doubles the CPU's frequency or not, as the vendor's start-up code does.
    pub(super) fn set_double(&mut self, double: bool) {
        self.bank.set(Register::CpuClock, u32::from(double));
    }

    /// What the cache control says.
    fn cache(&self) -> CacheState {
        let control = self.bank.value(Register::SpiCache);
        let odd = cache::HALF.of(control) == 2;
        let offset = cache::BLOCK.of(control) << 21 | u32::from(odd) << 20;
        let target = self.bank.value(Register::SpiCacheTarget);
        CacheState {
            window: cache::ENABLE.is_in(control).then_some(offset),
            banks: [target::BANK0.is_in(target), target::BANK1.is_in(target)],
        }
    }
}

impl Device for Dport {
    /// Everything but the eFuse as after a reset.
    fn reset(&mut self, _: ResetCause, _: &mut Env<'_>) {
        let fuses = FUSES.map(|fuse| self.bank.value(fuse));
        self.bank = Bank::default();
        for (fuse, value) in FUSES.into_iter().zip(fuses) {
            self.bank.set(fuse, value);
        }
    }
}

impl Block<Register> for Dport {
    /// The CPU's frequency, which Arduino's core sets anew in each round of its loop.
    fn steady(&self, register: Register, _: Time, _: Time) -> Option<Steady> {
        (register == Register::CpuClock).then(|| Steady::Kept(self.bank.read(register)))
    }

    /// To set it to what it is does nothing.
    fn absorbs(&self, register: Register, value: u32) -> bool {
        register == Register::CpuClock && value == self.bank.read(register)
    }

    fn read(&mut self, register: Register, env: &mut Env<'_>) -> u32 {
        match register {
            // An NMI of the MAC switches itself off.
            Register::NmiEnable => self.bank.read(register) & !nmi::ENABLE.mask() | u32::from(env.wires.nmi.is_enabled),
            Register::SpiCache => {
                let control = self.bank.value(register) & !(cache::FLUSHED.mask() | cache::BUSY.mask());
                // A flush is done at once.
                if cache::FLUSH.is_in(control) { control | cache::FLUSHED.mask() } else { control }
            }
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        self.bank.write(register, value);
        match register {
            // The source is numbered like the interrupts without those of the core: 0 the MAC's (RTOS SDK), 7 FRC1's
            // (the vendor's `NmiTimSetFunc` sets the low four bits; Mongoose OS, `esp8266_hw_timers.c`).
            Register::NmiEnable => {
                env.wires.nmi = NmiSource {
                    is_enabled: nmi::ENABLE.is_in(value),
                    number: nmi::SOURCE.of(value),
                    not_before: env.now + NMI_DELAY,
                };
            }
            Register::EdgeIntEnable => {
                let gates = [
                    (gate::WATCHDOG, interrupt::WATCHDOG),
                    (gate::FRC1, interrupt::FRC1),
                    (gate::FRC2, interrupt::FRC2),
                ];
                let open = gates.into_iter().filter(|(gate, _)| gate.is_in(value));
                env.wires.gates = open.fold(0, |open, (_, edge)| open | edge);
            }
            Register::SpiCache | Register::SpiCacheTarget => {
                env.wires.cache = self.cache();
                env.show_cache();
            }
            Register::CpuClock => env.switch_double(cpu_clock::DOUBLE.is_in(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::super::clock::Time;
    use super::*;

    #[test]
    fn known_prefixes_have_a_short_form() {
        let mut bench = Bench::default();
        let env = &mut bench.env(Time(0));
        let mut dport = Dport::new([0x18, 0xFE, 0x34, 0x23, 0x12, 0x45]);
        assert_eq!(dport.read(Register::Efuse0, env), 0x4500_0000);
        assert_eq!(dport.read(Register::Efuse1, env), 0x0200_2312);
        assert_eq!(dport.read(Register::Efuse3, env), 0);
        let mut dport = Dport::new([0x5C, 0xCF, 0x7F, 1, 2, 3]);
        assert_eq!(dport.read(Register::Efuse3, env), 0x5C_CF7F);
        dport.reset(ResetCause::Software, env);
        assert_eq!(dport.read(Register::Efuse0, env), 0x0300_0000);
    }

    #[test]
    fn the_cache_control_says_what_the_window_shows() {
        let mut bench = Bench::default();
        let env = &mut bench.env(Time(0));
        let mut dport = Dport::new([0; 6]);
        dport.write(Register::SpiCache, 0x100 | 1 << 16 | 2 << 24, env);
        dport.write(Register::SpiCacheTarget, 0x08, env);
        assert_eq!(env.wires.cache, CacheState { window: Some(0x30_0000), banks: [false, true] });
        assert_eq!(env.memory.flash_window(), None, "the controller does not serve it");
        dport.write(Register::SpiCache, 1, env);
        assert_eq!(dport.read(Register::SpiCache, env), 3);
        assert_eq!(env.wires.cache.window, None);
    }
}
