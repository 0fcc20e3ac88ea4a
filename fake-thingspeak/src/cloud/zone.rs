//! The time zone that a request names: its times are read and shown in it.
//!
//! `timezone` is an IANA identifier (`Europe/Berlin`), of which the database is part of the program, so that the same
//! request has the same reply everywhere. `offset` is a number of hours and stays the same all year. What neither
//! names is UTC, and so is a zone that does not exist.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// A time zone; UTC by default.
#[derive(Clone, Default)]
pub struct Zone(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Utc,
    Fixed(UtcOffset),
    Named(Box<TimeZone>),
}

/// `UTC`, `UTC+02:00`, `Europe/Berlin`.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Utc => f.write_str("UTC"),
            Kind::Fixed(offset) => {
                let (hours, minutes, _) = offset.as_hms();
                write!(f, "UTC{hours:+03}:{:02}", minutes.abs())
            }
            Kind::Named(zone) => f.write_str(zone.iana_name().unwrap_or("a zone without a name")),
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Zone {
    /// The zone that the two parameters name; `timezone` counts over `offset`.
    pub fn of(timezone: Option<&str>, offset: Option<&str>) -> Self {
        if let Some(name) = timezone.filter(|name| !name.is_empty()) {
            let found = TimeZoneDatabase::bundled().get(name);
            return Self(found.map_or(Kind::Utc, |zone| Kind::Named(Box::new(zone))));
        }
        let hours = offset.map_or(0, whole_number);
        Self(match i8::try_from(hours) {
            // There are no zones beyond.
            Ok(hours @ (-12..=-1 | 1..=14)) => UtcOffset::from_hms(hours, 0, 0).map_or(Kind::Utc, Kind::Fixed),
            _ => Kind::Utc,
        })
    }

    /// `time` in this zone.
    pub fn local(&self, time: OffsetDateTime) -> OffsetDateTime {
        let offset = match &self.0 {
            Kind::Utc => UtcOffset::UTC,
            Kind::Fixed(offset) => *offset,
            Kind::Named(zone) => {
                let seconds = Timestamp::from_second(time.unix_timestamp()).map(|time| zone.to_offset(time).seconds());
                seconds.ok().and_then(|seconds| UtcOffset::from_whole_seconds(seconds).ok()).unwrap_or(UtcOffset::UTC)
            }
        };
        time.checked_to_offset(offset).unwrap_or(time)
    }

    /// When the clocks of this zone show `clock`: the earlier time if they do so twice, and as if they had not been put
    /// forward if they never do. `None` beyond the calendar.
    pub fn at(&self, clock: PrimitiveDateTime) -> Option<OffsetDateTime> {
        match &self.0 {
            Kind::Utc => Some(clock.assume_utc()),
            Kind::Fixed(offset) => clock.assume_offset(*offset).checked_to_offset(UtcOffset::UTC),
            Kind::Named(zone) => {
                let (date, time) = (clock.date(), clock.time());
                let small = |number: u8| i8::try_from(number).ok();
                let clock = DateTime::new(
                    i16::try_from(date.year()).ok()?,
                    small(u8::from(date.month()))?,
                    small(date.day())?,
                    small(time.hour())?,
                    small(time.minute())?,
                    small(time.second())?,
                    0,
                );
                OffsetDateTime::from_unix_timestamp(zone.to_timestamp(clock.ok()?).ok()?.as_second()).ok()
            }
        }
    }
}

/// The whole number that a text begins with, and 0 if it does not, as Ruby's `to_i` reads it.
pub(super) fn whole_number(text: &str) -> i64 {
    let text = text.trim_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let sign = text.len() - digits.len();
    match text[..sign + length].parse() {
        Ok(number) => number,
        Err(_) if length == 0 => 0,
        Err(_) => {
            if text.starts_with('-') {
                i64::MIN
            } else {
                i64::MAX
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{datetime, offset};

    use super::*;

    #[test]
    fn a_zone_has_its_offset_at_the_time() {
        let berlin = Zone::of(Some("Europe/Berlin"), Some("9"));
        assert_eq!(berlin.local(datetime!(2026-01-01 0:00 UTC)).offset(), offset!(+1));
        assert_eq!(berlin.local(datetime!(2026-07-01 0:00 UTC)).offset(), offset!(+2));
        assert_eq!(berlin.at(datetime!(2026-07-01 12:00)), Some(datetime!(2026-07-01 10:00 UTC)));
        // Twice, and never.
        assert_eq!(berlin.at(datetime!(2026-10-25 2:30)), Some(datetime!(2026-10-25 0:30 UTC)));
        assert_eq!(berlin.at(datetime!(2026-03-29 2:30)), Some(datetime!(2026-03-29 1:30 UTC)));
    }

    #[test]
    fn an_offset_is_in_whole_hours_and_what_is_none_is_utc() {
        let kathmandu = Zone::of(None, Some("5.75"));
        assert_eq!(kathmandu.local(datetime!(2026-07-01 0:00 UTC)).offset(), offset!(+5));
        assert_eq!(kathmandu.at(datetime!(2026-07-01 5:00)), Some(datetime!(2026-07-01 0:00 UTC)));
        for (timezone, offset) in [
            (None, None),
            (Some("Mars/Olympus"), Some("1")),
            (Some(""), Some("x")),
            (None, Some("15")),
            (None, Some("-99999999999999999999")),
        ] {
            assert!(matches!(Zone::of(timezone, offset), Zone(Kind::Utc)), "{timezone:?} {offset:?}");
        }
        assert_eq!(Zone::of(None, Some("1")).at(datetime!(-9999-01-01 0:00)), None);
    }
}
