//! The world: virtual time, its event queue, the record, and all that devices meet.
//!
//! Everything happens when its entry of the queue is due. A device that runs ahead leaves output stamped with its own
//! time, which is queued and committed when the world gets there; a power cut makes what lies behind it stale. The
//! clock jumps from entry to entry, so idle time costs nothing. Whoever drives the world ([`World::step`]) may read
//! committed events and schedule [`Command`]s strictly later.
//!
//! `device` has one device's life, `links` what passes between devices, phones, the air and the internet, `exchange`
//! what devices and links hand each other, `supply` what sending does to a weak supply, `apply` what commands do.

mod apply;
mod command;
mod crash_loop;
mod device;
mod exchange;
mod links;
pub mod queue;
pub mod record;
mod supply;

#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::air::{AccessPointConfig, Air, Country};
use crate::boards::yellow_duck::told_passphrase;
use crate::device::port::Output;
use crate::device::{Coverage, Port, Target, Wait};
use crate::internet::{Internet, RouterSettings};
use crate::phone::Phone;
use simulator_parts::serial_line::USUAL_BIT;
use simulator_parts::{PartId, SerialByte, Supply};
use simulator_record::events::{self, BootCause, DeviceId, Event, EventKind, Level, PowerState, WatchdogKind};
use simulator_record::recorder::SentByte;
use simulator_record::time::Instant;

pub use command::{Command, Fault, Rule};
pub use crash_loop::CrashLimits;
pub use links::SentFrame;

use apply::ActiveRule;
pub use apply::{Effect, StepDone};
use crash_loop::CrashLoops;
use device::{BOOT_TIME, Device};
use links::{Due, Links, RadioLevel};
use queue::Queue;
use record::Record;

/// A world.
pub struct World {
    now: Instant,
    queue: Queue<Action>,
    record: Record,
    devices: Vec<Device>,
    links: Links,
    rules: Vec<ActiveRule>,
    /// The flash operations that have begun since they were last taken.
    flash_operations: Vec<FlashBegun>,
    /// The steps that were done since they were last taken.
    steps_done: Vec<StepDone>,
    crash_loops: CrashLoops,
    /// When the run was ended before its time.
    ended: Option<Instant>,
    /// How far a device runs ahead at most.
    look_ahead: Option<Duration>,
}

/// What is to happen.
enum Action {
    /// A device's deadline, or a frame or the radio concerns it.
    Wake(DeviceId, u32),
    /// A device's models have something to tell.
    Reports(DeviceId),
    /// A device put something out.
    Output(DeviceId, u32, Output),
    /// A device comes out of the boot ROM.
    Start(DeviceId, u32, BootCause),
    /// A device's firmware asked for a restart.
    Restart(DeviceId, u32, String),
    /// A device's chip resets itself.
    Reset(DeviceId, u32, BootCause),
    /// A device's firmware panicked.
    Crash(DeviceId, u32, String),
    /// A device woke itself without end.
    Livelock(DeviceId, u32, u32),
    /// A device's watchdog may bite.
    Watchdog(DeviceId, u32),
    /// A device's supply comes back after a dip.
    BrownOutEnds(DeviceId, u32),
    /// A device's supply, which is this one, falls below what the chip needs, by the rule of that name.
    SupplySags(DeviceId, u32, String, Supply),
    /// A device's supply comes back after a cut, if it was the last thing done to the supply.
    CutEnds(DeviceId, u32),
    /// A switch's contact moves, unless it has been thrown again since: it was thrown so often before.
    Contact(DeviceId, PartId, Level, u32),
    /// A pressed button is let go, with a contact that bounces so long, unless it has been thrown again since.
    Release(DeviceId, PartId, Duration, u32),
    /// Something passes between devices, phones, the air and the internet.
    Link(Due),
    /// The outside acts, with this step of its timeline if it is one.
    Command(Command, Option<usize>),
}

/// An erase or write of a device's flash that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashBegun {
    /// When.
    pub at: Instant,
    /// Whose flash.
    pub device: DeviceId,
    /// When it will be finished, if the power stays on.
    pub ends: Instant,
}

