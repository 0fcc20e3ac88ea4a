//! Where a device meets the world: the board's models, what comes in, and the outbox of what goes out.
//!
//! The device side (a target) reads and writes in device time, which may be ahead of the world's. The world side takes
//! the outbox after each run, commits it in order, and hands in frames and radio results.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::board::{DataLine, NorFlash, SerialLine, Switch};
use crate::events::{self, DeviceId, EventKind, JoinOutcome, Level, LinkLoss};
use crate::random::Stream;
use crate::time::Instant;

/// Where one device meets the world.
pub struct Port {
    /// Which device it is.
    pub device: DeviceId,
    /// The station's and the access point's hardware address.
    pub hardware_address: [u8; 6],
    /// GPIO14 with the sensor on it.
    pub data_line: RefCell<DataLine>,
    /// GPIO5.
    pub config_switch: RefCell<Switch>,
    /// GPIO4.
    pub spare_switch: RefCell<Switch>,
    /// GPIO13, LD1.
    pub wifi_led: Cell<Level>,
    /// The flash chip.
    pub flash: RefCell<NorFlash>,
    /// What listens at UART0.
    pub serial_line: RefCell<SerialLine>,
    /// Each start of the chip takes the seed of its random numbers from here.
    pub random: RefCell<Stream>,
    /// Frames received and not yet taken by the device.
    pub frames: RefCell<VecDeque<Vec<u8>>>,
    /// The radio as the device sees it.
    pub radio: RefCell<Radio>,
    outbox: RefCell<Vec<(Instant, Output)>>,
}

/// The radio as the device sees it.
#[derive(Debug, Default)]
pub struct Radio {
    /// Frames pass: joined as a station, or the access point is open.
    pub up: bool,
    /// The outcome of the join that the device waits for.
    pub joined: Option<JoinOutcome>,
    /// Why the link was lost, until the device has heard of it.
    pub lost: Option<LinkLoss>,
    /// The joined access point's signal, dBm.
    pub signal: Option<i8>,
    /// Stations that have joined the device's own access point, until the device has done its part of their handshakes.
    pub handshakes: u32,
}

/// What a device puts out.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// An Ethernet frame.
    Frame(Vec<u8>),
    /// The radio starts to join a network; `None` as passphrase means an open network.
    Join {
        /// Network name.
        network: String,
        /// WPA2 passphrase or 64-digit key.
        passphrase: Option<String>,
    },
    /// The radio leaves the network (or gives up joining one).
    Leave,
    /// The radio opens an access point.
    StartAccessPoint {
        /// Network name.
        network: String,
        /// WPA2 passphrase.
        passphrase: String,
        /// Channel.
        channel: u8,
    },
    /// A flash operation began; the world may want to cut the power in its midst.
    FlashBegan {
        /// Counts the erases and writes since the scenario began, from 1.
        number: u32,
        /// When it will be finished.
        ends: Instant,
    },
    /// Something for the record that has no effect in the world.
    Event(EventKind),
}

impl Port {
    /// A port around the board's models, powered off and silent.
    pub fn new(device: DeviceId, models: Models) -> Self {
        let [_, high, middle, low] = device.0.to_be_bytes();
        Self {
            device,
            // Espressif's OUI, the device's number behind it.
            hardware_address: [0x18, 0xfe, 0x34, high, middle, low],
            data_line: RefCell::new(models.data_line),
            config_switch: RefCell::new(models.config_switch),
            spare_switch: RefCell::new(models.spare_switch),
            wifi_led: Cell::new(Level::Low),
            flash: RefCell::new(models.flash),
            serial_line: RefCell::default(),
            random: RefCell::new(models.random),
            frames: RefCell::default(),
            radio: RefCell::default(),
            outbox: RefCell::default(),
        }
    }

    /// Puts something out at device time `at`.
    pub fn put(&self, at: Instant, output: Output) {
        self.outbox.borrow_mut().push((at, output));
    }

    /// Takes what was put out since the last call; the world orders it by its stamps.
    pub fn take_outbox(&self) -> Vec<(Instant, Output)> {
        std::mem::take(&mut self.outbox.borrow_mut())
    }

    /// When something is due that the board's models tell of by themselves: a line of the serial log has left, a
    /// transaction on the sensor's bus has ended.
    pub fn report_due(&self) -> Option<Instant> {
        let line = self.serial_line.borrow().line_due();
        let transaction = self.data_line.borrow().report_due();
        line.into_iter().chain(transaction).min()
    }

    /// What the board's models tell of by themselves up to `at`, in order of time.
    pub fn take_reports(&self, at: Instant) -> Vec<(Instant, EventKind)> {
        let mut reports = Vec::new();
        let mut serial = self.serial_line.borrow_mut();
        reports.extend(
            std::iter::from_fn(|| serial.take_line(at))
                .map(|line| (line.at, events::Serial { line: line.text }.into())),
        );
        let mut data_line = self.data_line.borrow_mut();
        reports.extend(std::iter::from_fn(|| data_line.take_report(at)).map(|report| (report.ended, report.into())));
        reports.sort_by_key(|(at, _)| *at);
        reports
    }

    /// Sets LD1.
    pub fn set_wifi_led(&self, at: Instant, level: Level) {
        if self.wifi_led.replace(level) != level {
            self.put(at, Output::Event(EventKind::Pin(events::Pin { gpio: 13, level })));
        }
    }

    /// What a reset does to the chip's own state: frames gone, radio off, nothing to put out.
    pub fn reset(&self) {
        self.frames.borrow_mut().clear();
        *self.radio.borrow_mut() = Radio::default();
        self.outbox.borrow_mut().clear();
    }
}

/// The models a port is made of.
pub struct Models {
    /// See [`Port::data_line`].
    pub data_line: DataLine,
    /// See [`Port::config_switch`].
    pub config_switch: Switch,
    /// See [`Port::spare_switch`].
    pub spare_switch: Switch,
    /// See [`Port::flash`].
    pub flash: NorFlash,
    /// See [`Port::random`].
    pub random: Stream,
}
