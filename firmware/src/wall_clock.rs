//! The calendar: what time it is, and how sure we are.
//!
//! The device has no clock of its own, only the time since boot. An SNTP reply or the `Date` of the cloud's reply tells
//! what the calendar said at boot; everything else is a sum.
//!
//! SNTP is not authenticated and a `Date` under a checked certificate is, so such a `Date` overrules SNTP when they
//! disagree by more than a minute, and SNTP may from then on only trim the clock. A `Date` at which the certificate
//! that vouches for it is not valid contradicts itself and is not believed. An authenticated clock that has made a
//! certificate look out of date while SNTP tells another time is doubted ([`WallClock::doubt`]): one of the two is
//! wrong, and a server whose clock was wrong once must not silence the device for good.
//!
//! No source but an authenticated `Date` can lead before the *floor*: the newest authenticated time that was confirmed,
//! at most a week old, which flash keeps over a restart (`floor`). A device that has never had one has the date of
//! the firmware's release for a floor. The floor follows a time that two sources agree on (SNTP and a `Date`, or two
//! `Date`s in a row); while SNTP contradicts, the `Date`s have to agree for a day, so that neither a forged SNTP server
//! holds the floor down nor a server whose clock is wrong for an hour lifts it.
//!
//! What certificates are judged by while the time is not known or in doubt is the uploader's business
//! (`uploader::time_question`). Leap seconds and the drift of the crystal are not modelled; SNTP is asked again every
//! few hours instead.

use core::fmt;

use chrono::{DateTime, Datelike, Timelike};
use embassy_time::{Duration, Instant};

use crate::tls::Validity;

/// When this firmware was released, in seconds since 1970: the floor of a device that has never had an authenticated
/// time.
pub const RELEASE_DATE: i64 = 1_767_225_600; // 2026-01-01T00:00:00Z

/// A day of slack, for a clock that is a little slow on the day of the release.
const EARLIEST: i64 = RELEASE_DATE - 86_400;
/// 2100-01-01T00:00:00Z: later than this device will live.
const LATEST: i64 = 4_102_444_800;

/// How far SNTP and the server's `Date` may be apart before the `Date` wins, in seconds.
const DISAGREEMENT: i64 = 60;
/// How far the floor may lag behind the confirmed time, in seconds: a week, so that flash is written once a week.
const FLOOR_LAG: i64 = 7 * 86_400;
/// So long the cloud's `Date`s have to agree before they move the floor against SNTP's word.
const CONTRADICTED_PATIENCE: Duration = Duration::from_secs(86_400);

/// What the device knows of the calendar.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    known: Option<Known>,
    /// Seconds since 1970.
    floor: i64,
    /// Whether SNTP's last word was another than the authenticated time.
    contradicted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// Microseconds since 1970 at boot.
    boot: i64,
    /// Since when authenticated replies vouch for it, if they do.
    vouched: Option<Instant>,
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
    /// Before the floor, or absurdly late: not believed.
    Absurd,
    /// The certificate that vouches for this time is not valid then: not believed.
    OutsideCertificate,
    /// So many seconds away from what an authenticated reply said: not believed.
    Contradicted(i64),
}

impl WallClock {
    /// A clock that does not know the time, only the newest authenticated one that flash holds, in seconds since 1970.
    pub fn unknown(newest: Option<i64>) -> Self {
        let floor = newest.filter(|newest| plausible(*newest)).map_or(RELEASE_DATE, |newest| newest.max(RELEASE_DATE));
        Self { known: None, floor, contradicted: false }
    }

    /// Whether the time is known.
    pub const fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Whether an authenticated reply vouches for the time.
    pub const fn is_authenticated(&self) -> bool {
        matches!(self.known, Some(Known { vouched: Some(_), .. }))
    }

    /// No time before this is believed, in seconds since 1970, unless an authenticated reply tells it.
    pub const fn floor(&self) -> i64 {
        self.floor
    }

    /// Seconds since 1970 at `moment`, if the time is known.
    pub fn unix_time(&self, moment: Instant) -> Option<i64> {
        self.known.map(|known| known.boot.saturating_add(micros(moment)).div_euclid(1_000_000))
    }

