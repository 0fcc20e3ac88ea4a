//! What the host imitates of the chip between the firmware and the board: its transmitter, its watchdog, its random
//! numbers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use esp8266::peripherals::HardwareRng;
use rand_core::RngCore;

use super::uart::Transmitter;
use crate::device::{HardwareWatchdog, Port};
use simulator_record::time::Instant;

/// A started chip. What it keeps takes none of the program's memory, as on silicon.
pub(super) struct HostChip {
    /// Where it meets the world.
    pub port: Rc<Port>,
    /// When the device's clock was at zero.
    pub started: Instant,
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
            port,
            started: at,
            rng: RefCell::new(HardwareRng::new(seed)),
            watchdog: Cell::new(HardwareWatchdog::new(at)),
            uart: RefCell::new(Transmitter::new(at)),
        }
    }

    /// The device's local time.
    pub(super) fn now(&self) -> Instant {
        self.started + Duration::from_nanos(simulator_clock::now())
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
        let bites_at = self.watchdog_resets_at().saturating_since(self.started);
        simulator_clock::set_limit(u64::try_from(bites_at.as_nanos()).ok());
    }
}
