//! Digital pins: GPIO0 to GPIO15, their pads (IO_MUX), and GPIO16, whose registers lie in the RTC block.
//!
//! A pin is driven by GPIO when its pad's function is GPIO, its output is enabled, and it is not an open drain that is high.
//! Pads with another function are driven by nobody here: what the UARTs send is told as bytes. Interrupts on edges are found
//! when the outside says that a level changes. Not modelled: sigma-delta output, drive strength, holding in sleep.

use super::clock::Time;
use super::outside::{Drive, Outside};
use super::registers::{Bank, Registers, registers};

registers! {
    /// Registers of the GPIO block.
    pub(super) enum Register {
        0x00 Out ReadWrite = 0, "GPIO_OUT";
        0x04 OutW1ts WriteOnly = 0, "GPIO_OUT_W1TS";
        0x08 OutW1tc WriteOnly = 0, "GPIO_OUT_W1TC";
        0x0C Enable ReadWrite = 0, "GPIO_ENABLE";
        0x10 EnableW1ts WriteOnly = 0, "GPIO_ENABLE_W1TS";
        0x14 EnableW1tc WriteOnly = 0, "GPIO_ENABLE_W1TC";
        0x18 In ReadOnly = 0, "GPIO_IN";
        0x1C Status ReadWrite = 0, "GPIO_STATUS";
        0x20 StatusW1ts WriteOnly = 0, "GPIO_STATUS_W1TS";
        0x24 StatusW1tc WriteOnly = 0, "GPIO_STATUS_W1TC";
        0x28 Pin0 ReadWrite = 0, "GPIO_PIN0" pin {
            SOURCE: 0 ignored "sigma-delta output";
            DRIVER: 2;
            INT_TYPE: 7..=9;
        };
        0x2C Pin1 ReadWrite = 0, "GPIO_PIN1" pin;
        0x30 Pin2 ReadWrite = 0, "GPIO_PIN2" pin;
        0x34 Pin3 ReadWrite = 0, "GPIO_PIN3" pin;
        0x38 Pin4 ReadWrite = 0, "GPIO_PIN4" pin;
        0x3C Pin5 ReadWrite = 0, "GPIO_PIN5" pin;
        0x40 Pin6 ReadWrite = 0, "GPIO_PIN6" pin;
        0x44 Pin7 ReadWrite = 0, "GPIO_PIN7" pin;
        0x48 Pin8 ReadWrite = 0, "GPIO_PIN8" pin;
        0x4C Pin9 ReadWrite = 0, "GPIO_PIN9" pin;
        0x50 Pin10 ReadWrite = 0, "GPIO_PIN10" pin;
        0x54 Pin11 ReadWrite = 0, "GPIO_PIN11" pin;
        0x58 Pin12 ReadWrite = 0, "GPIO_PIN12" pin;
        0x5C Pin13 ReadWrite = 0, "GPIO_PIN13" pin;
        0x60 Pin14 ReadWrite = 0, "GPIO_PIN14" pin;
        0x64 Pin15 ReadWrite = 0, "GPIO_PIN15" pin;
        0x68 SigmaDelta ReadWrite = 0, "GPIO_SIGMA_DELTA" sigma_delta { ENABLE: 16 ignored "sigma-delta output"; };
        0x6C RtcCalibSync ReadWrite = 0, "GPIO_RTC_CALIB_SYNC" calib { PERIOD_NUM: 0..=9; START: 31; };
        0x70 RtcCalibValue ReadOnly = 0, "GPIO_RTC_CALIB_VALUE";
    }
}

