//! The calendar: what time it is, and how sure we are.
//!
//! The device has no clock of its own, only the time since boot. An SNTP reply or the `Date` of the cloud's reply tells
//! what the calendar said at boot; everything else is a sum. SNTP is not authenticated and a `Date` under a checked
//! certificate is, so a `Date` overrules SNTP when they disagree by more than a minute, and SNTP may from then on only
//! trim the clock. Nothing is believed that lies before the firmware's own release. What certificates are judged by
//! while the time is not known or in doubt is the uploader's business (`uploader::time_question`).
//!
//! Leap seconds and the drift of the crystal are not modelled; SNTP is asked again every few hours instead.

use core::fmt;

use chrono::{DateTime, Datelike, Timelike};
use embassy_time::Instant;

/// When this firmware was released, in seconds since 1970: certificates are judged for this moment while the time is not
/// known, unless they begin later, and no source that tells an earlier time is believed.
pub const RELEASE_DATE: i64 = 1_767_225_600; // 2026-01-01T00:00:00Z

/// A day of slack, for a clock that is a little slow on the day of the release.
const EARLIEST: i64 = RELEASE_DATE - 86_400;
/// 2100-01-01T00:00:00Z: later than this device will live.
const LATEST: i64 = 4_102_444_800;

/// How far SNTP and the server's `Date` may be apart before the `Date` wins, in seconds.
const DISAGREEMENT: i64 = 60;

/// What the device knows of the calendar.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock {
    known: Option<Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// Microseconds since 1970 at boot.
    boot: i64,
    /// Whether an authenticated reply vouches for it.
    authenticated: bool,
}

/// What the clock made of a time it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The time was not known before.
    Set,
    /// The clock was moved by so many milliseconds.
    Moved(i64),
    /// The clock is right as it is.
    Agreed,
    /// Before the firmware's release, or absurdly late: not believed.
    Absurd,
    /// So many seconds away from what an authenticated reply said: not believed.
    Contradicted(i64),
}

impl WallClock {
    /// A clock that knows nothing.
    pub const fn unknown() -> Self {
        Self { known: None }
    }

    /// Whether the time is known.
    pub const fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Whether an authenticated reply vouches for the time.
    pub const fn is_authenticated(&self) -> bool {
        matches!(self.known, Some(Known { authenticated: true, .. }))
    }

    /// Seconds since 1970 at `moment`, if the time is known.
    pub fn unix_time(&self, moment: Instant) -> Option<i64> {
        self.known.map(|known| known.boot.saturating_add(micros(moment)).div_euclid(1_000_000))
    }

    /// Takes an SNTP server's word for it: `unix_micros` microseconds since 1970 at `moment`.
    pub fn hear_sntp(&mut self, unix_micros: i64, moment: Instant) -> Heard {
        if !plausible(unix_micros.div_euclid(1_000_000)) {
            return Heard::Absurd;
        }
        let boot = unix_micros.saturating_sub(micros(moment));
        let Some(known) = self.known else {
            self.known = Some(Known { boot, authenticated: false });
            return Heard::Set;
        };
        let step = boot.saturating_sub(known.boot);
        if known.authenticated && step.saturating_abs() / 1_000_000 > DISAGREEMENT {
            return Heard::Contradicted(step / 1_000_000);
        }
        self.known = Some(Known { boot, ..known });
        if step / 1_000 == 0 { Heard::Agreed } else { Heard::Moved(step / 1_000) }
    }