impl World {
    /// A world without devices and phones.
    pub fn new(air: Air, internet: Internet) -> Self {
        Self {
            now: Instant::START,
            queue: Queue::default(),
            record: Record::default(),
            devices: Vec::new(),
            links: Links::new(air, internet),
            rules: Vec::new(),
            flash_operations: Vec::new(),
            steps_done: Vec::new(),
            crash_loops: CrashLoops::default(),
            ended: None,
            look_ahead: None,
        }
    }

    /// Adds a device, without power. Its id must be the number of devices before it.
    pub fn add_device(&mut self, port: Rc<Port>, target: Box<dyn Target>) {
        assert_eq!(
            port.device.0 as usize,
            self.devices.len(),
            "devices are numbered in the order in which they are added"
        );
        let level = if target.drives_radio() { RadioLevel::Frames } else { RadioLevel::Ethernet };
        self.links.add_device(self.now, port.device, port.hardware_address, level);
        self.devices.push(Device::new(port, target));
    }

    /// Gives a device a name, by which the record tells it from others.
    pub fn name_device(&mut self, id: DeviceId, name: Arc<str>) {
        self.device(id).name = Some(name);
    }

    /// A device is in this country, as far as its target joins networks for it.
    pub fn set_country(&mut self, id: DeviceId, country: Country) {
        self.links.set_country(id, country);
    }

    /// Adds a phone, which does nothing until [`Command::StartPhone`]. Its owner reads the label of `device`.
    pub fn add_phone(&mut self, phone: Phone, device: DeviceId) {
        self.links.add_phone(phone, device);
    }

    /// Opens an access point with a router behind it: that of the access points of the same name whose routers have
    /// the same settings, if there are any. Stations at different ones do not hear each other.
    pub fn add_network(&mut self, config: AccessPointConfig, router: RouterSettings) {
        self.links.add_network(self.now, config, router);
    }

    /// Lets no device with a whole image run further ahead than that, so that what comes in from outside of the world
    /// reaches it as soon.
    pub fn limit_look_ahead(&mut self, look_ahead: Duration) {
        self.look_ahead = Some(look_ahead);
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What has happened so far and has not been taken.
    pub fn events(&self) -> &[Event] {
        self.record.untaken()
    }

    /// Takes what has happened since the last time, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.record.take()
    }

    /// From now on keeps the frames that are sent for [`World::take_frames`], or keeps none.
    pub fn record_frames(&mut self, wanted: bool) {
        self.links.record_frames(wanted);
        fake_thingspeak::tls::secrets::keep(wanted);
    }

    /// Takes the secrets of TLS connections that came about since the last time, if frames are recorded: lines of
    /// `SSLKEYLOGFILE`. The frames that they open come later.
    pub fn take_secrets(&mut self) -> Vec<String> {
        fake_thingspeak::tls::secrets::take()
    }

    /// Takes the frames that were sent since the last time, in order; none unless they are recorded.
    pub fn take_frames(&mut self) -> Vec<SentFrame> {
        self.links.take_frames()
    }

    /// From now on keeps the bytes that devices send on their serial ports for [`World::take_bytes`].
    pub fn record_bytes(&mut self) {
        self.devices.iter().for_each(|device| device.port.serial_line.borrow_mut().read_along());
    }

    /// Takes the bytes that have been sent until then since the last time, device by device, each in its order; none
    /// unless they are recorded. What stands for a UART on the host sends at the firmware's rate.
    pub fn take_bytes(&mut self, until: Instant) -> Vec<SentByte> {
        let of_device = |device: &Device| {
            let id = device.port.device;
            let sent = device.port.serial_line.borrow_mut().take_sent(until);
            let bytes = sent.into_iter().map(move |SerialByte { at, byte, bit }| SentByte {
                at,
                device: id,
                byte,
                bit: bit.unwrap_or(USUAL_BIT),
            });
            bytes.collect::<Vec<_>>()
        };
        self.devices.iter().flat_map(of_device).collect()
    }

    /// When the next thing is to happen; `None` if nothing is, or the run has been ended.
    pub fn next_at(&self) -> Option<Instant> {
        if self.ended.is_some() { None } else { self.queue.next_at() }
    }

