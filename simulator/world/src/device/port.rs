//! Where a device meets the world: the board's models, what comes in, and the outbox of what goes out.
//!
//! The device side (a target) reads and writes in device time, which may be ahead of the world's. The world side takes
//! the outbox after each run, commits it in order, and hands in frames and radio results.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use super::conversation::Conversation;
use crate::air::{Heard, RadioFrame};
use crate::boards::Board;
use simulator_parts::{HostDrive, NorFlash, Part, PartKind, SerialByte, SerialLine, Soldered, Surroundings};
use simulator_record::events::{self, BootCause, DeviceId, EventKind, JoinOutcome, Level, LinkLoss};
use simulator_record::random::{Seed, Stream};
use simulator_record::time::Instant;

/// Where one device meets the world.
pub struct Port {
    /// Which device it is.
    pub device: DeviceId,
    /// The station's and the access point's hardware address.
    pub hardware_address: [u8; 6],
    /// What is soldered to its pins.
    pub parts: Vec<Part>,
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
    /// The antenna, for a device whose radio's registers are modelled.
    pub antenna: RefCell<Antenna>,
    /// What comes in at UART0, in order.
    pub typed: RefCell<VecDeque<SerialByte>>,
    /// What is typed there when the device has answered to what was typed before.
    pub conversation: RefCell<Conversation>,
    /// Pins that something beside the board's parts holds low, bit 0 for GPIO0: a jumper, or the transistor by which a
    /// programmer boots the chip for download. What the chip is strapped to at a reset is part of that.
    pub held_low: Cell<u32>,
    /// How long the chip's counters say that it has been on when power first comes; its first start takes it.
    pub uptime: Cell<Duration>,
    /// When the world may have something for the device at the earliest; the present run goes no further than that.
    pub horizon: Cell<Instant>,
    outbox: RefCell<Vec<(Instant, Output)>>,
}

/// How a module is strapped when its chip starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BootMode {
    /// From flash.
    #[default]
    Flash,
    /// GPIO0 is held low: the boot ROM waits for a download.
    Download,
}

/// The radio as the device sees it.
#[derive(Debug, Default)]
pub struct Radio {
    /// Frames pass: joined as a station, or the access point is open.
    pub up: bool,
    /// The outcome of the join that the device waits for.
    pub joined: Option<JoinOutcome>,
    /// What the scan that the device waits for has heard.
    pub scanned: Option<Vec<Heard>>,
    /// Why the link was lost, until the device has heard of it.
    pub lost: Option<LinkLoss>,
    /// The joined access point's signal, dBm.
    pub signal: Option<i8>,
    /// Stations that have joined the device's own access point, until the device has done its part of their handshakes.
    pub handshakes: u32,
}

