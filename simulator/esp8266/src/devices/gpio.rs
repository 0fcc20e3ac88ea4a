//! GPIO0 to GPIO15 and their pads (IO_MUX).
//!
//! A pin that a program drives is what it drives; otherwise it is what the world outside says at that instant. An
//! open-drain pin drives only low. Interrupts on edges are found when the pin is looked at: on a register access, and when
//! the world has announced a change. Not modelled: sigma-delta, functions other than GPIO (a pad on another function still
//! shows its GPIO), pull resistors (they are the world's).
//!
//! Registers: Espressif's `gpio_register.h`, `eagle_soc.h` (PERIPHS_IO_MUX).

use super::World;
use super::registers::{Block, Register, acting, masked, plain};

const OUT: u32 = 0x00;
const OUT_W1TS: u32 = 0x04;
const OUT_W1TC: u32 = 0x08;
const ENABLE: u32 = 0x0C;
const ENABLE_W1TS: u32 = 0x10;
const ENABLE_W1TC: u32 = 0x14;
const IN: u32 = 0x18;
const STATUS: u32 = 0x1C;
const STATUS_W1TS: u32 = 0x20;
const STATUS_W1TC: u32 = 0x24;
const PIN0: u32 = 0x28;
const PIN15: u32 = 0x64;

/// Registers of the GPIO block.
pub const TABLE: &[Register] = &[
    plain(OUT, "GPIO_OUT", 0),
    acting(OUT_W1TS, "GPIO_OUT_W1TS"),
    acting(OUT_W1TC, "GPIO_OUT_W1TC"),
    masked(ENABLE, "GPIO_ENABLE", 0, 0x3F_FFFF),
    acting(ENABLE_W1TS, "GPIO_ENABLE_W1TS"),
    acting(ENABLE_W1TC, "GPIO_ENABLE_W1TC"),
    acting(IN, "GPIO_IN"),
    masked(STATUS, "GPIO_STATUS", 0, 0xFFFF),
    acting(STATUS_W1TS, "GPIO_STATUS_W1TS"),
    acting(STATUS_W1TC, "GPIO_STATUS_W1TC"),
    plain(0x28, "GPIO_PIN0", 0),
    plain(0x2C, "GPIO_PIN1", 0),
    plain(0x30, "GPIO_PIN2", 0),
    plain(0x34, "GPIO_PIN3", 0),
    plain(0x38, "GPIO_PIN4", 0),
    plain(0x3C, "GPIO_PIN5", 0),
    plain(0x40, "GPIO_PIN6", 0),
    plain(0x44, "GPIO_PIN7", 0),
    plain(0x48, "GPIO_PIN8", 0),
    plain(0x4C, "GPIO_PIN9", 0),
    plain(0x50, "GPIO_PIN10", 0),
    plain(0x54, "GPIO_PIN11", 0),
    plain(0x58, "GPIO_PIN12", 0),
    plain(0x5C, "GPIO_PIN13", 0),
    plain(0x60, "GPIO_PIN14", 0),
    plain(0x64, "GPIO_PIN15", 0),
    plain(0x68, "GPIO_SIGMA_DELTA", 0),
    plain(0x6C, "GPIO_RTC_CALIB_SYNC", 0),
    acting(0x70, "GPIO_RTC_CALIB_VALUE"),
];

/// Registers of the pads, named by the pin's first function.
pub const PADS: &[Register] = &[
    plain(0x00, "PERIPHS_IO_MUX_CONF", 0),
    plain(0x04, "PERIPHS_IO_MUX_MTDI", 0x80),
    plain(0x08, "PERIPHS_IO_MUX_MTCK", 0x80),
    plain(0x0C, "PERIPHS_IO_MUX_MTMS", 0x80),
    plain(0x10, "PERIPHS_IO_MUX_MTDO", 0x80),
    plain(0x14, "PERIPHS_IO_MUX_U0RXD", 0x80),
    plain(0x18, "PERIPHS_IO_MUX_U0TXD", 0),
    plain(0x1C, "PERIPHS_IO_MUX_SD_CLK", 0x10),
    plain(0x20, "PERIPHS_IO_MUX_SD_DATA0", 0x10),
    plain(0x24, "PERIPHS_IO_MUX_SD_DATA1", 0x10),
    plain(0x28, "PERIPHS_IO_MUX_SD_DATA2", 0x10),
    plain(0x2C, "PERIPHS_IO_MUX_SD_DATA3", 0x10),
    plain(0x30, "PERIPHS_IO_MUX_SD_CMD", 0x10),
    plain(0x34, "PERIPHS_IO_MUX_GPIO0", 0x80),
    plain(0x38, "PERIPHS_IO_MUX_GPIO2", 0xA0),
    plain(0x3C, "PERIPHS_IO_MUX_GPIO4", 0),
    plain(0x40, "PERIPHS_IO_MUX_GPIO5", 0),
];