    /// Schedules a command; one for the past happens now.
    pub fn schedule(&mut self, at: Instant, command: Command) {
        self.queue.push(at.max(self.now), Action::Command(command, None));
    }

    /// Schedules the command of a step; what it comes to is to be [taken](Self::take_steps_done).
    pub fn schedule_step(&mut self, at: Instant, step: usize, command: Command) {
        self.queue.push(at.max(self.now), Action::Command(command, Some(step)));
    }

    /// Takes the steps that were done since the last time, in order.
    pub fn take_steps_done(&mut self) -> Vec<StepDone> {
        std::mem::take(&mut self.steps_done)
    }

    /// How many frames a link's rule has made slower without doing anything to them that is recorded.
    pub fn frames_slowed(&self, rule: &str) -> u64 {
        self.links.air.frames_slowed(rule)
    }

    /// Ends the run when a device has crashed so often in a row, each time in the same way. Without that it goes on.
    pub fn end_after_equal_crashes(&mut self, limits: CrashLimits) {
        self.crash_loops.limits = limits;
    }

    /// How many starts have ended with a crash or a watchdog's bite, of all devices.
    pub fn crashes(&self) -> u32 {
        self.crash_loops.crashes()
    }

    /// When the run was ended before its time, by a livelock or by equal crashes.
    pub fn ended(&self) -> Option<Instant> {
        self.ended
    }

    /// Whether what is typed at a device's serial port now would arrive.
    ///
    /// # Panics
    /// If there is no such device.
    pub fn listens(&self, id: DeviceId) -> bool {
        self.devices[id.0 as usize].listens()
    }

    /// Takes the flash operations that have begun since the last time, in order.
    pub fn take_flash_operations(&mut self) -> Vec<FlashBegun> {
        std::mem::take(&mut self.flash_operations)
    }

    /// What the targets of all devices did in the place of the devices' code; `None` if none of them does so.
    pub fn coverage(&self) -> Option<Coverage> {
        let mut parts = self.devices.iter().filter_map(Device::coverage);
        let mut all = parts.next()?;
        parts.for_each(|coverage| all.add(&coverage));
        Some(all)
    }

    /// Ends the world at `end` and hands out what happened in it and has not been taken.
    pub fn finish(mut self, end: Instant) -> Vec<Event> {
        for device in &mut self.devices {
            device.halt();
        }
        let mut events = self.record.take();
        events.retain(|event| event.at <= end);
        events
    }

    /// Does the next thing.
    pub fn step(&mut self) {
        let Some((at, action)) = self.queue.pop() else { return };
        debug_assert!(at >= self.now, "time would run backwards");
        self.now = at;
        match action {
            Action::Wake(id, epoch) => {
                let device = self.device(id);
                if device.is_current(epoch) && device.take_wake(at) && device.is_running() {
                    self.run_device(id);
                }
            }
            Action::Reports(id) => self.commit_reports(id),
            Action::Output(id, epoch, output) => {
                if self.device(id).is_current(epoch) {
                    self.commit_output(id, output);
                }
            }
            Action::Start(id, epoch, cause) => {
                // Else it starts when its reset pin is let go.
                if self.device(id).is_current(epoch) && !self.device(id).reset_is_held {
                    self.start(id, cause);
                }
            }
            Action::Restart(id, epoch, reason) => {
                if self.device(id).is_current(epoch) {
                    self.commit(Some(id), events::Restart { reason });
                    self.reset(id, BootCause::Software, BOOT_TIME);
                }
            }
            Action::Reset(id, epoch, cause) => {
                if self.device(id).is_current(epoch) {
                    self.reset(id, cause, BOOT_TIME);
                }
            }
            Action::Crash(id, epoch, message) => {
                if self.device(id).is_current(epoch) {
                    self.commit(Some(id), events::Crash { message, report: None });
                }
            }
            Action::Livelock(id, epoch, polls) => {
                if self.device(id).is_current(epoch) {
                    warn!(target: "world", at = %at, device = id.0, polls, "a livelock ends the run");
                    self.commit(Some(id), events::Livelock { polls });
                    self.ended = Some(at);
                }
            }
            Action::Watchdog(id, epoch) => self.check_watchdog(id, epoch),
            Action::BrownOutEnds(id, epoch) => {
                if self.device(id).is_current(epoch) {
                    self.device(id).supply = PowerState::On;
                    self.supply_is_back(id);
                    self.commit(Some(id), events::Power { state: PowerState::On });
                    self.schedule_start(id, BootCause::PowerOn, BOOT_TIME);
                }
            }
            Action::SupplySags(id, epoch, rule, supply) => {
                if self.device(id).is_current(epoch) {
                    self.supply_sags(id, &rule, supply);
                }
            }
            Action::CutEnds(id, change) => {
                if self.device(id).supply_changes == change {
                    self.power_on(id);
                }
            }
            Action::Contact(id, part, level, throws) => {
                let part = &self.device(id).port.parts[part.0];
                if part.throws() == throws {
                    let event = part.pin_event(level);
                    self.commit(Some(id), event);
                }
            }
            Action::Release(id, part, bounce, throws) => {
                if self.device(id).port.parts[part.0].throws() == throws {
                    self.throw(id, part, false, bounce);
                }
            }
            Action::Link(due) => {
                let handed = self.links.run(at, due);
                self.take_over(handed);
            }
            Action::Command(command, step) => {
                let effect = self.apply(command);
                self.steps_done.extend(step.map(|step| StepDone { step, effect }));
            }
        }
        self.settle();
    }