registers! {
    /// Registers of the pads, in the order of the block.
    pub(super) enum Pad {
        0x00 Conf ReadWrite = 0, "IOMUX_CONF";
        0x04 Mtdi ReadWrite = 0x80, "IOMUX_MTDI" pad { FUNCTION_LOW: 4..=5; PULL_UP: 7; FUNCTION_HIGH: 8; };
        0x08 Mtck ReadWrite = 0x80, "IOMUX_MTCK" pad;
        0x0C Mtms ReadWrite = 0x80, "IOMUX_MTMS" pad;
        0x10 Mtdo ReadWrite = 0x80, "IOMUX_MTDO" pad;
        0x14 U0rxd ReadWrite = 0x80, "IOMUX_U0RXD" pad;
        0x18 U0txd ReadWrite = 0, "IOMUX_U0TXD" pad;
        0x1C SdClk ReadWrite = 0x10, "IOMUX_SD_CLK" pad;
        0x20 SdData0 ReadWrite = 0x10, "IOMUX_SD_DATA0" pad;
        0x24 SdData1 ReadWrite = 0x10, "IOMUX_SD_DATA1" pad;
        0x28 SdData2 ReadWrite = 0x10, "IOMUX_SD_DATA2" pad;
        0x2C SdData3 ReadWrite = 0x10, "IOMUX_SD_DATA3" pad;
        0x30 SdCmd ReadWrite = 0x10, "IOMUX_SD_CMD" pad;
        0x34 Gpio0 ReadWrite = 0x80, "IOMUX_GPIO0" pad;
        0x38 Gpio2 ReadWrite = 0xA0, "IOMUX_GPIO2" pad;
        0x3C Gpio4 ReadWrite = 0, "IOMUX_GPIO4" pad;
        0x40 Gpio5 ReadWrite = 0, "IOMUX_GPIO5" pad;
    }
}

/// The register of each of GPIO0 to GPIO15.
const PIN_REGISTERS: [Register; 16] = [
    Register::Pin0,
    Register::Pin1,
    Register::Pin2,
    Register::Pin3,
    Register::Pin4,
    Register::Pin5,
    Register::Pin6,
    Register::Pin7,
    Register::Pin8,
    Register::Pin9,
    Register::Pin10,
    Register::Pin11,
    Register::Pin12,
    Register::Pin13,
    Register::Pin14,
    Register::Pin15,
];

/// The pad of each of GPIO0 to GPIO15.
const PADS: [Pad; 16] = [
    Pad::Gpio0,
    Pad::U0txd,
    Pad::Gpio2,
    Pad::U0rxd,
    Pad::Gpio4,
    Pad::Gpio5,
    Pad::SdClk,
    Pad::SdData0,
    Pad::SdData1,
    Pad::SdData2,
    Pad::SdData3,
    Pad::SdCmd,
    Pad::Mtdi,
    Pad::Mtck,
    Pad::Mtms,
    Pad::Mtdo,
];

/// Pins whose pad is GPIO as function 0; for all others it is function 3.
const GPIO_IS_FUNCTION_0: u32 = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5;
/// All pins, with GPIO16.
const PINS: u32 = 0x1_FFFF;
/// What a calibration finds: crystal cycles of 26 MHz in a period of the RTC's clock.
const CALIBRATED: u64 = 183;

/// All digital pins.
#[derive(Clone, Debug)]
pub(super) struct Gpio {
    bank: Bank<Register>,
    pads: Bank<Pad>,
    /// GPIO16: output, output enable.
    gpio16: [bool; 2],
    /// What is driven, and how, as the outside was told.
    driven: [Drive; 17],
    /// Levels when edges were looked for last.
    seen: u32,
    /// Strapping, as GPIO_IN shows it in its upper half.
    strap: u32,
    /// When the outside will change a level that an interrupt is wanted for.
    next: Time,
}

impl Gpio {
    /// Pins after power on: inputs, some of them pulled up.
    pub(super) fn new(now: Time, outside: &mut impl Outside) -> Self {
        let mut gpio = Self {
            bank: Bank::default(),
            pads: Bank::default(),
            gpio16: [false; 2],
            driven: [Drive::Floating; 17],
            seen: 0,
            strap: 0,
            next: Time::NEVER,
        };
        gpio.reset(now, outside);
        gpio
    }