/// What a pin does to its wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// Nothing: it listens.
    Released,
    /// It pulls the wire low.
    Low,
    /// It pulls the wire high.
    High,
}

/// The GPIO block.
#[derive(Clone, Debug)]
pub struct Gpio {
    block: Block,
    strapping: u32,
    driven: [Drive; 16],
    /// Levels when they were last looked at.
    seen: u32,
}

impl Gpio {
    /// The block after reset; `strapping` is what `GPIO_IN` bits 31:16 show: the pins at that moment.
    pub fn new(strapping: u16) -> Self {
        Self { block: Block::new(TABLE), strapping: u32::from(strapping) << 16, driven: [Drive::Released; 16], seen: 0 }
    }

    /// Reads a register.
    pub fn read(&mut self, offset: u32, now: u64, world: &mut dyn World) -> Option<u32> {
        self.block.register(offset)?;
        Some(match offset {
            IN => self.look(now, world) | self.strapping,
            STATUS => {
                self.look(now, world);
                self.block.get(STATUS)
            }
            _ => self.block.get(offset),
        })
    }

    /// Writes a register.
    pub fn write(&mut self, offset: u32, value: u32, now: u64, world: &mut dyn World) -> Option<()> {
        self.block.register(offset)?;
        // Edges up to now are judged by the settings up to now.
        self.look(now, world);
        let target = match offset {
            OUT_W1TS | OUT_W1TC => OUT,
            ENABLE_W1TS | ENABLE_W1TC => ENABLE,
            STATUS_W1TS | STATUS_W1TC => STATUS,
            _ => offset,
        };
        let value = match offset {
            OUT_W1TS | ENABLE_W1TS | STATUS_W1TS => self.block.get(target) | value,
            OUT_W1TC | ENABLE_W1TC | STATUS_W1TC => self.block.get(target) & !value,
            _ => value,
        };
        self.block.write(target, value);
        if matches!(target, OUT | ENABLE | PIN0..=PIN15) {
            self.drive(now, world);
        }
        self.look(now, world);
        Some(())
    }

    /// Tells the world what has changed on the pins that are driven.
    fn drive(&mut self, now: u64, world: &mut dyn World) {
        for (pin, driven) in (0..16).zip(&mut self.driven) {
            let high = self.block.get(OUT) >> pin & 1 != 0;
            let enabled = self.block.get(ENABLE) >> pin & 1 != 0;
            let open_drain = self.block.get(PIN0 + 4 * pin) & 1 << 2 != 0;
            let drive = match (enabled, high) {
                (true, false) => Drive::Low,
                (true, true) if !open_drain => Drive::High,
                _ => Drive::Released,
            };
            if drive != *driven {
                *driven = drive;
                world.drive(pin as u8, drive, now);
            }
        }
    }

    /// The levels of all pins; notes the edges since it was last asked.
    pub fn look(&mut self, now: u64, world: &mut dyn World) -> u32 {
        let mut levels = 0;
        for (pin, driven) in self.driven.iter().enumerate() {
            let high = match driven {
                Drive::Low => false,
                Drive::High => true,
                Drive::Released => world.level(pin as u8, now),
            };
            levels |= u32::from(high) << pin;
        }
        let (rising, falling) = (levels & !self.seen, !levels & self.seen);
        self.seen = levels;
        for pin in 0..16 {
            let hit = match self.block.get(PIN0 + 4 * pin) >> 7 & 7 {
                1 => rising,
                2 => falling,
                3 => rising | falling,
                4 => !levels,
                5 => levels,
                _ => 0,
            };
            let status = self.block.get(STATUS);
            self.block.set(STATUS, status | hit & 1 << pin);
        }
        levels
    }

    /// Whether any pin interrupts.
    pub fn interrupts(&self) -> bool {
        self.block.get(STATUS) != 0
    }

    /// Whether any pin's interrupt is on: only then the world's changes matter by themselves.
    pub fn listens(&self) -> bool {
        (0..16).any(|pin| self.block.get(PIN0 + 4 * pin) >> 7 & 7 != 0)
    }
}