    /// Takes an SNTP server's word for it: `unix_micros` microseconds since 1970 at `moment`.
    pub fn hear_sntp(&mut self, unix_micros: i64, moment: Instant) -> Heard {
        let unix = unix_micros.div_euclid(1_000_000);
        let boot = unix_micros.saturating_sub(micros(moment));
        let step = self.known.map_or(0, |known| boot.saturating_sub(known.boot));
        self.contradicted =
            plausible(unix) && self.is_authenticated() && step.saturating_abs() / 1_000_000 > DISAGREEMENT;
        if !plausible(unix) || self.floor > RELEASE_DATE && unix < self.floor - DISAGREEMENT {
            return Heard::Absurd;
        }
        let Some(known) = &mut self.known else {
            self.known = Some(Known { boot, vouched: None });
            return Heard::Set;
        };
        if self.contradicted {
            return Heard::Contradicted(step / 1_000_000);
        }
        known.boot = boot;
        if step / 1_000 == 0 { Heard::Agreed } else { Heard::Moved(step / 1_000) }
    }

    /// Takes the `Date` of the cloud's reply for it: `unix` seconds since 1970 at `moment`, authenticated if it came
    /// under checked `certificates`. The second has begun, nobody knows how long ago: half a second is the best guess.
    pub fn hear_server(&mut self, unix: i64, moment: Instant, certificates: Option<Validity>) -> Heard {
        if !plausible(unix) {
            return Heard::Absurd;
        }
        let Some(certificates) = certificates else { return self.hear_anybody(unix, moment) };
        if !u64::try_from(unix).is_ok_and(|unix| certificates.contains(unix)) {
            return Heard::OutsideCertificate;
        }
        let boot = boot_time(unix, moment);
        let Some(known) = &mut self.known else {
            self.known = Some(Known { boot, vouched: Some(moment) });
            return Heard::Set;
        };
        let step = boot.saturating_sub(known.boot) / 1_000_000;
        if step.saturating_abs() > DISAGREEMENT {
            // What the clock was set by until now, if not by a `Date`, was SNTP.
            self.contradicted |= known.vouched.is_none();
            *known = Known { boot, vouched: Some(moment) };
            return Heard::Moved(step.saturating_mul(1_000));
        }
        let since = *known.vouched.get_or_insert(moment);
        if !self.contradicted || moment.saturating_duration_since(since) >= CONTRADICTED_PATIENCE {
            self.lift_floor(unix);
        }
        Heard::Agreed
    }

    /// Takes the `Date` of a reply that nobody vouches for.
    fn hear_anybody(&mut self, unix: i64, moment: Instant) -> Heard {
        let boot = boot_time(unix, moment);
        let Some(known) = &self.known else {
            self.known = Some(Known { boot, vouched: None });
            return Heard::Set;
        };
        let step = boot.saturating_sub(known.boot) / 1_000_000;
        if step.saturating_abs() <= DISAGREEMENT { Heard::Agreed } else { Heard::Contradicted(step) }
    }

    /// The floor follows a confirmed time, no more often than needed. It may go down: then it was wrong before.
    fn lift_floor(&mut self, unix: i64) {
        if !(self.floor - DISAGREEMENT..self.floor + FLOOR_LAG).contains(&unix) {
            self.floor = unix.max(RELEASE_DATE);
        }
    }

    /// A certificate is not valid at the time that authenticated replies have told. If SNTP tells another time, they
    /// are no longer believed; says whether that is so.
    pub fn doubt(&mut self) -> bool {
        match &mut self.known {
            Some(known) if self.contradicted && known.vouched.is_some() => {
                known.vouched = None;
                self.contradicted = false;
                true
            }
            _ => false,
        }
    }
}

/// Whether it can be `unix`, in seconds since 1970: not before the release, not beyond the device's life.
pub(crate) fn plausible(unix: i64) -> bool {
    (EARLIEST..LATEST).contains(&unix)
}