    /// Lets go of all pins, and then reads the strapping.
    pub(super) fn reset(&mut self, now: Time, outside: &mut impl Outside) {
        self.bank = Bank::default();
        self.pads = Bank::default();
        self.gpio16 = [false; 2];
        self.next = Time::NEVER;
        self.drive(now, outside);
        self.seen = outside.levels(now.nanoseconds()) & PINS;
        let bit = |pin: u32| self.seen >> pin & 1;
        self.strap = (bit(15) << 2 | bit(0) << 1 | bit(2)) << 16 | (bit(10) << 2 | bit(9) << 1 | bit(7)) << 29;
    }

    fn pin(&self, pin: u32) -> u32 {
        self.bank.value(PIN_REGISTERS[pin as usize])
    }

    fn is_gpio(&self, pin: u32) -> bool {
        let pad = self.pads.value(PADS[pin as usize]);
        let function = pad::FUNCTION_LOW.of(pad) | pad::FUNCTION_HIGH.of(pad) << 2;
        function == if GPIO_IS_FUNCTION_0 >> pin & 1 != 0 { 0 } else { 3 }
    }

    /// What the chip does with pin 0 to 16.
    fn wanted(&self, pin: u32) -> Drive {
        let (output, enabled, open_drain, pull_up) = if pin == 16 {
            (self.gpio16[0], self.gpio16[1], false, false)
        } else {
            (
                self.bank.value(Register::Out) >> pin & 1 != 0,
                self.bank.value(Register::Enable) >> pin & 1 != 0 && self.is_gpio(pin),
                pin::DRIVER.is_in(self.pin(pin)),
                pad::PULL_UP.is_in(self.pads.value(PADS[pin as usize])),
            )
        };
        match (enabled, output) {
            (true, false) => Drive::Low,
            (true, true) if !open_drain => Drive::High,
            _ if pull_up => Drive::PulledUp,
            _ => Drive::Floating,
        }
    }

    /// Tells the outside what has changed.
    fn drive(&mut self, now: Time, outside: &mut impl Outside) {
        for pin in 0..17 {
            let wanted = self.wanted(pin);
            if wanted != self.driven[pin as usize] {
                self.driven[pin as usize] = wanted;
                outside.drive(pin as u8, wanted, now.nanoseconds());
            }
        }
    }

    /// Levels of all pins: the chip's own where it drives, otherwise the outside's.
    fn levels(&self, now: Time, outside: &mut impl Outside) -> u32 {
        let mut levels = outside.levels(now.nanoseconds()) & PINS;
        for (pin, drive) in self.driven.iter().enumerate() {
            match drive {
                Drive::Low => levels &= !(1 << pin),
                Drive::High => levels |= 1 << pin,
                Drive::Floating | Drive::PulledUp => {}
            }
        }
        levels
    }

    /// Pins with an interrupt of some kind.
    fn watched(&self) -> u32 {
        (0..16).filter(|&pin| pin::INT_TYPE.is_in(self.pin(pin))).map(|pin| 1 << pin).sum()
    }

    /// Looks for edges and levels that raise interrupts.
    fn look(&mut self, now: Time, outside: &mut impl Outside) {
        let watched = self.watched();
        if watched == 0 {
            self.next = Time::NEVER;
            return;
        }
        let levels = self.levels(now, outside);
        let mut status = self.bank.value(Register::Status);
        for pin in (0..16).filter(|pin| watched >> pin & 1 != 0) {
            let (before, level) = (self.seen >> pin & 1 != 0, levels >> pin & 1 != 0);
            let raised = match pin::INT_TYPE.of(self.pin(pin)) {
                1 => !before && level,
                2 => before && !level,
                3 => before != level,
                4 => !level,
                5 => level,
                _ => false,
            };
            status |= u32::from(raised) << pin;
        }
        self.bank.set(Register::Status, status);
        self.seen = levels;
        self.next = outside
            .next_change(watched, now.nanoseconds())
            .map_or(Time::NEVER, |at| Time::from_nanoseconds(at).max(now + Time(1)));
    }

