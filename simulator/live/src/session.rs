//! A world that follows a clock on the wall, and one of its devices at a serial line.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use esp8266::line::{BITS, Receiver, Sent};
use simulator_parts::SerialByte;
use simulator_record::events::{DeviceId, Event as Happened, EventKind};
use simulator_record::time::Instant;
use simulator_world::device::Port;
use simulator_world::world::{Command as Act, World};

use crate::flash_file::{FlashFile, Writer};
use crate::line::{Command, Event, Line};
use crate::pace::Pace;
use crate::programmer::{Programmer, Pulled};

/// How far ahead of the clock a device runs: what comes in reaches it as late.
const LOOK_AHEAD: Duration = Duration::from_millis(1);
/// Without anything that happens, this is looked for what comes in so often at least.
const TURN: Duration = Duration::from_millis(20);
/// No more than that is taken at once of what comes in: bytes wait at the far end for their turn on the line.
const TAKEN: Duration = Duration::from_millis(20);
/// A flash file is not written more often.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);
/// A bit at the rate at which the boot ROM of a chip with a crystal of 26 MHz speaks.
const BOOT_BIT: Duration = Duration::from_nanos(13_355);
/// How long the reset button is pressed, and how much longer GPIO0 is held low for a download.
const PRESSED: Duration = Duration::from_millis(100);

/// A session cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The far end of the line takes nothing any more.
    #[error("could not send what the device sends: {0}")]
    Line(io::Error),
    /// The flash could not be written to its file.
    #[error("could not write the flash to {path}: {reason}", path = path.display())]
    FlashFile {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        reason: io::Error,
    },
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its time was over, or nothing can happen any more.
    Over,
    /// It was asked to.
    Asked,
}

/// A world, one of its devices, and the serial line that leads to it.
pub struct Session {
    world: World,
    device: DeviceId,
    port: Rc<Port>,
    line: Line,
    pace: Pace,
    programmer: Programmer,
    pulled: Pulled,
    /// When the buttons that were asked for are let go: the reset button, and GPIO0's.
    pressed: Option<Instant>,
    held: Option<Instant>,
    /// What the far end makes of what the device sends.
    receiver: Receiver,
    /// When the far end has sent all that was taken of it.
    sent: Instant,
    /// A bit as the device sent it last.
    bit: Duration,
    flash: Option<Writer>,
    /// The flash has changed since it was written, and when it was.
    is_changed: bool,
    written: Instant,
}

impl Session {
    /// A session with a world to whose device the line leads. The world goes on from where it is.
    pub fn new(mut world: World, device: DeviceId, port: Rc<Port>, line: Line) -> Self {
        world.limit_look_ahead(LOOK_AHEAD);
        port.serial_line.borrow_mut().read_along();
        let now = world.now();
        Self {
            world,
            device,
            port,
            line,
            pace: Pace::new(now),
            programmer: Programmer::default(),
            pulled: Pulled::default(),
            pressed: None,
            held: None,
            receiver: Receiver::default(),
            sent: now,
            bit: BOOT_BIT,
            flash: None,
            is_changed: false,
            written: now,
        }
    }