/// Microseconds since 1970 at boot, if `unix` seconds had begun at `moment`.
fn boot_time(unix: i64, moment: Instant) -> i64 {
    unix.saturating_mul(1_000_000).saturating_add(500_000).saturating_sub(micros(moment))
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
    const DAY: i64 = 86_400;
    /// From a year before the release to a year after it.
    const GOOD: Option<Validity> =
        Some(Validity { from: (START - 365 * DAY) as u64, until: (START + 365 * DAY) as u64 });

    fn at(secs: u64) -> Instant {
        Instant::from_secs(secs)
    }

    fn sntp(clock: &mut WallClock, unix: i64, moment: Instant) -> Heard {
        clock.hear_sntp(unix * 1_000_000, moment)
    }

    #[test]
    fn time_since_boot_becomes_calendar_time_for_readings_before_and_after() {
        let mut clock = WallClock::unknown(None);
        assert_eq!(clock.unix_time(at(3)), None);
        assert_eq!(clock.hear_sntp((START + 100) * 1_000_000 + 500_000, at(10)), Heard::Set);
        assert_eq!(clock.unix_time(at(3)), Some(START + 93));
        assert_eq!(clock.unix_time(at(3_610)), Some(START + 3_700));
    }

    #[test]
    fn a_time_before_the_release_is_not_believed() {
        let mut clock = WallClock::unknown(None);
        assert_eq!(sntp(&mut clock, START - 400 * DAY, at(1)), Heard::Absurd);
        assert_eq!(clock.hear_sntp(i64::MAX, at(1)), Heard::Absurd);
        assert_eq!(clock.hear_server(i64::MIN, at(1), GOOD), Heard::Absurd);
        assert!(!clock.is_known());
    }

    #[test]
    fn an_authenticated_date_overrules_sntp_and_not_the_reverse() {
        let mut clock = WallClock::unknown(None);
        sntp(&mut clock, START + DAY * 30, at(0));
        assert_eq!(clock.hear_server(START + 5, at(5), None), Heard::Contradicted(1 - DAY * 30));
        assert!(!clock.is_authenticated());
        assert_eq!(clock.hear_server(START + 5, at(5), GOOD), Heard::Moved(1_000 * (1 - DAY * 30)));
        assert!(clock.is_authenticated());
        assert_eq!(clock.unix_time(at(5)), Some(START + 5));
        assert_eq!(sntp(&mut clock, START + DAY * 30, at(0)), Heard::Contradicted(DAY * 30 - 1));
        assert_eq!(clock.hear_sntp((START + 7) * 1_000_000 + 250_000, at(7)), Heard::Moved(-250));
        assert_eq!(clock.hear_server(START + 30, at(7), GOOD), Heard::Agreed);
        assert_eq!(clock.unix_time(at(7)), Some(START + 7));
    }

    #[test]
    fn a_date_outside_of_its_own_certificate_is_not_believed() {
        for known in [false, true] {
            for date in [START + 366 * DAY, START + 5_000 * DAY] {
                let mut clock = WallClock::unknown(None);
                if known {
                    sntp(&mut clock, START + 9, at(9));
                }
                let before = clock.unix_time(at(20));
                assert_eq!(clock.hear_server(date, at(10), GOOD), Heard::OutsideCertificate);
                assert_eq!((clock.unix_time(at(20)), clock.is_authenticated()), (before, false));
            }
        }
        let mut young = GOOD;
        young.as_mut().unwrap().from = (START + 10 * DAY) as u64;
        let mut clock = WallClock::unknown(None);
        assert_eq!(clock.hear_server(START + 10 * DAY - 1, at(1), young), Heard::OutsideCertificate);
        assert_eq!(clock.hear_server(START + 10 * DAY, at(1), young), Heard::Set);
    }

    #[test]
    fn an_authenticated_time_is_doubted_only_if_sntp_tells_another() {
        let mut clock = WallClock::unknown(None);
        assert!(!clock.doubt());
        clock.hear_server(START + 300 * DAY, at(10), GOOD);
        assert!(!clock.doubt());
        assert!(matches!(sntp(&mut clock, START + 10, at(10)), Heard::Contradicted(_)));
        assert!(clock.doubt() && clock.is_known() && !clock.is_authenticated());
        assert!(!clock.doubt(), "once is enough");
        assert!(matches!(sntp(&mut clock, START + 20, at(20)), Heard::Moved(_)));

        clock.hear_server(START + 300 * DAY, at(20), GOOD);
        sntp(&mut clock, START + 20, at(20));
        // The server has been put right, so that nobody contradicts it any more.
        clock.hear_server(START + 30, at(30), GOOD);
        sntp(&mut clock, START + 40, at(40));
        assert!(!clock.doubt());
    }

    #[test]
    fn the_floor_is_lifted_by_two_that_agree_about_once_a_week() {
        let mut clock = WallClock::unknown(None);
        assert_eq!(clock.floor(), START);
        sntp(&mut clock, START + 20 * DAY, at(1));
        assert_eq!(clock.floor(), START, "SNTP alone lifts nothing");
        clock.hear_server(START + 20 * DAY + 4, at(5), None);
        assert_eq!(clock.floor(), START, "nor does a Date that nobody vouches for");
        clock.hear_server(START + 20 * DAY + 4, at(5), GOOD);
        assert_eq!(clock.floor(), START + 20 * DAY + 4);
        let mut moves = 0;
        let mut last = clock.floor();
        for hour in 0..24 * 365 * 8 / 10 {
            let seconds = hour * 3_600;
            clock.hear_server(START + 20 * DAY + 4 + seconds as i64, at(5 + seconds), GOOD);
            moves += usize::from(clock.floor() != last);
            last = clock.floor();
        }
        assert_eq!(moves, 292 / 7, "{last}");
    }

    #[test]
    fn nothing_but_a_vouched_date_leads_before_the_floor() {
        let floor = START + 100 * DAY;
        let mut clock = WallClock::unknown(Some(floor));
        assert_eq!(sntp(&mut clock, floor - 61, at(1)), Heard::Absurd);
        assert!(!clock.is_known());
        assert_eq!(sntp(&mut clock, floor - 5, at(1)), Heard::Set);
        assert_eq!(clock.hear_server(START + 50 * DAY, at(2), None), Heard::Contradicted(-50 * DAY + 5));
        assert!(matches!(clock.hear_server(START + 50 * DAY, at(2), GOOD), Heard::Moved(_)));
        assert_eq!(clock.floor(), floor);
        for newest in [i64::MIN, 0, START - 1, LATEST, i64::MAX] {
            assert_eq!(WallClock::unknown(Some(newest)).floor(), START, "{newest}");
        }
    }

    #[test]
    fn against_sntp_dates_must_agree_for_a_day_to_move_the_floor() {
        let mut clock = WallClock::unknown(None);
        sntp(&mut clock, START, at(0));
        let tell = |clock: &mut WallClock, hour: u64| {
            let heard = clock.hear_server(START + 80 * DAY + hour as i64 * 3_600, at(hour * 3_600), GOOD);
            sntp(clock, START + hour as i64 * 3_600, at(hour * 3_600));
            heard
        };
        assert!(matches!(tell(&mut clock, 0), Heard::Moved(_)));
        for hour in 1..24 {
            assert_eq!(tell(&mut clock, hour), Heard::Agreed);
            assert_eq!(clock.floor(), START, "hour {hour}");
        }
        tell(&mut clock, 24);
        assert_eq!(clock.floor(), START + 81 * DAY);
        // The server is put right: the floor comes down again once two agree.
        clock.hear_server(START + 90_000, at(90_000), GOOD);
        assert_eq!(sntp(&mut clock, START + 90_010, at(90_010)), Heard::Absurd, "it is still before the floor");
        clock.hear_server(START + 90_020, at(90_020), GOOD);
        assert_eq!(clock.floor(), START + 90_020);
    }

    #[test]
    fn moments_are_written_as_the_cloud_reads_them() {
        use std::string::ToString;
        assert_eq!(Iso8601(START + 300).to_string(), "2026-01-01T00:05:00Z");
        assert_eq!(Iso8601(951_827_696).to_string(), "2000-02-29T12:34:56Z");
        assert_eq!(Iso8601(i64::MAX).to_string(), "a time out of range");
    }
}
