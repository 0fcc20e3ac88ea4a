//! Digital pins GPIO0 to GPIO15 and their pads (IO_MUX). GPIO16 is the RTC block's.
//!
//! A pin is driven by GPIO when its pad's function is GPIO, its output is enabled, and it is not an open drain that is
//! high. Pads with another function are driven by nobody here: what the UARTs send is told as bytes. Interrupts on
//! edges are found when the outside says that a level changes. Not modelled: sigma-delta output, drive strength,
//! holding in sleep.

use super::clock::Time;
use super::device::{Block, Device};
use super::env::{Env, line};
use super::outside::Drive;
use super::registers::{Bank, registers};
use super::rtc::ResetCause;

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
/// What a calibration finds: crystal cycles of 26 MHz in a period of the RTC's clock.
const CALIBRATED: u64 = 183;

/// GPIO0 to GPIO15.
#[derive(Clone, Debug)]
pub(super) struct Gpio {
    bank: Bank<Register>,
    pads: Bank<Pad>,
    /// Levels when edges were looked for last.
    seen: u32,
    /// Strapping, as GPIO_IN shows it in its upper half.
    strap: u32,
    /// When the outside will change a level that an interrupt is wanted for.
    next: Time,
}

impl Default for Gpio {
    fn default() -> Self {
        Self { bank: Bank::default(), pads: Bank::default(), seen: 0, strap: 0, next: Time::NEVER }
    }
}

impl Gpio {
    fn pin(&self, pin: u32) -> u32 {
        self.bank.value(PIN_REGISTERS[pin as usize])
    }

    fn is_gpio(&self, pin: u32) -> bool {
        let pad = self.pads.value(PADS[pin as usize]);
        let function = pad::FUNCTION_LOW.of(pad) | pad::FUNCTION_HIGH.of(pad) << 2;
        function == if GPIO_IS_FUNCTION_0 >> pin & 1 != 0 { 0 } else { 3 }
    }

    /// What the chip does with pin 0 to 15.
    fn wanted(&self, pin: u32) -> Drive {
        let output = self.bank.value(Register::Out) >> pin & 1 != 0;
        let enabled = self.bank.value(Register::Enable) >> pin & 1 != 0 && self.is_gpio(pin);
        let open_drain = pin::DRIVER.is_in(self.pin(pin));
        match (enabled, output) {
            (true, false) => Drive::Low,
            (true, true) if !open_drain => Drive::High,
            _ if pad::PULL_UP.is_in(self.pads.value(PADS[pin as usize])) => Drive::PulledUp,
            _ => Drive::Floating,
        }
    }

    /// Drives the pins as the registers say.
    fn drive(&self, env: &mut Env<'_>) {
        for pin in 0..16 {
            env.drive(pin as usize, self.wanted(pin));
        }
    }

    /// Pins with an interrupt of some kind.
    fn watched(&self) -> u32 {
        (0..16).filter(|&pin| pin::INT_TYPE.is_in(self.pin(pin))).map(|pin| 1 << pin).sum()
    }

    /// Looks for edges and levels that raise interrupts.
    fn look(&mut self, at: Time, env: &mut Env<'_>) {
        let watched = self.watched();
        if watched == 0 {
            self.next = Time::NEVER;
            return;
        }
        let levels = env.levels(at);
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
        self.next = env
            .outside
            .next_change(watched, at.nanoseconds())
            .map_or(Time::NEVER, |next| Time::from_nanoseconds(next).max(at + Time(1)));
    }

    fn set(&mut self, register: Register, bits: u32) {
        self.bank.set(register, self.bank.value(register) | bits & 0xFFFF);
    }

    fn clear(&mut self, register: Register, bits: u32) {
        self.bank.set(register, self.bank.value(register) & !(bits & 0xFFFF));
    }
}

impl Device for Gpio {
    /// Lets go of all pins, some of them pulled up, and then reads the strapping.
    fn reset(&mut self, _: ResetCause, env: &mut Env<'_>) {
        *self = Self::default();
        self.drive(env);
        self.seen = env.levels(env.now);
        let bit = |pin: u32| self.seen >> pin & 1;
        self.strap = (bit(15) << 2 | bit(0) << 1 | bit(2)) << 16 | (bit(10) << 2 | bit(9) << 1 | bit(7)) << 29;
    }

    /// Acts on level changes, each at its moment: a pulse counts even if nobody looked while it lasted.
    fn advance(&mut self, env: &mut Env<'_>) {
        while self.next <= env.now {
            self.look(self.next, env);
        }
    }

    /// When a level changes by itself that an interrupt is wanted for.
    fn next(&self, _: Time) -> Time {
        self.next
    }

    fn lines(&self) -> u32 {
        if self.bank.value(Register::Status) & 0xFFFF != 0 { line::GPIO } else { 0 }
    }
}

impl Block<Register> for Gpio {
    fn read(&mut self, register: Register, env: &mut Env<'_>) -> u32 {
        match register {
            Register::In => env.levels(env.now) & 0xFFFF | self.strap,
            Register::RtcCalibValue => {
                let sync = self.bank.value(Register::RtcCalibSync);
                let periods = u64::from(calib::PERIOD_NUM.of(sync)) + 1;
                (periods * CALIBRATED) as u32 & 0xF_FFFF | sync & calib::START.mask()
            }
            register => self.bank.read(register),
        }
    }

    fn write(&mut self, register: Register, value: u32, env: &mut Env<'_>) {
        let watched = self.watched();
        match register {
            Register::OutW1ts => self.set(Register::Out, value),
            Register::OutW1tc => self.clear(Register::Out, value),
            Register::EnableW1ts => self.set(Register::Enable, value),
            Register::EnableW1tc => self.clear(Register::Enable, value),
            Register::StatusW1ts => self.set(Register::Status, value),
            Register::StatusW1tc => self.clear(Register::Status, value),
            register => self.bank.write(register, value),
        }
        // A pin's edges count from the moment at which somebody wants them.
        let wanted = self.watched() & !watched;
        self.seen = self.seen & !wanted | env.levels(env.now) & wanted;
        self.drive(env);
        self.look(env.now, env);
    }
}

impl Block<Pad> for Gpio {
    fn read(&mut self, pad: Pad, _: &mut Env<'_>) -> u32 {
        self.pads.read(pad)
    }

    fn write(&mut self, pad: Pad, value: u32, env: &mut Env<'_>) {
        self.pads.write(pad, value);
        self.drive(env);
        self.look(env.now, env);
    }
}

#[cfg(test)]
mod tests;
