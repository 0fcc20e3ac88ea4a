//! What executes the firmware: the seam between the world and a chip.
//!
//! A [`Target`] runs firmware against a [`Port`], which holds the board's models and collects, stamped with device
//! time, what the device puts out. A target may run ahead of the world inside one [`Target::run`]; the world commits
//! the outbox in order and does not run the target again before it has caught up with the target's local time (temporal
//! decoupling, as in SystemC TLM-2.0). Targets know nothing of scenarios.

pub mod conversation;
pub mod coverage;
pub mod esp8266;
pub mod factory;
pub mod host;
pub mod port;

use simulator_record::events::{BootCause, CrashReport};
use simulator_record::time::Instant;

pub use conversation::Turn;
pub use coverage::Coverage;
pub use port::Port;

/// What executes a device's firmware.
pub trait Target {
    /// Starts the firmware from its beginning, whose local time is `at`.
    fn start(&mut self, at: Instant, cause: BootCause);

    /// Runs until the firmware waits or ends. Called only when started, and never before `now` has reached the local
    /// time of the previous call.
    fn run(&mut self, now: Instant) -> Progress;

    /// Ends the firmware where it stands, as a power cut or a reset does.
    fn stop(&mut self);

    /// When the hardware watchdog resets the started chip if it is not fed again.
    fn watchdog_resets_at(&self) -> Instant;

    /// Whether its firmware drives the radio itself, so that 802.11 frames pass.
    fn drives_radio(&self) -> bool {
        false
    }

    /// Whether what comes in at its serial port arrives: a chip in deep sleep or that has stopped loses it.
    fn listens(&self) -> bool {
        true
    }

    /// What the firmware is doing, if the target can tell.
    fn report(&self) -> Option<CrashReport> {
        None
    }

    /// What was answered instead of run, over all starts, if the target does so.
    fn coverage(&self) -> Option<Coverage> {
        None
    }
}

/// How far a target came.
#[derive(Debug)]
pub struct Progress {
    /// The device's own time now; at or after the `now` it was run at.
    pub local: Instant,
    /// Why it stopped.
    pub wait: Wait,
}

/// Why a target stopped running.
#[derive(Debug)]
pub enum Wait {
    /// It waits for the deadline (if any), a frame, a link change or the radio.
    Until(Option<Instant>),
    /// The firmware asks for a restart, and why.
    Restart(String),
    /// The chip resets itself, for this cause.
    Reset(BootCause),
    /// The firmware panicked: message and place. It does nothing more.
    Crashed(String),
    /// The firmware never came back before the watchdog bit. It does nothing more.
    Hung,
    /// The firmware wakes itself without end while no time passes.
    Livelock(u32),
}
