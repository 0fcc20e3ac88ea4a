//! What the host imitates of the chip between the firmware and the board: its transmitter, its watchdog, its random
//! numbers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use esp8266::peripherals::HardwareRng;
use esp8266_sdk::HardwareWatchdog;
use rand_core::RngCore;

use super::uart::Transmitter;
use crate::device::Port;
use simulator_record::time::Instant;

/// A started chip. What it keeps takes none of the program's memory, as on silicon.
pub(super) struct HostChip {
    /// Where it meets the world.
    pub port: Rc<Port>,
    /// When it started.
    pub started: Instant,
    /// What the device's clock said then.
    uptime: Duration,
    /// The hardware's random numbers.
    pub rng: RefCell<HardwareRng>,
    watchdog: Cell<HardwareWatchdog>,
    uart: RefCell<Transmitter>,
}

impl HostChip {
    /// A chip that starts at `at`; it takes the seed of its random numbers from the board.
    pub(super) fn new(port: Rc<Port>, at: Instant) -> Self {
        let seed = port.random.borrow_mut().next_u64();
        Self {
            started: at,
            uptime: port.uptime.take(),
            rng: RefCell::new(HardwareRng::new(seed)),
            watchdog: Cell::new(HardwareWatchdog::new(at)),
            uart: RefCell::new(Transmitter::new(at)),
            port,
        }
    }

    /// The device's local time.
    pub(super) fn now(&self) -> Instant {
        self.at(simulator_clock::now())
    }

    /// The moment at which the device's clock shows `nanos` nanoseconds.
    pub(super) fn at(&self, nanos: u64) -> Instant {
        self.started + Duration::from_nanos(nanos).saturating_sub(self.uptime)
    }

    /// What the device's clock shows at a moment, in nanoseconds.
    pub(super) fn clock_at(&self, at: Instant) -> u64 {
        (at.saturating_since(self.started) + self.uptime).as_nanos().try_into().unwrap_or(u64::MAX)
    }

    /// Writes to the serial port at `at`; returns when the writer goes on.
    pub(super) fn write_serial(&self, at: Instant, text: &str) -> Instant {
        self.uart.borrow_mut().write(at, text.as_bytes(), &mut self.port.serial_line.borrow_mut())
    }

    /// Feeds the watchdog now.
    pub(super) fn feed_watchdog(&self) {
        let mut watchdog = self.watchdog.get();
        watchdog.feed(self.now());
        self.watchdog.set(watchdog);
    }

    /// When the watchdog resets the chip if it is not fed again.
    pub(super) fn watchdog_resets_at(&self) -> Instant {
        self.watchdog.get().resets_at()
    }

    /// Has the device's clock end the poll under way once the watchdog bites.
    pub(super) fn limit_by_watchdog(&self) {
        simulator_clock::set_limit(Some(self.clock_at(self.watchdog_resets_at())));
    }
}