    /// Acts on level changes up to `now`, each at its moment: a pulse counts even if nobody looked while it lasted.
    pub(super) fn advance(&mut self, now: Time, outside: &mut impl Outside) {
        while self.next <= now {
            self.look(self.next, outside);
        }
    }

    /// When a level changes by itself that an interrupt is wanted for.
    pub(super) const fn next(&self) -> Time {
        self.next
    }

    /// Whether the block asks for an interrupt.
    pub(super) fn interrupts(&self) -> bool {
        self.bank.value(Register::Status) & 0xFFFF != 0
    }

    /// Reads a register of the GPIO block.
    pub(super) fn read(&mut self, offset: u32, now: Time, outside: &mut impl Outside) -> Option<u32> {
        let register = Register::at(offset)?;
        Some(match register {
            Register::In => self.levels(now, outside) & 0xFFFF | self.strap,
            Register::RtcCalibValue => {
                let sync = self.bank.value(Register::RtcCalibSync);
                let periods = u64::from(calib::PERIOD_NUM.of(sync)) + 1;
                (periods * CALIBRATED) as u32 & 0xF_FFFF | sync & calib::START.mask()
            }
            register => self.bank.read(register),
        })
    }

    /// Writes a register of the GPIO block.
    pub(super) fn write(&mut self, offset: u32, value: u32, now: Time, outside: &mut impl Outside) -> Option<()> {
        let register = Register::at(offset)?;
        let watched = self.watched();
        let set = |bank: &mut Bank<Register>, target: Register, bits: u32| {
            let before = bank.value(target);
            bank.set(target, before | bits);
        };
        let clear = |bank: &mut Bank<Register>, target: Register, bits: u32| {
            let before = bank.value(target);
            bank.set(target, before & !bits);
        };
        match register {
            Register::OutW1ts => set(&mut self.bank, Register::Out, value & 0xFFFF),
            Register::OutW1tc => clear(&mut self.bank, Register::Out, value & 0xFFFF),
            Register::EnableW1ts => set(&mut self.bank, Register::Enable, value & 0xFFFF),
            Register::EnableW1tc => clear(&mut self.bank, Register::Enable, value & 0xFFFF),
            Register::StatusW1ts => set(&mut self.bank, Register::Status, value & 0xFFFF),
            Register::StatusW1tc => clear(&mut self.bank, Register::Status, value & 0xFFFF),
            register => self.bank.write(register, value),
        }
        // A pin's edges count from the moment at which somebody wants them.
        let wanted = self.watched() & !watched;
        self.seen = self.seen & !wanted | self.levels(now, outside) & wanted;
        self.drive(now, outside);
        self.look(now, outside);
        Some(())
    }

    /// Reads a register of the pads.
    pub(super) fn read_pad(&self, offset: u32) -> Option<u32> {
        Pad::at(offset).map(|pad| self.pads.read(pad))
    }

    /// Writes a register of the pads.
    pub(super) fn write_pad(&mut self, offset: u32, value: u32, now: Time, outside: &mut impl Outside) -> Option<()> {
        self.pads.write(Pad::at(offset)?, value);
        self.drive(now, outside);
        self.look(now, outside);
        Some(())
    }

    /// GPIO16: its output and whether it is driven.
    pub(super) fn set_gpio16(&mut self, output: bool, enabled: bool, now: Time, outside: &mut impl Outside) {
        self.gpio16 = [output, enabled];
        self.drive(now, outside);
    }

    /// GPIO16's level.
    pub(super) fn gpio16(&self, now: Time, outside: &mut impl Outside) -> bool {
        self.levels(now, outside) >> 16 & 1 != 0
    }
}