/// The antenna of a device whose radio's registers are modelled.
#[derive(Debug, Default)]
pub struct Antenna {
    /// What has arrived and not been taken by the chip: when, how strong in dBm, and the frame.
    pub heard: VecDeque<(Instant, i8, RadioFrame)>,
    /// Whether the last frame that was sent has been acknowledged.
    pub acknowledged: bool,
    /// Whose frames the chip has acknowledged in its present run.
    pub acknowledges: Vec<[u8; 6]>,
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
    /// The radio looks which access points there are.
    Scan {
        /// The only name that counts, if one does.
        network: Option<String>,
    },
    /// The radio opens an access point.
    StartAccessPoint {
        /// Network name.
        network: String,
        /// WPA2 passphrase.
        passphrase: String,
        /// Channel.
        channel: u8,
    },
    /// The radio sends an 802.11 frame, until that moment.
    RadioFrame {
        /// The frame.
        frame: RadioFrame,
        /// When its last bit has left.
        end: Instant,
    },
    /// The receiver is on a channel from now on, or hears nothing.
    Listens(Option<u8>),
    /// The chip sleeps: its radio is without power.
    RadioOff,
    /// The radio has not taken a frame that was for it.
    Missed(RadioFrame),
    /// The firmware has restarted itself by a jump to where the chip begins, and runs on: the chip was not reset.
    Restarted {
        /// Why.
        cause: BootCause,
        /// What that was, if it was no wish of the firmware.
        event: Option<Box<EventKind>>,
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

/// The hardware address of a device that has not been given another: Espressif's OUI, the device's number behind it.
pub fn address(device: DeviceId) -> [u8; 6] {
    let [_, high, middle, low] = device.0.to_be_bytes();
    [0x18, 0xfe, 0x34, high, middle, low]
}

impl Port {
    /// A port around the board's models, powered off and silent.
    pub fn new(device: DeviceId, models: Models) -> Self {
        Self {
            device,
            hardware_address: address(device),
            parts: models.parts,
            flash: RefCell::new(models.flash),
            serial_line: RefCell::default(),
            random: RefCell::new(models.random),
            frames: RefCell::default(),
            radio: RefCell::default(),
            antenna: RefCell::default(),
            typed: RefCell::default(),
            held_low: Cell::default(),
            uptime: Cell::default(),
            conversation: RefCell::default(),
            horizon: Cell::new(Instant::FAR_FUTURE),
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
        let parts = self.parts.iter().filter_map(Part::report_due);
        line.into_iter().chain(parts).min()
    }

    /// What the board's models tell of by themselves up to `at`, in order of time.
    pub fn take_reports(&self, at: Instant) -> Vec<(Instant, EventKind)> {
        let mut reports = Vec::new();
        let mut serial = self.serial_line.borrow_mut();
        reports.extend(
            std::iter::from_fn(|| serial.take_line(at))
                .map(|line| (line.at, events::Serial { line: line.text }.into())),
        );
        for part in &self.parts {
            reports.extend(std::iter::from_fn(|| part.take_report(at)));
        }
        reports.sort_by_key(|(at, _)| *at);
        reports
    }

    /// The part on a pin, if there is one.
    pub fn part_on(&self, gpio: u8) -> Option<&Part> {
        self.parts.iter().find(|part| part.gpio == gpio)
    }

    /// A pin's level at device time `at`, as what is soldered to it has it; `None` if nothing there gives it one.
    pub fn level(&self, gpio: u8, at: Instant) -> Option<Level> {
        self.part_on(gpio)?.level(at)
    }

    /// Drives a pin from device time `at` on.
    pub fn drive(&self, gpio: u8, at: Instant, drive: HostDrive) {
        if let Some(event) = self.part_on(gpio).and_then(|part| part.drive(at, drive)) {
            self.put(at, Output::Event(event));
        }
    }

    /// What a reset does to the chip's own state: frames gone, radio off, nothing to put out.
    pub fn reset(&self) {
        self.frames.borrow_mut().clear();
        *self.radio.borrow_mut() = Radio::default();
        *self.antenna.borrow_mut() = Antenna::default();
        self.outbox.borrow_mut().clear();
    }
}

/// The models a port is made of.
pub struct Models {
    /// See [`Port::parts`].
    pub parts: Vec<Part>,
    /// See [`Port::flash`].
    pub flash: NorFlash,
    /// See [`Port::random`].
    pub random: Stream,
}

impl Models {
    /// Models of a device with these parts and a blank flash. Its random streams have names that begin with `prefix`,
    /// by which several devices of one seed draw different numbers.
    pub fn new<'a>(
        parts: impl IntoIterator<Item = (&'a Soldered, &'a Surroundings)>,
        seed: Seed,
        prefix: &str,
    ) -> Self {
        let stream = |name: &str| seed.stream(&format!("{prefix}{name}"));
        let part = |(soldered, surroundings): (&Soldered, &Surroundings)| {
            let name = match soldered.kind {
                PartKind::Dht(_) => soldered.name.to_string(),
                PartKind::Switch { .. } => format!("{} switch", soldered.name),
                PartKind::Button { .. } => format!("{} button", soldered.name),
                PartKind::Led { .. } => format!("{} LED", soldered.name),
            };
            Part::new(soldered, surroundings, stream(&name))
        };
        Self {
            parts: parts.into_iter().map(part).collect(),
            flash: NorFlash::new(seed, &format!("{prefix}flash")),
            random: stream("hardware random numbers"),
        }
    }

    /// Models of a board whose switches are off and whose sensors measure 21.5 °C and 45.6 %.
    pub fn of_board(board: &Board, seed: Seed, prefix: &str) -> Self {
        let surroundings = Surroundings::default();
        let soldered: Vec<Soldered> = board.parts.iter().map(Soldered::from).collect();
        Self::new(soldered.iter().map(|soldered| (soldered, &surroundings)), seed, prefix)
    }
}
