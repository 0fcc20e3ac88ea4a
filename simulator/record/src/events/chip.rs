//! What happens to the chip: its supply, its starts, its crashes, its watchdogs.

use std::borrow::Cow;
use std::fmt;

use super::declare::event;
use super::vocabulary::vocabulary;
use super::{CrashReport, Hexadecimal};

vocabulary! {
    /// A device's supply.
    pub enum PowerState {
        /// It comes on.
        On = "on",
        /// It goes off.
        Off = "off",
        /// It dips.
        BrownOut = "brown-out",
    }
}

vocabulary! {
    /// Why a device starts.
    pub enum BootCause {
        /// Power came on.
        PowerOn = "power-on",
        /// The reset pin was pulled low.
        External = "external reset",
        /// The firmware asked for it.
        Software = "software restart",
        /// Nobody fed the hardware watchdog.
        Watchdog = "watchdog",
        /// Nobody fed the SDK's watchdog: on the emulated chip only.
        SoftwareWatchdog = "software watchdog",
        /// The program raised an exception: on the emulated chip only.
        Exception = "exception",
        /// Deep sleep is over: of whole images only.
        DeepSleep = "deep sleep",
    }
}

vocabulary! {
    /// Which watchdog resets a device.
    pub enum WatchdogKind {
        /// The chip's, 8.4 s after it was last fed.
        Hardware = "watchdog",
        /// The SDK's, on the emulated chip: the program has not returned to the SDK for 3 to 6 s.
        Software = "software watchdog",
    }
}

vocabulary! {
    /// How something was accessed that is not modelled.
    pub enum AccessKind {
        /// It got a made-up value.
        Read = "read",
        /// It had no effect, or a known register is asked for something that it does not do here, such as inverted
        /// lines of a UART.
        Write = "write",
    }
}

vocabulary! {
    /// A memory that a program may run out of.
    pub enum MemoryKind {
        /// The program's heap, by the allocator's own count.
        Heap = "heap",
        /// The heap of the vendor's SDK, by its own count: also the program's, unless that brings one of its own.
        SdkHeap = "sdk-heap",
        /// The stack that the firmware's code runs on: what was never stored in is free.
        Stack = "stack",
    }
}

event! {
    /// The supply changed.
    pub struct Power {
        /// What it does.
        state: PowerState,
    }
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state.in_words())
    }
}

impl PowerState {
    /// As a sentence about the device: "power comes on".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::On => "power comes on",
            Self::Off => "power goes off",
            Self::BrownOut => "brown-out",
        }
    }
}

event! {
    /// The device started: once for each power-up and reset.
    pub struct Boot {
        /// Counts its starts, from 1.
        number: u32,
        /// Why.
        cause: BootCause,
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "boot {} after `{}`", self.number, self.cause)
    }
}

event! {
    /// The firmware asked for a restart.
    pub struct Restart {
        /// Why, in its words.
        reason: String,
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the firmware asks for a restart: {}", self.reason)
    }
}

event! {
    /// The firmware panicked, and the watchdog restarts it. On the emulated chip also: it raised an exception that
    /// nobody handles, and the SDK restarts it; it did something that stops the core; or its stack ran over its end
    /// into other data, and it goes on.
    pub struct Crash {
        /// What happened, and where.
        message: String,
        /// What the emulated chip's registers and stack tell of it: see [crash reports](#crash-reports).
        #[serde(skip_serializing_if = "Option::is_none")]
        report: Option<Box<CrashReport>>,
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crash: {}", first_line(&self.message))
    }
}

event! {
    /// Nobody has fed a watchdog, and it resets the device.
    pub struct Watchdog {
        /// Which one.
        which: WatchdogKind,
        /// What the emulated chip was doing: see [crash reports](#crash-reports).
        #[serde(skip_serializing_if = "Option::is_none")]
        report: Option<Box<CrashReport>>,
    }
}

impl fmt::Display for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} bites", self.which)
    }
}

event! {
    /// On the emulated chip: the program touched something that is not modelled. Told once for each address and access,
    /// 4096 times at most.
    pub struct NotModelled {
        /// How.
        access: AccessKind,
        /// What was accessed.
        address: Hexadecimal,
        /// The register's name, or that of the block it belongs to.
        name: Cow<'static, str>,
        /// The instruction.
        pc: Hexadecimal,
        /// The function that the instruction is in.
        #[serde(skip_serializing_if = "Option::is_none")]
        function: Option<String>,
    }
}

/// As the coverage of a run has it, without "not modelled".
impl fmt::Display for NotModelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access, address, name, pc, function } = self;
        write!(f, "not modelled: {access} of {address} ({name}) by the instruction at {pc}")?;
        match function {
            Some(function) => write!(f, ", {function}"),
            None => Ok(()),
        }
    }
}

event! {
    /// On the emulated chip: how much of a memory of the program is free. It is looked at once a second, from the first
    /// second of a start on, and told when it is first known, when less was left than ever since the start, and
    /// otherwise when it has changed, once a minute at most. Which programs it is known of is said
    /// [below](#memory-of-the-program).
    pub struct Memory {
        /// Which.
        which: MemoryKind,
        /// What is free of it, in bytes.
        free: u32,
        /// The least that was free since the start, in bytes: by the allocator's own count if it keeps one, otherwise
        /// of the moments at which it was looked at.
        least: u32,
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { which, free, least } = self;
        match which {
            MemoryKind::Heap => write!(f, "{free} bytes of the heap are free, {least} at the least since the start"),
            MemoryKind::SdkHeap => {
                write!(f, "{free} bytes of the SDK's heap are free, {least} at the least since the start")
            }
            MemoryKind::Stack => write!(f, "{least} bytes of the stack were never used since the start"),
        }
    }
}

event! {
    /// The device did nothing but crash, each time in the same way, and the run was ended before its time (the
    /// scenario's `equal-crashes`).
    pub struct CrashLoop {
        /// How often in a row.
        crashes: u32,
        /// The crash's message, or where the watchdog found the firmware.
        message: String,
    }
}

impl fmt::Display for CrashLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { crashes, message } = self;
        write!(f, "crash loop: {crashes} equal crashes in a row ({}); the run ends", first_line(message))
    }
}

event! {
    /// The device woke itself again and again without time passing, and the run was ended.
    pub struct Livelock {
        /// How often.
        polls: u32,
    }
}

impl fmt::Display for Livelock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "livelock: the device woke itself {} times in one moment", self.polls)
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
