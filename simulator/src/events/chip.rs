//! What happens to the chip: its supply, its starts, its watchdogs.

use super::vocabulary::vocabulary;

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
        /// It had no effect, or a known register is asked for something that it does not do here, such as inverted lines of
        /// a UART.
        Write = "write",
    }
}