    fn device(&mut self, id: DeviceId) -> &mut Device {
        &mut self.devices[id.0 as usize]
    }

    fn commit(&mut self, device: Option<DeviceId>, event: impl Into<EventKind>) {
        let kind = event.into();
        if let Some(device) = device {
            self.crash_loops.observe(device, &kind);
        }
        let name = device.and_then(|device| self.devices[device.0 as usize].name.clone());
        self.record.commit(self.now, device, name, kind);
    }

    /// Lets the firmware start once the boot ROM is through.
    fn schedule_start(&mut self, id: DeviceId, cause: BootCause, after: Duration) {
        let epoch = self.device(id).epoch();
        self.queue.push(self.now + after, Action::Start(id, epoch, cause));
    }

    fn start(&mut self, id: DeviceId, cause: BootCause) {
        let now = self.now;
        if self.crashes_too_often(id, cause) {
            return;
        }
        let device = self.device(id);
        let number = device.start(now, cause);
        let (epoch, watchdog_at) = (device.epoch(), device.watchdog_bites_at());
        info!(target: "world", at = %now, device = id.0, number, %cause, "a device starts");
        self.commit(Some(id), events::Boot { number, cause });
        self.queue.push(watchdog_at, Action::Watchdog(id, epoch));
        self.run_device(id);
    }

    /// Whether a device that is about to start has crashed so often that the run ends.
    fn crashes_too_often(&mut self, id: DeviceId, cause: BootCause) -> bool {
        let now = self.now;
        let Some(crash_loop) = self.crash_loops.starts(id, cause) else { return false };
        warn!(target: "world", at = %now, device = id.0, "equal crashes end the run");
        self.commit(Some(id), crash_loop);
        self.ended = Some(now);
        true
    }

    /// The firmware has restarted itself without a reset of the chip, and runs on.
    fn restarted(&mut self, id: DeviceId, cause: BootCause, event: Option<EventKind>) {
        match event {
            Some(event) => self.commit(Some(id), event),
            None => self.commit(Some(id), events::Restart { reason: "a jump to the reset vector".to_owned() }),
        }
        if !self.crashes_too_often(id, cause) {
            let number = self.device(id).count_start();
            info!(target: "world", at = %self.now, device = id.0, number, %cause, "a device restarts itself");
            self.commit(Some(id), events::Boot { number, cause });
        }
    }

    /// Resets the chip: the firmware ends where it stands and starts anew after the boot ROM.
    fn reset(&mut self, id: DeviceId, cause: BootCause, boot: Duration) {
        self.halt(id);
        self.schedule_start(id, cause, boot);
    }

