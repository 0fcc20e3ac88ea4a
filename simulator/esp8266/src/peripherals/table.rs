//! Which device answers at which addresses.
//!
//! Sources: Espressif's `eagle_soc.h`, `esp8266.svd`, the memory map of June 2015 in the community wiki.

use super::analog::{self, Analog};
use super::baseband::{self, Baseband};
use super::boot_rom::{self, BootRom};
use super::clock::Time;
use super::device::{Block, Device, devices};
use super::dport::{self, Dport};
use super::env::Env;
use super::gpio::{self, Gpio};
use super::mac::{self, Mac};
use super::registers::{Description, Layout};
use super::rf::{self, Rf};
use super::rtc::{self, ResetCause, Rtc};
use super::spi::{self, Spi};
use super::steady::Steady;
use super::timers::{self, Timers};
use super::uart::{self, Uart};
use super::watchdog::{self, Watchdog};
use super::wdev::{self, Wdev};

/// What makes the devices of one chip differ from another's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Factory address.
    pub mac: [u8; 6],
    /// Seed of random numbers.
    pub seed: u64,
}

impl Devices {
    /// UART 0 or 1.
    pub(super) fn uart(&mut self, number: usize) -> &mut Uart {
        if number & 1 == 0 { &mut self.uart0 } else { &mut self.uart1 }
    }

    /// Registers that a program has used and that only keep what they are told, by their addresses.
    pub(super) fn stored(&self) -> impl Iterator<Item = u32> {
        let rf = self.rf.stored().map(|offset| 0x6000_0400 + offset);
        rf.chain(self.baseband.stored().map(|offset| 0x6000_9000 + offset))
    }
}

/// What an unmapped address reads as on silicon.
const NOTHING: u32 = 0x0080_0000;

/// What a read gives where no register is: `None` at the one place of the map that faults on silicon.
pub(super) fn read_of_nothing(address: u32, block: Option<&'static str>) -> Option<u32> {
    match (address, block) {
        (0x6000_2000..=0x6000_2FFF, _) => None,
        (_, Some(_)) => Some(0),
        // Silicon gives back the address.
        (0x3FFC_0000..=0x3FFD_FFFF, None) => Some(address),
        (_, None) => Some(NOTHING),
    }
}

devices! {
    |part|
    absent {
        0x6000_0C00..=0x6000_0CFF => "RF";
        0x6000_0A00..=0x6000_0AFF => "SDIO";
        0x6000_0B00..=0x6000_0BFF => "SLC";
        0x6000_0E00..=0x6000_0EFF => "I2S";
        0x6000_9000..=0x6000_95FF => "baseband";
    }
    uart0: Uart = Uart::new(0), { 0x6000_0000..=0x6000_00FF => 0xFF, "UART", uart::Register; }
    uart1: Uart = Uart::new(1), { 0x6000_0F00..=0x6000_0FFF => 0xFF, "UART", uart::Register; }
    gpio: Gpio = Gpio::default(), {
        0x6000_0300..=0x6000_03FF => 0xFF, "GPIO", gpio::Register;
        0x6000_0800..=0x6000_08FF => 0xFF, "IO_MUX", gpio::Pad;
    }
    timers: Timers = Timers::default(), { 0x6000_0600..=0x6000_06FF => 0xFF, "timers", timers::Register; }
    watchdog: Watchdog = Watchdog::default(), { 0x6000_0900..=0x6000_09FF => 0xFF, "watchdog", watchdog::Register; }
    rtc: Rtc = Rtc::default(), {
        0x6000_0700..=0x6000_07FF => 0xFF, "RTC", rtc::Register;
        0x6000_1000..=0x6000_13FF | 0x6000_1800..=0x6000_1BFF => 0x3FF, "RTC memory", rtc::Word;
    }
    spi0: Spi = Spi::new(0), { 0x6000_0200..=0x6000_02FF => 0xFF, "SPI", spi::Register; }
    spi1: Spi = Spi::new(1), { 0x6000_0100..=0x6000_01FF => 0xFF, "SPI", spi::Register; }
    dport: Dport = Dport::new(part.mac), { 0x3FF0_0000..=0x3FF0_0FFF => 0xFF, "DPORT", dport::Register; }
    wdev: Wdev = Wdev::new(part.seed), {
        0x3FF2_0020 | 0x3FF2_0C00 | 0x3FF2_0E44 => 0xFFF, "Wi-Fi MAC", wdev::Register;
    }
    mac: Mac = Mac::default(), {
        0x3FF2_0D18..=0x3FF2_0DD7 => 0xFFF, "Wi-Fi MAC", mac::QueueWord;
        0x3FF2_0000..=0x3FF2_0FFF => 0xFFF, "Wi-Fi MAC", mac::Register;
        0x3FF2_1000..=0x3FF2_13FF => 0x3FF, "Wi-Fi MAC", mac::TsfRegister;
        0x3FF2_1400..=0x3FF2_17E7 => 0x3FF, "Wi-Fi MAC", mac::KeyWord;
        0x3FF2_17E8..=0x3FF2_1FFF => 0xFFF, "Wi-Fi MAC", mac::KeyWord;
    }
    analog: Analog = Analog::default(), {
        0x6000_0D00..=0x6000_0DFF => 0xFF, "analogue bus and converter", analog::Register;
    }
    rf: Rf = Rf::default(), { 0x6000_0400..=0x6000_05FF => 0x1FF, "RF", rf::Word; }
    baseband: Baseband = Baseband::new(part.seed), {
        0x6000_9600..=0x6000_9FFF => 0xFFF, "baseband", baseband::Word;
    }
    boot_rom: BootRom = BootRom, { 0x4000_0000..=0x4000_FFFF => 0xFFFF, "boot ROM", boot_rom::Register; }
}