    /// Keeps the device's flash in a file, which is written now and whenever it has changed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_flash(&mut self, file: FlashFile) -> Result<(), SessionError> {
        let path = file.path().to_owned();
        self.flash = Some(Writer::new(file).map_err(|reason| SessionError::FlashFile { path, reason })?);
        self.write_flash()?;
        self.finish_flash()
    }

    /// Holds GPIO0 low at the next start, for a download.
    pub fn hold_for_download(&mut self) {
        self.held = Some(self.world.now() + 3 * PRESSED);
        self.pull();
    }

    /// How much time the world has lost because the computer did not keep up.
    pub fn lost(&self) -> Duration {
        self.pace.lost()
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Lets the world go on up to `end`, or until `asked` says to end. `observe` is shown what happens, and may
    /// schedule more.
    ///
    /// # Errors
    /// [`SessionError`]; what the flash holds is written to its file even so, if that is possible.
    pub fn run(
        &mut self,
        end: Instant,
        asked: impl Fn() -> bool,
        mut observe: impl FnMut(&Happened, &mut World),
    ) -> Result<Ended, SessionError> {
        let ended = self.follow(end, asked, &mut observe);
        // An operation of the flash that is under way is not waited for: its power goes.
        let written = self.finish_flash().and_then(|()| if self.is_changed { self.write_flash() } else { Ok(()) });
        let written = written.and_then(|()| self.finish_flash());
        ended.and_then(|ended| written.map(|()| ended))
    }

    fn follow(
        &mut self,
        end: Instant,
        asked: impl Fn() -> bool,
        observe: &mut impl FnMut(&Happened, &mut World),
    ) -> Result<Ended, SessionError> {
        loop {
            let target = self.pace.target().min(end);
            self.step(target, observe);
            self.pace.reached(self.world.now().max(target.min(self.next_at())));
            self.put_out(target)?;
            self.let_go(target);
            self.look_at_flash_file()?;
            if self.is_changed && target >= self.written + BETWEEN_WRITES {
                self.write_flash()?;
            }
            if asked() {
                return Ok(Ended::Asked);
            }
            if target >= end || self.world.ended().is_some() {
                return Ok(Ended::Over);
            }
            let patience = self.pace.until(self.next_at().max(target)).min(TURN);
            if self.take(patience, target) {
                return Ok(Ended::Asked);
            }
        }
    }

    /// When the world does something next, or a byte has been sent.
    fn next_at(&self) -> Instant {
        let world = self.world.next_at().unwrap_or(Instant::FAR_FUTURE);
        let byte = self.port.serial_line.borrow().next_at().unwrap_or(Instant::FAR_FUTURE);
        let line = self.programmer.changes().unwrap_or(Instant::FAR_FUTURE);
        world.min(byte).min(line)
    }

    /// Does what is due by `target`.
    fn step(&mut self, target: Instant, observe: &mut impl FnMut(&Happened, &mut World)) {
        while self.world.next_at().is_some_and(|next| next <= target) {
            self.world.step();
            for event in self.world.take_events() {
                self.is_changed |= matches!(event.kind, EventKind::Flash(_)) && event.device == Some(self.device);
                observe(&event, &mut self.world);
            }
        }
    }

    /// Puts out what the device has sent by now, as the far end receives it.
    fn put_out(&mut self, now: Instant) -> Result<(), SessionError> {
        let all = self.port.serial_line.borrow_mut().take_sent(now);
        if all.is_empty() {
            return Ok(());
        }
        let rate = self.line.output().rate();
        let mut bytes = Vec::new();
        for sent in all {
            self.bit = sent.bit.unwrap_or(self.bit);
            match (sent.bit, rate) {
                (Some(bit), Some(rate)) => {
                    let bit = bit.as_nanos() as u64;
                    let start = sent.at.as_nanos().saturating_sub(BITS * bit);
                    let received = self.receiver.receive(Sent { byte: sent.byte, start, bit }, bit_of(rate));
                    bytes.extend(received.iter().map(|received| received.byte));
                }
                _ => bytes.push(sent.byte),
            }
        }
        self.line.output().write(&bytes).map_err(SessionError::Line)
    }

    /// Takes what comes in within `patience`; `true` if that is to end the session.
    fn take(&mut self, mut patience: Duration, now: Instant) -> bool {
        let busy = self.sent.saturating_since(now);
        if busy > TAKEN {
            // There is no room on the line.
            std::thread::sleep(patience.min(busy));
            return false;
        }
        while let Some(event) = self.line.next(patience) {
            patience = Duration::ZERO;
            let now = self.pace.target();
            match event {
                Event::Bytes(bytes) => {
                    self.receive(bytes, now);
                    if self.sent.saturating_since(now) > TAKEN {
                        return false;
                    }
                }
                // Asked for when it matters.
                Event::Rate(_) => {}
                Event::Lines { dtr, rts } => {
                    self.programmer.set(dtr, rts, now);
                    self.pull();
                }
                Event::Gone => {
                    self.programmer.set(false, false, now);
                    self.pull();
                }
                Event::Say(Command::Quit) => return true,
                Event::Say(command) => {
                    self.pressed = Some(now + PRESSED);
                    self.held = (command == Command::Download).then_some(now + 2 * PRESSED);
                    self.pull();
                }
            }
        }
        false
    }

    /// Hands the device bytes that the far end begins to send now, one after the other.
    fn receive(&mut self, mut bytes: Vec<u8>, now: Instant) {
        let rate = self.line.output().rate();
        let bit = rate.map_or(self.bit, |rate| Duration::from_nanos(bit_of(rate)));
        let room = (TAKEN.as_nanos() / (BITS as u32 * bit).as_nanos().max(1)) as usize + 1;
        if bytes.len() > room {
            let rest = bytes.split_off(room);
            self.line.give_back(Event::Bytes(rest));
        }
        let mut at = self.sent.max(now);
        let all = bytes.into_iter().map(|byte| {
            at += BITS as u32 * bit;
            SerialByte { at, byte, bit: rate.map(|_| bit) }
        });
        let bytes: Vec<SerialByte> = all.collect();
        self.sent = at;
        self.world.schedule(now, Act::SerialIn { device: self.device, bytes });
    }

    /// Lets go of what has been pressed for long enough.
    fn let_go(&mut self, now: Instant) {
        if self.pressed.is_some_and(|until| now >= until) {
            self.pressed = None;
        }
        if self.held.is_some_and(|until| now >= until) {
            self.held = None;
        }
        self.programmer.at(now);
        self.pull();
    }

    /// Pulls the device's pins as transistors and buttons do.
    fn pull(&mut self) {
        let by_line = self.programmer.at(self.pace.target());
        let pulled =
            Pulled { reset: by_line.reset || self.pressed.is_some(), gpio0: by_line.gpio0 || self.held.is_some() };
        let before = std::mem::replace(&mut self.pulled, pulled);
        let (now, device) = (self.world.now(), self.device);
        if before.gpio0 != pulled.gpio0 {
            self.world.schedule(now, Act::HoldLow { device, pins: u32::from(pulled.gpio0) });
        }
        if before.reset != pulled.reset {
            self.world.schedule(now, Act::HoldReset { device, held: pulled.reset });
        }
    }

    /// Begins to write the flash to its file; what is being written still comes first.
    fn write_flash(&mut self) -> Result<(), SessionError> {
        let port = Rc::clone(&self.port);
        if self.with_writer(|writer| writer.begin(|| port.flash.borrow().contents()))? {
            (self.is_changed, self.written) = (false, self.world.now());
        }
        Ok(())
    }

    /// Whether what was begun to be written could not be.
    fn look_at_flash_file(&mut self) -> Result<(), SessionError> {
        self.with_writer(Writer::look)
    }

    /// Waits until the file has what it was begun to be written with.
    fn finish_flash(&mut self) -> Result<(), SessionError> {
        self.with_writer(Writer::finish)
    }

    fn with_writer<T: Default>(&mut self, act: impl FnOnce(&mut Writer) -> io::Result<T>) -> Result<T, SessionError> {
        let Some(writer) = &mut self.flash else { return Ok(T::default()) };
        act(writer).map_err(|reason| SessionError::FlashFile { path: writer.path().to_owned(), reason })
    }
}

/// Nanoseconds of a bit at a rate.
fn bit_of(rate: u32) -> u64 {
    1_000_000_000 / u64::from(rate.max(1))
}