    /// Puts the chip into reset. What its models have told by now counts, what they would have told later does not.
    fn halt(&mut self, id: DeviceId) {
        let now = self.now;
        self.commit_reports(id);
        let device = self.device(id);
        // The flash chip goes on by itself for a moment unless it loses power too, which has torn the operation
        // already. Before the firmware goes, whose last act would be to wait for all of the operation.
        let finished = device.port.flash.borrow_mut().reset_host(now);
        // Without its epoch, whatever the device put out for later is stale.
        device.halt();
        let torn_line = device.port.serial_line.borrow_mut().cut(now);
        device.port.conversation.take();
        device.port.parts.iter().for_each(|part| part.reset_host(now));
        let dark = device.take_lit();
        if !torn_line.is_empty() {
            let line = String::from_utf8_lossy(&torn_line).trim_end().to_owned();
            self.commit(Some(id), events::Serial { line });
        }
        if let Some(report) = finished {
            self.commit(Some(id), report);
        }
        for event in dark {
            self.commit(Some(id), event);
        }
        self.links.device_is_gone(now, id);
    }

    /// Runs a device until it waits, and queues what it put out.
    fn run_device(&mut self, id: DeviceId) {
        let now = self.now;
        let horizon = self.queue.next_at().unwrap_or(Instant::FAR_FUTURE);
        let horizon = self.look_ahead.map_or(horizon, |look_ahead| horizon.min(now + look_ahead));
        let device = self.device(id);
        device.port.horizon.set(horizon);
        let progress = device.run(now);
        let (epoch, port) = (device.epoch(), Rc::clone(&device.port));
        for (at, output) in port.take_outbox() {
            self.queue.push(at.max(now), Action::Output(id, epoch, output));
        }
        match progress.wait {
            Wait::Until(Some(deadline)) => self.wake(id, deadline),
            Wait::Until(None) => {}
            Wait::Restart(reason) => {
                self.device(id).end();
                // The last words leave the serial port before the chip resets itself.
                let silent = port.serial_line.borrow().silent_at();
                self.queue.push(progress.local.max(silent), Action::Restart(id, epoch, reason));
            }
            Wait::Reset(cause) => {
                self.device(id).end();
                let silent = port.serial_line.borrow().silent_at();
                self.queue.push(progress.local.max(silent), Action::Reset(id, epoch, cause));
            }
            Wait::Crashed(message) => {
                self.device(id).end();
                self.queue.push(progress.local, Action::Crash(id, epoch, message));
            }
            // The watchdog is about to bite; the world only has to get there.
            Wait::Hung => self.device(id).end(),
            Wait::Livelock(polls) => {
                self.device(id).end();
                self.queue.push(progress.local, Action::Livelock(id, epoch, polls));
            }
        }
        self.arrange_reports(id);
    }

    /// Lets a device run at `at`, or as soon as the world has caught up with it.
    fn wake(&mut self, id: DeviceId, at: Instant) {
        let now = self.now;
        let device = self.device(id);
        if let Some(at) = device.request_wake(at.max(now)) {
            let epoch = device.epoch();
            self.queue.push(at, Action::Wake(id, epoch));
        }
    }

    fn check_watchdog(&mut self, id: DeviceId, epoch: u32) {
        let now = self.now;
        let device = self.device(id);
        if !device.is_current(epoch) {
            return;
        }
        let bites_at = device.watchdog_bites_at();
        if bites_at > now {
            self.queue.push(bites_at, Action::Watchdog(id, epoch));
        } else {
            let report = device.report().map(Box::new);
            self.commit(Some(id), events::Watchdog { which: WatchdogKind::Hardware, report });
            self.reset(id, BootCause::Watchdog, BOOT_TIME);
        }
    }

    fn arrange_reports(&mut self, id: DeviceId) {
        if let Some(due) = self.device(id).port.report_due() {
            self.queue.push(due.max(self.now), Action::Reports(id));
        }
    }

    fn commit_reports(&mut self, id: DeviceId) {
        let now = self.now;
        let reports = self.device(id).port.take_reports(now);
        if reports.is_empty() {
            return;
        }
        for (_, report) in reports {
            if let EventKind::Serial(events::Serial { line }) = &report
                && let Some(passphrase) = told_passphrase(line)
            {
                self.links.set_label(id, passphrase);
            }
            self.commit(Some(id), report);
        }
        self.arrange_reports(id);
    }
}
