//! What happens on the board: pins, the sensor's bus, the flash chip.

use super::vocabulary::vocabulary;

vocabulary! {
    /// A logic level on a pin.
    pub enum Level {
        /// 0 V.
        Low = "low",
        /// 3.3 V.
        High = "high",
    }
}

vocabulary! {
    /// How the sensor answered.
    pub enum SensorOutcome {
        /// With a measurement.
        Answered = "answered",
        /// With a wrong checksum.
        BadChecksum = "bad-checksum",
        /// Not at all.
        Silent = "silent",
        /// Not at all: it has not settled since power-up.
        Settling = "settling",
        /// Not at all: it still measures, for 0.43 s after each answer.
        TooSoon = "too-soon",
        /// Not at all: the start pulse was too short.
        ShortStart = "short-start",
    }
}

vocabulary! {
    /// What changes flash.
    pub enum FlashOperation {
        /// Sectors set to all ones.
        Erase = "erase",
        /// Bits cleared.
        Write = "write",
    }
}
