//! What surrounds a device: time, memory, the outside, and the wires between the devices.
//!
//! A device owns its registers and nothing else. What it needs of another it finds on a wire: pins with their drivers,
//! lines and gates of interrupts, what the flash cache shows. What it does to the chip as a whole (its clock, its
//! cache, a reset) it does by a method of [`Env`].

use super::clock::{Clock, Time};
use super::outside::{Drive, Outside};
use super::reports::Reports;
use super::rtc::ResetCause;
use crate::memory::Memory;

/// What a device wants of whoever runs the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The chip is reset.
    Reset(ResetCause),
    /// The chip sleeps deeply until this moment ([`Time::NEVER`]: until the reset pin).
    DeepSleep(Time),
    /// The flash has begun to change its content, until this moment.
    FlashBegan(Time),
    /// The radio has begun to send a frame.
    Transmitted,
}

/// The core's interrupts, as bits.
pub(super) mod interrupt {
    pub const MAC: u32 = 1 << 0;
    pub const GPIO: u32 = 1 << 4;
    pub const UART: u32 = 1 << 5;
    pub const WATCHDOG: u32 = 1 << 8;
    pub const FRC1: u32 = 1 << 9;
    pub const FRC2: u32 = 1 << 10;
    pub const NMI: u32 = 1 << 14;
}

/// Lines by which devices hold an interrupt of the core.
pub(super) mod line {
    use super::interrupt;

    pub const UART0: u32 = 1 << 0;
    pub const UART1: u32 = 1 << 1;
    pub const GPIO: u32 = 1 << 2;
    pub const MAC: u32 = 1 << 3;

    /// Which interrupt each of them leads to.
    pub const INTERRUPTS: [(u32, u32); 4] =
        [(UART0, interrupt::UART), (UART1, interrupt::UART), (GPIO, interrupt::GPIO), (MAC, interrupt::MAC)];
}

/// What a memory cut into the flash window and instruction RAM is to look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CacheState {
    /// Offset in the flash that the window shows, if the controller serves it.
    pub window: Option<u32>,
    /// Whether the banks at 0x40108000 and 0x4010C000 are cache.
    pub banks: [bool; 2],
}

/// What raises the NMI: a number of DPORT's, and whether it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NmiSource {
    /// It may.
    pub is_enabled: bool,
    /// Number of the source.
    pub number: u32,
    /// Not before: a program that allows it again leaves its handler by the next instructions.
    pub not_before: Time,
}

impl NmiSource {
    pub const MAC: u32 = 0;
    pub const FRC1: u32 = 7;

    /// Whether that source raises it.
    pub(super) fn is(self, number: u32) -> bool {
        self.is_enabled && self.number == number
    }
}

/// Digital pins, GPIO16 included.
const PINS: usize = 17;

/// What connects the devices with each other and with the core.
#[derive(Debug)]
pub(super) struct Wires {
    /// Lines that are held, of [`line`].
    pub lines: u32,
    /// Edges for the core, of [`interrupt`], until it takes them.
    pub edges: u32,
    /// Edges that DPORT lets pass, of [`interrupt`].
    pub gates: u32,
    /// What raises the NMI, as DPORT says.
    pub nmi: NmiSource,
    /// The channel that the radio is tuned to, 1 to 14.
    pub channel: Option<u8>,
    /// The receiver has power and is on.
    pub receives: bool,
    /// What the receiver is on, as the outside was told.
    listens: Option<u8>,
    /// What DPORT's cache control says.
    pub cache: CacheState,
    /// SPI controller 0 serves the flash window.
    pub serves_window: bool,
    /// What the owner of the chip is asked for.
    pub request: Option<Request>,
    /// What is driven, and how, as the outside was told.
    drivers: [Drive; PINS],
}

impl Default for Wires {
    fn default() -> Self {
        Self {
            lines: 0,
            edges: 0,
            gates: 0,
            nmi: NmiSource::default(),
            cache: CacheState::default(),
            serves_window: false,
            channel: None,
            receives: false,
            listens: None,
            request: None,
            drivers: [Drive::Floating; PINS],
        }
    }
}

impl Wires {
    /// As after a reset; who drives which pin stays until the devices say otherwise.
    pub(super) fn reset(&mut self) {
        *self = Self { drivers: self.drivers, listens: self.listens, ..Self::default() };
    }

    /// When the MAC, which holds its line, may raise the NMI.
    pub(super) fn mac_raises_nmi(&self) -> Time {
        let raises = self.nmi.is(NmiSource::MAC) && self.lines & line::MAC != 0;
        if raises { self.nmi.not_before } else { Time::NEVER }
    }