    /// Takes the `Date` of the cloud's reply for it: `unix` seconds since 1970 at `moment`, `authenticated` if it came
    /// under a checked certificate. The second has begun, nobody knows how long ago: half a second is the best guess.
    pub fn hear_server(&mut self, unix: i64, moment: Instant, authenticated: bool) -> Heard {
        if !plausible(unix) {
            return Heard::Absurd;
        }
        let boot = unix.saturating_mul(1_000_000).saturating_add(500_000).saturating_sub(micros(moment));
        let Some(known) = &mut self.known else {
            self.known = Some(Known { boot, authenticated });
            return Heard::Set;
        };
        let step = boot.saturating_sub(known.boot) / 1_000_000;
        if step.saturating_abs() <= DISAGREEMENT {
            known.authenticated |= authenticated;
            Heard::Agreed
        } else if authenticated {
            *known = Known { boot, authenticated };
            Heard::Moved(step.saturating_mul(1_000))
        } else {
            Heard::Contradicted(step)
        }
    }
}

/// Whether it can be `unix`, in seconds since 1970: not before the release, not beyond the device's life.
pub(crate) fn plausible(unix: i64) -> bool {
    (EARLIEST..LATEST).contains(&unix)
}

fn micros(moment: Instant) -> i64 {
    i64::try_from(moment.as_micros()).unwrap_or(i64::MAX)
}

/// A moment as ISO 8601 in UTC, to the second: `2026-01-01T00:05:00Z`; input in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iso8601(pub i64);

impl fmt::Display for Iso8601 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp(self.0, 0) {
            Some(t) => write!(
                f,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                t.year(),
                t.month(),
                t.day(),
                t.hour(),
                t.minute(),
                t.second()
            ),
            None => f.write_str("a time out of range"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = RELEASE_DATE;

    fn at(secs: u64) -> Instant {
        Instant::from_secs(secs)
    }

    #[test]
    fn time_since_boot_becomes_calendar_time_for_readings_before_and_after() {
        let mut clock = WallClock::unknown();
        assert_eq!(clock.unix_time(at(3)), None);
        assert_eq!(clock.hear_sntp((START + 100) * 1_000_000 + 500_000, at(10)), Heard::Set);
        assert_eq!(clock.unix_time(at(3)), Some(START + 93));
        assert_eq!(clock.unix_time(at(3_610)), Some(START + 3_700));
    }

    #[test]
    fn a_time_before_the_release_is_not_believed() {
        let mut clock = WallClock::unknown();
        assert_eq!(clock.hear_sntp((START - 400 * 86_400) * 1_000_000, at(1)), Heard::Absurd);
        assert_eq!(clock.hear_sntp(i64::MAX, at(1)), Heard::Absurd);
        assert_eq!(clock.hear_server(i64::MIN, at(1), true), Heard::Absurd);
        assert!(!clock.is_known());
    }

    #[test]
    fn an_authenticated_date_overrules_sntp_and_not_the_reverse() {
        let mut clock = WallClock::unknown();
        clock.hear_sntp((START + 86_400 * 30) * 1_000_000, at(0));
        assert_eq!(clock.hear_server(START + 5, at(5), false), Heard::Contradicted(1 - 86_400 * 30));
        assert!(!clock.is_authenticated());
        assert_eq!(clock.hear_server(START + 5, at(5), true), Heard::Moved(1_000 * (1 - 86_400 * 30)));
        assert!(clock.is_authenticated());
        assert_eq!(clock.unix_time(at(5)), Some(START + 5));
        assert_eq!(clock.hear_sntp((START + 86_400 * 30) * 1_000_000, at(0)), Heard::Contradicted(86_400 * 30 - 1));
        assert_eq!(clock.hear_sntp((START + 7) * 1_000_000 + 250_000, at(7)), Heard::Moved(-250));
        assert_eq!(clock.hear_server(START + 30, at(7), true), Heard::Agreed);
        assert_eq!(clock.unix_time(at(7)), Some(START + 7));
    }

    #[test]
    fn moments_are_written_as_the_cloud_reads_them() {
        use std::string::ToString;
        assert_eq!(Iso8601(START + 300).to_string(), "2026-01-01T00:05:00Z");
        assert_eq!(Iso8601(951_827_696).to_string(), "2000-02-29T12:34:56Z");
        assert_eq!(Iso8601(i64::MAX).to_string(), "a time out of range");
    }
}
