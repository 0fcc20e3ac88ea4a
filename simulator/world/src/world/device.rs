//! One device's life: power, starts, runs ahead, restarts, watchdog.
//!
//! The world calls these when an entry of the queue is due; what a device put out goes back into the queue, stamped
//! with the device's epoch. Each start and each end of running makes a new epoch, so that what an older one still has
//! in the queue (output that lies after a power cut, a wake-up, a watchdog check) is stale and ignored.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::device::{Coverage, Port, Progress, Target};
use simulator_parts::supply::Sag;
use simulator_record::events::{self, BootCause, CrashReport, EventKind, LinkLoss, PinKind, PowerState};
use simulator_record::time::Instant;

/// From power or reset to the firmware's first instruction: boot ROM, loading the image from flash. About 100 ms on an
/// ESP-07 with a program of some 300 KiB.
pub(super) const BOOT_TIME: Duration = Duration::from_millis(100);

/// From the moment at which the reset pin is let go to the boot ROM's first instruction; less than the 50 ms for which
/// programmers hold GPIO0 low behind it.
pub(super) const RESET_TIME: Duration = Duration::from_millis(10);

/// How many frames the radio keeps for a device that is busy; the vendor's library has buffers for about as many.
const RECEIVE_BUFFERS: usize = 16;

/// A device of the world.
pub(super) struct Device {
    /// Its name, if there are several.
    pub name: Option<Arc<str>>,
    pub port: Rc<Port>,
    target: Box<dyn Target>,
    pub supply: PowerState,
    /// How often something was done to the supply: a cut's end counts only if nothing has been since.
    pub supply_changes: u32,
    /// How far the supply has sagged.
    pub sag: Sag,
    /// Its reset pin is low.
    pub reset_is_held: bool,
    /// Which LEDs are lit, as far as the record tells, by their pins; the models may be ahead of it.
    lit: BTreeSet<u8>,
    state: State,
    epoch: u32,
    starts: u32,
    local: Instant,
    wake_at: Option<Instant>,
}

/// What a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Without power, in reset, or in the boot ROM.
    Down,
    /// Its firmware runs.
    Running,
    /// Its firmware has panicked or hangs, or asked for a restart that is about to come.
    Ended,
}

impl Device {
    pub fn new(port: Rc<Port>, target: Box<dyn Target>) -> Self {
        Self {
            name: None,
            port,
            target,
            supply: PowerState::Off,
            supply_changes: 0,
            sag: Sag::default(),
            reset_is_held: false,
            lit: BTreeSet::new(),
            state: State::Down,
            epoch: 0,
            starts: 0,
            local: Instant::START,
            wake_at: None,
        }
    }

    /// The present epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether an entry of that epoch still counts.
    pub fn is_current(&self, epoch: u32) -> bool {
        self.epoch == epoch
    }

    /// Whether the firmware runs.
    pub fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Starts the firmware at `now`; returns how often it has been started.
    pub fn start(&mut self, now: Instant, cause: BootCause) -> u32 {
        self.epoch += 1;
        self.state = State::Running;
        self.local = now;
        self.wake_at = None;
        self.target.start(now, cause);
        self.count_start()
    }

    /// Counts a start; returns how often it has been started.
    pub fn count_start(&mut self) -> u32 {
        self.starts += 1;
        self.starts
    }

    /// Ends the firmware where it stands and puts the chip into reset; what it had put out for later is lost.
    pub fn halt(&mut self) {
        self.epoch += 1;
        self.state = State::Down;
        self.wake_at = None;
        self.target.stop();
        self.port.reset();
    }

    /// Runs the firmware until it waits.
    pub fn run(&mut self, now: Instant) -> Progress {
        debug_assert!(now >= self.local, "a device would be run before the world has caught up with it");
        let progress = self.target.run(now);
        self.local = progress.local;
        progress
    }

    /// The firmware runs no more, although the chip is not in reset.
    pub fn end(&mut self) {
        self.state = State::Ended;
    }

    /// Asks for a run at `at`, or as soon afterwards as the world has caught up with the device; returns when to come
    /// back, or `None` if that is already arranged or the device does not run.
    pub fn request_wake(&mut self, at: Instant) -> Option<Instant> {
        let at = at.max(self.local);
        if !self.is_running() || self.wake_at.is_some_and(|arranged| arranged <= at) {
            return None;
        }
        self.wake_at = Some(at);
        Some(at)
    }

    /// Whether the wake-up arranged for `now` is the one that counts; it is used up.
    pub fn take_wake(&mut self, now: Instant) -> bool {
        let due = self.wake_at == Some(now);
        if due {
            self.wake_at = None;
        }
        due
    }

    /// When the hardware watchdog bites if it is not fed again.
    pub fn watchdog_bites_at(&self) -> Instant {
        self.target.watchdog_resets_at()
    }

    /// A frame arrives; says whether it was taken. One that does not run or whose buffers are full takes none.
    pub fn receive(&mut self, frame: &[u8]) -> bool {
        let mut frames = self.port.frames.borrow_mut();
        let takes = self.state == State::Running && frames.len() < RECEIVE_BUFFERS;
        if takes {
            frames.push_back(frame.to_vec());
        }
        takes
    }

    /// The link to the network is lost; says whether that is of interest to what runs.
    pub fn lose_link(&mut self, reason: LinkLoss) -> bool {
        if !self.is_running() {
            return false;
        }
        let mut radio = self.port.radio.borrow_mut();
        radio.up = false;
        radio.signal = None;
        radio.lost = Some(reason);
        self.port.frames.borrow_mut().clear();
        true
    }

    /// What the firmware is doing, if its target can tell.
    pub fn report(&self) -> Option<CrashReport> {
        self.target.report()
    }

    /// Whether what is typed at its serial port now would arrive.
    pub fn listens(&self) -> bool {
        self.is_running() && self.target.listens()
    }

    /// What its target did in the place of its code.
    pub fn coverage(&self) -> Option<Coverage> {
        self.target.coverage()
    }

    /// Sees what is recorded of the device.
    pub fn observe(&mut self, event: &EventKind) {
        if let EventKind::Pin(events::Pin { gpio, kind: PinKind::Led, on, .. }) = event {
            if *on {
                self.lit.insert(*gpio);
            } else {
                self.lit.remove(gpio);
            }
        }
    }

    /// Pins float, and LEDs go dark, when the chip is in reset; gives what is to be recorded of those that were lit.
    pub fn take_lit(&mut self) -> Vec<EventKind> {
        std::mem::take(&mut self.lit).into_iter().filter_map(|gpio| self.port.part_on(gpio)?.dark_event()).collect()
    }
}