    /// Raises the NMI for the MAC if it is to be raised by now; it is not raised again before it is allowed again.
    pub(super) fn raise_nmi(&mut self, now: Time) {
        if self.mac_raises_nmi() <= now {
            self.edges |= interrupt::NMI;
            self.nmi.is_enabled = false;
        }
    }

    /// The core's interrupts that lines hold.
    pub(super) fn interrupts(&self) -> u32 {
        let held = line::INTERRUPTS.iter().filter(|(line, _)| self.lines & line != 0);
        held.fold(0, |interrupts, (_, interrupt)| interrupts | interrupt)
    }
}

/// An access of the program.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Access {
    /// The word.
    pub address: u32,
    /// The instruction that makes it.
    pub pc: u32,
    /// Whether it writes. A write of some bytes of a word reads the others first.
    pub is_write: bool,
    /// The block that the address belongs to, if any.
    pub block: Option<&'static str>,
}

/// What surrounds a device.
pub(super) struct Env<'a> {
    /// Now.
    pub now: Time,
    /// The core's cycle now.
    pub cycle: u64,
    /// The clocks.
    pub clock: &'a mut Clock,
    /// The chip's memories.
    pub memory: &'a mut Memory,
    /// What the pins are connected to.
    pub outside: &'a mut dyn Outside,
    /// What connects the devices.
    pub wires: &'a mut Wires,
    /// The access that is being made; nothing while time passes.
    pub access: Access,
    /// Where accesses to what is not modelled are noted.
    pub reports: &'a mut Reports,
}

impl Env<'_> {
    /// Length of a cycle of the bus that UARTs, timers and the watchdog count.
    pub(super) fn apb(&self) -> Time {
        self.clock.apb_period()
    }

    /// Switches the PLL.
    pub(super) fn switch_pll(&mut self, on: bool) {
        let (pll, double) = self.clock.state();
        if pll != on {
            self.clock.switch(self.cycle, on, double);
        }
    }

    /// Doubles the CPU's frequency, or not.
    pub(super) fn switch_double(&mut self, on: bool) {
        let (pll, double) = self.clock.state();
        if double != on {
            self.clock.switch(self.cycle, pll, on);
        }
    }

    /// Shows the flash as the cache control and the controller say.
    pub(super) fn show_cache(&mut self) {
        let CacheState { window, banks } = self.wires.cache;
        self.memory.use_as_cache(banks);
        self.memory.map_flash(window.filter(|_| self.wires.serves_window));
    }

    /// Raises an edge of [`interrupt`], if its gate is open.
    pub(super) fn raise(&mut self, edge: u32) {
        if self.wires.gates & edge != 0 {
            let is_nmi = edge == interrupt::FRC1 && self.wires.nmi.is(NmiSource::FRC1);
            self.wires.edges |= if is_nmi { interrupt::NMI } else { edge };
        }
    }

    /// Asks the chip's owner for something. What has been asked for and not been taken yet stands before a frame that
    /// is sent, which the outside knows of anyway.
    pub(super) fn request(&mut self, request: Request) {
        if request != Request::Transmitted || self.wires.request.is_none() {
            self.wires.request = Some(request);
        }
    }

    /// Drives pin 0 to 16, or lets go of it.
    pub(super) fn drive(&mut self, pin: usize, drive: Drive) {
        if core::mem::replace(&mut self.wires.drivers[pin], drive) != drive {
            self.outside.drive(pin as u8, drive, self.now.nanoseconds());
        }
    }

    /// The receiver may hear something else from now on.
    pub(super) fn listen(&mut self) {
        let channel = self.wires.channel.filter(|_| self.wires.receives);
        if core::mem::replace(&mut self.wires.listens, channel) != channel {
            self.outside.listen(channel, self.now.nanoseconds());
        }
    }

    /// Levels of all pins at a moment: the chip's own where it drives, otherwise the outside's.
    pub(super) fn levels(&mut self, at: Time) -> u32 {
        let mut levels = self.outside.levels(at.nanoseconds()) & ((1 << PINS) - 1);
        for (pin, drive) in self.wires.drivers.iter().enumerate() {
            match drive {
                Drive::Low => levels &= !(1 << pin),
                Drive::High => levels |= 1 << pin,
                Drive::Floating | Drive::PulledUp => {}
            }
        }
        levels
    }

    /// The access asks for something that is not modelled.
    pub(super) fn not_modelled(&mut self, what: &'static str) {
        self.reports.add(self.access, what);
    }

    /// The access goes where its block has no register, or none that can be written.
    pub(super) fn nothing_there(&mut self) {
        self.not_modelled(self.access.block.unwrap_or("nothing"));
    }
}
